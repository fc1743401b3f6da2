"""HDF5 files of many spectra on one grid: those of huggins, and those of the seed of 2019.

The format is described in ``docs/reference/dataset.md``. The seed's files hold ``fluxes``
(N, 433), divided by their maximum and without errors, and ``classes`` (N, 13).
"""

from __future__ import annotations

import math
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats import hdf5_arrays
from huggins.formats.hdf5_arrays import DamagedError, reading
from huggins.formats.hdf5_heap import check_heaps
from huggins.formats.identity import (
    fibre_bits,
    identifier,
    number,
    pipeline_result,
    position,
    whole,
)
from huggins.formats.request import blocks
from huggins.spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from huggins.fits.source import Source
    from huggins.formats.request import Request

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
    *("survey", "targetid", "specobjid", "plate", "mjd", "fiberid", "ra", "dec", "zwarning"),
    *_PIPELINE,
)


def identify(source: Source) -> bool:
    """Whether this is an HDF5 file."""
    return source.head.startswith(b"\x89HDF\r\n\x1a\n")


def is_ours(source: Source) -> bool:
    """Whether huggins wrote this HDF5 file."""
    with _opened(source) as file:
        return _is_ours(file)


def check(source: Source) -> None:
    """Raise ReadError if this HDF5 file is whole, but holds no spectra that huggins knows."""
    with suppress(DamagedError), _opened(source) as file, reading(source.path):
        if not _is_ours(file) and "fluxes" not in file and not hdf5_arrays.holds_spectra(file):
            raise _unknown(file, source.path)


def read(source: Source, request: Request) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of all rows that are asked for."""
    path = source.path
    with _opened(source) as file:
        with reading(path):
            ours = _is_ours(file)
            others = not ours and ("fluxes" not in file or bool(request.columns))
            if others and not hdf5_arrays.holds_spectra(file, request):
                raise _unknown(file, path)
        if others:
            yield from hdf5_arrays.read(file, source, request)
            return
        with reading(path):
            if ours:
                start, step, shape = _grid(file, source)
                columns = _columns(file, shape[0])
            else:
                (start, step, _), shape = _SEED, _seed_shape(file, source)
                columns = []
        count, size = shape
        # Centres of the pixels, given the left edge of the first; all spectra share them.
        loglam: NDArray[np.float64] = start + step * (np.arange(size, dtype=np.float64) + 0.5)
        loglam.flags.writeable = False
        for first, number in blocks(_chosen(file, request, columns, count, path), _CHUNK):
            rows = slice(first, first + number)
            with reading(path):
                flux = _block(file, "flux" if ours else "fluxes", rows).reshape(-1, size)
                # Without errors every finite flux has the same weight.
                ivar = _block(file, "ivar", rows) if ours else np.isfinite(flux).astype("f4")
                values = {name: _column(file, name, rows) for name in columns}
            for i in range(len(flux)):
                spectrum = Spectrum(loglam, flux[i], ivar[i], file=path, index=first + i)
                spectrum.format = NAME if ours else SEED_NAME
                _identify(spectrum, {name: column[i] for name, column in values.items()})
                yield spectrum


def _chosen(
    file: Any, request: Request, columns: list[str], count: int, path: str
) -> NDArray[np.intp] | range:
    """Return the rows that are asked for."""
    if not request.selection:
        return range(count)
    whole_file = slice(0, count)
    with reading(path):
        targets = _column(file, "targetid", whole_file) if "targetid" in columns else None
        fibres = _column(file, "fiberid", whole_file) if "fiberid" in columns else None
    return request.chosen(count, targets, fibres)


def _is_ours(file: Any) -> bool:
    return "huggins_schema" in file.attrs


def _unknown(file: Any, path: str) -> ReadError:
    contents = ", ".join(sorted(file)[:20]) or "nothing"
    return ReadError(
        f"no HDF5 file of spectra that huggins knows: it holds {contents}; name the arrays "
        "with --columns wavelength=wl,flux=spec,error=sigma",
        path,
    )


@contextmanager
def _opened(source: Source) -> Iterator[Any]:
    import h5py

    check_heaps(source)
    with reading(source.path):
        file: Any = h5py.File(source.handle(), "r")
    with file:
        yield file


def _grid(file: Any, source: Source) -> tuple[float, float, tuple[int, int]]:
    """Return loglam_start, loglam_step and the shape of flux, after checking them."""
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
    size = math.prod(shape)
    if size > _PACKED_MAX * source.size:
        raise ReadError(
            f"this HDF5 file is damaged (it promises {size} values in {source.size} bytes): "
            "fetch or build it again",
            source.path,
        )
    if not size:
        raise ReadError("the file holds no spectrum: build it again", source.path)
    return shape


def _identify(spectrum: Spectrum, row: dict[str, Any]) -> None:
    """Fill in what the datasets of huggins hold besides the pixels."""
    spectrum.survey = row.get("survey", "")
    spectrum.plate = whole(row.get("plate"))
    spectrum.mjd = whole(row.get("mjd"))
    spectrum.fiberid = whole(row.get("fiberid"))
    spectrum.targetid = row.get("targetid") or None
    spectrum.specobjid = identifier(row.get("specobjid", ""))
    spectrum.ra, spectrum.dec = position(row.get("ra"), row.get("dec"))
    spectrum.zwarning = fibre_bits(whole(row.get("zwarning")))
    spectrum.pipeline = pipeline_result(row.get, _PIPELINE)


def _columns(file: Any, count: int) -> list[str]:
    return [name for name in _PER_ROW if name in file and file[name].shape == (count,)]


def _seed_shape(file: Any, source: Source) -> tuple[int, int]:
    shape = _shape(file["fluxes"], source)
    size = _SEED[2]
    if len(shape) not in (2, 3) or shape[1] != size or shape[2:] not in ((), (1,)):
        raise ReadError(
            f"'fluxes' is of shape {shape}, the seed's layout is (N, {size}): build it again",
            source.path,
        )
    return shape[0], size


def _block(file: Any, name: str, rows: slice) -> NDArray[np.float32]:
    return np.asarray(file[name][rows], dtype=np.float32)


def _column(file: Any, name: str, rows: slice) -> list[Any]:
    """Return a column as plain Python values; strings as str."""
    dataset = file[name]
    values: list[Any] = dataset[rows].tolist()
    if dataset.dtype.kind in "OS":
        return [value.decode("utf-8", "replace") for value in values]
    return values
