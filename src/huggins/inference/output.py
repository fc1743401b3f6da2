"""The table of results as a file: FITS, CSV, ECSV, Parquet, JSON lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from huggins.inference.table import COLUMNS, NO_INTEGER, Rows, output_names
from huggins.runs.files import check_writable
from huggins.tables.write import WRITERS, OutputColumn, OutputTable, write_table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Result:
    """A finished table, wherever its rows are.

    Attributes
    ----------
    rows
        The rows, in order, in parts of any size.
    count
        Number of rows.
    widths
        Longest text of each text column, in ASCII characters.
    metadata
        See `huggins.inference.table.provenance`.
    desi
        Whether columns get DESI's names.
    """

    rows: Iterable[Rows]
    count: int
    widths: dict[str, int]
    metadata: dict[str, str]
    desi: bool = False


def check(path: Path) -> None:
    """Check that a table of results can be written, before the work begins.

    Raises
    ------
    InputError
        If the extension stands for no format.
    OutputError
        If the folder does not exist or cannot be written to, or the path is a folder.
    """
    check_writable(path, WRITERS)


def write(path: Path, result: Result) -> None:
    """Write the table, in the format of the path's extension.

    Raises
    ------
    OutputError
        If it cannot be written; a file that was there before is left as it was.
    """
    columns = [
        OutputColumn(
            name,
            column.dtype,
            column.description,
            column.unit,
            masked=column.masked,
            null=NO_INTEGER if column.dtype == "int32" and column.masked else None,
            width=result.widths.get(column.name, 1),
        )
        for column, name in zip(COLUMNS, output_names(desi=result.desi), strict=True)
    ]
    chunks = ([rows.cells(column) for column in COLUMNS] for rows in result.rows)
    write_table(path, OutputTable("HUGGINS", columns, result.count, chunks, result.metadata))
