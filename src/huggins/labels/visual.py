"""Labels that a person contradicts who looked at the spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.catalog import Settings, make_targets
from huggins.errors import InputError
from huggins.labels.suspects import Suspect, disagree, name_of
from huggins.tables.sky import RADIUS, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from huggins.labels.table import Labels

#: Score where a person is certain of this very spectrum, and of another one of the object.
SAME_SPECTRUM: Final = 1.0
SAME_POSITION: Final = 0.99
_CERTAIN: Final = 3


def visual_suspects(
    labels: Labels, tables: Sequence[str | Path], radius: float = RADIUS
) -> tuple[list[Suspect], int]:
    """Return labels that a person contradicts, and how many labels people looked at.

    People are believed where they are certain (trust 3). Rows are matched by PLATE-MJD-FIBERID
    and, where that finds nothing, by position.

    Parameters
    ----------
    labels
    tables
        Survey tables with visual labels, as `huggins.catalog.make_targets` reads them; the
        superset of DR12Q first of all.
    radius
        Of a match by position, in arcseconds.

    Raises
    ------
    InputError
        If the tables hold no certain visual label, or the labels neither identifiers nor
        positions.
    """
    people = make_targets(tables, Settings(duplicates="first"))
    visual = people.get("LABEL_FROM") == people.words.code("visual")
    certain = visual & (people.get("TRUST") == _CERTAIN) & (people.get("CLASS") != 0)
    if not certain.any():
        raise InputError(
            f"{', '.join(map(str, tables))}: no label there was given with certainty by "
            "a person"
        )
    people = people.take(certain)
    keys, positions = labels.keys(), (labels.number("ra"), labels.number("dec"))
    if not (keys >= 0).any() and not np.isfinite(positions[0]).any():
        raise InputError(
            f"{labels.columns.path}: neither PLATE, MJD, FIBERID nor RA, DEC to find its "
            "spectra by: name the columns with --column"
        )
    theirs = people.keys()
    order = np.argsort(theirs, kind="stable")
    place = np.searchsorted(theirs[order], keys).clip(max=len(order) - 1)
    same = (keys >= 0) & (theirs[order][place] == keys)
    found = np.where(same, order[place], -1)
    near = nearest(*positions, people.get("RA"), people.get("DEC"), radius)
    found = np.where(same, found, near)
    rows = np.flatnonzero(found >= 0)
    of = found[rows]
    broad, sub = people.text("CLASS")[of], people.text("SUBCLASS")[of]
    against = disagree(
        labels.broad[rows],
        labels.sub[rows],
        broad,
        sub,
        bal_known=labels.bal_known[rows],
        other_bal_known=people.get("BAL")[of] >= 0,
    )
    suspects = []
    for at in np.flatnonzero(against).tolist():
        row = int(rows[at])
        suspects.append(
            Suspect(
                row,
                "visual",
                SAME_SPECTRUM if same[row] else SAME_POSITION,
                str(broad[at]),
                str(sub[at]),
                f"a person says {name_of(str(broad[at]), str(sub[at]))} of "
                + ("this spectrum" if same[row] else "a spectrum at this position"),
            )
        )
    return suspects, len(rows)
