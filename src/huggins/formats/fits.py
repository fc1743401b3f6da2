"""FITS, as far as spectra need it: the fast path.

Headers are searched, not parsed; the layout of a table is worked out once and kept, because
a survey's files share it; columns are converted straight from the file's bytes. Sizes are
checked against the file before anything is allocated. Whatever is not plainly one of the
usual cases goes to astropy (`huggins.formats.fallback`).

Layout of the format: FITS Standard 4.0, https://fits.gsfc.nasa.gov/fits_standard.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import DTypeLike, NDArray

    from huggins.formats.source import Source

BLOCK: Final = 2880
CARD: Final = 80
_END: Final = b"END" + b" " * 77
_HEADER_MAX: Final = 4 * 1024**2
# Layouts kept; a survey has some dozens, and one takes up to 200 kB.
_LAYOUTS_MAX: Final = 128

_TFORM = re.compile(r"\s*(\d*)([LXBIJKAEDCMPQ])")
_CODES: Final = {
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
_BITPIX: Final = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Column:
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
    before, after : bytes
        The header without the NAXIS2 card of tables, which differs between spectra.
    kind : str
        ``image``, ``table`` or ``other``.
    bitpix : int
    shape : tuple of int
        In numpy's order; for a table (rows, bytes in a row), rows being those of the header
        that it was first met in.
    behind : int
        Bytes behind the main data (PCOUNT).
    columns : dict
        By upper-case name.
    """

    before: bytes
    after: bytes
    kind: str
    bitpix: int
    shape: tuple[int, ...]
    behind: int
    columns: dict[str, Column]
    records: dict[tuple[str, ...], tuple[Struct, tuple[Column, ...]]] = field(
        default_factory=dict
    )


