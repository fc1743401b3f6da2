"""A Parquet file, such as `huggins catalog` writes, in blocks of rows."""

from __future__ import annotations

import io
import os
import zlib
from typing import TYPE_CHECKING, Any

from huggins.errors import InputError
from huggins.fits.values import ROWS, opened
from huggins.tables.chunks import ValueChunk, unique_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class ParquetTable:
    """A Parquet file; columns of lists and structures are not read.

    Raises
    ------
    InputError
        If the file is damaged, cut off or has no rows.
    """

    def __init__(self, path: Path, *, upper: bool) -> None:
        self.path = str(path)
        self._file = path
        with opened(path) as file:
            try:
                ends = [file.read(4)]
                file.seek(-4, os.SEEK_END)
                ends.append(file.read(4))
            except (OSError, EOFError, ValueError, zlib.error):
                ends = []
        # Checked here, because arro3 panics on such files.
        if ends != [b"PAR1", b"PAR1"]:
            raise InputError(f"{path}: not a whole Parquet file: fetch or make it again")
        reader = self._open()
        names = [field.name for field in reader.schema]
        self.names = unique_names(names, self.path, upper=upper)
        self._own = dict(zip(self.names, names, strict=True))
        recorded = reader.schema.metadata_str.items()
        self.metadata = {
            str(k): str(v) for k, v in recorded if not k.startswith(("ARROW:schema", "table::"))
        }
        if next(iter(self.chunks(())), None) is None:
            raise InputError(f"{path}: the table has no rows")

    def chunks(self, columns: Sequence[str]) -> Iterator[ValueChunk]:
        """Yield all rows, in order; only these columns are there."""
        selected = {name: self._own[name] for name in columns if name in self._own}
        start = 0
        reader = self._open()
        while (batch := self._guarded(lambda: next(reader, None))) is not None:
            count = int(batch.num_rows)
            values = {name: batch.column(own) for name, own in selected.items()}
            if count:
                yield ValueChunk(self.path, start, count, values)
            start += count

    def _open(self) -> Any:
        from arro3.io import read_parquet

        file: Any = self._file
        if file.suffix.lower() == ".gz":
            with opened(file) as packed:
                file = io.BytesIO(packed.read())
        return self._guarded(lambda: read_parquet(file, batch_size=ROWS))

    def _guarded(self, call: Any) -> Any:
        try:
            return call()
        except BaseException as error:
            # arro3 panics on a damaged file, and its panic is no Exception.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise InputError(f"{self.path}: a damaged Parquet file: {error}") from error
