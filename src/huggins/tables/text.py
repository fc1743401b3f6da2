"""CSV and ECSV tables, in blocks of rows."""

from __future__ import annotations

import csv
import io
import re
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.errors import InputError
from huggins.fits.values import ROWS, as_integers, as_numbers, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.tables.read import Chunk


class TextTable:
    """A CSV file, or an ECSV file with its own delimiter.

    Raises
    ------
    InputError
        If it has no header, names a column twice or has no rows.
    """

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._file = path
        self._delimiter = ","
        with self._lines() as (lines, _):
            header = next(lines, None)
            if not header:
                raise InputError(f"{path}: the file is empty")
            self.names = [name.strip().upper() for name in header]
            if next(lines, None) is None:
                raise InputError(f"{path}: the table has no rows")
        twice = sorted({n for n in self.names if self.names.count(n) > 1})
        if twice:
            raise InputError(f"{path}: columns named twice: {', '.join(twice)}")

    def chunks(self, columns: tuple[str, ...]) -> Iterator[Chunk]:
        """Yield all rows, in order; only these columns are there."""
        places = {name: self.names.index(name) for name in columns if name in self.names}
        with self._lines() as (lines, reader):
            next(lines)
            start, waiting = 0, []
            for row in lines:
                if len(row) != len(self.names):
                    raise InputError(
                        f"{self.path}: line {reader.line_num} has {len(row)} values, the "
                        f"header has {len(self.names)}: the file is damaged or cut off"
                    )
                waiting.append(row)
                if len(waiting) == ROWS:
                    yield _TextChunk(self.path, start, waiting, places)
                    start, waiting = start + ROWS, []
            if waiting:
                yield _TextChunk(self.path, start, waiting, places)

    def _lines(self) -> _Lines:
        return _Lines(self._file)


class _Lines:
    """The rows of a text table, without comments and blank lines."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> tuple[Iterator[list[str]], Any]:
        self._binary = opened(self._path)
        self._text = io.TextIOWrapper(self._binary, encoding="utf-8-sig", newline="")
        delimiter = ","
        try:
            head = self._text.readline()
            lines = [head]
            if head.startswith("# %ECSV"):
                delimiter = " "
                while (line := self._text.readline()).startswith("#"):
                    found = re.match(r"#\s*delimiter:\s*['\"]?(.)['\"]?\s*$", line)
                    delimiter = found.group(1) if found else delimiter
                lines = [line]
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            self._text.close()
            raise InputError(f"{self._path}: cannot be read as text: {error}") from error
        reader = csv.reader(self._chained(lines), delimiter=delimiter, skipinitialspace=True)
        return self._rows(reader), reader

    def __exit__(self, *error: object) -> None:
        self._text.close()

    def _chained(self, first: list[str]) -> Iterator[str]:
        for line in first:
            if not line.startswith("#"):
                yield line
        for line in self._text:
            if not line.startswith("#"):
                yield line

    def _rows(self, reader: Any) -> Iterator[list[str]]:
        try:
            for row in reader:
                if row:
                    yield row
        except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
            raise InputError(
                f"{self._path}: line {reader.line_num}: {error}: the file is damaged or cut off"
            ) from error


class _TextChunk:
    def __init__(
        self, path: str, start: int, rows: list[list[str]], places: dict[str, int]
    ) -> None:
        self.path, self.start = path, start
        self._rows, self._places = rows, places

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def number(self, name: str) -> NDArray[np.float64]:
        return as_numbers(self.text(name), self.path, name, self.start)

    def integer(self, name: str, missing: int = -1) -> NDArray[np.int64]:
        return as_integers(self.text(name), self.path, name, self.start, missing)

    def text(self, name: str) -> NDArray[np.bytes_]:
        place = self._places[name]
        words = [row[place].strip().encode("ascii", "backslashreplace") for row in self._rows]
        return np.array(words, dtype=np.bytes_)
