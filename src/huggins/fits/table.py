"""The first binary table of a FITS file, read in blocks of rows from front to back.

A survey's table may hold gigabytes in rows of kilobytes, of which a few dozen bytes are needed:
blocks of whole rows go through one buffer, also where the file is gzipped.
"""

from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from huggins.errors import InputError, ReadError
from huggins.fits.cards import BLOCK, damaged, header_end
from huggins.fits.layout import INTEGERS, Layout, read_layout
from huggins.fits.values import (
    ROWS,
    as_integers,
    as_numbers,
    opened,
    overflow,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.fits.layout import Column

# Most bytes of a row, and of a header.
_WIDEST: Final = 1 << 27
_HEADER_MAX: Final = 16 * 1024**2
# Bytes of one block of rows.
_BYTES: Final = 16 * 1024**2
# TZERO of unsigned 64-bit integers.
_UNSIGNED: Final = 1 << 63


class FitsTable:
    """The first binary table of a FITS file.

    Attributes
    ----------
    path : str
    names : list of str
        Its columns, in upper case.
    rows : int

    Raises
    ------
    InputError
        If the file is no FITS file, is cut off, or holds no table with rows.
    """

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._file = path
        try:
            with opened(path) as file:
                layout, self._start = _find_table(file, self.path)
        except ReadError as error:
            raise InputError(str(error)) from error
        self.rows, self._width = layout.shape
        self._columns = {name: column for name, column in layout.columns.items() if name}
        self.names = list(self._columns)
        if not self.rows or not self._width:
            raise InputError(f"{path}: the table has no rows")
        if self._width > _WIDEST:
            raise InputError(f"{path}: the table has rows of {self._width} bytes")
        if path.suffix.lower() != ".gz":
            size, end = path.stat().st_size, self._start + self.rows * self._width
            if size < end:
                raise self._cut_off((size - self._start) // self._width)

    def chunks(self, columns: tuple[str, ...]) -> Iterator[_FitsChunk]:
        """Yield all rows, in order, with these columns only.

        A chunk is valid until the next one is asked for: they share one buffer.
        """
        selected = {name: self._columns[name] for name in columns if name in self._columns}
        step = max(1, min(ROWS, _BYTES // self._width))
        buffer = bytearray(step * self._width)
        with opened(self._file) as file:
            file.seek(self._start)
            for start in range(0, self.rows, step):
                count = min(step, self.rows - start)
                block = memoryview(buffer)[: count * self._width]
                size = _fill(file, block, self.path)
                if size < len(block):
                    raise self._cut_off(start + size // self._width)
                yield _FitsChunk(self.path, start, count, block, self._width, selected)

    def _cut_off(self, rows: int) -> InputError:
        return InputError(
            f"{self.path}: the file is truncated: {max(0, rows)} of {self.rows} rows are "
            "there; fetch it again"
        )


class _FitsChunk:
    """Some rows of a table."""

    def __init__(
        self,
        path: str,
        start: int,
        count: int,
        block: memoryview,
        width: int,
        columns: dict[str, Column],
    ) -> None:
        self.path, self.start = path, start
        self._count, self._block, self._width = count, block, width
        self._columns = columns

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def number(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers, shape (N,); missing is NaN."""
        column = self._columns[name]
        if column.code == "A":
            return as_numbers(self.text(name), self.path, name, self.start)
        raw = self._raw(column)
        if column.code == "L":
            return np.where(raw == b"T", 1.0, np.where(raw == b"F", 0.0, np.nan))
        values: NDArray[np.float64] = raw.astype(np.float64)
        if column.null is not None:
            values[raw == column.null] = np.nan
        return values * column.scale + column.zero

    def integer(self, name: str, missing: int = -1) -> NDArray[np.int64]:
        """Return a column of integers, shape (N,), 64 bits exact."""
        column = self._columns[name]
        if column.code in INTEGERS and column.scale == 1 and float(column.zero).is_integer():
            raw = self._raw(column)
            if column.zero == _UNSIGNED:
                unsigned = _unsigned(raw)
                if (unsigned >= np.uint64(_UNSIGNED)).any():
                    raise overflow(self.path, name, self.start)
                values = unsigned.view(np.int64)
            else:
                values = raw.astype(np.int64) + int(column.zero)
            if column.null is not None:
                values[raw == column.null] = missing
            integers: NDArray[np.int64] = values
            return integers
        if column.code == "A":
            return as_integers(self.text(name), self.path, name, self.start, missing)
        return whole(self.number(name), self.path, name, self.start, missing)

    def text(self, name: str) -> NDArray[np.bytes_]:
        """Return a column as text without blanks around it, shape (N,); missing is empty."""
        column = self._columns[name]
        raw = self._raw(column)
        if column.code == "A":
            stripped: NDArray[np.bytes_] = np.strings.strip(raw)
            return stripped
        if column.code == "K" and column.zero == _UNSIGNED:
            words = _unsigned(raw).astype("S20")
        else:
            words = self.integer(name, missing=0).astype("S20")
        if column.null is not None:
            words[raw == column.null] = b""
        return words

    def _raw(self, column: Column) -> Any:
        if column.code not in "ALBIJKED" or (column.code != "A" and column.repeat != 1):
            raise InputError(
                f"{self.path}: column {column.name} holds vectors, one value a row is needed"
            )
        return column.view(self._block, 0, self._count, self._width)


def _unsigned(raw: NDArray[Any]) -> NDArray[np.uint64]:
    return raw.astype(np.int64).view(np.uint64) ^ np.uint64(_UNSIGNED)


def _fill(file: BinaryIO, block: memoryview, path: str) -> int:
    """Read until the block is full or the file ends; return how many bytes came."""
    size = 0
    try:
        while size < len(block):
            count = file.readinto(block[size:])  # type: ignore[attr-defined]
            if not count:
                break
            size += count
    except EOFError:
        pass  # a gzip file that is cut off: the caller says how far it went
    except (OSError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read: {error}; fetch it again") from error
    return size


def _find_table(file: BinaryIO, path: str) -> tuple[Layout, int]:
    """Return the layout of the first binary table and where its rows begin."""
    at = 0
    for index in itertools.count():
        header = _read_header(file, index, path)
        if not header:
            break
        layout = read_layout(header, index, path, len(header))
        at += len(header)
        if layout.kind == "table":
            return layout, at
        if layout.kind == "compressed":
            raise InputError(f"{path}: holds a compressed table: unpack it with funpack")
        at += -(-layout.data_size(layout.shape) // BLOCK) * BLOCK
        try:
            file.seek(at)
        except (OSError, EOFError, OverflowError, zlib.error) as error:
            raise InputError(f"{path}: cannot be read: {error}; fetch it again") from error
    raise InputError(f"{path}: holds no binary table")


def _read_header(file: BinaryIO, index: int, path: str) -> bytes:
    """Return the next header, padding included; nothing behind the last HDU."""
    start = b"XTENSION=" if index else b"SIMPLE  ="
    header = bytearray()
    block = bytearray(BLOCK)
    while len(header) < _HEADER_MAX:
        size = _fill(file, memoryview(block), path)
        if not header and not block[:size].startswith(start):
            if index:
                return b""
            raise InputError(f"{path}: this is no FITS file")
        if size < BLOCK:
            raise InputError(f"{path}: the file is truncated: fetch it again")
        if header and block.startswith(b"XTENSION="):
            break
        header += block
        if header_end(block) >= 0:
            return bytes(header)
    raise damaged(index, "it has no end", path)
