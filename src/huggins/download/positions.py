"""Which spectrum a survey has at a position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.specobjid import identity
from huggins.tables.labels import first_column
from huggins.tables.read import open_table
from huggins.tables.sky import RADIUS, nearest, unit_vectors

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Identity = tuple[int, int, int, str]

_PARTS: Final = ("plate", "mjd", "fiberid")


class Positions:
    """The spectra of a survey's table, by position.

    Parameters
    ----------
    path
        A table with positions and PLATE, MJD and FIBERID (RUN2D where it has it), or
        SPECOBJID, such as specObj, spAll or one of `huggins catalog`.

    Raises
    ------
    InputError
        If the table cannot be read, or lacks these columns.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._table = open_table(path)
        names = self._table.names
        roles = (*_PARTS, "run2d", "specobjid", "ra", "dec")
        self._held = {role: name for role in roles if (name := first_column(role, names))}
        named = self._held.keys() >= set(_PARTS) or "specobjid" in self._held
        if not named or not self._held.keys() >= {"ra", "dec"}:
            raise InputError(
                f"--catalog {path}: columns RA, DEC and PLATE, MJD, FIBERID (or SPECOBJID) are "
                f"needed; there are {', '.join(names[:40])}"
            )

    def find(self, ra: NDArray[Any], dec: NDArray[Any]) -> list[Identity | None]:
        """Return plate, MJD, fibre and RUN2D of the nearest spectrum within 1 arcsec.

        Parameters
        ----------
        ra, dec : ndarray, shape (N,)
            In degrees.

        Returns
        -------
        list
            N of them, None where there is no spectrum. The table is read once, in blocks.
        """
        found: list[Identity | None] = [None] * len(ra)
        closest = np.full(len(ra), np.inf)
        asked = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
        ours = unit_vectors(ra[asked], dec[asked])
        for chunk in self._table.chunks(tuple(self._held.values())):
            ra_of, dec_of = chunk.number(self._held["ra"]), chunk.number(self._held["dec"])
            placed = np.flatnonzero(np.isfinite(ra_of) & (np.abs(dec_of) <= 90.0))
            if not len(placed) or not len(asked):
                continue
            match = nearest(ra[asked], dec[asked], ra_of[placed], dec_of[placed], RADIUS)
            theirs = unit_vectors(ra_of[placed], dec_of[placed])
            for i in np.flatnonzero(match >= 0).tolist():
                apart = float(np.linalg.norm(ours[i] - theirs[match[i]]))
                if apart < closest[asked[i]]:
                    row = int(placed[match[i]])
                    if (named := self._identity(chunk, row)) is not None:
                        found[asked[i]], closest[asked[i]] = named, apart
        return found

    def _identity(self, chunk: Any, row: int) -> Identity | None:
        if not self._held.keys() >= set(_PARTS):
            return identity(chunk.text(self._held["specobjid"])[row].decode("latin-1"))
        plate, mjd, fiber = (int(chunk.integer(self._held[role])[row]) for role in _PARTS)
        if min(plate, mjd, fiber) <= 0:
            return None
        run2d = self._held.get("run2d")
        return plate, mjd, fiber, chunk.text(run2d)[row].decode("latin-1") if run2d else ""
