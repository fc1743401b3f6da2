"""Write a table in chunks of rows: FITS, CSV, ECSV, Parquet, JSON lines.

Only one chunk is in memory at a time, however long the table is.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, cast

import numpy as np

from huggins.runs.files import extension_of, replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

#: Rows in a row group of Parquet, and a good size of a chunk.
CHUNK_ROWS: Final = 65_536
_FITS_BLOCK: Final = 2880
_TFORMS: Final = {"int16": "I", "int32": "J", "int64": "K", "float32": "E", "float64": "D"}
# Longest metadata value in a header; a shell can expand a pattern to megabytes.
_VALUE_MAX: Final = 2000


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """One column of a table to write.

    Attributes
    ----------
    name
    kind
        numpy's name of its type; ``str`` for text.
    description, unit
        Written into the headers that hold them; the unit as astropy spells it.
    masked
        Whether values can be missing. Text that cannot is then simply empty.
    null
        Integer that stands for a missing value (TNULL of FITS).
    width
        Longest text in ASCII characters, for FITS.
    """

    name: str
    kind: str
    description: str
    unit: str = ""
    masked: bool = True
    null: int | None = None
    width: int = 1

    @property
    def text(self) -> bool:
        """Whether it holds text."""
        return self.kind == "str"


@dataclass(frozen=True, slots=True)
class Numbers:
    """Values of a column of numbers, shape (N,), and which are missing."""

    values: NDArray[Any]
    missing: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Texts:
    """Values of a column of text: row i holds ``words[codes[i]]``, or ``words[i]``."""

    words: list[str]
    codes: NDArray[np.integer] | None = None


@dataclass(frozen=True, slots=True)
class OutputTable:
    """A table to write.

    Attributes
    ----------
    name
        EXTNAME of FITS.
    columns
    count
        Number of rows.
    chunks
        The rows, in order: for each chunk the values of every column.
    metadata
        What headers record, by keyword.
    """

    name: str
    columns: Sequence[OutputColumn]
    count: int
    chunks: Iterable[Sequence[Numbers | Texts]]
    metadata: dict[str, str]


def write_table(path: Path, table: OutputTable) -> None:
    """Write a table, in the format of the path's extension; the file is complete or not there.

    Behind the extension there may be ``.gz``.

    Raises
    ------
    OutputError
        If it cannot be written; a file that was there before is left as it was.
    """
    writer = WRITERS[extension_of(path)]
    with replacing(path) as file:
        if path.suffix.lower() != ".gz":
            writer(file, table)
            return
        # Without name and time, so that the same table gives the same bytes.
        with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
            writer(cast("IO[bytes]", packed), table)


def ascii_only(text: str) -> str:
    """Return text as FITS allows it, other characters as escapes."""
    if text.isascii():
        return text
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _write_fits(file: IO[bytes], table: OutputTable) -> None:
    from astropy.io import fits

    layout: list[tuple[str, str]] = []
    cards = fits.Header()
    for i, column in enumerate(table.columns, start=1):
        if column.text:
            cards[f"TFORM{i}"] = f"{column.width}A"
            layout.append((column.name, f"S{column.width}"))
        else:
            cards[f"TFORM{i}"] = _TFORMS[column.kind]
            layout.append((column.name, np.dtype(column.kind).newbyteorder(">").str))
        cards[f"TTYPE{i}"] = column.name
        if column.null is not None:
            cards[f"TNULL{i}"] = column.null
        if column.unit:
            cards[f"TUNIT{i}"] = column.unit
        cards[f"TCOMM{i}"] = column.description
    record = np.dtype(layout)
    header = fits.Header(
        [
            ("XTENSION", "BINTABLE", "binary table"),
            ("BITPIX", 8),
            ("NAXIS", 2),
            ("NAXIS1", record.itemsize, "bytes in a row"),
            ("NAXIS2", table.count, "rows"),
            ("PCOUNT", 0),
            ("GCOUNT", 1),
            ("TFIELDS", len(table.columns), "columns"),
            ("EXTNAME", table.name),
        ]
    )
    header.extend(cards, unique=True)
    header.update((key, ascii_only(value)) for key, value in _metadata(table).items())
    file.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
    file.write(header.tostring().encode("ascii"))
    size = 0
    for chunk in table.chunks:
        rows = np.zeros(_length(chunk), dtype=record)
        for column, cells in zip(table.columns, chunk, strict=True):
            field = rows[column.name]
            if isinstance(cells, Texts):
                words = _encoded(cells.words, field.dtype)
                field[:] = words if cells.codes is None else words[cells.codes]
            else:
                field[:] = cells.values
                if field.dtype.kind == "f":  # infinite is missing too
                    field[cells.missing] = np.nan
        size += file.write(rows.tobytes())
    file.write(b"\0" * (-size % _FITS_BLOCK))


def _encoded(words: list[str], dtype: np.dtype[Any]) -> NDArray[np.bytes_]:
    try:
        encoded = np.array(words, dtype)
    except UnicodeEncodeError:
        encoded = np.array([ascii_only(word) for word in words], dtype)
    return encoded


def _write_csv(file: IO[bytes], table: OutputTable) -> None:
    file.write((",".join(column.name for column in table.columns) + "\n").encode())
    for rows in _python_rows(table):
        lines = io.StringIO()
        csv.writer(lines, lineterminator="\n").writerows(rows)
        file.write(lines.getvalue().encode())


def _write_ecsv(file: IO[bytes], table: OutputTable) -> None:
    from astropy.table import Column, Table

    empty = Table(meta=_metadata(table))
    for column in table.columns:
        empty[column.name] = Column(
            np.zeros(0, "U1" if column.text else column.kind),
            description=column.description,
            unit=column.unit or None,
        )
    header = io.StringIO()
    empty.write(header, format="ascii.ecsv", delimiter=",")
    comments = [line for line in header.getvalue().splitlines() if line.startswith("#")]
    file.write(("\n".join(comments) + "\n").encode())
    _write_csv(file, table)


def _write_jsonl(file: IO[bytes], table: OutputTable) -> None:
    names = [column.name for column in table.columns]
    for rows in _python_rows(table):
        lines = (
            json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n"
            for row in rows
        )
        file.write("".join(lines).encode())


def _write_parquet(file: IO[bytes], table: OutputTable) -> None:
    from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
    from arro3.io import write_parquet

    types: dict[str, Any] = {name: getattr(DataType, name)() for name in _TFORMS}
    types["str"] = DataType.string()
    metadata = _metadata(table)
    fields = [
        Field(
            column.name,
            types[column.kind],
            nullable=column.masked,
            metadata={"description": column.description, "unit": column.unit},
        )
        for column in table.columns
    ]
    schema = Schema(fields, metadata=metadata)

    def array(column: OutputColumn, cells: Numbers | Texts) -> Any:
        if isinstance(cells, Texts):
            words = [word or None for word in cells.words] if column.masked else cells.words
            texts = Array(words, type=types["str"])
            if cells.codes is None:
                return texts
            return texts.take(Array.from_numpy(cells.codes.astype(np.uint32)))
        values = Array.from_numpy(np.ascontiguousarray(cells.values, column.kind))
        if not cells.missing.any():
            return values
        # arro3 makes no nulls from numpy, but taking a null place gives a null.
        rows = np.where(cells.missing, 0, np.arange(1, len(cells.missing) + 1))
        places = Array([None, *range(len(rows))], type=DataType.uint32())
        return values.take(places.take(Array.from_numpy(rows.astype(np.uint32))))

    shield: Any = _Shield(file)

    def batches() -> Iterator[Any]:
        try:
            for chunk in table.chunks:
                if shield.error is not None:
                    return
                arrays = [
                    array(c, cells) for c, cells in zip(table.columns, chunk, strict=True)
                ]
                yield RecordBatch.from_arrays(arrays, schema=schema)
        except BaseException as error:  # raised again below, Ctrl-C too
            shield.error = error

    write_parquet(
        RecordBatchReader.from_batches(schema, batches()),
        shield,
        compression="zstd(3)",
        key_value_metadata=metadata,
        max_row_group_size=CHUNK_ROWS,
    )
    if shield.error is not None:
        raise shield.error


class _Shield:
    """Keeps exceptions from arro3, which panics where a write fails and renames others."""

    def __init__(self, file: IO[bytes]) -> None:
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


def _length(chunk: Sequence[Numbers | Texts]) -> int:
    first = chunk[0]
    if isinstance(first, Numbers):
        return len(first.values)
    return len(first.words if first.codes is None else first.codes)


def _python_rows(table: OutputTable) -> Iterator[Iterable[tuple[Any, ...]]]:
    for chunk in table.chunks:
        columns = zip(table.columns, chunk, strict=True)
        yield zip(*(python_values(cells, masked=c.masked) for c, cells in columns), strict=True)


def python_values(cells: Numbers | Texts, *, masked: bool) -> list[Any]:
    """Return a column as Python values, with None where one is missing.

    Single-precision numbers become the shortest decimals that stand for them.
    """
    if isinstance(cells, Texts):
        words: list[Any] = [w or None for w in cells.words] if masked else cells.words
        return words if cells.codes is None else [words[code] for code in cells.codes.tolist()]
    values = cells.values
    if values.dtype == np.float32:
        values = values.astype("U").astype(np.float64)
    result: list[Any] = values.tolist()
    if cells.missing.any():
        missing = cells.missing.tolist()
        return [None if gone else v for v, gone in zip(result, missing, strict=True)]
    return result


def _metadata(table: OutputTable) -> dict[str, str]:
    return {key: _short(value) for key, value in table.metadata.items()}


def _short(value: str) -> str:
    if len(value) <= _VALUE_MAX:
        return value
    return f"{value[:_VALUE_MAX]} ... ({len(value)} characters)"


#: How each extension is written.
WRITERS: Final[dict[str, Callable[[IO[bytes], OutputTable], None]]] = {
    ".fits": _write_fits,
    ".csv": _write_csv,
    ".ecsv": _write_ecsv,
    ".parquet": _write_parquet,
    ".jsonl": _write_jsonl,
}
