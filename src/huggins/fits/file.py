"""A FITS file of spectra, as far as they need it: the fast path.

Headers are searched, not parsed; the layout of a table is worked out once and kept, because
a survey's files share it; columns are converted straight from the file's bytes. Sizes are
checked against the file before anything is allocated. What is not one of the usual cases goes
to astropy (`huggins.fits.fallback`).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from huggins.errors import ReadError
from huggins.fits.cards import BLOCK, CARD, card, damaged, header_end, natural
from huggins.fits.hdu import Hdu
from huggins.fits.layout import Layout, read_layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggins.fits.source import Source

_HEADER_MAX: Final = 4 * 1024**2
# Layouts kept; a survey has some dozens, and one takes up to 200 kB.
_LAYOUTS_MAX: Final = 128


class Fits:
    """The HDUs of a FITS file, located one by one as they are needed.

    Parameters
    ----------
    source
        A file that begins as FITS does.
    """

    __slots__ = ("_hdus", "_next", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        self._hdus: list[Hdu] = []
        self._next = 0

    def hdu(self, index: int) -> Hdu | None:
        """Return an HDU by its position; None where the file has fewer.

        Raises
        ------
        ReadError
            If it, or one before it, is damaged or truncated.
        """
        while len(self._hdus) <= index:
            if not self._more():
                return None
        return self._hdus[index]

    def __iter__(self) -> Iterator[Hdu]:
        index = 0
        while (hdu := self.hdu(index)) is not None:
            yield hdu
            index += 1

    def named(self, name: str) -> Hdu | None:
        """Return the first HDU of this EXTNAME (upper case); None where there is none."""
        return next((hdu for hdu in self if hdu.name == name), None)

    def _more(self) -> bool:
        source = self.source
        at = self._next
        if at >= source.size:
            return False
        index = len(self._hdus)
        if at + CARD <= len(source.head):
            block, local = source.head, at
        else:
            block, local = source.read(at, min(CARD, source.size - at)), 0
        if not block.startswith(b"XTENSION" if index else b"SIMPLE  =", local):
            if index and not block[local : local + CARD].strip(b"\0 "):
                return False  # padding behind the last HDU
            if index and source.size - at < CARD:
                raise ReadError("the file is truncated: fetch it again", source.path)
            if index:
                return False  # "special records" behind the HDUs: the standard allows them
            raise ReadError("this is no FITS file", source.path)
        hdu = _known(source, index, at) or _parse(source, index, at)
        if hdu.start + hdu.size > source.size:
            raise ReadError(
                f"the file is truncated: HDU {index} ends at byte {hdu.start + hdu.size}, "
                f"the file at {source.size}; fetch it again",
                source.path,
            )
        self._next = hdu.start + -(-hdu.size // BLOCK) * BLOCK
        self._hdus.append(hdu)
        return True


_layouts: dict[bytes, list[Layout]] = {}

# In a table's header the fifth card is NAXIS2 (the standard fixes the order).
_ROWS: Final = slice(4 * CARD, 5 * CARD)
# How the second and third card of most files begin: the primary HDU has no data.
_BYTES: Final = card("BITPIX", 8)[:31]
_NO_AXES: Final = card("NAXIS", 0)[:31]
# Cards that differ between files of one layout.
_VOLATILE: Final = (b"CHECKSUM=", b"DATASUM =", b"DATE    =")


def _known(source: Source, index: int, at: int) -> Hdu | None:
    """Return the table at `at` if its layout is known; else None."""
    head = source.head
    for layout in _layouts.get(head[at : at + _ROWS.start], ()):
        if all(head.startswith(piece, at + offset) for offset, piece in layout.pieces):
            rows = natural(head[at + _ROWS.start : at + _ROWS.stop], b"NAXIS2  = ")
            if rows is None:
                return None
            shape = (rows, layout.shape[1])
            return Hdu(source, index, at, at + layout.length, layout, shape)
    return None


def _keep(layout: Layout, header: bytes) -> None:
    """Keep a table's layout if the cards of its header are in the standard's order."""
    rows = natural(header[_ROWS], b"NAXIS2  = ")
    if rows != layout.shape[0] or not header.startswith(b"NAXIS1  = ", 3 * CARD):
        return
    cuts = [_ROWS.start]
    for name in _VOLATILE:
        place = header.find(name)
        while place >= 0:
            if place % CARD == 0:
                cuts.append(place)
            place = header.find(name, place + 1)
    cuts = [*sorted(cuts), len(header)]
    layout.pieces = tuple(
        (cut + CARD, header[cut + CARD : following])
        for cut, following in itertools.pairwise(cuts)
        if following > cut + CARD
    )
    if sum(map(len, _layouts.values())) >= _LAYOUTS_MAX:
        _layouts.clear()
    _layouts.setdefault(header[: _ROWS.start], []).append(layout)


def _parse(source: Source, index: int, at: int) -> Hdu:
    """Work out the HDU at `at` from its header."""
    header = _header(source, index, at)
    if index == 0 and header.startswith(_BYTES, CARD) and header.startswith(_NO_AXES, 2 * CARD):
        length = -(-len(header) // BLOCK) * BLOCK
        return Hdu(source, index, at, at + length, Layout(length, "image", 8, (), 0, {}), ())
    layout = read_layout(header, index, source.path)
    if layout.kind == "table":
        _keep(layout, header)
    return Hdu(source, index, at, at + layout.length, layout, layout.shape)


def _header(source: Source, index: int, at: int) -> bytes:
    """Return the cards of the header at `at`, END included."""
    # END is looked for in what has been read, then in ever larger pieces of the file.
    text, base = (source.head, at) if at < len(source.head) else (b"", 0)
    size = len(text) - base
    while True:
        if not text:
            text, base = source.read(at, min(size, source.size - at)), 0
        end = header_end(text, base)
        if end >= 0:
            header = text[base:end]
            # Where another header begins inside this one, its END is damaged.
            following = header.find(b"XTENSION=", CARD)
            if following >= 0 and following % BLOCK == 0:
                break
            return header
        if at + size >= source.size or size >= _HEADER_MAX:
            break
        size = max(4 * size, 16 * BLOCK)
        text = b""
    raise damaged(index, "it has no end", source.path)
