"""The first table of a VOTable, in blocks of rows."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.fits.values import ROWS, opened
from huggins.tables.chunks import ValueChunk, unique_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


_ROWS: Final = re.compile(rb"<TABLE\b[^>]*\bnrows\s*=\s*[\"'](\d+)")


def refuse_promises(content: bytes) -> None:
    """Raise `ValueError` for more rows than bytes: astropy makes room for all at once."""
    for rows in _ROWS.findall(content):
        if len(rows) > 15 or int(rows) > len(content):
            raise ValueError(
                f"it promises {rows[:20].decode()} rows in {len(content)} bytes; fetch it again"
            )


class VOTable:
    """The first table of a VOTable, read by astropy as a whole; arrays are left out.

    Raises
    ------
    InputError
        If it is no VOTable, is damaged or has no rows.
    """

    def __init__(self, path: Path, *, upper: bool) -> None:
        from astropy.io import votable

        self.path = str(path)
        try:
            with opened(path) as file, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what is not quite as the standard says
                written = file.read()
                refuse_promises(written)
                content = votable.parse(io.BytesIO(written), verify="ignore")
                found = content.get_first_table()
                table = found.to_table(use_names_over_ids=True)
        except Exception as error:  # astropy raises nearly anything for a damaged file
            raise InputError(f"{path}: cannot be read as a VOTable: {error}") from error
        infos = [info for resource in content.resources for info in resource.infos]
        self.metadata = {str(info.name): str(info.value) for info in infos}
        scalars = [name for name in table.colnames if table[name].ndim == 1]
        self.names = unique_names(scalars, self.path, upper=upper)
        self._columns = {
            name: table[own] for name, own in zip(self.names, scalars, strict=True)
        }
        self._rows = len(table)
        if not self._rows:
            raise InputError(f"{path}: the table has no rows")

    def chunks(self, columns: Sequence[str]) -> Iterator[ValueChunk]:
        """Yield all rows, in order; only these columns are there."""
        chosen = {name: self._columns[name] for name in columns if name in self._columns}
        for start in range(0, self._rows, ROWS):
            stop = min(start + ROWS, self._rows)
            values = {name: _plain(column[start:stop]) for name, column in chosen.items()}
            yield ValueChunk(self.path, start, stop - start, values)


def _plain(column: Any) -> list[Any]:
    """Return some rows as Python values, with None where one is missing."""
    missing = np.ma.getmaskarray(column)
    values = np.asarray(column).tolist()
    return [
        None if gone or value == "" or value != value else value
        for value, gone in zip(values, missing, strict=True)
    ]
