"""Containers of many spec files, as ``huggins shrink --pack`` writes them.

The primary header has HUGPACK, the version of the layout. HDU 1 (COADD) holds the pixels of all
spectra, one after another, in the columns of the spec files; HDU 2 (SPALL) the pipeline's rows,
unchanged; HDU 3 (SPECTRA), one row per spectrum, its FILE, its first row in HDU 1 (FIRST, from
0), its number of pixels (PIXELS), and its PRIMARY header. See ``docs/reference/pack.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.fits.cards import keyword
from huggins.formats.request import blocks
from huggins.formats.spec import ROW, identify_object
from huggins.spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from huggins.fits import Fits
    from huggins.fits.hdu import Hdu
    from huggins.formats.request import Request

NAME = "pack"

#: Version of the layout.
SCHEMA: Final = 1
# Pixels read at a time: 5 MB.
_CHUNK: Final = 1 << 18
_TARGETS: Final = ("CATALOGID", "SDSS_ID")


def identify(fits: Fits) -> bool:
    """Whether the primary header has HUGPACK."""
    primary = fits.hdu(0)
    return primary is not None and primary.get("HUGPACK") is not None


def read(fits: Fits, request: Request) -> Iterator[Spectrum]:
    """Yield the spectra, in order."""
    path = fits.source.path
    pixels, rows, index = _tables(fits)
    first = index.column("FIRST", np.int64)
    count = index.column("PIXELS", np.int64)
    ends = first + count
    if len(first) == 0 or first[0] != 0 or (count < 0).any() or ends[-1] != pixels.rows:
        raise _damaged(path)
    if (first[1:] != ends[:-1]).any():
        raise _damaged(path)
    for at, stop in _runs(request, rows, first, ends):
        block = (int(first[at]), int(ends[stop - 1] - first[at]))
        loglam = pixels.column("LOGLAM", np.float64, rows=block)
        flux = pixels.column("FLUX", rows=block)
        ivar = pixels.column("IVAR", rows=block)
        masked = "AND_MASK" in pixels
        mask = pixels.column("AND_MASK", np.int32, rows=block) if masked else None
        for i in range(at, stop):
            own = slice(int(first[i] - block[0]), int(ends[i] - block[0]))
            spectrum = Spectrum(
                loglam[own],
                flux[own],
                ivar[own],
                None if mask is None else mask[own].view(np.uint32),
                file=path,
                index=i,
                format=NAME,
            )
            row = rows.record(ROW, i) if rows is not None else {}
            run2d = row.get("RUN2D") or _run2d(index, i)
            identify_object(spectrum, row, str(run2d).strip())
            yield spectrum


def _runs(
    request: Request, rows: Hdu | None, first: NDArray[np.int64], ends: NDArray[np.int64]
) -> Iterator[tuple[int, int]]:
    """Yield runs of spectra to read at a time: the first, and the one behind the last."""
    targets = _column(rows, _TARGETS) if request.selection else None
    fibres = _column(rows, ("FIBERID",)) if request.selection else None
    for at, count in blocks(request.chosen(len(first), targets, fibres), len(first)):
        end = at + count
        while at < end:
            stop = max(int(np.searchsorted(ends, first[at] + _CHUNK, side="right")), at + 1)
            yield at, min(stop, end)
            at = stop


def _column(rows: Hdu | None, names: tuple[str, ...]) -> NDArray[Any] | None:
    """Return the first of these columns that there is."""
    name = next((name for name in names if rows is not None and name in rows), None)
    if rows is None or name is None:
        return None
    if rows.columns[name].code == "A":
        return rows.strings(name, 0, rows.rows)
    return rows.column(name, np.int64)


def _tables(fits: Fits) -> tuple[Hdu, Hdu | None, Hdu]:
    """Return the HDUs of pixels, pipeline and index, after checking them."""
    path = fits.source.path
    primary = fits.hdu(0)
    assert primary is not None
    version = primary.get("HUGPACK")
    if version != SCHEMA:
        raise ReadError(
            f"a container of version {version}, this huggins reads {SCHEMA}: install the "
            "huggins that wrote it",
            path,
        )
    pixels, index = fits.hdu(1), fits.named("SPECTRA")
    if pixels is None or index is None:
        raise _damaged(path)
    second = fits.hdu(2)
    rows = second if second is not None and second.name != "SPECTRA" else None
    if rows is not None and rows.rows != index.rows:
        raise _damaged(path)
    return pixels, rows, index


def _damaged(path: str) -> ReadError:
    return ReadError("the container is damaged: pack it again", path)


def _run2d(index: Hdu, row: int) -> Any:
    """Return RUN2D of a spectrum's own primary header; empty without one."""
    cards = str(index.record(("PRIMARY",), row).get("PRIMARY", ""))
    return keyword(cards.encode("latin-1"), "RUN2D") or ""
