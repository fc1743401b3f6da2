"""One HDU of a FITS file: columns, rows and images as arrays and plain Python values."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.fits.cards import Value, keyword
from huggins.fits.layout import CODES, TYPES, Layout, record_of

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from huggins.fits.layout import FitsColumn
    from huggins.fits.source import Source

# Codes of the columns that are numbers.
_NUMBERS: Final = "BIJKED"
# Bytes that are kept for the next column of the same rows.
_HELD_MAX: Final = 64 * 1024**2
# Bytes of a row beyond which a narrow column is read alone.
_WIDE: Final = 8192


class Hdu:
    """One header and its data.

    Attributes
    ----------
    layout : Layout
    shape : tuple of int
        Of this HDU's data, in numpy's order.
    at, start, size : int
        Offsets of its header and its data, and the bytes of the data without padding.
    """

    __slots__ = (
        "_header",
        "_held",
        "at",
        "index",
        "layout",
        "shape",
        "size",
        "source",
        "start",
    )

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
        self.size = layout.data_size(shape)
        self._header = b""
        self._held = (0, b"")  # what was read last, and where it begins

    @property
    def header(self) -> bytes:
        """Its cards and their padding, read when first used."""
        if not self._header:
            self._header = self.source.read(self.at, self.start - self.at)
        return self._header

    @property
    def name(self) -> str:
        """EXTNAME in upper case, or empty."""
        return str(keyword(self.header, "EXTNAME") or "").upper()

    @property
    def columns(self) -> dict[str, FitsColumn]:
        """Columns of a table, by upper-case name."""
        return self.layout.columns

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
            Type of the result; by default single precision stays so and the rest becomes
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
        all_rows = self.shape[0]
        first, count = rows or ((0, all_rows) if row is None else (row, 1))
        scaled = column.scale != 1 or column.zero != 0
        if not scaled and column.code in _NUMBERS:
            raw = self._rows(column, first, count)
        elif column.code == "L":
            raw = self._rows(column, first, count) == b"T"
        elif scaled and column.code in _NUMBERS and column.code != "K":
            # Numbers of up to 32 bits are exact in double precision.
            with np.errstate(all="ignore"):
                raw = self._rows(column, first, count) * np.float64(column.scale)
                raw += column.zero
        else:
            shape = (all_rows, column.repeat) if column.repeat != 1 else (all_rows,)
            raw = self._astropy(shape, name)[first : first + count]
        return _convert(raw if row is None else raw[0].reshape(-1), dtype)

    def strings(self, name: str, first: int, count: int) -> NDArray[np.bytes_]:
        """Return some rows of a column of text, shape (count,), without trailing blanks."""
        column = self.layout.columns[name]
        raw = self._rows(column, first, count)
        stripped: NDArray[np.bytes_] = np.strings.rstrip(raw)
        return stripped

    def ragged(self, name: str, first: int, count: int) -> list[NDArray[Any]]:
        """Return some rows of a column of vectors of variable length (TFORM P or Q).

        Raises
        ------
        ReadError
            If its descriptors point outside of the file, or its elements are no numbers.
        """
        column = self.layout.columns[name]
        form = str(self.get(f"TFORM{column.number}") or "")
        match = re.match(r"\s*\d*[PQ]([A-Z])", form)
        if match is None or match[1] not in _NUMBERS:
            raise ReadError(
                f"column {name} of HDU {self.index} holds {form!r}, no numbers",
                self.source.path,
            )
        kind, item, _ = CODES[match[1]]
        rows, row_bytes = self.shape
        heap = self.get("THEAP")
        start = heap if type(heap) is int and heap >= 0 else rows * row_bytes
        buffer, offset = self._data(first * row_bytes, count * row_bytes)
        descriptors = np.ndarray(
            (count, 2),
            ">i4" if column.code == "P" else ">i8",
            buffer,
            offset + column.offset,
            (row_bytes, column.size // 2),
        )
        values = []
        for length, place in descriptors.tolist():
            at = start + place
            if length < 0 or place < 0 or at + length * item > self.size:
                raise ReadError(
                    f"column {name} of HDU {self.index} is damaged: it points outside of the "
                    "table; fetch the file again",
                    self.source.path,
                )
            buffer, offset = self._data(at, length * item)
            raw: NDArray[Any] = np.ndarray((length,), kind, buffer, offset)
            part = _convert(raw, None)
            if column.scale != 1 or column.zero != 0:
                part = part * column.scale + column.zero
            values.append(part)
        return values

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
            if rows < shape[0]:
                return _convert(self._astropy(shape, rows=(first, rows)), dtype)
            return _convert(self._astropy(shape), dtype)
        row_bytes = abs(self.layout.bitpix) // 8 * math.prod(shape[1:])
        buffer, offset = self._data(first * row_bytes, rows * row_bytes)
        raw: NDArray[Any] = np.ndarray(
            (rows, *shape[1:]), TYPES[self.layout.bitpix], buffer, offset
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

    def _astropy(
        self,
        shape: tuple[int, ...],
        column: str | None = None,
        *,
        rows: tuple[int, int] | None = None,
    ) -> NDArray[Any]:
        """Return an image, some of its rows, or a whole column as astropy reads it."""
        from huggins.fits.fallback import read

        return read(self.source, self.index, self.size, shape, column, rows)

    def _data(self, offset: int, length: int) -> tuple[bytes, int]:
        """Return a buffer and the place in it where `offset` of the data lies."""
        place = self.start + offset
        if place + length <= len(self.source.head):
            return self.source.head, place
        at, held = self._held
        if at <= place and place + length <= at + len(held):
            return held, place - at
        block = self.source.read(place, length)
        if length <= _HELD_MAX:
            self._held = (place, block)
        return block, 0

    def _rows(self, column: FitsColumn, first: int, count: int) -> NDArray[Any]:
        row_bytes = self.shape[1]
        if count > 1 and row_bytes > _WIDE and 16 * column.size < row_bytes:
            return self._narrow(column, first, count)
        buffer, offset = self._data(first * row_bytes, count * row_bytes)
        return column.view(buffer, offset, count, row_bytes)

    def _narrow(self, column: FitsColumn, first: int, count: int) -> NDArray[Any]:
        """Return rows of one column, read one by one: the others are much wider."""
        row_bytes = self.shape[1]
        at = self.start + first * row_bytes + column.offset
        size = column.size
        parts = [self.source.read(at + row * row_bytes, size) for row in range(count)]
        return column._replace(offset=0).view(b"".join(parts), 0, count, size)


def _convert(raw: NDArray[Any], dtype: DTypeLike | None) -> NDArray[Any]:
    """Copy to the machine's byte order; see `Hdu.column`."""
    if dtype is None:
        dtype = np.float32 if raw.dtype.kind == "f" and raw.itemsize == 4 else np.float64
    kind = raw.dtype.kind
    if kind in "iu" or (kind == "f" and raw.itemsize == 4 and dtype is np.float32):
        return raw.astype(dtype, order="C")
    # Numbers too large for `dtype` are damage or fill values, nothing to warn of.
    with np.errstate(all="ignore"):
        return raw.astype(dtype, order="C")


def _text(value: bytes) -> str:
    """Return a table's string: it ends at a NUL, and trailing blanks do not count."""
    return value.partition(b"\0")[0].decode("latin-1").rstrip()


def _listed(columns: dict[str, FitsColumn]) -> str:
    names = [name for name in columns if name]
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
