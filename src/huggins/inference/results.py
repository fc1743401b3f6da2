"""Rows of a table of results, as files and the spectra in them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from huggins.errors import InputError
from huggins.tables.read import open_table, read_columns
from huggins.tables.select import select

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggins.tables.columns import Columns

_NEEDED = frozenset({"FILE", "INDEX"})
_ANSWERS = frozenset({"CLASS", "SPECTYPE"})


@dataclass(frozen=True, slots=True)
class Spectra:
    """Some spectra of one file.

    Attributes
    ----------
    path : str
        As the table has it, or beside the table where it is there and not here.
    indices : tuple of int
    of_many : bool
        Whether the table has several spectra of this file.
    """

    path: str
    indices: tuple[int, ...]
    of_many: bool


def holds_rows(path: str) -> bool:
    """Whether a file is a table of results, of `huggins classify` or cut out of one."""
    if not Path(path).is_file():
        return False
    try:
        names = set(open_table(path).names)
    except InputError:  # no table, which a spectrum need not be
        return False
    return names >= _NEEDED and bool(names & _ANSWERS)


def rows_where(path: str, where: str = "") -> Columns:
    """Return the rows of a table of results that an expression chooses.

    Parameters
    ----------
    path
        Of the table.
    where
        As `huggins.tables.select.select` takes it; empty takes all rows.

    Raises
    ------
    InputError
        If the table cannot be read, or the expression is wrong or holds for no row.
    """
    from huggins.tables.columns import Columns

    table = read_columns(path)
    if not where:
        return table
    keep = np.flatnonzero(select(where, table))
    if not len(keep):
        raise InputError(
            f"--where: {where!r} holds for none of the {len(table)} rows of {path}"
        )
    return Columns(table.path, {n: v[keep] for n, v in table.values.items()}, table.metadata)


def spectra_of(table: Columns) -> Iterator[Spectra]:
    """Yield the spectra of the rows, those of one file that follow one another together."""
    files = table.text("FILE")
    _, places, counts = np.unique(files, return_inverse=True, return_counts=True)
    indices = np.nan_to_num(table.number("INDEX")).astype(int).tolist()
    beside = Path(table.path).parent
    start = 0
    for file, group in groupby(files.tolist()):
        size = len(list(group))
        rows = tuple(indices[start : start + size])
        path = file
        if not Path(file).exists() and (beside / file).exists():
            path = str(beside / file)
        many = int(counts[places[start]]) > 1 or max(rows) > 0
        yield Spectra(path, rows, many)
        start += size
