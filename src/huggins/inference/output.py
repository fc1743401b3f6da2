"""The table of results as a file: FITS, CSV, ECSV, Parquet, JSON lines.

Each writer takes the rows as a stream, so that a table of any length needs little memory.
"""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from huggins.inference.table import (
    COLUMNS,
    NO_INTEGER,
    Column,
    Rows,
    ascii_only,
    output_names,
    to_table,
)
from huggins.runs.files import check_writable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_FITS_BLOCK: Final = 2880
_TFORMS: Final = {"int32": "J", "float32": "E", "float64": "D"}
# Longest command line that goes into a header; a shell can expand a pattern to megabytes.
_COMMAND_MAX: Final = 2000


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

    @property
    def names(self) -> list[str]:
        """Names of the columns in the output."""
        return output_names(desi=self.desi)


def check(path: Path) -> None:
    """Complain now about an output that could not be written in the end.

    Raises
    ------
    InputError
        If the extension stands for no format.
    OutputError
        If the folder does not exist or cannot be written to, or the path is a folder.
    """
    check_writable(path, WRITERS)


def write(path: Path, result: Result) -> None:
    """Write the table, in the format of the path's extension, and only then put it in place.

    Raises
    ------
    OSError
        If the disk is full or the folder gone; a file that was there before is left as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            WRITERS[path.suffix.lower()](file, result)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write_fits(file: BinaryIO, result: Result) -> None:
    from astropy.io import fits

    layout: list[tuple[str, str]] = []
    header = fits.Header()
    for i, (column, name) in enumerate(zip(COLUMNS, result.names, strict=True), start=1):
        if column.text:
            width = result.widths[column.name]
            header[f"TFORM{i}"] = f"{width}A"
            layout.append((column.name, f"S{width}"))
        else:
            header[f"TFORM{i}"] = _TFORMS[column.dtype]
            layout.append((column.name, np.dtype(column.dtype).newbyteorder(">").str))
        header[f"TTYPE{i}"] = name
        if column.dtype == "int32" and column.masked:
            header[f"TNULL{i}"] = NO_INTEGER
        if column.unit:
            header[f"TUNIT{i}"] = column.unit
        header[f"TCOMM{i}"] = column.description
    record = np.dtype(layout)
    table = fits.Header(
        [
            ("XTENSION", "BINTABLE", "binary table"),
            ("BITPIX", 8),
            ("NAXIS", 2),
            ("NAXIS1", record.itemsize, "bytes in a row"),
            ("NAXIS2", result.count, "rows"),
            ("PCOUNT", 0),
            ("GCOUNT", 1),
            ("TFIELDS", len(COLUMNS), "columns"),
            ("EXTNAME", "HUGGINS"),
        ]
    )
    table.extend(header, unique=True)
    table.update((key, ascii_only(_short(value))) for key, value in result.metadata.items())
    file.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
    file.write(table.tostring().encode("ascii"))
    size = 0
    for rows in result.rows:
        values = np.zeros(len(rows), dtype=record)
        for column in COLUMNS:
            if column.text:
                values[column.name] = [ascii_only(text) for text in rows.texts[column.name]]
            else:
                values[column.name] = rows.numbers[column.name]
                if column.dtype != "int32":  # infinite is missing too
                    values[column.name][rows.missing(column)] = np.nan
        size += file.write(values.tobytes())
    file.write(b"\0" * (-size % _FITS_BLOCK))


def _write_csv(file: BinaryIO, result: Result) -> None:
    file.write((",".join(result.names) + "\n").encode())
    _write_lines(file, result.rows)


def _write_ecsv(file: BinaryIO, result: Result) -> None:
    metadata = {key: _short(value) for key, value in result.metadata.items()}
    header = io.StringIO()
    to_table([], metadata, desi=result.desi).write(header, format="ascii.ecsv", delimiter=",")
    file.write(header.getvalue().encode())
    _write_lines(file, result.rows)


def _write_lines(file: BinaryIO, parts: Iterable[Rows]) -> None:
    for rows in parts:
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerows(zip(*map(rows.values, COLUMNS), strict=True))
        file.write(lines.getvalue().encode())


def _write_jsonl(file: BinaryIO, result: Result) -> None:
    names = result.names
    for rows in result.rows:
        lines = (
            json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n"
            for row in zip(*map(rows.values, COLUMNS), strict=True)
        )
        file.write("".join(lines).encode())


def _write_parquet(file: BinaryIO, result: Result) -> None:
    from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
    from arro3.io import write_parquet

    types: dict[str, Any] = {
        "str": DataType.string(),
        "int32": DataType.int32(),
        "float32": DataType.float32(),
        "float64": DataType.float64(),
    }

    def field(column: Column, name: str) -> Any:
        about = {"description": column.description, "unit": column.unit}
        return Field(name, types[column.dtype], nullable=column.masked, metadata=about)

    metadata = {key: _short(value) for key, value in result.metadata.items()}
    schema = Schema(
        [field(c, name) for c, name in zip(COLUMNS, result.names, strict=True)],
        metadata=metadata,
    )

    shield: Any = _Shield(file)

    def batches() -> Iterator[Any]:
        try:
            for rows in result.rows:
                if shield.error is not None:
                    return
                arrays = [Array(rows.values(c), type=types[c.dtype]) for c in COLUMNS]
                yield RecordBatch.from_arrays(arrays, schema=schema)
        except BaseException as error:  # raised again below, Ctrl-C too
            shield.error = error

    write_parquet(
        RecordBatchReader.from_batches(schema, batches()),
        shield,
        compression="zstd(3)",
        key_value_metadata=metadata,
        max_row_group_size=65536,
    )
    if shield.error is not None:
        raise shield.error


class _Shield:
    """Keeps exceptions from arro3, which panics where a write fails and renames others."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:
        if self.error is None:
            try:
                return self._file.write(data)
            except BaseException as error:  # raised again by the writer above
                self.error = error
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        """Do nothing: the file is flushed when it is complete."""


def _short(command: str) -> str:
    if len(command) <= _COMMAND_MAX:
        return command
    return f"{command[:_COMMAND_MAX]} ... ({len(command)} characters)"


#: How each extension is written.
WRITERS: Final[dict[str, Callable[[BinaryIO, Result], None]]] = {
    ".fits": _write_fits,
    ".csv": _write_csv,
    ".ecsv": _write_ecsv,
    ".parquet": _write_parquet,
    ".jsonl": _write_jsonl,
}
