"""Rows of a table of results, as files and the spectra in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.errors import InputError
from huggins.inference.candidates import KEY as CANDIDATES_KEY
from huggins.inference.counting import Counts
from huggins.inference.given import KEY as GIVEN_KEY
from huggins.inference.given import were_given
from huggins.inference.sets import KEY as SETS_KEY
from huggins.inference.table import DESI_NAMES, SETS_COLUMN, printable
from huggins.tables.columns import Columns
from huggins.tables.read import open_table, read_columns
from huggins.tables.select import select
from huggins.tables.write import ascii_only

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from huggins.inference.inputs import Inputs

#: What the metadata of a table of results says of ``--threshold``.
THRESHOLD_KEY: Final = "THRESHOL"
_NEEDED: Final = frozenset({"FILE", "INDEX"})
_ASKED: Final = ("FILE", "CLASS", "ZWARNING", "ERROR")
_ERRORS: Final = ("Z", "Z_ERR", "DELTACHI2")
_REDROCK: Final = frozenset({"SPECTYPE", "COEFF", "NPIXELS"})
_ANSWERS: Final = frozenset({"CLASS", "SPECTYPE"})


@dataclass(frozen=True, slots=True)
class Spectra:
    """Some spectra of one file.

    Attributes
    ----------
    path : str
        As the table has it, or beside the table where it is there and not here.
    indices : tuple of int
    of_many : bool
        Whether the table has several spectra of this file.
    """

    path: str
    indices: tuple[int, ...]
    of_many: bool


def holds_rows(path: str) -> bool:
    """Whether a file is a table of results, of `huggins classify` or cut out of one."""
    if not Path(path).is_file():
        return False
    try:
        names = set(open_table(path).names)
    except InputError:  # no table, which a spectrum need not be
        return False
    return names >= _NEEDED and bool(names & _ANSWERS)


def refuse_redrock(path: str | Path) -> None:
    """Refuse a table that was written for DESI's tools: it says otherwise what its rows are.

    Raises
    ------
    InputError
        If `huggins classify --format redrock` wrote it.
    """
    if not Path(path).is_file():
        return
    try:
        table = open_table(path)
    except InputError:
        return
    ours = table.metadata.get("CREATOR", "").startswith("huggins")
    if ours and set(table.names) >= _REDROCK and "FILE" not in table.names:
        raise InputError(
            f"{path}: redrock tables are for DESI's tools; write a .fits table for this: "
            "huggins classify -o NAME.fits without --format redrock"
        )


def finished(
    output: Path,
    inputs: Inputs,
    metadata: Mapping[str, str],
    *others: Path | None,
    desi: bool = False,
) -> Counts | None:
    """Return what a complete table of these inputs comes to; None where it is another's.

    Parameters
    ----------
    output
        The table.
    inputs
        Compared with FILE, unless they can be read only once.
    metadata
        What this run would record: model, basis and options are compared. Where the table
        records nothing, it is not known to have any of the options.
    others
        Other outputs of the run, which must be there.
    desi
        Whether the columns are to have DESI's names.
    """
    if any(path is not None and not path.exists() for path in others):
        return None
    stored = read_columns(output, (*_ASKED, *_ERRORS, *DESI_NAMES.values(), SETS_COLUMN))
    if ("CLASS" in stored) == desi or (SETS_COLUMN in stored) != (SETS_KEY in metadata):
        return None
    table = with_sdss_names(stored)
    if any(name not in table for name in _ASKED):
        return None
    for key in ("MODELSHA", "BASISSHA"):
        if table.metadata.get(key, metadata[key]) != metadata[key]:
            return None
    for key in (CANDIDATES_KEY, SETS_KEY, GIVEN_KEY, THRESHOLD_KEY):
        if table.metadata.get(key, "") != metadata.get(key, ""):
            return None
    if were_given(table) and GIVEN_KEY not in metadata:  # of CSV, which records nothing
        return None
    files = table.text("FILE")
    if inputs.repeatable:
        mine = [ascii_only(path) for path, _ in groupby(map(printable, inputs))]
        if mine != [ascii_only(path) for path, _ in groupby(files.tolist())]:
            return None
    errors = table.text("ERROR")
    good = errors == ""
    return Counts(
        rows=len(files),
        failed=int((~good).sum()),
        classes=Counter(table.text("CLASS")[good].tolist()),
        warnings=Counter(table.number("ZWARNING")[good].astype(int).tolist()),
        reasons=Counter(errors[~good].tolist()),
    )


def rows_where(path: str, where: str = "") -> Columns:
    """Return the rows of a table of results that an expression chooses.

    Parameters
    ----------
    path
        Of the table.
    where
        As `huggins.tables.select.select` takes it; empty takes all rows.

    Raises
    ------
    InputError
        If the table cannot be read, or the expression is wrong or holds for no row.
    """
    table = read_columns(path)
    if not where:
        return table
    keep = np.flatnonzero(select(where, table))
    if not len(keep):
        raise InputError(
            f"--where: {where!r} holds for none of the {len(table)} rows of {path}"
        )
    return Columns(table.path, {n: v[keep] for n, v in table.values.items()}, table.metadata)


def spectra_of(table: Columns) -> Iterator[Spectra]:
    """Yield the spectra of the rows, those of one file that follow one another together."""
    files = table.text("FILE")
    _, places, counts = np.unique(files, return_inverse=True, return_counts=True)
    indices = np.nan_to_num(table.number("INDEX")).astype(int).tolist()
    beside = Path(table.path).parent
    start = 0
    for file, group in groupby(files.tolist()):
        size = len(list(group))
        rows = tuple(indices[start : start + size])
        path = file
        if not Path(file).exists() and (beside / file).exists():
            path = str(beside / file)
        many = int(counts[places[start]]) > 1 or max(rows) > 0
        yield Spectra(path, rows, many)
        start += size


def with_sdss_names(results: Columns) -> Columns:
    """Return results whose columns may have DESI's names with those of SDSS."""
    if "CLASS" in results:
        return results
    back = {desi: sdss for sdss, desi in DESI_NAMES.items()}
    values = {back.get(name, name): column for name, column in results.values.items()}
    return Columns(results.path, values, results.metadata)
