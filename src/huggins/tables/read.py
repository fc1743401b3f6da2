"""The one way to read a table: FITS, CSV, ECSV, VOTable, Parquet and so on, also gzipped.

`open_table` gives blocks of rows, `read_columns` whole columns. A survey's table may hold
gigabytes in rows of kilobytes, of which a few dozen bytes are needed: blocks of rows are read
from front to back, once, and only the columns that are asked for are decoded.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.errors import InputError
from huggins.fits.table import FitsTable
from huggins.tables.columns import Columns, joined
from huggins.tables.parquet import ParquetTable
from huggins.tables.select import select
from huggins.tables.text import JsonTable, TextTable
from huggins.tables.votable import VOTable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from huggins.tables.chunks import Table

_FORMATS: dict[str, Callable[..., Any]] = {
    ".fits": FitsTable,
    ".fit": FitsTable,
    ".fts": FitsTable,
    ".csv": TextTable,
    ".ecsv": TextTable,
    ".tsv": TextTable,
    ".vot": VOTable,
    ".votable": VOTable,
    ".txt": TextTable,
    ".parquet": ParquetTable,
    ".jsonl": JsonTable,
}


def open_table(path: str | Path, *, upper: bool = True) -> Table:
    """Open a table: FITS (the first in it), CSV, TSV, ECSV, VOTable, Parquet or JSON lines.

    Parameters
    ----------
    path
        Its extension, optionally followed by ``.gz``, gives the format.
    upper
        Give the names of the columns in upper case.

    Raises
    ------
    InputError
        If the file is missing, of another kind, damaged, truncated or has no rows.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder: name a table in it")
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    name = path.name.lower()
    if name.endswith((".fz", ".bz2", ".zip")):
        raise InputError(f"{path}: unpack it first (funpack, bunzip2 or unzip)")
    reader = _FORMATS.get(Path(name.removesuffix(".gz")).suffix)
    if reader is None:
        raise InputError(
            f"{path}: not a known kind of table: its name must end in {', '.join(_FORMATS)}, "
            "with .gz behind it or not"
        )
    table: Table = reader(path, upper=upper)
    return table


def read_columns(
    path: str | Path,
    names: Collection[str] | None = None,
    *,
    where: str = "",
    most: int | None = None,
) -> Columns:
    """Read whole columns of a table; their names are spelled as in the file.

    Parameters
    ----------
    path
        As in `open_table`.
    names
        Columns to read, in any case; None for all. Columns of arrays are left out.
    where
        Only rows for which this holds, in the language of `select`. It is applied block by
        block, so that of a long table only what is kept takes memory.
    most
        No more than so many rows, the first; `Columns.more` tells whether there are others.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another kind, or has no rows.
    """
    try:
        return _read(path, names, where, most, words=frozenset())
    except InputError:
        words = _words(path, where) if where else frozenset()
        if not words:
            raise
    return _read(path, names, where, most, words=words)


def _words(path: str | Path, where: str) -> frozenset[str]:
    """Return which columns of an expression hold text in some blocks of rows, else numbers.

    In a table of words without types, of which a block alone does not tell.
    """
    table = open_table(path, upper=False)
    if not isinstance(table, TextTable):
        return frozenset()
    named = set(re.findall(r"\w+", where))
    chosen = [name for name in table.names if name in named]
    kinds: dict[str, set[bool]] = {name: set() for name in chosen}
    for chunk in table.chunks(chosen):
        for name in chosen:
            column = table.typed(name, chunk.values(name))
            if not np.ma.getmaskarray(column).all():
                kinds[name].add(column.dtype.kind == "U")
    return frozenset(name for name, found in kinds.items() if len(found) == 2)


def _read(
    path: str | Path,
    names: Collection[str] | None,
    where: str,
    most: int | None,
    *,
    words: frozenset[str],
) -> Columns:
    """Read as `read_columns` does; columns of `words` are text in each block."""
    table = open_table(path, upper=False)
    asked = None if names is None else {name.lower() for name in names}
    chosen = [name for name in table.names if asked is None or name.lower() in asked]
    pieces: dict[str, list[Any]] = {name: [] for name in chosen}
    typed = table.typed if isinstance(table, TextTable) else None
    count, more = 0, False
    for chunk in table.chunks(chosen):
        values = {name: chunk.values(name) for name in chosen if name in chunk}
        rows = len(chunk)
        if where:
            # Words have no type yet, and a comparison needs one.
            known = values
            if typed:
                known = {n: v if n in words else typed(n, v) for n, v in values.items()}
            kept = np.flatnonzero(select(where, Columns(str(path), known, table.metadata)))
            values = {name: column[kept] for name, column in values.items()}
            rows = len(kept)
        if most is not None and count + rows > most:
            rows, more = most - count, True
            values = {name: column[:rows] for name, column in values.items()}
        for name, column in values.items():
            pieces[name].append(column)
        count += rows
        if more:
            break
    values = {name: joined(parts) for name, parts in pieces.items() if parts}
    if typed:
        values = {name: typed(name, words) for name, words in values.items()}
    return Columns(str(path), values, table.metadata, more)
