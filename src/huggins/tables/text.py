"""CSV, ECSV and JSON lines, in blocks of rows."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.errors import InputError
from huggins.fits.values import ROWS, as_integers, as_numbers, opened
from huggins.runs.files import extension_of
from huggins.tables.chunks import ValueChunk, unique_names
from huggins.tables.columns import guessed, masked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class TextTable:
    """A CSV file, one with tabs (``.tsv``), or an ECSV file with its own delimiter.

    Raises
    ------
    InputError
        If it has no header, names a column twice or has no rows.
    """

    def __init__(self, path: Path, *, upper: bool) -> None:
        self.path = str(path)
        self._file = path
        with _Lines(path) as (lines, _, header):
            names = next(lines, None)
            if not names:
                raise InputError(f"{path}: the file is empty")
            self.names = unique_names(names, self.path, upper=upper)
            if next(lines, None) is None:
                raise InputError(f"{path}: the table has no rows")
        self._types: dict[str, str] | None = None
        self._places = {name: i for i, name in enumerate(self.names)}
        self.metadata: dict[str, str] = {}
        if header and not upper:  # types and metadata belong to whole columns
            self._declare(header)

    def typed(self, name: str, values: Any) -> Any:
        """Return a column of words in the type that the header or the words say."""
        if self._types is None:
            return guessed(values.data.tolist())
        kind = self._types[name]
        if kind == "string":
            return values
        missing = np.ma.getmaskarray(values)
        words = np.where(missing, "0", values.data)
        try:
            if kind == "bool":
                return masked((words == "True").astype(np.int64), missing)
            return masked(words.astype(kind), missing)
        except (ValueError, TypeError, OverflowError) as error:
            raise InputError(f"{self.path}: column {name} is no {kind}: {error}") from error

    def _declare(self, header: list[str]) -> None:
        """Take types and metadata from the header of an ECSV file, leaving arrays out."""
        from astropy.table import meta

        try:
            declared = meta.get_header_from_yaml([line[2:].rstrip() for line in header])
            columns = declared["datatype"]
            self._types = {str(c["name"]): str(c["datatype"]) for c in columns}
            arrays = {str(c["name"]) for c in columns if "subtype" in c}
            recorded = dict(declared.get("meta") or {})
            self.metadata = {str(key): str(value) for key, value in recorded.items()}
        except Exception as error:  # what YAML may raise
            raise InputError(f"{self.path}: a damaged ECSV header: {error}") from error
        if list(self._types) != self.names:
            raise InputError(f"{self.path}: the ECSV header names other columns than the table")
        self.names = [name for name in self.names if name not in arrays]

    def chunks(self, columns: Sequence[str]) -> Iterator[_TextChunk]:
        """Yield all rows, in order, with these columns only."""
        places = {name: self._places[name] for name in columns if name in self.names}
        with _Lines(self._file) as (lines, reader, _):
            next(lines)
            start, waiting = 0, []
            for row in lines:
                if len(row) != len(self._places):
                    raise InputError(
                        f"{self.path}: line {reader.line_num} has {len(row)} values, the "
                        f"header has {len(self._places)}: the file is damaged or cut off"
                    )
                waiting.append(row)
                if len(waiting) == ROWS:
                    yield _TextChunk(self.path, start, waiting, places)
                    start, waiting = start + ROWS, []
            if waiting:
                yield _TextChunk(self.path, start, waiting, places)


class _Lines:
    """The rows of a text table, without comments and blank lines."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> tuple[Iterator[list[str]], Any, list[str]]:
        self._binary = opened(self._path)
        self._text = io.TextIOWrapper(self._binary, encoding="utf-8-sig", newline="")
        delimiter, header = ("\t" if extension_of(self._path) == ".tsv" else ","), []
        try:
            line = self._text.readline()
            if line.startswith("# %ECSV"):
                delimiter = " "
                while (line := self._text.readline()).startswith("#"):
                    header.append(line)
                    match = re.match(r"#\s*delimiter:\s*['\"]?(.)['\"]?\s*$", line)
                    delimiter = match.group(1) if match else delimiter
            skipped = 0
            while line and (not line.strip() or line.startswith("#")):
                skipped += 1  # as the "#Table1" of SkyServer
                line = self._text.readline()
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            self._text.close()
            raise InputError(f"{self._path}: cannot be read as text: {error}") from error
        if delimiter == "," and "," not in line:
            delimiter = next((mark for mark in ";\t|" if mark in line), ",")
        # Comments become blank lines, so that the reader's line numbers are the file's.
        lines = self._without_comments(["\n"] * skipped + [line])
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter != "\t")
        return self._rows(reader), reader, header

    def __exit__(self, *error: object) -> None:
        self._text.close()

    def _without_comments(self, first: list[str]) -> Iterator[str]:
        for line in itertools.chain(first, self._text):
            yield "\n" if line.startswith("#") else line

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

    def values(self, name: str) -> Any:
        place = self._places[name]
        return masked(np.array([row[place].strip() for row in self._rows], dtype=str))


class JsonTable:
    """JSON lines: one object per row, its keys are the columns.

    Raises
    ------
    InputError
        If a line is no JSON object, or there is none.
    """

    def __init__(self, path: Path, *, upper: bool) -> None:
        self.path = str(path)
        self._file = path
        self.metadata: dict[str, str] = {}
        own = list(dict.fromkeys(name for row in self._rows() for name in row))
        if not own:
            raise InputError(f"{path}: the table has no rows")
        self.names = unique_names(own, self.path, upper=upper)
        self._own = dict(zip(self.names, own, strict=True))

    def chunks(self, columns: Sequence[str]) -> Iterator[ValueChunk]:
        """Yield all rows, in order, with these columns only."""
        own = {name: self._own[name] for name in columns if name in self._own}
        rows, start = self._rows(), 0
        while block := list(itertools.islice(rows, ROWS)):
            values = {name: [row.get(key) for row in block] for name, key in own.items()}
            yield ValueChunk(self.path, start, len(block), values)
            start += len(block)

    def _rows(self) -> Iterator[dict[str, Any]]:
        with opened(self._file) as file:
            try:
                for number, line in enumerate(file, start=1):
                    if not line.strip():
                        continue
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise InputError(f"{self.path}: line {number} is not a JSON object")
                    yield row
            except json.JSONDecodeError as error:
                raise InputError(
                    f"{self.path}: line {number} is not JSON: {error.msg}"
                ) from error
            except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
                raise InputError(f"{self.path}: cannot be read as text: {error}") from error
