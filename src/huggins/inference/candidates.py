"""The table of candidates: the most probable different redshifts of each spectrum.

An HDU CANDIDATES behind the table of results in FITS, a table of its own beside it in every
other format (`beside`).
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import HugginsError
from huggins.inference.table import DESI_NAMES
from huggins.redshift.alternatives import ALTERNATIVE
from huggins.runs.files import check_writable, extension_of
from huggins.runs.ours import same_columns
from huggins.tables.read import open_table
from huggins.tables.ucd import ucd_of
from huggins.tables.write import WRITERS, Numbers, OutputColumn, OutputTable, Texts
from huggins.taxonomy import BROAD_CLASSES, CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from astropy.table import Table
    from numpy.typing import NDArray

    from huggins.inference.table import Rows

_log = logging.getLogger(__name__)

#: EXTNAME in FITS.
NAME: Final = "CANDIDATES"
#: What the metadata of a table of results says of how many were asked for.
KEY: Final = "CANDIDAT"
#: Columns, in order.
COLUMNS: Final = (
    OutputColumn("FILE", "str", "path as given", masked=False, path=True),
    OutputColumn("INDEX", "int32", "row or fibre inside the file, from 0", masked=False),
    OutputColumn("RANK", "int32", "1: the answer in the table of results", masked=False),
    OutputColumn("CLASS", "str", "STAR, GALAXY or QSO", masked=False, width=6),
    OutputColumn("SUBCLASS", "str", f"one of {' '.join(CLASSES)}", masked=False, width=3),
    OutputColumn("Z", "float32", "redshift, heliocentric as the input is"),
    OutputColumn("CHI2", "float64", "chi2 in units of the noise that the spectrum shows"),
    OutputColumn("PROB", "float32", "calibrated probability of this redshift"),
)
_NUMBERS: Final = {"Z": "z", "CHI2": "chi2", "PROB": "prob"}


def beside(path: Path, extension: str = "") -> Path | None:
    """Return where the candidates of a table go: None for FITS, which holds them itself.

    Parameters
    ----------
    path
        Of the table of results.
    extension
        Tells the format in place of that of the path.

    Examples
    --------
    >>> from pathlib import Path
    >>> beside(Path("a/run.csv.gz")).name, beside(Path("run.fits"))
    ('run.candidates.csv.gz', None)
    """
    own = extension_of(path)
    if (extension or own) == ".fits":
        return None
    ending = path.name[len(path.name.removesuffix(".gz").removesuffix(own)) :]
    if own not in WRITERS:  # the format was named
        return path.with_name(f"{path.name}.candidates")
    return path.with_name(f"{path.name[: -len(ending)]}.candidates{ending}")


def holds_candidates(names: Sequence[str]) -> bool:
    """Whether the columns of a table are those of candidates."""
    return any(same_columns(_names(desi=desi))(names) for desi in (False, True))


def check_candidates(
    path: Path,
    inputs: Iterable[str | Path] = (),
    *,
    extension: str = "",
    overwrite: bool = False,
) -> None:
    """Check that candidates can be written to a path; see `huggins.runs.files`."""
    check_writable(
        path,
        None if extension else WRITERS,
        inputs=inputs,
        columns=holds_candidates,
        kind="table of candidates",
        same_kind=lambda there: holds_candidates(open_table(there).names),
        overwrite=overwrite,
    )


def remove_old(path: Path | None, inputs: Iterable[str | Path] = ()) -> None:
    """Remove the candidates of a table that was replaced by one without; warn if not ours."""
    if path is None or not path.exists():
        return
    try:
        check_candidates(path, inputs, extension=extension_of(path))
        path.unlink()
    except (HugginsError, OSError):
        _log.warning("%s: is of no candidates of the new table: look what it is", path)
    else:
        _log.info("%s: removed, as it was that of the table before", path)


def candidates_table(
    parts: Iterable[Rows],
    count: int,
    widths: dict[str, int],
    metadata: dict[str, str],
    *,
    desi: bool = False,
) -> OutputTable:
    """Return the candidates of rows as a table to write.

    Parameters
    ----------
    parts, count
        The rows with their different redshifts, in order, and the number of candidates.
    widths, metadata, desi
        As for `huggins.inference.table.write_rows`.
    """
    columns = [
        replace(column, name=name, width=max(widths.get(column.name, 1), column.width))
        for column, name in zip(COLUMNS, _names(desi=desi), strict=True)
    ]
    return OutputTable(NAME, columns, count, map(_cells, parts), metadata)


def to_table(rows: Rows, metadata: dict[str, str], *, desi: bool = False) -> Table:
    """Return the candidates of rows as an astropy Table."""
    from astropy.table import Column, Table

    table = Table(meta=dict(metadata))
    for column, name, cells in zip(COLUMNS, _names(desi=desi), _cells(rows), strict=True):
        values: Any = cells.words if isinstance(cells, Texts) else cells.values
        dtype = np.dtype("U1") if column.text and not len(values) else None
        table[name] = Column(
            np.array(values, dtype=dtype or (None if column.text else column.kind)),
            description=column.description,
            meta={"ucd": ucd_of(name)},
        )
    return table


def few_line(parts: Iterable[Rows], asked: int) -> str:
    """Return what to say of spectra that have fewer different redshifts; empty: of none."""
    fitted = fewer = 0
    for rows in parts:
        if rows.alternatives is not None:
            found = _found(rows).sum(axis=1)
            fitted += int(np.count_nonzero(found))
            fewer += int(np.count_nonzero((found > 0) & (found < asked)))
    if not fewer:
        return ""
    return (
        f"candidates: {fewer} of {fitted} spectra have fewer than {asked} different redshifts, "
        "and as many rows as there are"
    )


def _names(*, desi: bool) -> list[str]:
    return [DESI_NAMES.get(c.name, c.name) if desi else c.name for c in COLUMNS]


def _found(rows: Rows) -> NDArray[np.bool_]:
    assert rows.alternatives is not None
    found: NDArray[np.bool_] = rows.alternatives["broad"] >= 0
    return found


def _cells(rows: Rows) -> list[Numbers | Texts]:
    """Return the columns of the candidates of some rows."""
    if rows.alternatives is None:
        at = rank = np.zeros(0, np.int64)
        chosen = np.zeros(0, ALTERNATIVE)
    else:
        at, rank = np.nonzero(_found(rows))
        chosen = rows.alternatives[at, rank]
    files = [rows.texts["FILE"][i] for i in at.tolist()]
    present = np.zeros(len(at), bool)
    cells: dict[str, Numbers | Texts] = {
        "FILE": Texts(files),
        "INDEX": Numbers(rows.numbers["INDEX"][at], present),
        "RANK": Numbers((rank + 1).astype(np.int32), present),
        "CLASS": Texts([BROAD_CLASSES[k] for k in chosen["broad"].tolist()]),
        "SUBCLASS": Texts([CLASSES[k] for k in chosen["sub"].tolist()]),
    }
    for name, field in _NUMBERS.items():
        cells[name] = Numbers(chosen[field], ~np.isfinite(chosen[field]))
    return [cells[column.name] for column in COLUMNS]
