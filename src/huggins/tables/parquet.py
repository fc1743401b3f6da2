"""A Parquet file, such as `huggins catalog` writes, in blocks of rows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.errors import InputError
from huggins.fits.values import as_integers, as_numbers, overflow, whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.tables.read import Chunk


class ParquetTable:
    """A Parquet file; columns of lists and structures are not read.

    Raises
    ------
    InputError
        If the file is damaged, cut off or has no rows.
    """

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._file = path
        try:
            with path.open("rb") as file:
                start = file.read(4)
                file.seek(-min(4, path.stat().st_size), os.SEEK_END)
                end = file.read(4)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error
        if start != b"PAR1" or end != b"PAR1":
            raise InputError(f"{path}: no whole Parquet file: fetch or make it again")
        reader = self._open()
        names = [field.name for field in reader.schema]
        self.names = [name.strip().upper() for name in names]
        self._own = dict(zip(self.names, names, strict=True))
        twice = sorted({n for n in self.names if self.names.count(n) > 1})
        if twice:
            raise InputError(f"{path}: columns named twice: {', '.join(twice)}")
        if next(iter(self.chunks(())), None) is None:
            raise InputError(f"{path}: the table has no rows")

    def chunks(self, columns: tuple[str, ...]) -> Iterator[Chunk]:
        """Yield all rows, in order; only these columns are there."""
        wanted = {name: self._own[name] for name in columns if name in self._own}
        start = 0
        reader = self._open()
        while (batch := self._guarded(lambda: next(reader, None))) is not None:
            count = int(batch.num_rows)
            values = {name: batch.column(own) for name, own in wanted.items()}
            if count:
                yield _ParquetChunk(self.path, start, count, values)
            start += count

    def _open(self) -> Any:
        from arro3.io import read_parquet

        return self._guarded(lambda: read_parquet(self._file))

    def _guarded(self, call: Any) -> Any:
        try:
            return call()
        except BaseException as error:
            # arro3 panics on a damaged file, and its panic is no Exception.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise InputError(f"{self.path}: a damaged Parquet file: {error}") from error


class _ParquetChunk:
    def __init__(self, path: str, start: int, count: int, values: dict[str, Any]) -> None:
        self.path, self.start = path, start
        self._count, self._values = count, values

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def number(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers, shape (N,); missing is NaN."""
        values = self._list(name)
        if any(isinstance(value, str) for value in values):
            return as_numbers(self.text(name), self.path, name, self.start)
        return np.array([np.nan if v is None else float(v) for v in values], np.float64)

    def integer(self, name: str, missing: int = -1) -> NDArray[np.int64]:
        """Return a column of whole numbers, shape (N,)."""
        values = self._list(name)
        if any(isinstance(value, str) for value in values):
            return as_integers(self.text(name), self.path, name, self.start, missing)
        if any(isinstance(value, float) for value in values):
            return whole(self.number(name), self.path, name, self.start, missing)
        try:
            return np.array([missing if v is None else v for v in values], np.int64)
        except OverflowError:
            raise overflow(self.path, name, self.start) from None

    def text(self, name: str) -> NDArray[np.bytes_]:
        """Return a column of text without blanks behind it, shape (N,)."""
        words = ["" if value is None else str(value).strip() for value in self._list(name)]
        return np.array([word.encode("utf-8") for word in words], np.bytes_)

    def _list(self, name: str) -> list[Any]:
        values: list[Any] = self._values[name].to_pylist()
        return values
