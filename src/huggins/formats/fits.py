"""FITS, as far as spectra need it: the fast path.

Headers are searched, not parsed; the layout of a table is worked out once and kept, because
a survey's files share it; columns are converted straight from the file's bytes. Sizes are
checked against the file before anything is allocated. Whatever is not plainly one of the
usual cases goes to astropy (`huggins.formats.fallback`).

Layout of the format: FITS Standard 4.0, https://fits.gsfc.nasa.gov/fits_standard.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.cards import CARD, Value, keyword, natural, required
from huggins.formats.layout import CODES, Layout, read_columns, record_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import DTypeLike, NDArray

    from huggins.formats.layout import Column
    from huggins.formats.source import Source

BLOCK: Final = 2880
_END: Final = b"END" + b" " * 77
_HEADER_MAX: Final = 4 * 1024**2
# Layouts kept; a survey has some dozens, and one takes up to 200 kB.
_LAYOUTS_MAX: Final = 128
_BITPIX: Final = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


class Hdu:
    """One header and its data.

    Attributes
    ----------
    layout : Layout
    shape : tuple of int
        Of this very HDU.
    at, start, size : int
        Where its header and its data begin, and how many bytes the data are without the
        padding.
    """

    __slots__ = ("_header", "at", "index", "layout", "shape", "size", "source", "start")

    def __init__(
        self,
        source: Source,
        index: int,
        at: int,
        start: int,
        layout: Layout,
        shape: tuple[int, ...],
    ) -> None:
        self.source = source
        self.index = index
        self.at = at
        self.start = start
        self.layout = layout
        self.shape = shape
        count = 1
        for length in shape:
            count *= length
        self.size = (count if shape else 0) * (abs(layout.bitpix) // 8) + layout.behind
        self._header = b""

    @property
    def header(self) -> bytes:
        """Its cards, and their padding; read when they are first asked for."""
        if not self._header:
            self._header = self.source.read(self.at, self.start - self.at)
        return self._header

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

    def column(
        self,
        name: str,
        dtype: DTypeLike | None = None,
        *,
        row: int | None = None,
        rows: tuple[int, int] | None = None,
    ) -> NDArray[Any]:
        """Return a column, in the machine's byte order.

        Parameters
        ----------
        name
            In upper case.
        dtype
            What to convert to; single precision stays so by default, and the rest becomes
            double precision.
        row
            Only this row, of a column of vectors.
        rows
            Only these rows, of any column: the first, and how many.

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
        kind, size, _ = CODES[column.code]
        shape = (column.repeat,) if column.repeat != 1 else ()
        all_rows, row_bytes = self.shape
        first, count = rows or ((0, all_rows) if row is None else (row, 1))
        if not kind or column.code == "A" or column.scale != 1 or column.zero != 0:
            from huggins.formats import fallback

            values = fallback.column(self, name, (all_rows, *shape))[first : first + count]
            return _convert(values if row is None else values[0].reshape(-1), dtype)
        buffer, offset = self._data(first * row_bytes, count * row_bytes)
        strides = (row_bytes, size) if shape else (row_bytes,)
        raw: NDArray[Any] = np.ndarray(
            (count, *shape), kind, buffer, offset + column.offset, strides
        )
        return _convert(raw if row is None else raw[0].reshape(-1), dtype)

    def record(self, names: tuple[str, ...], row: int = 0) -> dict[str, Any]:
        """Return scalars of one row, by name; columns that are missing are left out.

        Vectors give their first element; strings come without trailing blanks.
        """
        known = self.layout.records.get(names)
        if known is None:
            known = self.layout.records[names] = record_of(self.layout, names)
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

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of an image, in numpy's order, unpacked where it is compressed."""
        if self.layout.kind == "image":
            return self.shape
        axes = self.get("ZNAXIS")
        if self.layout.kind != "compressed" or type(axes) is not int or not 0 < axes < 10:
            return ()
        lengths = [self.get(f"ZNAXIS{i}") for i in range(axes, 0, -1)]
        return tuple(n if type(n) is int and n >= 0 else 0 for n in lengths)

    def image(
        self, dtype: DTypeLike | None = None, *, first: int = 0, count: int | None = None
    ) -> NDArray[Any]:
        """Return an image in the machine's byte order, or some of its rows.

        Parameters
        ----------
        dtype
            As for `column`.
        first, count
            Rows (of the slowest axis) to return; all by default.

        Raises
        ------
        ReadError
            If this is no image, is empty, or the file ends before.
        """
        shape = self.image_shape
        if not shape or 0 in shape:
            raise ReadError(f"HDU {self.index} holds no image", self.source.path)
        rows = shape[0] - first if count is None else count
        if self.layout.kind == "compressed" or self.scaled:
            from huggins.formats import fallback

            return _convert(fallback.image(self, shape)[first : first + rows], dtype)
        row_bytes = abs(self.layout.bitpix) // 8
        for length in shape[1:]:
            row_bytes *= length
        buffer, offset = self._data(first * row_bytes, rows * row_bytes)
        raw: NDArray[Any] = np.ndarray(
            (rows, *shape[1:]), _BITPIX[self.layout.bitpix], buffer, offset
        )
        return _convert(raw, dtype)

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
            rows = natural(head[at + _ROWS.start : at + _ROWS.stop], b"NAXIS2  = ")
            if rows is None:
                return None
            return Hdu(source, index, at, at + length, layout, (rows, layout.shape[1]))
    return None


