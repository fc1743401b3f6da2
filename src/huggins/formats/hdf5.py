"""HDF5 files of many spectra on one grid: those of huggins, and the seed's of 2019.

The format is described in ``docs/reference/dataset.md``. The seed's files hold ``fluxes``
(N, 433), divided by their maximum and without errors, and ``classes`` (N, 13).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.identity import FIBRE_BITS, identifier, number, position, whole
from huggins.spectrum import Pipeline, Spectrum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from huggins.formats.source import Source

NAME = "hdf5"
SEED_NAME = "hdf5-seed"

#: Version of the format that this reader knows.
SCHEMA: Final = 1
# Rows read at a time: 4 MB of pixels on the standard grid.
_CHUNK: Final = 512
# Left edge of the seed's first pixel, pixel width (dex of wavelength in A), pixels.
_SEED: Final = (3.56, 0.45 / 433, 433)
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
    "pipe_class",
    "pipe_subclass",
    "pipe_z",
    "pipe_zwarning",
)


def read(source: Source) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of all rows."""
    import h5py

    try:
        file: Any = h5py.File(source.handle(), "r")
    except (OSError, RuntimeError, ValueError) as error:
        raise ReadError(f"this HDF5 file cannot be opened: {error}", source.path) from error
    with file:
        if "huggins_schema" in file.attrs:
            yield from _rows(file, source.path)
        elif "fluxes" in file:
            yield from _seed(file, source.path)
        else:
            held = ", ".join(sorted(file)[:20]) or "nothing"
            raise ReadError(
                f"no HDF5 file of spectra that huggins knows: it holds {held}", source.path
            )


def _rows(file: Any, path: str) -> Iterator[Spectrum | ReadError]:
    schema = file.attrs["huggins_schema"]
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
    shape = file["flux"].shape
    if len(shape) != 2 or file["ivar"].shape != shape or not start or not step or step <= 0:
        raise ReadError(
            "flux and ivar must both be of shape (N, L), loglam_start and loglam_step numbers: "
            "build it again",
            path,
        )
    columns = [name for name in _PER_ROW if name in file and file[name].shape == shape[:1]]
    loglam = _loglam(start, step, shape[1])
    for first in range(0, shape[0], _CHUNK):
        rows = slice(first, min(first + _CHUNK, shape[0]))
        flux, ivar = _block(file, "flux", rows, path), _block(file, "ivar", rows, path)
        values = {name: _column(file, name, rows, path) for name in columns}
        for i in range(len(flux)):
            row = {name: column[i] for name, column in values.items()}
            yield _spectrum(loglam, flux[i], ivar[i], path, first + i, row)


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
        zwarning=(whole(row.get("zwarning")) or 0) & FIBRE_BITS,
        pipeline=Pipeline(
            row.get("pipe_class", ""),
            row.get("pipe_subclass", ""),
            number(row.get("pipe_z")),
            whole(row.get("pipe_zwarning")),
        ),
    )


def _seed(file: Any, path: str) -> Iterator[Spectrum | ReadError]:
    start, step, size = _SEED
    shape = file["fluxes"].shape
    if len(shape) not in (2, 3) or shape[1] != size or shape[2:] not in ((), (1,)):
        raise ReadError(
            f"'fluxes' is of shape {shape}, the seed's layout is (N, {size}): build it again",
            path,
        )
    loglam = _loglam(start, step, size)
    for first in range(0, shape[0], _CHUNK):
        rows = slice(first, min(first + _CHUNK, shape[0]))
        flux = _block(file, "fluxes", rows, path).reshape(-1, size)
        for i in range(len(flux)):
            # Without errors every finite flux counts alike.
            ivar = np.isfinite(flux[i]).astype(np.float32)
            yield Spectrum(loglam, flux[i], ivar, file=path, index=first + i, format=SEED_NAME)


def _loglam(start: float, step: float, size: int) -> NDArray[np.float64]:
    """Return the pixels' centres, given the left edge of the first; all spectra share it."""
    loglam: NDArray[np.float64] = start + step * (np.arange(size, dtype=np.float64) + 0.5)
    loglam.flags.writeable = False
    return loglam


def _block(file: Any, name: str, rows: slice, path: str) -> NDArray[np.float32]:
    try:
        return np.asarray(file[name][rows], dtype=np.float32)
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        raise ReadError(
            f"'{name}' cannot be read: {error}; the file is damaged", path
        ) from error


def _column(file: Any, name: str, rows: slice, path: str) -> list[Any]:
    """Return a column as plain Python values; strings as str."""
    try:
        dataset = file[name]
        if dataset.dtype.kind in "OS":
            return [value.decode("utf-8", "replace") for value in dataset[rows].tolist()]
        values: list[Any] = dataset[rows].tolist()
    except (OSError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise ReadError(
            f"'{name}' cannot be read: {error}; the file is damaged", path
        ) from error
    return values
