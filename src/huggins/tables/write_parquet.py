"""A table as Parquet, in chunks of rows."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from huggins.tables.output import (
    CHUNK_ROWS,
    Numbers,
    OutputColumn,
    OutputTable,
    Texts,
    metadata,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBERS: Final = ("int16", "int32", "int64", "float32", "float64")


def write_parquet(file: IO[bytes], table: OutputTable) -> None:
    """Write a Parquet file."""
    from arro3.core import Array, DataType, Field, RecordBatch, Schema

    types: dict[str, Any] = {name: getattr(DataType, name)() for name in _NUMBERS}
    types["str"] = DataType.string()
    # Missing text is empty, as in FITS and ECSV: astropy would make the word "None" of a null.
    # It looks for the length of texts under these names.
    lengths = {f"table::len::{c.name}": str(c.width) for c in table.columns if c.text}
    recorded = metadata(table) | lengths
    fields = [
        Field(
            column.name,
            types[column.kind],
            nullable=column.masked and not column.text,
            metadata={
                "description": column.description,
                "unit": column.unit,
                "ucd": column.ucd,
            },
        )
        for column in table.columns
    ]
    schema = Schema(fields, metadata=recorded)

    def array(column: OutputColumn, cells: Numbers | Texts) -> Any:
        if isinstance(cells, Texts):
            texts = Array(cells.words, type=types["str"])
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

    def batches() -> Iterator[Any]:
        for chunk in table.chunks:
            arrays = [array(c, cells) for c, cells in zip(table.columns, chunk, strict=True)]
            yield RecordBatch.from_arrays(arrays, schema=schema)

    write_batches(file, schema, batches(), recorded, CHUNK_ROWS)


def write_batches(
    file: IO[bytes],
    schema: Any,
    batches: Iterator[Any],
    recorded: dict[str, str],
    group: int,
) -> None:
    """Write record batches of Arrow as a Parquet file.

    Parameters
    ----------
    file
    schema : arro3.core.Schema
    batches : iterator of arro3.core.RecordBatch
        What it raises is raised here, Ctrl-C too.
    recorded
        Metadata of the file.
    group
        Rows of a row group.
    """
    from arro3.core import RecordBatchReader
    from arro3.io import write_parquet as write

    shield: Any = _Shield(file)

    def shielded() -> Iterator[Any]:
        try:
            for batch in batches:
                if shield.error is not None:
                    return
                yield batch
        except BaseException as error:  # raised again below
            shield.error = error

    write(
        RecordBatchReader.from_batches(schema, shielded()),
        shield,
        compression="zstd(3)",
        key_value_metadata=recorded,
        max_row_group_size=group,
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
