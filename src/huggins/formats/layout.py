"""What a FITS header says of the shape of its data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from huggins.errors import ReadError
from huggins.formats.cards import CARD, Value, required, value

if TYPE_CHECKING:
    from huggins.formats.source import Source

_TFORM = re.compile(r"\s*(\d*)([LXBIJKAEDCMPQ])")
CODES: Final = {
    "L": ("S1", 1, "c"),
    "B": ("u1", 1, "B"),
    "I": (">i2", 2, "h"),
    "J": (">i4", 4, "i"),
    "K": (">i8", 8, "q"),
    "E": (">f4", 4, "f"),
    "D": (">f8", 8, "d"),
    "A": ("S", 1, "s"),
    # Not decoded here, but their size counts.
    "X": ("", 1, ""),
    "C": ("", 8, ""),
    "M": ("", 16, ""),
    "P": ("", 8, ""),
    "Q": ("", 16, ""),
}


class Column(NamedTuple):
    """One column of a binary table.

    Attributes
    ----------
    offset : int
        Of its first byte in a row.
    repeat : int
        Elements in a row; characters for strings.
    code : str
        Letter of TFORM.
    scale, zero : float or int
        TSCAL and TZERO.
    """

    name: str
    offset: int
    repeat: int
    code: str
    scale: float | int = 1
    zero: float | int = 0


@dataclass(slots=True)
class Layout:
    """What a header says of the shape of its data.

    Attributes
    ----------
    length : int
        Bytes of the header, padding included.
    pieces : tuple of (int, bytes)
        The header as it must be found again, without the cards that differ between files of one
        kind: where each stretch begins, and what it is. Empty where the layout is not kept.
    kind : str
        ``image``, ``table``, ``compressed`` (a tiled image or table) or ``other``.
    bitpix : int
    shape : tuple of int
        In numpy's order; for a table (rows, bytes in a row), rows being those of the header
        that it was first met in.
    behind : int
        Bytes behind the main data (PCOUNT).
    columns : dict
        By upper-case name.
    """

    length: int
    pieces: tuple[tuple[int, bytes], ...]
    kind: str
    bitpix: int
    shape: tuple[int, ...]
    behind: int
    columns: dict[str, Column]
    records: dict[tuple[str, ...], tuple[Struct, tuple[Column, ...]]] = field(
        default_factory=dict
    )


def read_columns(
    source: Source, index: int, header: bytes, row_bytes: int
) -> dict[str, Column]:
    """Read TTYPEn, TFORMn, TSCALn and TZEROn."""
    cards: dict[str, Value] = {}
    for at in range(0, len(header), CARD):
        if header[at : at + 5] in (b"TTYPE", b"TFORM", b"TSCAL", b"TZERO"):
            name = header[at : at + 8].decode("latin-1").rstrip()
            held = value(header[at : at + CARD])
            if held is not None:
                cards.setdefault(name, held)
    fields = required(source, index, header, "TFIELDS", 0, 999)
    columns: dict[str, Column] = {}
    offset = 0
    for i in range(1, fields + 1):
        match = _TFORM.match(str(cards.get(f"TFORM{i}", "")))
        if match is None:
            raise ReadError(
                f"the header of HDU {index} is damaged: TFORM{i} is "
                f"{cards.get(f'TFORM{i}')!r}; fetch it again",
                source.path,
            )
        repeat = int(match[1]) if match[1] else 1
        code = match[2]
        name = str(cards.get(f"TTYPE{i}", "")).strip().upper()
        scale, zero = cards.get(f"TSCAL{i}", 1), cards.get(f"TZERO{i}", 0)
        if not isinstance(scale, int | float) or not isinstance(zero, int | float):
            raise ReadError(
                f"the header of HDU {index} is damaged: TSCAL{i} or TZERO{i} is no number",
                source.path,
            )
        columns.setdefault(name, Column(name, offset, repeat, code, scale, zero))
        size = CODES[code][1]
        offset += -(-repeat // 8) if code == "X" else repeat * size
    if offset != row_bytes:
        raise ReadError(
            f"the header of HDU {index} is damaged: its columns take {offset} bytes a row, "
            f"NAXIS1 says {row_bytes}; fetch it again",
            source.path,
        )
    return columns


def record_of(layout: Layout, names: tuple[str, ...]) -> tuple[Struct, tuple[Column, ...]]:
    """Return what unpacks the named columns of a row, and those columns."""
    found = (layout.columns[name] for name in names if name in layout.columns)
    columns = tuple(
        sorted((c for c in found if CODES[c.code][2] and c.repeat > 0), key=lambda c: c.offset)
    )
    pieces = [">"]
    at = 0
    for column in columns:
        size = CODES[column.code][1]
        width = column.repeat if column.code == "A" else 1
        pieces.append(f"{column.offset - at}x")
        pieces.append(f"{width}s" if column.code == "A" else CODES[column.code][2])
        at = column.offset + width * size
    return Struct("".join(pieces)), columns
