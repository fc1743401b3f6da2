"""The table of targets as a file: Parquet, FITS, CSV, ECSV."""

from __future__ import annotations

import csv
import io
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from huggins import __version__
from huggins.catalog.targets import COLUMNS, MISSING, Column, Targets
from huggins.errors import OutputError
from huggins.runs.files import check_writable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_ROWS: Final = 65_536
_FITS_BLOCK: Final = 2880
_TFORMS: Final = {"int16": "I", "int32": "J", "int64": "K", "float32": "E", "float64": "D"}
_COMMAND_MAX: Final = 2000
_NAME_WIDTH: Final = 30


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


def write_targets(path: Path, targets: Targets, command: str) -> None:
    """Write the table, in the format of the path's extension, and only then put it in place.

    Parameters
    ----------
    path
    targets
    command
        What the table records as its origin.

    Raises
    ------
    InputError, OutputError
        As `check`; OutputError also if the disk is full. A file that was there before is then
        left as it was.
    """
    check(path)
    metadata = {
        "CREATOR": f"huggins {__version__}",
        "COMMAND": command[:_COMMAND_MAX],
        "DATE": datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00"),
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            WRITERS[path.suffix.lower()](file, targets, metadata)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _parts(targets: Targets) -> Iterator[Targets]:
    for start in range(0, len(targets), _ROWS):
        yield targets.take(slice(start, start + _ROWS))


def _write_fits(file: BinaryIO, targets: Targets, metadata: dict[str, str]) -> None:
    from astropy.io import fits

    layout: list[tuple[str, str]] = []
    header = fits.Header()
    for i, column in enumerate(COLUMNS, start=1):
        if column.text:
            width = _width(targets, column)
            header[f"TFORM{i}"] = f"{width}A"
            layout.append((column.name, f"S{width}"))
        else:
            header[f"TFORM{i}"] = _TFORMS[column.kind]
            layout.append((column.name, np.dtype(column.kind).newbyteorder(">").str))
        header[f"TTYPE{i}"] = column.name
        if column.kind.startswith("int"):
            header[f"TNULL{i}"] = MISSING
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
            ("NAXIS2", len(targets), "rows"),
            ("PCOUNT", 0),
            ("GCOUNT", 1),
            ("TFIELDS", len(COLUMNS), "columns"),
            ("EXTNAME", "TARGETS"),
        ]
    )
    table.extend(header, unique=True)
    table.update((key, _ascii(value)) for key, value in metadata.items())
    file.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
    file.write(table.tostring().encode("ascii"))
    size = 0
    for part in _parts(targets):
        rows = np.zeros(len(part), dtype=record)
        for column in COLUMNS:
            rows[column.name] = _encoded(part, column) if column.text else part.get(column.name)
        size += file.write(rows.tobytes())
    file.write(b"\0" * (-size % _FITS_BLOCK))


def _encoded(part: Targets, column: Column) -> NDArray[np.bytes_]:
    if column.kind != "word":
        return part.text(column.name).astype(np.bytes_)  # made of digits and letters only
    codes, of = np.unique(part.get(column.name), return_inverse=True)
    words = [_ascii(part.words.word(code)) for code in codes.tolist()]
    encoded: NDArray[np.bytes_] = np.array(words or [""], dtype=np.bytes_)[of]
    return encoded


def _width(targets: Targets, column: Column) -> int:
    if column.kind != "word":
        return _NAME_WIDTH
    used = np.unique(targets.get(column.name)).tolist()
    return max([1, *(len(_ascii(targets.words.word(code))) for code in used)])


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _write_csv(file: BinaryIO, targets: Targets, metadata: dict[str, str]) -> None:
    del metadata  # CSV has no place for it
    _write_lines(file, targets)


