"""A table of labels to be checked: the class and the identity of each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.tables.keys import spectrum_keys
from huggins.tables.labels import ASSUMED_TRUST, SKY, classes_of, find_roles
from huggins.tables.sky import RADIUS, same_object
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from huggins.tables.columns import Columns

    Array = NDArray[Any]
    Texts = NDArray[np.str_]

#: Roles of the columns that are used.
ROLES: Final = (
    *("class13", "subclass", "class3", "bal", "label_from", "trust", "object", "thing_id"),
    *("plate", "mjd", "fiberid", "targetid", "ra", "dec", "path", "index"),
)


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
        False for a quasar whose broad absorption is unknown.
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
        root = same_object(ra, dec, thing, thing > 0, radius).astype(np.int64)
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
    roles = find_roles(columns.path, columns.names, given, ROLES)
    count = len(columns)
    none = np.full(count, "", dtype="U1")
    words = columns.text(roles["class3"]) if "class3" in roles else none
    # class13 counts, not a survey's own subclass beside it.
    order = ("subclass", "class13") if "subclass" in (given or {}) else ("class13", "subclass")
    detail = next((roles[role] for role in order if role in roles), None)
    details = columns.text(detail) if detail else none
    broad, sub = classes_of(words, details)
    broad = np.where(broad == SKY, "", broad)
    sub = np.where((sub == "QSO") & (details == ""), "", sub)  # a BAL or not, nobody says
    if not (broad != "").any():
        raise InputError(
            f"{columns.path}: no row has a class that is known (STAR, GALAXY, QSO, or one of "
            f"{' '.join(CLASSES)}); name its column with --column subclass=NAME"
        )
    bal_known = np.ones(count, bool)
    if "bal" in roles:
        bal_known = (sub != "QSO") | np.isfinite(columns.number(roles["bal"]))
    elif "label_from" in roles:
        # No pipeline searches quasars for broad absorption; people do.
        by_eye = np.strings.startswith(columns.text(roles["label_from"]), "visual")
        bal_known = (sub != "QSO") | by_eye
    trust = np.full(count, ASSUMED_TRUST, np.int64)
    if "trust" in roles:
        trust = np.nan_to_num(columns.number(roles["trust"]), nan=0.0).astype(np.int64)
    return Labels(columns, roles, broad, sub, bal_known, trust)
