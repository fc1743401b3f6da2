"""Rows that differ in the widths of their text columns only, made to fit one table.

The pipeline writes text columns as wide as the file's own values (v5_13_0, data release 16:
CLASS is 4A for a star and 6A for a galaxy), so that files of one plate differ in layout
although their columns are the same. Wider columns hold the same values: a text ends at a NUL
(FITS Standard 4.0, section 7.3.3.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from huggins.fits.cards import CARD, keyword, split
from huggins.fits.layout import CODES, Column

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
    alike : bytes
        Its cards without the widths of text, which rows of one table share.
    sizes : tuple of int
        Bytes of each column.
    texts : tuple of int
        Positions of the text columns that may be widened.
    """

    alike: bytes
    sizes: tuple[int, ...]
    texts: tuple[int, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """Bytes of each text column."""
        return tuple(self.sizes[i] for i in self.texts)

    def widened(self, row: bytes, widths: Sequence[int]) -> bytes:
        """Return a row with text columns of these widths."""
        if tuple(widths) == self.widths:
            return row
        new = dict(zip(self.texts, widths, strict=True))
        parts = []
        at = 0
        for i, size in enumerate(self.sizes):
            parts.append(row[at : at + size].ljust(new.get(i, size), b"\0"))
            at += size
        return b"".join(parts)


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
                return RowLayout(cards, (), ())
            repeat = int(match[2] or 1)
            sizes[number] = Column("", 0, repeat, code).size
            if code == "A" and card[_VALUE].endswith(b"'"):
                texts[number] = position * CARD
    for number in fixed:
        texts.pop(number, None)
    count = keyword(cards, "TFIELDS")
    if type(count) is not int or sorted(sizes) != list(range(1, count + 1)):
        return RowLayout(cards, (), ())
    alike = bytearray(cards)
    alike[_NAXIS1] = b"NAXIS1".ljust(CARD)
    for at in texts.values():
        alike[at + _VALUE.start : at + _VALUE.stop] = b"'A'".ljust(10)
    return RowLayout(
        bytes(alike),
        tuple(sizes[i] for i in sorted(sizes)),
        tuple(number - 1 for number in sorted(texts)),
    )


def with_widths(cards: bytes, widths: Sequence[int]) -> bytes:
    """Return the cards of a table with text columns of these widths."""
    rows = row_layout(cards)
    if tuple(widths) == rows.widths:
        return cards
    wider = bytearray(cards)
    new = dict(zip(rows.texts, widths, strict=True))
    for at in range(0, len(cards), CARD):
        match = _FORM.match(cards, at)
        if match and int(match[1]) - 1 in new:
            value = f"'{f'{new[int(match[1]) - 1]}A':8}'".encode("ascii")
            wider[at + _VALUE.start : at + _VALUE.stop] = value
    total = sum(rows.sizes) + sum(widths) - sum(rows.widths)
    at = _NAXIS1.start
    wider[at + 10 : at + 30] = b"%20d" % total
    return bytes(wider)
