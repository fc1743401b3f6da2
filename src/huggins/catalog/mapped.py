"""Any other table, with its columns named by the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.catalog import rules
from huggins.catalog.targets import NO_TARGETID
from huggins.errors import InputError
from huggins.tables.labels import role_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from huggins.catalog.targets import Words
    from huggins.tables.chunks import Chunk

#: Roles of the columns that are used.
ROLES: Final = (
    *("class3", "subclass", "z", "z_err", "zwarning", "trust", "plate", "mjd", "fiberid"),
    *("run2d", "thing_id", "targetid", "specobjid", "ra", "dec", "sn", "survey"),
)


@dataclass(frozen=True, slots=True)
class Mapped:
    """How a user's table is read.

    Parameters
    ----------
    columns
        Name of the column (in upper case) by role.

    Raises
    ------
    InputError
        If no column is the class, or one of ra and dec is missing.
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
        """Columns that must be there."""
        return tuple(
            name
            for role, name in self.columns.items()
            if not (role == "trust" and name.isdecimal())
        )

    def take(self, chunk: Chunk, words: Words) -> dict[str, NDArray[Any]]:
        """Take rows of the table."""
        has = self.columns
        count = len(chunk)
        part = rules.pipeline_class(chunk, words, has["class3"], has.get("subclass"))
        said = np.strings.upper(chunk.text(has["class3"])) == b"BAL"
        if said.any():
            nowhere = np.zeros(count, bool)
            rules.quasars(part, words, said, said, nowhere, nowhere)
        for role, name in (("plate", "PLATE"), ("mjd", "MJD"), ("fiberid", "FIBERID")):
            if role in has:
                part[name] = rules.whole(chunk, has[role])
        for role, name in (("run2d", "RUN2D"), ("survey", "SURVEY")):
            if role in has:
                part[name] = words.encode(chunk.text(has[role]))
        if "thing_id" in has:
            thing = chunk.integer(has["thing_id"])
            part["THING_ID"] = np.where(thing > 0, thing, -1)
        if "targetid" in has:
            part["TARGETID"] = chunk.integer(has["targetid"], NO_TARGETID)
        if "specobjid" in has:
            part["SPECOBJID"] = rules.sdss_identifiers(chunk, has["specobjid"])
        if "ra" in has:
            part |= rules.position(chunk, has["ra"], has["dec"])
        part["Z"] = np.full(count, np.nan)
        if "z" in has:
            part["Z"] = rules.redshift(chunk.number(has["z"]))
            part["Z_FROM"] = rules.constant(words, count, has["z"])
        if "z_err" in has:
            part["Z_ERR"] = rules.error(chunk.number(has["z_err"]))
        if "sn" in has:
            part["SN_MEDIAN"] = rules.single(chunk.number(has["sn"]))
        part["TRUST"] = np.zeros(count, np.int16)
        if "zwarning" in has:
            part["ZWARNING"] = rules.whole(chunk, has["zwarning"])
            part["TRUST"] = rules.pipeline_trust(part["ZWARNING"])
        if "trust" in has:
            part["TRUST"] = self._trust(chunk, count)
        return part

    def _trust(self, chunk: Chunk, count: int) -> NDArray[np.int16]:
        name = self.columns["trust"]
        trust = np.full(count, int(name)) if name.isdecimal() else chunk.integer(name, 0)
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
        If one is not of that form or a role comes twice.
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
