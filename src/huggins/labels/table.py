"""The table of labels under suspicion: what each row is said to be, and which it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.tables.keys import spectrum_keys
from huggins.tables.sky import RADIUS, close_pairs, connected
from huggins.taxonomy import BROAD, CLASSES, from_label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from huggins.tables.columns import Columns

    Array = NDArray[Any]
    Texts = NDArray[np.str_]

#: What a column can be, and the names by which it is known without being told.
ROLES: Final = {
    "subclass": ("class13", "SUBCLASS"),
    "class": ("class3", "CLASS"),
    "bal": ("BAL",),
    "label_from": ("LABEL_FROM",),
    "trust": ("TRUST",),
    "object": ("OBJECT",),
    "thing_id": ("THING_ID",),
    "plate": ("PLATE",),
    "mjd": ("MJD",),
    "fiberid": ("FIBERID",),
    "targetid": ("TARGETID",),
    "ra": ("RA",),
    "dec": ("DEC",),
    "path": ("path", "FILE"),
    "index": ("index",),
}
#: Broad classes in the words of the table of targets.
_BROAD: Final = {"GAL": "GALAXY", "QUASAR": "QSO"}


@dataclass(frozen=True, slots=True)
class Labels:
    """N labelled spectra.

    Attributes
    ----------
    columns : Columns
        The table as it was read.
    roles : dict of str to str
        Which of its columns is what.
    broad, sub : ndarray of str, shape (N,)
        STAR, GALAXY, QSO or empty; one of the 13 or empty.
    bal_known : ndarray of bool, shape (N,)
        False for a quasar of which nobody said whether it is a BAL.
    trust : ndarray of int, shape (N,)
        3 to 0; 2 where the table does not say.
    """

    columns: Columns
    roles: Mapping[str, str]
    broad: Texts
    sub: Texts
    bal_known: NDArray[np.bool_]
    trust: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sub)

    def number(self, role: str, missing: float = np.nan) -> NDArray[np.float64]:
        """Return a column of numbers by its role, shape (N,), `missing` where there is none."""
        if role not in self.roles:
            return np.full(len(self), missing)
        values = self.columns.number(self.roles[role])
        return np.where(np.isfinite(values), values, missing)

    def text(self, role: str) -> Texts:
        """Return a column as text by its role, shape (N,); empty if it is not there."""
        if role not in self.roles:
            return np.full(len(self), "", dtype="U1")
        return self.columns.text(self.roles[role])

    def keys(self) -> NDArray[np.int64]:
        """Return one number for each PLATE-MJD-FIBERID, shape (N,); -1 where not known."""
        parts = (self.number(r, -1).astype(np.int64) for r in ("plate", "mjd", "fiberid"))
        return spectrum_keys(*parts)

    def objects(self, radius: float = RADIUS) -> NDArray[np.int64]:
        """Return the same number for rows of the same object, shape (N,); -1 where not known.

        By the column of objects where there is one, else by THING_ID and position.
        """
        if "object" in self.roles:
            names = self.text("object")
            number = np.unique(names, return_inverse=True)[1].astype(np.int64)
            return np.where(names == "", -1, number)
        ra, dec = self.number("ra"), self.number("dec")
        thing = self.number("thing_id", -1)
        first, second = close_pairs(ra, dec, radius)
        known = np.flatnonzero(thing > 0)
        order = known[np.argsort(thing[known], kind="stable")]
        same = thing[order][1:] == thing[order][:-1]
        root = connected(
            len(self),
            np.concatenate([first, order[:-1][same]]),
            np.concatenate([second, order[1:][same]]),
        ).astype(np.int64)
        return np.where((thing > 0) | (np.isfinite(ra) & np.isfinite(dec)), root, -1)


def take_labels(columns: Columns, given: Mapping[str, str] | None = None) -> Labels:
    """Find the labels in a table.

    Parameters
    ----------
    columns
        A table of targets, or any with a column of classes.
    given
        Column names by role, where they are others than those of `ROLES`.

    Raises
    ------
    InputError
        If a role or column does not exist, or there is no label at all.
    """
    roles = _roles(columns, given or {})
    count = len(columns)
    none = np.full(count, "", dtype="U1")
    said = columns.text(roles["class"]) if "class" in roles else none
    detail = columns.text(roles["subclass"]) if "subclass" in roles else none
    broad, sub = _classes(said, detail)
    if not (broad != "").any():
        raise InputError(
            f"{columns.path}: no row has a class that is known (STAR, GALAXY, QSO, or one of "
            f"{' '.join(CLASSES)}); say which column it is with --column subclass=NAME"
        )
    bal_known = np.ones(count, bool)
    if "bal" in roles:
        bal_known = (sub != "QSO") | np.isfinite(columns.number(roles["bal"]))
    elif "label_from" in roles:
        # No pipeline searches quasars for broad absorption; people do.
        by_eye = np.strings.startswith(columns.text(roles["label_from"]), "visual")
        bal_known = (sub != "QSO") | by_eye
    trust = np.full(count, 2, np.int64)
    if "trust" in roles:
        trust = np.nan_to_num(columns.number(roles["trust"]), nan=0.0).astype(np.int64)
    return Labels(columns, roles, broad, sub, bal_known, trust)


def _roles(columns: Columns, given: Mapping[str, str]) -> dict[str, str]:
    roles = {}
    for role, name in given.items():
        if role not in ROLES:
            raise InputError(
                f"--column: {role!r} is no role of a column: known are {', '.join(ROLES)}"
            )
        if name not in columns:
            raise InputError(
                f"{columns.path}: there is no column {name!r} to be {role!r}; there are "
                f"{', '.join(columns.names)}"
            )
        roles[role] = name
    for role, names in ROLES.items():
        by_lower = {name.lower(): name for name in reversed(columns.names)}
        for name in names:
            if role not in roles and name.lower() in by_lower:
                roles[role] = name if name in columns else by_lower[name.lower()]
    if "class" not in roles and "subclass" not in roles:
        raise InputError(
            f"{columns.path}: no column with the class: name it with --column subclass=NAME "
            f"(one of the 13) or --column class=NAME; there are {', '.join(columns.names)}"
        )
    return roles


def _classes(said: Texts, detail: Texts) -> tuple[Texts, Texts]:
    """Return STAR, GALAXY or QSO and one of the 13, or empty texts, of every row."""
    kinds, of_kind = np.unique(said, return_inverse=True)
    types, of_type = np.unique(detail, return_inverse=True)
    pairs, of = np.unique(of_kind * len(types) + of_type, return_inverse=True)
    named = [
        _class_of(str(kinds[pair // len(types)]), str(types[pair % len(types)]))
        for pair in pairs.tolist()
    ]
    table = np.array(named, dtype="U8").reshape(-1, 2)
    return table[of, 0], table[of, 1]


def _class_of(said: str, detail: str) -> tuple[str, str]:
    """Return the broad class and the one of the 13 that a label means.

    >>> _class_of("STAR", "F3/F5V (30743)"), _class_of("", "BAL"), _class_of("QSO", "")
    (('STAR', 'F'), ('QSO', 'BAL'), ('QSO', ''))
    >>> _class_of("QSO", "BROADLINE"), _class_of("GALAXY", "")
    (('QSO', 'QSO'), ('GALAXY', 'GAL'))
    """
    if detail in CLASSES:
        return BROAD[detail], detail
    if said in CLASSES and said not in ("QSO", "GAL"):
        return BROAD[said], said
    broad = _BROAD.get(said.upper(), said.upper())
    if broad not in ("STAR", "GALAXY", "QSO"):
        broad = ""
    if broad == "QSO" and not detail:
        return broad, ""  # a quasar of which it is unknown whether it is a BAL
    return broad, from_label(broad, detail) or ""
