"""Survey tables of any size, read a block of rows at a time and only once from front to back.

A survey's table may hold gigabytes in rows of kilobytes, of which a few dozen bytes are wanted.
Blocks of whole rows are read into one buffer and the wanted columns copied out of it, so that
memory stays small, a compressed file needs no room to unpack, and the disk sees one sequential
read (mapping the file instead would touch the same pages and count them all as memory).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from huggins.errors import InputError
from huggins.fits.table import FitsTable
from huggins.tables.parquet import ParquetTable
from huggins.tables.text import TextTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray


class Chunk(Protocol):
    """Some rows of a survey table; names of columns are in upper case."""

    path: str
    start: int

    def __len__(self) -> int: ...

    def __contains__(self, name: str) -> bool: ...

    def number(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers, shape (N,); missing is NaN."""
        ...

    def integer(self, name: str, missing: int = -1) -> NDArray[np.int64]:
        """Return a column of whole numbers, shape (N,)."""
        ...

    def text(self, name: str) -> NDArray[np.bytes_]:
        """Return a column of text without blanks behind it, shape (N,)."""
        ...


class SurveyTable(Protocol):
    """A table on disk; its columns are known, its rows are not read yet."""

    path: str
    names: list[str]

    def chunks(self, columns: tuple[str, ...]) -> Iterator[Chunk]:
        """Yield all rows, in order; only these columns are there.

        A chunk is good until the next one is asked for: they share one buffer.
        """
        ...


def open_table(path: str | Path) -> SurveyTable:
    """Open a survey table: FITS (the first table in it), CSV or ECSV, also gzipped; Parquet.

    Raises
    ------
    InputError
        If the file is missing, of another kind, damaged, truncated or has no rows.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".fits", ".fit", ".fts")):
        return FitsTable(path)
    if name.endswith((".csv", ".ecsv", ".txt")):
        return TextTable(path)
    if path.suffix.lower() == ".parquet":
        return ParquetTable(path)
    if name.endswith((".fz", ".bz2", ".zip")):
        raise InputError(f"{path}: unpack it first (funpack, bunzip2 or unzip)")
    raise InputError(
        f"{path}: not a known kind of survey table: its name must end in .fits, .csv or .ecsv, "
        "with .gz behind it or not, or in .parquet"
    )
