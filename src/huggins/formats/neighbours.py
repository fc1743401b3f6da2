"""Tables of redshifts that a survey keeps in the folder of its spectra."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from huggins.errors import ReadError
from huggins.fits import Fits, Source

_log = logging.getLogger(__name__)


def rows_beside(
    path: str, name: str, columns: tuple[str, ...], needed: tuple[str, ...]
) -> dict[int, dict[str, Any]]:
    """Return the rows of a table in the same folder; none, with a warning, if it is damaged.

    Parameters
    ----------
    path
        The file of spectra.
    name
        The file of the table, which may have ``.gz`` behind it or be missing.
    columns
        What to read of it.
    needed
        Columns that the table must have; the rows are returned by the first of them.
    """
    candidates = (Path(path).with_name(name), Path(path).with_name(f"{name}.gz"))
    table_path = next((str(candidate) for candidate in candidates if candidate.is_file()), None)
    if table_path is None:
        return {}
    try:
        with Source(table_path) as source:
            hdus = Fits(source) if source.fits else ()
            table = next((hdu for hdu in hdus if all(c in hdu for c in needed)), None)
            if table is None:
                raise ReadError(f"no table of {', '.join(needed)} in it", table_path)
            rows = [table.record(columns, row) for row in range(table.rows)]
    except ReadError as error:
        _log.warning("pipeline redshifts are left out: %s", error)
        return {}
    return {row[needed[0]]: row for row in rows}
