"""Write a table in chunks of rows: FITS, CSV, TSV, ECSV, VOTable, Parquet, JSON lines.

Only one chunk is in memory at a time, however long the table is.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import IO, TYPE_CHECKING, Final, cast

import numpy as np

from huggins.runs.files import extension_of, replacing
from huggins.tables.output import (
    CHUNK_ROWS,
    Numbers,
    OutputColumn,
    OutputTable,
    Texts,
    ascii_only,
    metadata,
    python_rows,
    python_values,
)
from huggins.tables.write_fits import write_fits
from huggins.tables.write_parquet import write_parquet
from huggins.tables.write_votable import write_votable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = [
    "CHUNK_ROWS",
    "WRITERS",
    "Numbers",
    "OutputColumn",
    "OutputTable",
    "Texts",
    "ascii_only",
    "python_values",
    "write_table",
]


def write_table(path: Path, table: OutputTable, extension: str = "") -> None:
    """Write a table, in the format of the path's extension; the file is complete or not there.

    Behind the extension there may be ``.gz``; `extension` is another one to go by.

    Raises
    ------
    OutputError
        If it cannot be written; a file that was there before is left as it was.
    """
    writer = WRITERS[extension or extension_of(path)]
    with replacing(path) as file:
        if path.suffix.lower() != ".gz":
            writer(file, table)
            return
        # Without name and time, so that the same table gives the same bytes.
        with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
            writer(cast("IO[bytes]", packed), table)


def _write_csv(file: IO[bytes], table: OutputTable, delimiter: str = ",") -> None:
    file.write((delimiter.join(column.name for column in table.columns) + "\n").encode())
    for rows in python_rows(table):
        lines = io.StringIO()
        csv.writer(lines, delimiter=delimiter, lineterminator="\n").writerows(rows)
        file.write(lines.getvalue().encode())


def _write_tsv(file: IO[bytes], table: OutputTable) -> None:
    _write_csv(file, table, "\t")


def _write_ecsv(file: IO[bytes], table: OutputTable) -> None:
    from astropy.table import Column, Table

    empty = Table(meta=metadata(table))
    for column in table.columns:
        empty[column.name] = Column(
            np.zeros(0, "U1" if column.text else column.kind),
            description=column.description,
            unit=column.unit or None,
            meta={"ucd": column.ucd} if column.ucd else None,
        )
    header = io.StringIO()
    empty.write(header, format="ascii.ecsv", delimiter=",")
    comments = [line for line in header.getvalue().splitlines() if line.startswith("#")]
    file.write(("\n".join(comments) + "\n").encode())
    _write_csv(file, table)


def _write_jsonl(file: IO[bytes], table: OutputTable) -> None:
    names = [column.name for column in table.columns]
    for rows in python_rows(table):
        lines = (
            json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n"
            for row in rows
        )
        file.write("".join(lines).encode())


#: How each extension is written.
WRITERS: Final[dict[str, Callable[[IO[bytes], OutputTable], None]]] = {
    ".fits": write_fits,
    ".csv": _write_csv,
    ".tsv": _write_tsv,
    ".ecsv": _write_ecsv,
    ".vot": write_votable,
    ".parquet": write_parquet,
    ".jsonl": _write_jsonl,
}
