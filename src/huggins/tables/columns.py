"""Tables from files: results of `huggins classify` in any of its formats, and truth tables."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import numpy as np

from huggins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

_INTEGER: Final = re.compile(r"[+-]?\d{1,18}")


@dataclass(frozen=True, slots=True)
class Columns:
    """A table of N rows as plain columns.

    Attributes
    ----------
    path : str
        Where it was read, for messages.
    values : dict of str to masked array of shape (N,)
        Integers, floats or text; missing is masked, in floats it is NaN as well.
    metadata : dict of str to str
        What the header records, as far as the format has one.
    """

    path: str
    values: dict[str, Any]
    metadata: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.values.values()))) if self.values else 0

    def __contains__(self, name: str) -> bool:
        return name in self.values

    @property
    def names(self) -> list[str]:
        """Names of the columns, in order."""
        return list(self.values)

    def is_text(self, name: str) -> bool:
        """Whether a column holds text rather than numbers."""
        return bool(self._get(name).dtype.kind == "U")

    def text(self, name: str) -> NDArray[np.str_]:
        """Return a column as text without blanks around it, shape (N,); missing is empty."""
        column = self._get(name)
        words = np.char.strip(np.asarray(column.data).astype(str))
        blank: NDArray[np.str_] = np.where(np.ma.getmaskarray(column), "", words)
        return blank

    def number(self, name: str) -> NDArray[np.float64]:
        """Return a column as numbers, shape (N,); missing is NaN.

        Raises
        ------
        InputError
            If there is no such column or it holds text.
        """
        column = self._get(name)
        if column.dtype.kind == "U":
            if np.ma.getmaskarray(column).all():
                return np.full(len(column), np.nan)
            example = str(next(iter(column.compressed())))
            raise InputError(
                f"{self.path}: column {name!r} holds text ({example!r}), numbers are needed"
            )
        numbers: NDArray[np.float64] = column.astype(np.float64).filled(np.nan)
        return numbers

    def _get(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise InputError(
                f"{self.path}: there is no column {name!r}; there are {', '.join(self.values)}"
            ) from None


def read_columns(path: str | Path) -> Columns:
    """Read a table: FITS, CSV, ECSV, Parquet or JSON lines, by its extension.

    Of a FITS file the first table is taken; columns of arrays are left out.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another kind, or has no rows.
    """
    path = Path(path)
    name = path.name.lower().removesuffix(".gz")
    reader = next((read for end, read in _READERS.items() if name.endswith(end)), None)
    if reader is None:
        raise InputError(
            f"{path}: not a known kind of table: its name must end in {', '.join(_READERS)}"
        )
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    try:
        values, metadata = reader(path)
    except (OSError, EOFError, ValueError, TypeError, KeyError, csv.Error) as error:
        # What the libraries raise on damaged files; InputError passes through.
        raise InputError(f"{path}: cannot be read as a table: {error}") from error
    columns = Columns(str(path), values, metadata)
    if len(columns) == 0:
        raise InputError(f"{path}: the table has no rows")
    return columns


def from_lists(values: Mapping[str, Iterable[Any]]) -> dict[str, Any]:
    """Return columns of Python values as masked arrays; None is missing."""
    return {name: _typed(list(column)) for name, column in values.items()}


def _read_fits(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    from astropy.io import fits

    with fits.open(path, memmap=False) as file:
        hdu = next((hdu for hdu in file if isinstance(hdu, fits.BinTableHDU)), None)
        if hdu is None:
            raise InputError(f"{path}: holds no binary table")
        values = {}
        for column in hdu.columns:
            data = np.asarray(hdu.data[column.name])
            if data.ndim == 1 and data.dtype.kind in "biufUS":
                values[column.name] = _masked(data, column.null)
        wanted = ("CREATOR", "MODEL", "MODELVER", "MODELSHA", "COMMAND", "DATE")
        metadata = {key: str(hdu.header[key]) for key in wanted if key in hdu.header}
    return values, metadata


def _read_csv(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    with _open_text(path, "utf-8-sig") as file:
        # Comments become blank lines, so that the reader's line numbers are the file's.
        rows = csv.reader("\n" if line.startswith("#") else line for line in file)
        header = next((row for row in rows if row), None)
        if not header:
            raise InputError(f"{path}: the file is empty")
        names = [name.strip() for name in header]
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise InputError(f"{path}: columns named twice: {', '.join(twice)}")
        columns: list[list[str]] = [[] for _ in names]
        for row in rows:
            if not row:
                continue
            if len(row) != len(names):
                raise InputError(
                    f"{path}: line {rows.line_num} has {len(row)} values, "
                    f"the header has {len(names)}"
                )
            for column, value in zip(columns, row, strict=True):
                column.append(value)
    return dict(zip(names, map(_guessed, columns), strict=True)), {}


def _read_ecsv(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    from astropy.table import Table

    table = Table.read(path, format="ascii.ecsv")
    values = {
        name: _masked(np.ma.getdata(table[name]), None, np.ma.getmaskarray(table[name]))
        for name in table.colnames
        if np.ndim(table[name]) == 1
    }
    return values, {str(key): str(value) for key, value in table.meta.items()}


def check_parquet(path: Path) -> None:
    """Complain about what is no whole Parquet file before arro3 sees it and panics.

    Raises
    ------
    InputError
        If the marks at both ends are not there.
    """
    with path.open("rb") as file:
        ends = [file.read(4)]
        file.seek(-min(4, path.stat().st_size), os.SEEK_END)
        ends.append(file.read(4))
    if ends != [b"PAR1", b"PAR1"]:
        raise InputError(f"{path}: not a whole Parquet file: make it again")


def _read_parquet(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    from arro3.core import Table
    from arro3.io import read_parquet

    check_parquet(path)
    try:
        table = Table.from_arrow(read_parquet(path))
    except BaseException as error:
        # arro3 panics on a damaged file, and its panic is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise InputError(f"{path}: the Parquet file is damaged") from error
    names = list(table.column_names)
    values = from_lists({name: table.column(name).to_pylist() for name in names})
    return values, {
        str(key): str(value)
        for key, value in table.schema.metadata_str.items()
        if key != "ARROW:schema"
    }


def _read_jsonl(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    rows = []
    with _open_text(path, "utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{path}: line {number} is not JSON: {error.msg}") from error
            if not isinstance(row, dict):
                raise InputError(f"{path}: line {number} is not a JSON object")
            rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    return from_lists({name: [row.get(name) for row in rows] for name in names}), {}


_READERS: Final[dict[str, Callable[[Path], tuple[dict[str, Any], dict[str, str]]]]] = {
    ".fits": _read_fits,
    ".fit": _read_fits,
    ".csv": _read_csv,
    ".ecsv": _read_ecsv,
    ".parquet": _read_parquet,
    ".jsonl": _read_jsonl,
}


def _open_text(path: Path, encoding: str) -> TextIO:
    if path.name.lower().endswith(".gz"):
        return io.TextIOWrapper(gzip.open(path), encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")


def _guessed(words: list[str]) -> Any:
    """Type a column of text: integers, else floats, else text; blank is missing."""
    words = [word.strip() for word in words]
    said = [word for word in words if word]
    if said and all(_INTEGER.fullmatch(word) for word in said):
        return _typed([int(word) if word else None for word in words])
    try:
        # float() takes "1_000" for a number, a person does not.
        if said and not any("_" in word for word in said):
            return _typed([float(word) if word else None for word in words])
    except ValueError:
        pass  # then it is text
    return _typed([word or None for word in words])


def _typed(values: list[Any]) -> Any:
    """Python values of one kind, None where missing, as a masked array."""
    missing = np.array([value is None for value in values], dtype=bool)
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {int, bool}:
        try:
            whole = np.array([0 if value is None else int(value) for value in values], np.int64)
        except OverflowError:
            return _masked(np.array(["" if v is None else str(v) for v in values], dtype=str))
        return np.ma.MaskedArray(whole, missing)
    if kinds and kinds <= {int, float, bool}:
        return _masked(np.array([np.nan if v is None else float(v) for v in values]))
    return _masked(np.array(["" if v is None else str(v) for v in values], dtype=str))


def _masked(
    values: NDArray[Any], null: int | None = None, mask: NDArray[np.bool_] | None = None
) -> Any:
    """Return a column in native byte order with everything missing masked."""
    missing = np.zeros(len(values), bool) if mask is None else np.array(mask, bool)
    if values.dtype.kind in "SU":
        words = np.char.strip(values.astype(str))
        return np.ma.MaskedArray(words, missing | (words == ""))
    if values.dtype.kind == "b":
        values = values.astype(np.int64)
    if null is not None:
        missing |= values == null
    values = values.astype(values.dtype.newbyteorder("="))
    if values.dtype.kind == "f":
        missing |= np.isnan(values)
        values = np.where(missing, np.nan, values)
    return np.ma.MaskedArray(values, missing)
