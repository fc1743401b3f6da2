"""The first binary table of a FITS file, read in blocks of rows from front to back.

A survey's table may hold gigabytes in rows of kilobytes, of which a few dozen bytes are needed:
blocks of whole rows go through one buffer, also where the file is gzipped.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from huggins.errors import InputError, ReadError
from huggins.fits.cards import keyword
from huggins.fits.file import Fits
from huggins.fits.layout import INTEGERS
from huggins.fits.paths import unpercent
from huggins.fits.source import Source
from huggins.fits.values import (
    ROWS,
    as_integers,
    as_numbers,
    opened,
    overflow,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.fits.layout import FitsColumn

# Most bytes of a row.
_WIDEST: Final = 1 << 27
# Bytes of one block of rows.
_BYTES: Final = 16 * 1024**2
# Cards of a header that say where a table comes from.
_ORIGIN: Final = (
    "CREATOR", "MODEL", "MODELVER", "MODELSHA", "BASISSHA", "ZFRAME", "CANDIDAT", "SETS",
    "ZGIVEN", "THRESHOL", "DATE",
)  # fmt: skip
# TZERO of unsigned 64-bit integers.
_UNSIGNED: Final = 1 << 63


class FitsTable:
    """The first binary table of a FITS file.

    Attributes
    ----------
    path : str
    names : list of str
        Its columns; in upper case, or with `upper` False as the header spells them and
        without columns of arrays.
    rows : int
    metadata : dict of str to str
        What the header records of its origin.

    Raises
    ------
    InputError
        If the file is no FITS file, is truncated, or holds no table with rows.
    """

    def __init__(self, path: Path, *, upper: bool = True) -> None:
        self.path = str(path)
        self._file = path
        with opened(path) as file:
            try:
                hdus = Fits(_Stream(file, self.path))
                table = next((hdu for hdu in hdus if hdu.columns), None)
                header = table.header if table else b""
            except ReadError as error:
                raise InputError(str(error)) from error
        if table is None:
            raise InputError(f"{path}: holds no binary table")
        if table.layout.kind == "compressed":
            raise InputError(f"{path}: holds a compressed table: unpack it with funpack")
        self.rows, self._width = table.shape
        self._start = table.start
        self._columns = {name: column for name, column in table.columns.items() if name}
        if not upper:
            scalars = (c for c in self._columns.values() if _is_scalar(c))
            self._columns = {
                str(keyword(header, f"TTYPE{c.number}")).strip(): c for c in scalars
            }
        recorded = {key: keyword(header, key) for key in _ORIGIN}
        self.metadata = {k: str(value) for k, value in recorded.items() if value is not None}
        # Paths in our tables are in percent encoding where they are not ASCII.
        ours = self.metadata.get("CREATOR", "").startswith("huggins ")
        self._paths = frozenset({"FILE"} if ours else ())
        self.names = list(self._columns)
        if not self.rows or not self._width:
            raise InputError(f"{path}: the table has no rows")
        if self._width > _WIDEST:
            raise InputError(f"{path}: the table has rows of {self._width} bytes")
        if path.suffix.lower() != ".gz":
            size, end = path.stat().st_size, self._start + self.rows * self._width
            if size < end:
                raise self._cut_off((size - self._start) // self._width)

    def chunks(self, columns: Sequence[str]) -> Iterator[_FitsChunk]:
        """Yield all rows, in order, with these columns only.

        A chunk is valid until the next one is asked for: they share one buffer.
        """
        selected = {name: self._columns[name] for name in columns if name in self._columns}
        step = max(1, min(ROWS, _BYTES // self._width))
        buffer = bytearray(step * self._width)
        with opened(self._file) as file:
            for start in range(0, self.rows, step):
                count = min(step, self.rows - start)
                block = memoryview(buffer)[: count * self._width]
                size = _fill(file, block, self.path, self._start + start * self._width)
                if size < len(block):
                    raise self._cut_off(start + size // self._width)
                yield _FitsChunk(
                    self.path, start, count, block, self._width, selected, self._paths
                )

    def _cut_off(self, rows: int) -> InputError:
        return InputError(
            f"{self.path}: the file is truncated: {max(0, rows)} of {self.rows} rows are "
            "there; fetch it again"
        )


@dataclass(slots=True)
class _FitsChunk:
    """Some rows of a table."""

    path: str
    start: int
    _count: int
    _block: memoryview
    _width: int
    _columns: dict[str, FitsColumn]
    _paths: frozenset[str] = frozenset()

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
        zero = column.zero
        whole_zero = abs(zero) <= _UNSIGNED and float(zero).is_integer()
        if column.code in INTEGERS and column.scale == 1 and whole_zero:
            raw = self._raw(column)
            if zero == _UNSIGNED:
                unsigned = _unsigned(raw)
                if (unsigned >= np.uint64(_UNSIGNED)).any():
                    raise overflow(self.path, name, self.start)
                values = unsigned.view(np.int64)
            else:
                values = raw.astype(np.int64) + int(zero)
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
            if name in self._paths:
                paths = [unpercent(word.decode("latin-1")) for word in stripped.tolist()]
                encoded = [path.encode("utf-8", "surrogateescape") for path in paths]
                return np.array(encoded, np.bytes_)
            return stripped
        if column.code == "K" and column.zero == _UNSIGNED:
            words = _unsigned(raw).astype("S20")
        else:
            words = self.integer(name, missing=0).astype("S20")
        if column.null is not None:
            words[raw == column.null] = b""
        return words

    def values(self, name: str) -> Any:
        """Return a column in its own type as a masked array, shape (N,)."""
        column = self._columns[name]
        raw = self._raw(column)
        missing = np.zeros(len(self), bool)
        if column.code == "A":
            words = np.char.decode(np.strings.strip(raw), "latin-1")
            if name in self._paths:
                words = np.array(list(map(unpercent, words.tolist())), str)
            return np.ma.MaskedArray(words, words == "")
        values: Any
        if column.code == "L":
            values = (raw == b"T").astype(np.int64)
        elif column.code not in INTEGERS or column.scale != 1:
            values = self.number(name) if column.scale != 1 or column.zero else raw
        elif column.zero == _UNSIGNED:
            values = _unsigned(raw)
        else:
            values = self.integer(name) if column.zero else raw
        if column.null is not None:
            missing = raw == column.null
        values = values.astype(values.dtype.newbyteorder("="))
        if values.dtype.kind == "f":
            missing = missing | np.isnan(values)
            values[missing] = np.nan
        return np.ma.MaskedArray(values, missing)

    def _raw(self, column: FitsColumn) -> Any:
        if not _is_scalar(column):
            raise InputError(
                f"{self.path}: column {column.name} holds vectors, one value per row is needed"
            )
        return column.view(self._block, 0, self._count, self._width)


def _is_scalar(column: FitsColumn) -> bool:
    return column.code == "A" or (column.code in "LBIJKED" and column.repeat == 1)


def _unsigned(raw: NDArray[Any]) -> NDArray[np.uint64]:
    return raw.astype(np.int64).view(np.uint64) ^ np.uint64(_UNSIGNED)


class _Stream(Source):
    """A file read from front to back, perhaps gzipped: its size is not known."""

    __slots__ = ("_file",)

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._file = file
        self.path, self.size, self.head = path, 1 << 62, b""

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes from `offset`; fewer than `length` at the end of the file."""
        buffer = bytearray(length)
        size = _fill(self._file, memoryview(buffer), self.path, offset)
        return bytes(buffer[:size])


def _fill(file: BinaryIO, block: memoryview, path: str, offset: int) -> int:
    """Read from `offset` until the block is full or the file ends; return the bytes read."""
    size = 0
    try:
        file.seek(offset)
        while size < len(block):
            count = file.readinto(block[size:])  # type: ignore[attr-defined]
            if not count:
                break
            size += count
    except EOFError:
        pass  # a truncated gzip file: the caller says how many rows there are
    except (OSError, OverflowError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read: {error}; fetch it again") from error
    return size
