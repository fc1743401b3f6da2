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
from huggins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.catalog.source import Chunk

_BLOCK: Final = 2880
# Bytes of one block of rows.
_BYTES: Final = 16 * 1024**2
_TFORM: Final = re.compile(r"(\d*)([LXBIJKAEDCMPQ])")
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
        self.rows = int(self._header["NAXIS2"])
        self._width = int(self._header["NAXIS1"])
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


def _find_table(file: BinaryIO, path: str) -> tuple[Any, int]:
    """Return the header of the first binary table and where its rows begin."""
    at = 0
    while True:
        header, length = _read_header(file, path, first=at == 0)
        if header is None:
            raise InputError(f"{path}: holds no binary table")
        at += length
        try:
            axes = [int(header[f"NAXIS{i}"]) for i in range(1, int(header["NAXIS"]) + 1)]
            size = abs(int(header["BITPIX"])) // 8 * int(np.prod(axes)) if axes else 0
            size += int(header.get("PCOUNT", 0))
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(
                f"{path}: a damaged FITS header ({error}); fetch it again"
            ) from None
        if header.get("XTENSION", "").strip() == "BINTABLE":
            if header.get("ZTABLE") is True or header.get("ZIMAGE") is True:
                raise InputError(f"{path}: holds a compressed table: unpack it with funpack")
            return header, at
        at += -(-size // _BLOCK) * _BLOCK
        try:
            file.seek(at)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{path}: cannot be read: {error}; fetch it again") from error


def _read_header(file: BinaryIO, path: str, *, first: bool) -> tuple[Any, int]:
    from astropy.io import fits

    cards = bytearray()
    block = bytearray(_BLOCK)
    while True:
        if _fill(file, memoryview(block), path) < _BLOCK:
            if cards or first:
                what = "a truncated FITS file" if cards else "no FITS file"
                raise InputError(f"{path}: is {what}: fetch it again")
            return None, 0
        if first and not cards and not block.startswith(b"SIMPLE  ="):
            raise InputError(f"{path}: is no FITS file")
        cards += block
        if any(block[i : i + 80].rstrip() == b"END" for i in range(0, _BLOCK, 80)):
            break
        if len(cards) > 16 * 1024**2:
            raise InputError(f"{path}: a FITS header without end; fetch it again")
    text = cards.decode("ascii", "replace")
    return fits.Header.fromstring(text), len(cards)


def _layout(header: Any, path: str) -> dict[str, _Field]:
    fields: dict[str, _Field] = {}
    offset = 0
    for i in range(1, int(header["TFIELDS"]) + 1):
        form = _TFORM.match(str(header.get(f"TFORM{i}", "")).strip())
        if form is None:
            raise InputError(f"{path}: column {i} has no valid TFORM; fetch the file again")
        repeat, code = int(form.group(1) or 1), form.group(2)
        name = str(header.get(f"TTYPE{i}", "")).strip().upper()
        null = header.get(f"TNULL{i}")
        field = _Field(
            code,
            repeat,
            offset,
            float(header.get(f"TSCAL{i}", 1.0)),
            float(header.get(f"TZERO{i}", 0.0)),
            None if null is None else int(null),
        )
        offset += -(-repeat // 8) if code == "X" else repeat * _SIZE[code]
        if name:
            fields.setdefault(name, field)
    if offset != int(header["NAXIS1"]):
        raise InputError(
            f"{path}: its columns make rows of {offset} bytes, NAXIS1 says {header['NAXIS1']}: "
            "the header is damaged; fetch the file again"
        )
    return fields


def _cut_off(path: str, have: int, rows: int) -> InputError:
    return InputError(
        f"{path}: the file is truncated: {max(0, have)} of {rows} rows are there; "
        "fetch it again"
    )
