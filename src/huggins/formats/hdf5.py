"""HDF5 files of many spectra on one grid: those of huggins, and the seed's of 2019.

The format is described in ``docs/reference/dataset.md``. The seed's files hold ``fluxes``
(N, 433), divided by their maximum and without errors, and ``classes`` (N, 13).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.identity import (
    fibre_bits,
    identifier,
    number,
    pipeline_result,
    position,
    whole,
)
from huggins.spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from huggins.fits.source import Source

NAME = "hdf5"
SEED_NAME = "hdf5-seed"

#: Version of the format that this reader knows.
SCHEMA: Final = 1
# Rows read at a time: 4 MB of pixels on the standard grid.
_CHUNK: Final = 512
# Left edge of the seed's first pixel, pixel width (dex of wavelength in A), pixels.
_SEED: Final = (3.56, 0.45 / 433, 433)
# Values that a byte of the file may stand for, at the best compression.
_PACKED_MAX: Final = 1000
_PIPELINE: Final = ("pipe_class", "pipe_subclass", "pipe_z", "pipe_zwarning")
_PER_ROW: Final = (
    "survey",
    "targetid",
    "specobjid",
    "plate",
    "mjd",
    "fiberid",
    "ra",
    "dec",
    "zwarning",
    *_PIPELINE,
)


def identify(source: Source) -> bool:
    """Whether this is an HDF5 file."""
    return source.head.startswith(b"\x89HDF\r\n\x1a\n")


def read(source: Source, *, air: bool = False) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of all rows."""
    import h5py

    path = source.path
    with _reading(path):
        file: Any = h5py.File(source.handle(), "r")
    with file:
        with _reading(path):
            ours, seed = "huggins_schema" in file.attrs, "fluxes" in file
            held = ", ".join(sorted(file)[:20]) or "nothing"
        if ours:
            yield from _rows(file, source)
        elif seed:
            yield from _seed(file, source)
        else:
            raise ReadError(
                f"no HDF5 file of spectra that huggins knows: it holds {held}", path
            )


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Turn whatever h5py raises over a damaged file, which is nearly anything, to ReadError."""
    try:
        yield
    except ReadError:
        raise
    except Exception as error:
        raise ReadError(
            f"this HDF5 file is damaged ({error}): fetch or build it again", path
        ) from error


def _rows(file: Any, source: Source) -> Iterator[Spectrum | ReadError]:
    path = source.path
    with _reading(path):
        start, step, shape = _described(file, source)
        columns = [name for name in _PER_ROW if name in file and file[name].shape == shape[:1]]
    loglam = _loglam(start, step, shape[1])
    for first in range(0, shape[0], _CHUNK):
        rows = slice(first, min(first + _CHUNK, shape[0]))
        with _reading(path):
            flux, ivar = _block(file, "flux", rows), _block(file, "ivar", rows)
            values = {name: _column(file, name, rows) for name in columns}
        for i in range(len(flux)):
            row = {name: column[i] for name, column in values.items()}
            yield _spectrum(loglam, flux[i], ivar[i], path, first + i, row)


def _described(file: Any, source: Source) -> tuple[float, float, tuple[int, int]]:
    """Return loglam_start, loglam_step and the shape of flux, once they have been checked."""
    path = source.path
    schema = np.asarray(file.attrs["huggins_schema"]).tolist()
    if schema != SCHEMA:
        raise ReadError(
            f"the file is of schema {schema}, this huggins reads schema {SCHEMA}: install the "
            "huggins that wrote it, or build it again",
            path,
        )
    missing = [name for name in ("flux", "ivar") if name not in file]
    missing += [name for name in ("loglam_start", "loglam_step") if name not in file.attrs]
    if missing:
        raise ReadError(f"the file has no {', '.join(missing)}: build it again", path)
    start, step = (
        number(np.asarray(file.attrs[name]).tolist())
        for name in ("loglam_start", "loglam_step")
    )
    shape = _shape(file["flux"], source)
    if len(shape) != 2 or file["ivar"].shape != shape or not start or not step or step <= 0:
        raise ReadError(
            "flux and ivar must both be of shape (N, L), loglam_start and loglam_step numbers: "
            "build it again",
            path,
        )
    return start, step, (shape[0], shape[1])


def _shape(dataset: Any, source: Source) -> tuple[int, ...]:
    """Return a dataset's shape, unless it promises far more than the file can hold."""
    shape: tuple[int, ...] = tuple(dataset.shape)
    size = 1
    for length in shape:
        size *= length
    if size > _PACKED_MAX * source.size:
        raise ReadError(
            f"this HDF5 file is damaged (it promises {size} values in {source.size} bytes): "
            "fetch or build it again",
            source.path,
        )
    if not size:
        raise ReadError("the file holds no spectrum: build it again", source.path)
    return shape


def _spectrum(
    loglam: NDArray[np.float64],
    flux: NDArray[np.float32],
    ivar: NDArray[np.float32],
    path: str,
    index: int,
    row: dict[str, Any],
) -> Spectrum:
    ra, dec = position(row.get("ra"), row.get("dec"))
    return Spectrum(
        loglam,
        flux,
        ivar,
        file=path,
        index=index,
        format=NAME,
        survey=row.get("survey", ""),
        plate=whole(row.get("plate")),
        mjd=whole(row.get("mjd")),
        fiberid=whole(row.get("fiberid")),
        targetid=row.get("targetid") or None,
        specobjid=identifier(row.get("specobjid", "")),
        ra=ra,
        dec=dec,
        zwarning=fibre_bits(whole(row.get("zwarning"))),
        pipeline=pipeline_result(row.get, _PIPELINE),
    )


def _seed(file: Any, source: Source) -> Iterator[Spectrum | ReadError]:
    path = source.path
    start, step, size = _SEED
    with _reading(path):
        shape = _shape(file["fluxes"], source)
    if len(shape) not in (2, 3) or shape[1] != size or shape[2:] not in ((), (1,)):
        raise ReadError(
            f"'fluxes' is of shape {shape}, the seed's layout is (N, {size}): build it again",
            path,
        )
    loglam = _loglam(start, step, size)
    for first in range(0, shape[0], _CHUNK):
        rows = slice(first, min(first + _CHUNK, shape[0]))
        with _reading(path):
            flux = _block(file, "fluxes", rows).reshape(-1, size)
        for i in range(len(flux)):
            # Without errors every finite flux counts alike.
            ivar = np.isfinite(flux[i]).astype(np.float32)
            yield Spectrum(loglam, flux[i], ivar, file=path, index=first + i, format=SEED_NAME)


def _loglam(start: float, step: float, size: int) -> NDArray[np.float64]:
    """Return the pixels' centres, given the left edge of the first; all spectra share it."""
    loglam: NDArray[np.float64] = start + step * (np.arange(size, dtype=np.float64) + 0.5)
    loglam.flags.writeable = False
    return loglam


def _block(file: Any, name: str, rows: slice) -> NDArray[np.float32]:
    return np.asarray(file[name][rows], dtype=np.float32)


def _column(file: Any, name: str, rows: slice) -> list[Any]:
    """Return a column as plain Python values; strings as str."""
    dataset = file[name]
    values: list[Any] = dataset[rows].tolist()
    if dataset.dtype.kind in "OS":
        return [value.decode("utf-8", "replace") for value in values]
    return values
