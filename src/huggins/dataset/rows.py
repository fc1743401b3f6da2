"""Rows that differ in the widths of their text columns only, made to fit one table.

The pipeline writes text columns as wide as the file's own values (v5_13_0, data release 16:
CLASS is 4A for a star and 6A for a galaxy), so that files of one plate differ in layout
although their columns are the same. Wider columns hold the same values: a text ends at a NUL
(FITS Standard 4.0, section 7.3.3.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from huggins.fits.cards import CARD, keyword, split
from huggins.fits.layout import CODES, FitsColumn

if TYPE_CHECKING:
    from collections.abc import Sequence

# Values of up to eight characters at their place in fixed format; other cards are left as is.
_FORM: Final = re.compile(rb"TFORM([1-9]\d{0,2}) *= '(\d*)([A-Z]) *'")
_DIMENSIONS: Final = re.compile(rb"TDIM([1-9]\d{0,2}) *=")
_VALUE: Final = slice(10, 20)
_NAXIS1: Final = slice(3 * CARD, 4 * CARD)


@dataclass(frozen=True, slots=True)
class RowLayout:
    """Layout of the rows of a table.

    Attributes
    ----------
    cards : bytes
        Of the table's header, without END.
    sizes : tuple of int
        Bytes of each column.
    texts : dict of int to int
        Text columns that may be widened: their positions, and those of their TFORM cards.
    """

    cards: bytes
    sizes: tuple[int, ...] = ()
    texts: dict[int, int] = field(default_factory=dict)

    @property
    def widths(self) -> tuple[int, ...]:
        """Bytes of each text column."""
        return tuple(self.sizes[i] for i in self.texts)

    @property
    def alike(self) -> bytes:
        """Its cards without the widths of text, which rows of one table share."""
        return self._edited([b"'A'"] * len(self.texts), b"") if self.sizes else self.cards

    def header(self, widths: Sequence[int]) -> bytes:
        """Return its cards for text columns of these widths."""
        if tuple(widths) == self.widths:
            return self.cards
        total = sum(self.sizes) - sum(self.widths) + sum(widths)
        values = [f"'{f'{width}A':8}'".encode("ascii") for width in widths]
        return self._edited(values, b"%20d" % total + self.cards[_NAXIS1][30:])

    def row(self, row: bytes, widths: Sequence[int]) -> bytes:
        """Return a row for text columns of these widths."""
        new = dict(zip(self.texts, widths, strict=True))
        parts = []
        at = 0
        for i, size in enumerate(self.sizes):
            parts.append(row[at : at + size].ljust(new.get(i, size), b"\0"))
            at += size
        return b"".join(parts) if self.sizes else row

    def _edited(self, values: Sequence[bytes], row_bytes: bytes) -> bytes:
        cards = bytearray(self.cards)
        cards[_NAXIS1] = (b"NAXIS1  = " + row_bytes).ljust(CARD)
        for at, value in zip(self.texts.values(), values, strict=True):
            cards[at + _VALUE.start : at + _VALUE.stop] = value.ljust(10)
        return bytes(cards)


def row_layout(cards: bytes) -> RowLayout:
    """Return the layout of a table's rows from its cards, without END."""
    sizes: dict[int, int] = {}
    texts: dict[int, int] = {}
    fixed = set()
    for position, card in enumerate(split(cards)):
        if match := _DIMENSIONS.match(card):
            fixed.add(int(match[1]))
        if match := _FORM.match(card):
            number, code = int(match[1]), match[3].decode()
            if code not in CODES or code in "PQ":
                return RowLayout(cards)
            sizes[number] = FitsColumn("", 0, int(match[2] or 1), code).size
            if code == "A" and card[_VALUE].endswith(b"'"):
                texts[number] = position * CARD
    count = keyword(cards, "TFIELDS")
    if type(count) is not int or sorted(sizes) != list(range(1, count + 1)):
        return RowLayout(cards)
    return RowLayout(
        cards,
        tuple(sizes[number] for number in sorted(sizes)),
        {number - 1: texts[number] for number in sorted(texts) if number not in fixed},
    )
