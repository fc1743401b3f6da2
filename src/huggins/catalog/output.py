"""The table of targets as a file: Parquet, FITS, CSV, ECSV."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins import __version__
from huggins.catalog.targets import COLUMNS, MISSING, Column, Targets
from huggins.runs.files import check_writable
from huggins.runs.ours import same_columns
from huggins.tables.write import (
    CHUNK_ROWS,
    Numbers,
    OutputColumn,
    OutputTable,
    Texts,
    ascii_only,
    write_table,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FORMATS: Final = (".parquet", ".fits", ".csv", ".ecsv")
_COMMAND_MAX: Final = 2000
_NAME_WIDTH: Final = 30


def check(path: Path, inputs: Iterable[str | Path] = (), *, overwrite: bool = False) -> None:
    """Check that a table of targets can be written, before the work begins.

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
    ours = same_columns([column.name for column in COLUMNS])
    check_writable(path, _FORMATS, inputs=inputs, columns=ours, overwrite=overwrite)


def write_targets(
    path: Path, targets: Targets, command: str, *, overwrite: bool = False
) -> None:
    """Write the table, in the format of the path's extension.

    Parameters
    ----------
    path
    targets
    command
        What the table records as its origin.
    overwrite
        Replace a file that huggins did not write.

    Raises
    ------
    InputError, OutputError
        As `check`; OutputError also if the disk is full. A file that was there before is then
        left as it was.
    """
    check(path, overwrite=overwrite)
    metadata = {
        "CREATOR": f"huggins {__version__}",
        "COMMAND": command[:_COMMAND_MAX],
        "DATE": datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00"),
    }
    columns = [
        OutputColumn(
            column.name,
            "str" if column.text else column.kind,
            column.description,
            column.unit,
            null=MISSING if column.kind.startswith("int") else None,
            width=_width(targets, column),
        )
        for column in COLUMNS
    ]
    parts = (targets.take(slice(i, i + CHUNK_ROWS)) for i in range(0, len(targets), CHUNK_ROWS))
    chunks = ([_cells(part, column) for column in COLUMNS] for part in parts)
    write_table(path, OutputTable("TARGETS", columns, len(targets), chunks, metadata))


def _cells(part: Targets, column: Column) -> Numbers | Texts:
    if column.kind == "word":
        codes, of = np.unique(part.get(column.name), return_inverse=True)
        return Texts([part.words.word(code) for code in codes.tolist()], of)
    if column.text:
        return Texts(part.text(column.name).tolist())
    return Numbers(part.get(column.name), part.missing(column.name))


def _width(targets: Targets, column: Column) -> int:
    if column.kind != "word":
        return _NAME_WIDTH
    used = np.unique(targets.get(column.name)).tolist()
    return max([1, *(len(ascii_only(targets.words.word(code))) for code in used)])
