"""Tables of no known survey, whose columns the user names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.catalog import rules
from huggins.errors import InputError
from huggins.tables.labels import role_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from huggins.catalog.targets import Words
    from huggins.tables.chunks import Chunk

# Columns of targets that a column of some role is copied to.
_COPIED: Final = {
    **{role: role.upper() for role in ("z", "z_err", "zwarning", "plate", "mjd", "fiberid")},
    **{role: role.upper() for role in ("run2d", "thing_id", "targetid", "specobjid")},
    **{"ra": "RA", "dec": "DEC", "sn": "SN_MEDIAN", "survey": "SURVEY"},
}
#: Roles of the columns that are used.
ROLES: Final = ("class3", "subclass", "trust", *_COPIED)


@dataclass(frozen=True, slots=True)
class Mapped:
    """Columns of a user's table.

    Parameters
    ----------
    columns
        Name of the column (in upper case) by role.

    Raises
    ------
    InputError
        If no column is the class, or only one of ra and dec is given.
    """

    columns: Mapping[str, str]

    def __post_init__(self) -> None:
        columns = {role_named(w, ROLES, "--map"): name for w, name in self.columns.items()}
        object.__setattr__(self, "columns", columns)
        if "class3" not in columns:
            raise InputError("--map: say which column is the class: --map class=NAME")
        if ("ra" in columns) != ("dec" in columns):
            raise InputError("--map: ra and dec go together: map both or none")

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that the table must have."""
        return tuple(
            name
            for role, name in self.columns.items()
            if not (role == "trust" and name.isdecimal())
        )

    def take(self, chunk: Chunk, words: Words) -> dict[str, NDArray[Any]]:
        """Convert rows of the table."""
        has = self.columns
        part = rules.pipeline_class(chunk, words, has["class3"], has.get("subclass"))
        bal = np.strings.upper(chunk.text(has["class3"])) == b"BAL"
        if bal.any():
            none = np.zeros(len(chunk), bool)
            rules.quasars(part, words, bal, bal, none, none)
        columns = {_COPIED[role]: name for role, name in has.items() if role in _COPIED}
        part["Z"] = np.full(len(chunk), np.nan)
        part |= rules.copied(chunk, words, **columns)
        if "z" in has:
            part["Z_FROM"] = rules.constant(words, len(chunk), has["z"])
        part["TRUST"] = np.zeros(len(chunk), np.int16)
        if "trust" in has:
            part["TRUST"] = self._trust(chunk)
        elif "zwarning" in has:
            part["TRUST"] = rules.pipeline_trust(part["ZWARNING"])
        return part

    def _trust(self, chunk: Chunk) -> NDArray[np.int16]:
        name = self.columns["trust"]
        trust = np.full(len(chunk), int(name)) if name.isdecimal() else chunk.integer(name, 0)
        if ((trust < 0) | (trust > 3)).any():
            row = int(np.argmax((trust < 0) | (trust > 3)))
            raise InputError(
                f"{chunk.path}: row {chunk.start + row + 1}: trust {trust[row]} is none of 3 "
                "(certain), 2 (no warning), 1 (doubtful), 0 (unknown)"
            )
        return trust.astype(np.int16)


def parse_map(pairs: Sequence[str]) -> dict[str, str]:
    """Return upper-case columns by role from ``role=COLUMN`` texts.

    Raises
    ------
    InputError
        If a text is not of that form or a role is given twice.
    """
    columns: dict[str, str] = {}
    for pair in pairs:
        role, _, name = (part.strip() for part in pair.partition("="))
        role = role.lower()
        if not (role and name):
            raise InputError(f"--map: {pair!r} is not of the form ROLE=NAME, as class=TYPE")
        if role in columns:
            raise InputError(f"--map: {role!r} is given twice")
        columns[role] = name.upper()
    return columns
