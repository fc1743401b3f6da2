"""The first binary table of a FITS file, in blocks of rows.

Layout of the format: FITS Standard 4.0, section 7.3, https://fits.gsfc.nasa.gov/fits_standard.html.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from huggins.catalog.cells import (
    ROWS,
    as_integers,
    as_numbers,
    opened,
    overflow,
    whole,
)
from huggins.catalog.header import BLOCK, Header, read_header
from huggins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.catalog.source import Chunk

# Bounds of what a header may say: bytes of a file, and of a row.
_LARGEST: Final = 2**48
_WIDEST: Final = 2**27
# Bytes of one block of rows.
_BYTES: Final = 16 * 1024**2
_TFORM: Final = re.compile(r"(\d{0,9})([LXBIJKAEDCMPQ])")
_SIZE: Final = dict(zip("LBIJKAEDCMPQ", (1, 1, 2, 4, 8, 1, 4, 8, 8, 16, 8, 16), strict=True))
_DTYPE: Final = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}


@dataclass(frozen=True, slots=True)
class _Field:
    code: str
    repeat: int
    offset: int
    scale: float
    zero: float
    null: int | None


class FitsTable:
    """The first binary table of a FITS file.

    Raises
    ------
    InputError
        If the file is no FITS file, is cut off, or holds no table with rows.
    """

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._file = path
        with opened(path) as file:
            self._header, self._start = _find_table(file, self.path)
        self.rows = self._header.whole("NAXIS2", 0, _LARGEST)
        self._width = self._header.whole("NAXIS1", 0, _WIDEST)
        self._fields = _layout(self._header, self.path)
        self.names = list(self._fields)
        if not self.rows:
            raise InputError(f"{path}: the table has no rows")
        if path.suffix.lower() != ".gz":
            size, end = path.stat().st_size, self._start + self.rows * self._width
            if size < end:
                raise _cut_off(self.path, (size - self._start) // self._width, self.rows)

    def chunks(self, columns: tuple[str, ...]) -> Iterator[Chunk]:
        """Yield all rows, in order; only these columns are there."""
        wanted = {name: self._fields[name] for name in columns if name in self._fields}
        step = max(1, min(ROWS, _BYTES // self._width))
        buffer = bytearray(step * self._width)
        with opened(self._file) as file:
            file.seek(self._start)
            for start in range(0, self.rows, step):
                count = min(step, self.rows - start)
                block = memoryview(buffer)[: count * self._width]
                got = _fill(file, block, self.path)
                if got < len(block):
                    raise _cut_off(self.path, start + got // self._width, self.rows)
                yield _FitsChunk(self.path, start, count, block, self._width, wanted)


class _FitsChunk:
    def __init__(
        self,
        path: str,
        start: int,
        count: int,
        block: memoryview,
        width: int,
        fields: dict[str, _Field],
    ) -> None:
        self.path, self.start = path, start
        self._count, self._block, self._width = count, block, width
        self._fields = fields

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def number(self, name: str) -> NDArray[np.float64]:
        field = self._fields[name]
        if field.code == "A":
            return as_numbers(self.text(name), self.path, name, self.start)
        raw = self._raw(field)
        if field.code == "L":
            return np.where(raw == ord("T"), 1.0, np.where(raw == ord("F"), 0.0, np.nan))
        values: NDArray[np.float64] = raw.astype(np.float64)
        if field.null is not None and field.code in "BIJK":
            values[raw == field.null] = np.nan
        return values * field.scale + field.zero

    def integer(self, name: str, missing: int = -1) -> NDArray[np.int64]:
        field = self._fields[name]
        if field.code in "BIJK" and field.scale == 1.0 and float(field.zero).is_integer():
            raw = self._raw(field)
            if field.zero == 2.0**63:
                unsigned = raw.astype(np.int64).view(np.uint64) ^ np.uint64(1 << 63)
                if (unsigned >= np.uint64(1 << 63)).any():
                    raise overflow(self.path, name, self.start)
                values = unsigned.view(np.int64)
            else:
                values = raw.astype(np.int64) + int(field.zero)
            if field.null is not None:
                values[raw == field.null] = missing
            whole_numbers: NDArray[np.int64] = values
            return whole_numbers
        if field.code == "A":
            return as_integers(self.text(name), self.path, name, self.start, missing)
        return whole(self.number(name), self.path, name, self.start, missing)

    def text(self, name: str) -> NDArray[np.bytes_]:
        field = self._fields[name]
        raw = self._raw(field)
        if field.code == "A":
            words: NDArray[np.bytes_] = np.strings.strip(raw)
            return words
        if field.code == "K" and field.zero == 2.0**63:
            words = (raw.astype(np.int64).view(np.uint64) ^ np.uint64(1 << 63)).astype("S20")
        else:
            words = self.integer(name, missing=0).astype("S20")
        if field.null is not None:
            words[raw == field.null] = b""
        return words

    def _raw(self, field: _Field) -> Any:
        kind = f"S{field.repeat}" if field.code == "A" else _DTYPE.get(field.code, "u1")
        if field.code not in "ALBIJKED" or (field.code != "A" and field.repeat != 1):
            raise InputError(f"{self.path}: a column of vectors where one value is needed")
        return np.ndarray(
            (self._count,), kind, self._block, offset=field.offset, strides=(self._width,)
        )


def _fill(file: BinaryIO, block: memoryview, path: str) -> int:
    """Read until the block is full or the file ends; return how many bytes came."""
    got = 0
    try:
        while got < len(block):
            count = file.readinto(block[got:])  # type: ignore[attr-defined]
            if not count:
                break
            got += count
    except EOFError:
        pass  # a gzip file that is cut off: the caller says how far it went
    except (OSError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read: {error}; fetch it again") from error
    return got


def _find_table(file: BinaryIO, path: str) -> tuple[Header, int]:
    """Return the header of the first binary table and where its rows begin."""
    at = 0
    while True:
        first = at == 0
        header, length = read_header(lambda block: _fill(file, block, path), path, first=first)
        if not length:
            raise InputError(f"{path}: holds no binary table")
        at += length
        size = 1 if header.whole("NAXIS", 0, 99) else 0
        for i in range(1, header.whole("NAXIS", 0, 99) + 1):
            size *= header.whole(f"NAXIS{i}", 0, _LARGEST)
        size *= abs(header.whole("BITPIX", -64, 64)) // 8
        size += header.whole("PCOUNT", 0, _LARGEST, default=0)
        if header.text("XTENSION") == "BINTABLE":
            if header.text("ZTABLE") == "T" or header.text("ZIMAGE") == "T":
                raise InputError(f"{path}: holds a compressed table: unpack it with funpack")
            return header, at
        at += -(-size // BLOCK) * BLOCK
        try:
            file.seek(at)
        except (OSError, EOFError, OverflowError, zlib.error) as error:
            raise InputError(f"{path}: cannot be read: {error}; fetch it again") from error


def _layout(header: Header, path: str) -> dict[str, _Field]:
    fields: dict[str, _Field] = {}
    offset = 0
    for i in range(1, header.whole("TFIELDS", 0, 999) + 1):
        form = _TFORM.match(header.text(f"TFORM{i}").strip())
        if form is None:
            raise InputError(f"{path}: column {i} has no valid TFORM; fetch the file again")
        repeat, code = int(form.group(1) or 1), form.group(2)
        name = header.text(f"TTYPE{i}").strip().upper()
        null = None
        if f"TNULL{i}" in header:
            null = header.whole(f"TNULL{i}", -(2**63), 2**63 - 1)
        scale, zero = header.real(f"TSCAL{i}", 1.0), header.real(f"TZERO{i}", 0.0)
        offset_here = offset
        offset += -(-repeat // 8) if code == "X" else repeat * _SIZE[code]
        if name:
            fields.setdefault(name, _Field(code, repeat, offset_here, scale, zero, null))
    if offset != header.whole("NAXIS1", 0, _WIDEST):
        raise InputError(
            f"{path}: its columns make rows of {offset} bytes, NAXIS1 says "
            f"{header.text('NAXIS1')}: the header is damaged; fetch the file again"
        )
    return fields


def _cut_off(path: str, have: int, rows: int) -> InputError:
    return InputError(
        f"{path}: the file is truncated: {max(0, have)} of {rows} rows are there; "
        "fetch it again"
    )
