"""Layout of the data of an HDU, from its header."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from huggins.errors import ReadError
from huggins.fits.cards import BLOCK, Value, damaged, keyword, required, split, value

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Types of images, by BITPIX.
TYPES: Final = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
#: Letters of TFORM: type of numpy, bytes, and format of `struct`.
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
_TFORM: Final = re.compile(r"\s*(\d*)([LXBIJKAEDCMPQ])")
#: Codes of integers, the columns that may have TNULL.
INTEGERS: Final = "BIJK"
_FIELDS: Final = (b"TTYPE", b"TFORM", b"TSCAL", b"TZERO", b"TNULL")
_LARGEST: Final = 1 << 48


class FitsColumn(NamedTuple):
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
    null : int or None
        TNULL.
    number : int
        Of the column in the header, from 1.
    """

    name: str
    offset: int
    repeat: int
    code: str
    scale: float | int = 1
    zero: float | int = 0
    null: int | None = None
    number: int = 0

    @property
    def size(self) -> int:
        """Bytes in a row."""
        if self.code == "X":
            return -(-self.repeat // 8)
        return self.repeat * CODES[self.code][1]

    def view(
        self, buffer: bytes | memoryview, offset: int, rows: int, row_bytes: int
    ) -> NDArray[Any]:
        """Return the stored values of rows that begin at `offset` of a buffer, not copied.

        Returns
        -------
        ndarray, shape (rows,) or (rows, repeat)
            Unscaled, in the byte order of FITS; strings as bytes.
        """
        kind, size, _ = CODES[self.code]
        shape: tuple[int, ...] = (rows,)
        strides: tuple[int, ...] = (row_bytes,)
        if self.code == "A":
            kind = f"S{self.repeat}"
        elif self.repeat != 1:
            shape, strides = (rows, self.repeat), (row_bytes, size)
        return np.ndarray(shape, kind, buffer, offset + self.offset, strides)


@dataclass(slots=True)
class Layout:
    """Shape of the data of an HDU.

    Attributes
    ----------
    length : int
        Bytes of the header, padding included.
    kind : str
        ``image``, ``table``, ``compressed`` (a tiled image or table) or ``other``.
    bitpix : int
    shape : tuple of int
        In numpy's order; for a table (rows, bytes per row), rows being those of the first
        header of this layout.
    behind : int
        Bytes behind the main data (PCOUNT).
    columns : dict
        By upper-case name.
    pieces : tuple of (int, bytes)
        Offsets and bytes of the header's parts that files of this layout share: all cards but
        NAXIS2, checksums and date. Empty where the layout is not kept.
    """

    length: int
    kind: str
    bitpix: int
    shape: tuple[int, ...]
    behind: int
    columns: dict[str, FitsColumn]
    pieces: tuple[tuple[int, bytes], ...] = ()
    records: dict[tuple[str, ...], tuple[Struct, tuple[FitsColumn, ...]]] = field(
        default_factory=dict
    )

    def data_size(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of data of this shape, without the padding."""
        count = math.prod(shape) if shape else 0
        return count * (abs(self.bitpix) // 8) + self.behind


def read_layout(header: bytes, index: int, path: str) -> Layout:
    """Return the layout of an HDU from the cards of its header, END included.

    Raises
    ------
    ReadError
        If the header is damaged, or of random groups.
    """

    def integer(name: str, low: int, high: int, default: int | None = None) -> int:
        return required(header, name, low, high, index=index, path=path, default=default)

    naxis = integer("NAXIS", 0, 99)
    bitpix = integer("BITPIX", -64, 64)
    if bitpix not in TYPES:
        raise damaged(index, f"BITPIX is {bitpix}", path)
    shape = tuple(integer(f"NAXIS{i}", 0, _LARGEST) for i in range(naxis, 0, -1))
    behind = 0
    extension = "IMAGE"
    if index:
        behind = integer("PCOUNT", 0, _LARGEST, 0) * (abs(bitpix) // 8)
        extension = str(keyword(header, "XTENSION") or extension).upper()
        groups = keyword(header, "GCOUNT") not in (None, 1)
    else:
        groups = bool(shape) and shape[-1] == 0 and keyword(header, "GROUPS") is True
    if groups:
        raise ReadError(f"HDU {index} holds random groups, no spectrum", path)
    kind = "image" if extension == "IMAGE" else "other"
    columns: dict[str, FitsColumn] = {}
    if extension == "BINTABLE" and naxis == 2 and bitpix == 8:
        columns = _columns(header, index, path, integer("TFIELDS", 0, 999), shape[1])
        tiled = keyword(header, "ZIMAGE") is True or keyword(header, "ZTABLE") is True
        kind = "compressed" if tiled else "table"
    length = -(-len(header) // BLOCK) * BLOCK
    return Layout(length, kind, bitpix, shape, behind, columns)


def _columns(
    header: bytes, index: int, path: str, fields: int, row_bytes: int
) -> dict[str, FitsColumn]:
    """Read TTYPEn, TFORMn, TSCALn, TZEROn and TNULLn."""
    cards: dict[str, Value | None] = {}
    for card in split(header):
        if card[:5] in _FIELDS and card[9:].partition(b"/")[0].strip():
            cards.setdefault(card[:8].decode("latin-1").rstrip(), value(card))
    columns: dict[str, FitsColumn] = {}
    offset = 0
    for i in range(1, fields + 1):
        form = cards.get(f"TFORM{i}")
        match = _TFORM.match(str(form))
        if match is None:
            raise damaged(index, f"TFORM{i} is {form!r}", path)
        scale, zero = cards.get(f"TSCAL{i}", 1), cards.get(f"TZERO{i}", 0)
        if not isinstance(scale, int | float) or not isinstance(zero, int | float):
            raise damaged(index, f"TSCAL{i} or TZERO{i} is no number", path)
        null = None
        if f"TNULL{i}" in cards and match[2] in INTEGERS:
            held = cards[f"TNULL{i}"]
            if type(held) is not int:
                raise damaged(index, f"TNULL{i} is {held!r}", path)
            null = held
        name = str(cards.get(f"TTYPE{i}") or "").strip().upper()
        column = FitsColumn(name, offset, int(match[1] or 1), match[2], scale, zero, null, i)
        columns.setdefault(name, column)
        offset += column.size
    if offset != row_bytes:
        raise damaged(
            index, f"its columns take {offset} bytes a row, NAXIS1 says {row_bytes}", path
        )
    return columns


def record_of(layout: Layout, names: tuple[str, ...]) -> tuple[Struct, tuple[FitsColumn, ...]]:
    """Return what unpacks the named columns of a row, and those columns."""
    named = (layout.columns[name] for name in names if name in layout.columns)
    columns = tuple(
        sorted((c for c in named if CODES[c.code][2] and c.repeat > 0), key=lambda c: c.offset)
    )
    pieces = [">"]
    at = 0
    for column in columns:
        width = column.repeat if column.code == "A" else 1
        pieces.append(f"{column.offset - at}x")
        pieces.append(f"{width}s" if column.code == "A" else CODES[column.code][2])
        at = column.offset + width * CODES[column.code][1]
    return Struct("".join(pieces)), columns
