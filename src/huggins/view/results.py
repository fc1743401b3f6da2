"""The table of results that a page shows, and the spectra behind its rows."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import HugginsError, InputError, ReadError
from huggins.formats import open_bytes, open_file
from huggins.formats.request import ALL, Selection
from huggins.inference.given import were_given
from huggins.tables.columns import Columns
from huggins.tables.read import read_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from huggins.inference.network import Model
    from huggins.spectrum import Spectrum


#: Rows that a page shows, at most: more would not fit a browser's memory.
ROWS_MAX: Final = 1_000_000
# Bytes of all files that came through the page.
_UPLOADS_MAX: Final = 256 * 1024**2


class UnknownRowError(HugginsError):
    """There is no such row, or its spectrum is not there any more."""


class Results:
    """N classified spectra.

    Parameters
    ----------
    table
        Results as `huggins classify` writes them; FILE and INDEX say where the spectra are.
    name, source
        What the page calls them, and where they come from.
    folder
        Folder that relative paths in FILE are tried in besides the current one.
    """

    def __init__(
        self, table: Columns, name: str, source: str, folder: Path | None = None
    ) -> None:
        self.table, self.name, self.source = table, name, source
        self.given = were_given(table)
        self.note = ""
        self._folder = folder
        self._uploads: dict[str, bytes] = {}
        self._spectra: dict[str, Spectrum] = {}
        self._keys: dict[str, int] | None = None
        self._lock = threading.Lock()
        if "FILE" not in table:
            raise InputError(
                f"{source}: has no column FILE: a table that `huggins classify` wrote is "
                "needed, or files of spectra"
            )
        if table.more:
            self.note = (
                f"{source} has more rows than a page can show: these are the first "
                f"{len(table):,}. Choose others with --where, such as --where 'ZWARNING != 0'"
            )
        if self.given:
            said = "The redshifts of this table were given (--z), not found."
            self.note = f"{self.note}. {said}" if self.note else said

    @classmethod
    def read(cls, path: Path, where: str = "") -> Results:
        """Read a table of results, or those of its rows for which an expression holds."""
        table = read_columns(path, where=where, most=ROWS_MAX)
        if where and not len(table):
            raise InputError(f"--where: {where!r} holds for none of the rows of {path}")
        return cls(table, path.name, str(path), path.parent)

    @classmethod
    def of_spectra(cls, spectra: Sequence[Spectrum]) -> Results:
        """Classify spectra that are in memory, and keep them."""
        from huggins.inference import classify

        columns = columns_of(classify(list(spectra)), "spectra in memory")
        results = cls(columns, "spectra", "spectra in memory")
        if len(results.rows_by_key()) < len(results):  # nothing tells them apart
            count = len(results)
            values = columns.values | {
                "FILE": np.ma.MaskedArray(["spectrum"] * count),
                "INDEX": np.ma.MaskedArray(np.arange(count)),
            }
            results = cls(Columns(columns.path, values, columns.metadata), "spectra", "memory")
        results._spectra = {results.key(row): s for row, s in enumerate(spectra)}
        return results

    @classmethod
    def classified(cls, table: Any, name: str, source: str) -> Results:
        """Take the table that `huggins.classify` returns."""
        return cls(columns_of(table, source), name, source)

    def __len__(self) -> int:
        return len(self.table)

    def failures(self) -> dict[int, str]:
        """Return why spectra could not be classified, by row."""
        if "ERROR" not in self.table:
            return {}
        said = enumerate(self.table.text("ERROR").tolist())
        return {row: error for row, error in said if error}

    def location(self, row: int) -> tuple[str, int]:
        """Return path and index of a row's spectrum, as the table has them."""
        if not 0 <= row < len(self):
            raise UnknownRowError(f"there is no row {row}: the set has {len(self)}")
        index = self.value("INDEX", row)
        return str(self.value("FILE", row) or ""), int(index or 0)

    def key(self, row: int) -> str:
        """Name of a row's spectrum under which inspections are kept: ``FILE[INDEX]``."""
        path, index = self.location(row)
        return f"{path}[{index}]"

    def rows_by_key(self) -> dict[str, int]:
        """Return the row of every key."""
        if self._keys is not None:
            return self._keys
        index = self.table.number("INDEX") if "INDEX" in self.table else np.zeros(len(self))
        files = self.table.text("FILE").tolist()
        whole = np.nan_to_num(index).astype(int).tolist()
        pairs = enumerate(zip(files, whole, strict=True))
        self._keys = keys = {f"{file}[{i}]": row for row, (file, i) in pairs}
        return keys

    def value(self, name: str, row: int) -> Any:
        """Return a cell: text, a number, or None where it is missing."""
        if name not in self.table:
            return None
        column = self.table.values[name]
        if np.ma.getmaskarray(column)[row]:
            return "" if column.dtype.kind == "U" else None
        cell = column.data[row]
        if column.dtype.kind == "U":
            return str(cell)
        if column.dtype.kind in "iub":
            return int(cell)
        return float(cell) if np.isfinite(cell) else None

    def kind(self, name: str) -> str:
        """Return ``text``, ``int`` or ``float``."""
        kind = self.table.values[name].dtype.kind
        return "text" if kind == "U" else "int" if kind in "iub" else "float"

    def spectrum(self, row: int) -> Spectrum:
        """Read the spectrum of a row; only files that the table names can be read.

        Raises
        ------
        UnknownRowError
            If the file is not there any more or holds no such spectrum.
        ReadError
            If it cannot be read.
        """
        path, index = self.location(row)
        if (known := self._spectra.get(f"{path}[{index}]")) is not None:
            return known
        for item in self._items(path, index):
            if item.index == index:
                if isinstance(item, ReadError):
                    raise item
                return item
        raise UnknownRowError(f"{path}: holds no spectrum {index} any more")

    def _items(self, path: str, index: int) -> Iterator[Spectrum | ReadError]:
        if path in self._uploads:
            return open_bytes(self._uploads[path], path)
        if (place := self._place(path)) is not None:
            # A file of one spectrum is read whole; of a plate only what is asked for.
            return open_file(place, selection=_only(index) if index else ALL)
        raise UnknownRowError(
            f"{path}: the file is not there any more: move it back, or start the page in the "
            "folder in which the table was made"
        )

    def _place(self, path: str) -> Path | None:
        places = [path]
        if self._folder is not None:
            places += [str(self._folder / path), str(self._folder / Path(path).name)]
        # The members of an archive are ``ARCHIVE[MEMBER]``.
        for place in places:
            if Path(place).is_file() or Path(place.partition("[")[0]).is_file():
                return Path(place)
        return None

    def path_of(self, row: int) -> str:
        """Return where a row's file is now; empty where it is not."""
        place = self._place(self.location(row)[0])
        return "" if place is None else str(place)

    def upload(self, name: str, content: bytes, network: Model) -> int:
        """Classify a file that came through the page; return the row of its first spectrum."""
        from huggins.inference import classify

        name = Path(name).name or "dropped"
        while name in self._uploads:
            name = f"{name}+"
        spectra = [
            item for item in open_bytes(content, name) if not isinstance(item, ReadError)
        ]
        if not spectra:
            error = next(iter(open_bytes(content, name)), None)
            raise InputError(f"{name}: {getattr(error, 'what', 'holds no spectrum')}")
        added = columns_of(classify(spectra, model=network), name)
        with self._lock:
            if sum(map(len, self._uploads.values())) + len(content) > _UPLOADS_MAX:
                raise InputError(
                    f"{name}: this page has taken {_UPLOADS_MAX // 1024**2} MB of files: start "
                    "`huggins view` on the files themselves"
                )
            self._uploads[name] = content
        return self.extend(added)

    def extend(self, added: Columns) -> int:
        """Put rows behind the others; return the number of the first."""
        with self._lock:
            first = len(self)
            self.table = Columns(
                self.table.path,
                {
                    n: _extended(c, added.values.get(n), len(added))
                    for n, c in self.table.values.items()
                },
                self.table.metadata,
            )
            self._keys = None
        return first

    def take(self, rows: list[int]) -> Any:
        """Return some rows as an astropy table, in the order given."""
        from astropy.table import Table

        at = np.array(rows, dtype=np.int64)
        if len(at) and not (at.min() >= 0 and at.max() < len(self)):
            raise UnknownRowError(f"rows are from 0 to {len(self) - 1}")
        return Table({n: c[at] for n, c in self.table.values.items()}, meta=self.table.metadata)


def _only(index: int) -> Selection:
    return Selection(indices=frozenset([index]))


def columns_of(table: Any, source: str) -> Columns:
    """Return an astropy table as plain columns."""
    values = {}
    for name in table.colnames:
        column = np.ma.MaskedArray(np.ma.getdata(table[name]), np.ma.getmaskarray(table[name]))
        values[name] = column.astype(str) if column.dtype.kind in "SO" else column
    return Columns(source, values, {str(k): str(v) for k, v in table.meta.items()})


def _extended(column: Any, more: Any, count: int) -> Any:
    """Add rows to a column; masked where the new ones have no such column."""
    if more is None:
        more = np.ma.MaskedArray(np.zeros(count, column.dtype), mask=True)
    joined: Callable[..., Any] = np.ma.concatenate
    return joined([column, more])