class Hdu:
    """One header and its data.

    Attributes
    ----------
    header : bytes
        Its cards.
    layout : Layout
    shape : tuple of int
        Of this very HDU.
    start, size : int
        Where its data begin, and how many bytes they are without the padding.
    """

    __slots__ = ("header", "index", "layout", "shape", "size", "source", "start")

    def __init__(
        self,
        source: Source,
        index: int,
        header: bytes,
        start: int,
        layout: Layout,
        shape: tuple[int, ...],
    ) -> None:
        self.source = source
        self.index = index
        self.header = header
        self.start = start
        self.layout = layout
        self.shape = shape
        count = 1
        for length in shape:
            count *= length
        self.size = (count if shape else 0) * (abs(layout.bitpix) // 8) + layout.behind

    @property
    def name(self) -> str:
        """EXTNAME in upper case, or empty."""
        return str(keyword(self.header, "EXTNAME") or "").upper()

    @property
    def rows(self) -> int:
        """Rows of a table."""
        return self.shape[0]

    def __contains__(self, column: str) -> bool:
        return column in self.layout.columns

    def get(self, name: str) -> Value | None:
        """Return the value of a header keyword, None where it is missing or unreadable."""
        return keyword(self.header, name)

    def column(self, name: str, dtype: DTypeLike, *, row: int | None = None) -> NDArray[Any]:
        """Return a column, in the machine's byte order.

        Parameters
        ----------
        name
            In upper case.
        dtype
            What to convert to.
        row
            Only this row, of a column of vectors.

        Returns
        -------
        ndarray, shape (rows,) or (rows, repeat) or (repeat,)

        Raises
        ------
        ReadError
            If the table has no such column, or the file ends before.
        """
        try:
            column = self.layout.columns[name]
        except KeyError:
            raise ReadError(
                f"the table in HDU {self.index} has no column {name}; it has "
                f"{_listed(self.layout.columns)}",
                self.source.path,
            ) from None
        kind, size, _ = _CODES[column.code]
        if not kind or column.code == "A" or column.scale != 1 or column.zero != 0:
            from huggins.formats import fallback

            values = fallback.column(self, name)
            values = values if row is None else values[row]
            return np.ascontiguousarray(values, dtype=dtype)
        row_bytes = self.shape[1]
        first, count = (0, self.shape[0]) if row is None else (row, 1)
        buffer, offset = self._data(first * row_bytes, count * row_bytes)
        raw: NDArray[Any] = np.ndarray(
            (count, column.repeat) if column.repeat != 1 else (count,),
            kind,
            buffer,
            offset + column.offset,
            (row_bytes, size) if column.repeat != 1 else (row_bytes,),
        )
        return (raw if row is None else raw[0]).astype(dtype, order="C")

    def text_column(self, name: str) -> list[str]:
        """Return a column of strings, without trailing blanks."""
        column = self.layout.columns[name]
        row_bytes = self.shape[1]
        buffer, offset = self._data(0, self.shape[0] * row_bytes)
        offset += column.offset
        return [
            _text(buffer[offset + i * row_bytes : offset + i * row_bytes + column.repeat])
            for i in range(self.shape[0])
        ]

    def record(self, names: tuple[str, ...], row: int = 0) -> dict[str, Any]:
        """Return scalars of one row, by name; columns that are missing are left out.

        Vectors give their first element; strings come without trailing blanks.
        """
        known = self.layout.records.get(names)
        if known is None:
            known = self.layout.records[names] = _record(self.layout, names)
        struct, columns = known
        buffer, offset = self._data(row * self.shape[1], self.shape[1])
        values = {}
        for column, value in zip(columns, struct.unpack_from(buffer, offset), strict=True):
            if column.code == "A":
                values[column.name] = _text(value)
            elif column.code == "L":
                values[column.name] = value == b"T"
            elif column.scale == 1 and column.zero == 0:
                values[column.name] = value
            else:
                values[column.name] = value * column.scale + column.zero
        return values

    def image(self, dtype: DTypeLike, *, first: int = 0, count: int | None = None) -> Any:
        """Return an image in the machine's byte order, or some of its rows.

        Parameters
        ----------
        dtype
            What to convert to.
        first, count
            Rows (of the slowest axis) to return; all by default.
        """
        if self.layout.kind != "image" or self.scaled:
            from huggins.formats import fallback

            values = fallback.image(self)
            stop = None if count is None else first + count
            return np.ascontiguousarray(values[first:stop], dtype=dtype)
        shape = self.shape
        if len(shape) < 1 or self.size == 0:
            raise ReadError(f"HDU {self.index} holds no data", self.source.path)
        rows = shape[0] - first if count is None else count
        pixel = abs(self.layout.bitpix) // 8
        row_bytes = pixel
        for length in shape[1:]:
            row_bytes *= length
        buffer, offset = self._data(first * row_bytes, rows * row_bytes)
        raw: NDArray[Any] = np.ndarray(
            (rows, *shape[1:]), _BITPIX[self.layout.bitpix], buffer, offset
        )
        return raw.astype(dtype)

    @property
    def scaled(self) -> bool:
        """Whether an image's values need BSCALE, BZERO or BLANK."""
        return (
            (keyword(self.header, "BSCALE") or 1) != 1
            or (keyword(self.header, "BZERO") or 0) != 0
            or (self.layout.bitpix > 0 and keyword(self.header, "BLANK") is not None)
        )

    def _data(self, offset: int, length: int) -> tuple[bytes, int]:
        """Return a buffer and the place in it where `offset` of the data lies."""
        place = self.start + offset
        if place + length <= len(self.source.head):
            return self.source.head, place
        return self.source.read(place, length), 0


class Fits:
    """The HDUs of a file, found one after another as they are asked for.

    Parameters
    ----------
    source
        A file that begins as FITS does.
    """

    __slots__ = ("_found", "_next", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        self._found: list[Hdu] = []
        self._next = 0

    def hdu(self, index: int) -> Hdu | None:
        """Return an HDU by its position; None where the file has fewer.

        Raises
        ------
        ReadError
            If it, or one before it, is damaged or cut off.
        """
        while len(self._found) <= index:
            if not self._more():
                return None
        return self._found[index]

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
        # A last block of the padding may be missing, and nothing else may.
        if at >= source.size:
            return False
        index = len(self._found)
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
        self._found.append(hdu)
        return True


_layouts: dict[bytes, list[Layout]] = {}

# In a table's header the fifth card is NAXIS2 (the standard fixes the order).
_ROWS = slice(4 * CARD, 5 * CARD)


def _known(source: Source, index: int, at: int) -> Hdu | None:
    """Return the table at `at` where a header like its own has been seen before."""
    head = source.head
    for layout in _layouts.get(head[at : at + _ROWS.start], ()):
        length = _ROWS.stop + len(layout.after)
        if head.startswith(layout.after, at + _ROWS.stop):
            rows = _natural(head[at + _ROWS.start : at + _ROWS.stop], b"NAXIS2  = ")
            if rows is None:
                return None
            header = head[at : at + length]
            shape = (rows, layout.shape[1])
            return Hdu(source, index, header, at + length, layout, shape)
    return None


def _parse(source: Source, index: int, at: int) -> Hdu:
    """Work out the HDU at `at` from its header."""
    header = _header(source, index, at)
    length = -(-len(header) // BLOCK) * BLOCK
    naxis = _required(source, index, header, "NAXIS", 0, 99)
    bitpix = _required(source, index, header, "BITPIX", -64, 64)
    if bitpix not in _BITPIX:
        raise ReadError(f"HDU {index} has an impossible BITPIX of {bitpix}", source.path)
    shape = tuple(
        _required(source, index, header, f"NAXIS{i}", 0, 1 << 48) for i in range(naxis, 0, -1)
    )
    behind = 0
    if index:
        gcount = keyword(header, "GCOUNT")
        behind = _required(source, index, header, "PCOUNT", 0, 1 << 48, default=0)
        if gcount not in (None, 1):
            raise ReadError(f"HDU {index} has random groups, no spectrum", source.path)
    elif naxis and shape[-1] == 0 and keyword(header, "GROUPS") is True:
        raise ReadError("this file has random groups, no spectrum", source.path)
    extension = str(keyword(header, "XTENSION") or "IMAGE").upper() if index else "IMAGE"
    if extension != "BINTABLE" or naxis != 2 or bitpix != 8:
        kind = "image" if extension == "IMAGE" else "other"
        layout = Layout(b"", b"", kind, bitpix, shape, behind * (abs(bitpix) // 8), {})
        return Hdu(source, index, header, at + length, layout, shape)
    columns = _columns(source, index, header, shape[1])
    compressed = keyword(header, "ZIMAGE") is True or keyword(header, "ZTABLE") is True
    layout = Layout(
        header[: _ROWS.start],
        source.read(at + _ROWS.stop, length - _ROWS.stop)
        if at + length <= source.size
        else b"",
        "other" if compressed else "table",
        bitpix,
        shape,
        behind,
        columns,
    )
    usual = _natural(header[_ROWS], b"NAXIS2  = ") == shape[0] and header.startswith(
        b"NAXIS1  = ", 3 * CARD
    )
    if usual and not compressed and layout.after:
        if sum(map(len, _layouts.values())) >= _LAYOUTS_MAX:
            _layouts.clear()
        _layouts.setdefault(layout.before, []).append(layout)
    return Hdu(source, index, header, at + length, layout, shape)


def _header(source: Source, index: int, at: int) -> bytes:
    """Return the cards of the header at `at`, END included."""
    text = source.head
    base = at
    if at >= len(text):
        text, base = b"", 0
    else:
        base = at
    # Headers are looked for in what has been read, then in ever larger pieces of the file.
    size = 16 * BLOCK
    while True:
        if not text:
            text, base = source.read(at, min(size, source.size - at)), 0
        place = base
        while (place := text.find(_END, place)) >= 0 and (place - base) % CARD:
            place += 1
        if place >= 0:
            return text[base : place + CARD]
        if at + size >= source.size or size >= _HEADER_MAX:
            raise ReadError(
                f"the header of HDU {index} has no end: the file is truncated or damaged; "
                "fetch it again",
                source.path,
            )
        size *= 4
        text = b""


def _natural(card: bytes, name: bytes) -> int | None:
    """Return the whole number of a card that must be `name`, None where it is no such."""
    if not card.startswith(name):
        return None
    value = card[len(name) :].partition(b"/")[0].strip()
    return int(value) if value.isdigit() else None


def _required(
    source: Source,
    index: int,
    header: bytes,
    name: str,
    low: int,
    high: int,
    *,
    default: int | None = None,
) -> int:
    value = keyword(header, name)
    if value is None and default is not None and header.find(name.encode()) < 0:
        return default
    if type(value) is not int or not low <= value <= high:
        raise ReadError(
            f"the header of HDU {index} is damaged: {name} is {value!r}; fetch it again",
            source.path,
        )
    return value


def _columns(source: Source, index: int, header: bytes, row_bytes: int) -> dict[str, Column]:
    """Read TTYPEn, TFORMn, TSCALn and TZEROn."""
    cards: dict[str, Value] = {}
    for at in range(0, len(header), CARD):
        if header[at : at + 5] in (b"TTYPE", b"TFORM", b"TSCAL", b"TZERO"):
            name = header[at : at + 8].decode("latin-1").rstrip()
            value = _value(header[at : at + CARD])
            if value is not None:
                cards.setdefault(name, value)
    fields = _required(source, index, header, "TFIELDS", 0, 999)
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
        size = _CODES[code][1]
        offset += -(-repeat // 8) if code == "X" else repeat * size
    if offset != row_bytes:
        raise ReadError(
            f"the header of HDU {index} is damaged: its columns take {offset} bytes a row, "
            f"NAXIS1 says {row_bytes}; fetch it again",
            source.path,
        )
    return columns


def _record(layout: Layout, names: tuple[str, ...]) -> tuple[Struct, tuple[Column, ...]]:
    """Return what unpacks the named columns of a row, and those columns."""
    found = (layout.columns[name] for name in names if name in layout.columns)
    columns = tuple(
        sorted((c for c in found if _CODES[c.code][2] and c.repeat > 0), key=lambda c: c.offset)
    )
    pieces = [">"]
    at = 0
    for column in columns:
        size = _CODES[column.code][1]
        width = column.repeat if column.code == "A" else 1
        pieces.append(f"{column.offset - at}x")
        pieces.append(f"{width}s" if column.code == "A" else _CODES[column.code][2])
        at = column.offset + width * size
    return Struct("".join(pieces)), columns


def keyword(header: bytes, name: str) -> Value | None:
    """Return the value of the first card of this name, None where there is none."""
    wanted = name.encode("latin-1").ljust(8) + b"="
    at = header.find(wanted)
    while at >= 0:
        if at % CARD == 0:
            return _value(header[at : at + CARD])
        at = header.find(wanted, at + 1)
    return None


def _value(card: bytes) -> Value | None:
    """Return what a card holds: text, number, truth value, or None where it cannot be read."""
    rest = card[9:].lstrip()
    if rest.startswith(b"'"):
        end = 1
        while (end := rest.find(b"'", end)) >= 0 and rest[end + 1 : end + 2] == b"'":
            end += 2
        if end < 0:
            return None
        return rest[1:end].decode("latin-1").replace("''", "'").rstrip()
    text = rest.partition(b"/")[0].strip().decode("latin-1")
    if text in ("T", "F"):
        return text == "T"
    if "_" in text:  # Python's numbers may hold it, those of FITS may not
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text.upper().replace("D", "E"))
    except ValueError:
        return None


def _text(value: bytes) -> str:
    """Return a table's string: it ends at a NUL, and trailing blanks do not count."""
    return value.partition(b"\0")[0].decode("latin-1").rstrip()


def _listed(columns: dict[str, Column]) -> str:
    names = [name for name in columns if name]
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
