"""Tables of redshifts that a survey keeps in the folder of its spectra."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.errors import ReadError
from huggins.fits import Fits, Source

if TYPE_CHECKING:
    import re

_log = logging.getLogger(__name__)


def rows_beside(
    path: str,
    name: str,
    columns: tuple[str, ...],
    needed: tuple[str, ...],
    *,
    others: re.Pattern[str] | None = None,
    wanted: frozenset[int] = frozenset(),
) -> dict[Any, dict[str, Any]]:
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
    others
        What other names the table may have. Such a file is taken only if it has a row for each
        of `wanted`; where none has, but there are some, that is said in the log.
    wanted
        The rows to read, by the first of `needed`; empty for all.
    """
    candidates = (Path(path).with_name(name), Path(path).with_name(f"{name}.gz"))
    table_path = next((str(candidate) for candidate in candidates if candidate.is_file()), None)
    if table_path is not None:
        return _rows(table_path, columns, needed, wanted)
    if others is None or not wanted:
        return {}
    try:
        with os.scandir(Path(path).parent) as entries:
            found = sorted(entry.path for entry in entries if others.search(entry.name))
    except OSError:
        return {}
    for other in found:
        rows = _rows(other, columns, needed, wanted)
        if wanted <= rows.keys():
            _log.info("%s: pipeline redshifts are those of %s", path, other)
            return rows
    if found:
        _log.warning(
            "%s: pipeline redshifts are left out: %s has not all of its targets; name the "
            "right file %s",
            path,
            found[0] if len(found) == 1 else f"none of {len(found)} files beside it",
            name,
        )
    return {}


def _rows(
    path: str, columns: tuple[str, ...], needed: tuple[str, ...], wanted: frozenset[int]
) -> dict[Any, dict[str, Any]]:
    try:
        with Source(path) as source:
            hdus = Fits(source) if source.fits else ()
            table = next((hdu for hdu in hdus if all(c in hdu for c in needed)), None)
            if table is None:
                raise ReadError(f"no table of {', '.join(needed)} in it", path)
            places = np.arange(table.rows)
            if wanted:
                keys = table.column(needed[0], np.int64)
                places = np.flatnonzero(np.isin(keys, np.array(sorted(wanted), np.int64)))
            rows = [table.record(columns, row) for row in places.tolist()]
    except ReadError as error:
        _log.warning("pipeline redshifts are left out: %s", error)
        return {}
    return {row[needed[0]]: row for row in rows}
