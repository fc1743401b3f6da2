"""The table of results as a file: FITS, CSV, ECSV, Parquet, JSON lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from huggins.inference.table import COLUMNS, NO_INTEGER, Rows, output_names
from huggins.runs.files import check_writable
from huggins.runs.ours import same_columns
from huggins.tables.write import WRITERS, OutputColumn, OutputTable, write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
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


def check(path: Path, inputs: Iterable[str | Path] = (), *, overwrite: bool = False) -> None:
    """Check that a table of results can be written, before the work begins.

    Parameters
    ----------
    path, inputs, overwrite
        As for `huggins.runs.files.check_writable`.

    Raises
    ------
    InputError
        If the extension stands for no format.
    OutputError
        If the folder does not exist or cannot be written to, the path is a folder, or a file
        is there that is an input or no output of huggins.
    """
    check_writable(path, WRITERS, inputs=inputs, columns=_ours, overwrite=overwrite)


def _ours(names: Sequence[str]) -> bool:
    """Whether the columns of a table are those of results, of whichever name."""
    return any(same_columns(output_names(desi=desi))(names) for desi in (False, True))


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