def _parse(source: Source, index: int, at: int) -> Hdu:
    """Work out the HDU at `at` from its header."""
    header = _header(source, index, at)
    length = -(-len(header) // BLOCK) * BLOCK
    naxis = required(source, index, header, "NAXIS", 0, 99)
    bitpix = required(source, index, header, "BITPIX", -64, 64)
    if bitpix not in _BITPIX:
        raise ReadError(f"HDU {index} has an impossible BITPIX of {bitpix}", source.path)
    shape = tuple(
        required(source, index, header, f"NAXIS{i}", 0, 1 << 48) for i in range(naxis, 0, -1)
    )
    behind = 0
    if index:
        gcount = keyword(header, "GCOUNT")
        behind = required(source, index, header, "PCOUNT", 0, 1 << 48, default=0)
        if gcount not in (None, 1):
            raise ReadError(f"HDU {index} has random groups, no spectrum", source.path)
    elif naxis and shape[-1] == 0 and keyword(header, "GROUPS") is True:
        raise ReadError("this file has random groups, no spectrum", source.path)
    extension = str(keyword(header, "XTENSION") or "IMAGE").upper() if index else "IMAGE"
    if extension != "BINTABLE" or naxis != 2 or bitpix != 8:
        kind = "image" if extension == "IMAGE" else "other"
        layout = Layout(b"", b"", kind, bitpix, shape, behind * (abs(bitpix) // 8), {})
        return Hdu(source, index, at, at + length, layout, shape)
    columns = read_columns(source, index, header, shape[1])
    compressed = keyword(header, "ZIMAGE") is True or keyword(header, "ZTABLE") is True
    layout = Layout(
        header[: _ROWS.start],
        source.read(at + _ROWS.stop, length - _ROWS.stop)
        if at + length <= source.size
        else b"",
        "compressed" if compressed else "table",
        bitpix,
        shape,
        behind,
        columns,
    )
    usual = natural(header[_ROWS], b"NAXIS2  = ") == shape[0] and header.startswith(
        b"NAXIS1  = ", 3 * CARD
    )
    if usual and not compressed and layout.after:
        if sum(map(len, _layouts.values())) >= _LAYOUTS_MAX:
            _layouts.clear()
        _layouts.setdefault(layout.before, []).append(layout)
    return Hdu(source, index, at, at + length, layout, shape)


def _header(source: Source, index: int, at: int) -> bytes:
    """Return the cards of the header at `at`, END included."""
    text, base = (source.head, at) if at < len(source.head) else (b"", 0)
    # Headers are looked for in what has been read, then in ever larger pieces of the file.
    size = 16 * BLOCK
    while True:
        if not text:
            text, base = source.read(at, min(size, source.size - at)), 0
        place = base
        while (place := text.find(_END, place)) >= 0 and (place - base) % CARD:
            place += 1
        if place >= 0:
            header = text[base : place + CARD]
            if _runs_on(header):
                break
            return header
        if at + size >= source.size or size >= _HEADER_MAX:
            break
        size *= 4
        text = b""
    raise ReadError(
        f"the header of HDU {index} has no end: the file is truncated or damaged; fetch it "
        "again",
        source.path,
    )


def _runs_on(header: bytes) -> bool:
    """Whether another header begins inside this one, whose END must then be damaged."""
    place = header.find(b"XTENSION=", CARD)
    return place >= 0 and place % BLOCK == 0


def _convert(raw: NDArray[Any], dtype: DTypeLike | None) -> NDArray[Any]:
    """Copy to the machine's byte order; see `Hdu.column`."""
    if dtype is None:
        dtype = np.float32 if raw.dtype.kind == "f" and raw.itemsize == 4 else np.float64
    if raw.itemsize == 4 and (dtype is np.float32 or dtype is np.float64):
        return raw.astype(dtype, order="C")
    # Numbers too large for `dtype` are damage or fill values, nothing to warn of.
    with np.errstate(all="ignore"):
        return raw.astype(dtype, order="C")


def _text(value: bytes) -> str:
    """Return a table's string: it ends at a NUL, and trailing blanks do not count."""
    return value.partition(b"\0")[0].decode("latin-1").rstrip()


def _listed(columns: dict[str, Column]) -> str:
    names = [name for name in columns if name]
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