def _write_ecsv(file: BinaryIO, targets: Targets, metadata: dict[str, str]) -> None:
    from astropy.table import Column as AstropyColumn
    from astropy.table import Table

    empty = Table(meta=metadata)
    for column in COLUMNS:
        empty[column.name] = AstropyColumn(
            np.zeros(0, "U1" if column.text else column.kind),
            description=column.description,
            unit=column.unit or None,
        )
    header = io.StringIO()
    empty.write(header, format="ascii.ecsv", delimiter=",")
    comments = [line for line in header.getvalue().splitlines() if line.startswith("#")]
    file.write(("\n".join(comments) + "\n").encode())
    _write_lines(file, targets)


def _write_lines(file: BinaryIO, targets: Targets) -> None:
    file.write((",".join(column.name for column in COLUMNS) + "\n").encode())
    for part in _parts(targets):
        lines = io.StringIO()
        rows = zip(*(_printed(part, column) for column in COLUMNS), strict=True)
        csv.writer(lines, lineterminator="\n").writerows(rows)
        file.write(lines.getvalue().encode())


def _printed(part: Targets, column: Column) -> list[str]:
    """Return a column as words, the shortest decimals that stand for its numbers."""
    if column.text:
        texts: list[str] = part.text(column.name).tolist()
        return texts
    words = np.where(part.missing(column.name), "", part.get(column.name).astype("U"))
    printed: list[str] = words.tolist()
    return printed


def _write_parquet(file: BinaryIO, targets: Targets, metadata: dict[str, str]) -> None:
    from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
    from arro3.io import write_parquet

    types: dict[str, Any] = {name: getattr(DataType, name)() for name in _TFORMS}
    schema = Schema(
        [
            Field(
                column.name,
                DataType.string() if column.text else types[column.kind],
                nullable=True,
                metadata={"description": column.description, "unit": column.unit},
            )
            for column in COLUMNS
        ],
        metadata=metadata,
    )
    # arro3 makes no nulls from numpy, but taking a null place gives a null.
    places = Array([None, *range(min(_ROWS, len(targets)))], type=DataType.uint32())

    def with_nulls(values: Any, missing: NDArray[np.bool_]) -> Any:
        if not missing.any():
            return values
        own = np.where(missing, 0, np.arange(1, len(missing) + 1)).astype(np.uint32)
        return values.take(places.take(Array.from_numpy(own)))

    def array(part: Targets, column: Column) -> Any:
        if not column.text:
            values = Array.from_numpy(np.ascontiguousarray(part.get(column.name), column.kind))
            return with_nulls(values, part.missing(column.name))
        if column.kind == "word":
            codes, of = np.unique(part.get(column.name), return_inverse=True)
            words = [part.words.word(code) or None for code in codes.tolist()]
            return Array(words, type=DataType.string()).take(
                Array.from_numpy(of.astype(np.uint32))
            )
        texts = [text or None for text in part.text(column.name).tolist()]
        return Array(texts, type=DataType.string())

    failed: list[BaseException] = []

    def batches() -> Iterator[Any]:
        try:
            for part in _parts(targets):
                arrays = [array(part, column) for column in COLUMNS]
                yield RecordBatch.from_arrays(arrays, schema=schema)
        except BaseException as error:  # raised again below, Ctrl-C too
            failed.append(error)

    # To memory first: arro3 panics where a write fails. Compressed, 5 million rows are 300 MB.
    buffer = io.BytesIO()
    write_parquet(
        RecordBatchReader.from_batches(schema, batches()),
        buffer,
        compression="zstd(3)",
        key_value_metadata=metadata,
        max_row_group_size=_ROWS,
    )
    if failed:
        raise failed[0]
    file.write(buffer.getbuffer())


#: How each extension is written.
WRITERS: Final[dict[str, Callable[[BinaryIO, Targets, dict[str, str]], None]]] = {
    ".parquet": _write_parquet,
    ".fits": _write_fits,
    ".csv": _write_csv,
    ".ecsv": _write_ecsv,
}
