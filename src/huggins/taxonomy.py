"""The 13 classes, and the way from a survey's label to one of them."""

from __future__ import annotations

import math
import re
from typing import Final

#: SUBCLASS values in the order of every probability vector.
CLASSES: Final = ("QSO", "BAL", "O", "B", "A", "F", "G", "K", "M", "L", "WD", "C", "GAL")

#: Classes of mocks and of a network's scores: the 13, and NONE for anything else (empty sky).
ALL_CLASSES: Final = (*CLASSES, "NONE")

#: Values of CLASS, in the order of every array and table of broad classes.
BROAD_CLASSES: Final = ("STAR", "GALAXY", "QSO")

#: The broad CLASS of each of the 13, as SDSS and redrock name it.
BROAD: Final = {
    name: {"QSO": "QSO", "BAL": "QSO", "GAL": "GALAXY"}.get(name, "STAR") for name in CLASSES
}

INDEX: Final = {name: i for i, name in enumerate(CLASSES)}

# MK letters as they open a BOSS or LAMOST stellar subclass: "F3/F5V (30743)", "A0IVn (25642)",
# "sd:F0 (G_84-29)", "G2", "M0V", "sdM1", "dM3", "L5", "Ldwarf". What may follow the letter is
# listed, so that "Carbon" and "CV" are no MK types.
_MK = re.compile(r"^(?:sd|esd|usd|d|g)?:?([OBAFGKML])(?:\d|dwarf|[IV ]|$|\()")
# The letter and the tenths of it, in whatever stands around them.
_SUBTYPE = re.compile(r"^(?:sd|esd|usd|d|g)?:?([OBAFGKML])(\d(?:\.\d)?)")
#: Letters of the stellar temperature sequence, hot to cool.
SEQUENCE: Final = tuple("OBAFGKML")
_WHITE_DWARF = ("WD", "CalciumWD", "CarbonWD")
_NONE_OF_THEM = ("CV", "T2", "NON", "UNKNOWN")


def from_label(label: str | None, subclass: str | None = "") -> str | None:
    """Return the one of the 13 classes that a survey's label means.

    Parameters
    ----------
    label
        CLASS of SDSS and LAMOST or SPECTYPE of DESI: ``STAR``, ``GALAXY``, ``QSO``; case and
        surrounding blanks do not matter.
    subclass
        SUBCLASS of the BOSS pipeline or of LAMOST, for stars.

    Returns
    -------
    str or None
        None where it is none of the 13 (a cataclysmic variable, a T dwarf) or where the label
        does not say which star it is. A broad-absorption-line quasar is never told by
        a pipeline's label: ``BAL`` comes from quasar catalogues.
    """
    broad = (label or "").strip().upper()
    if broad in ("QSO", "QUASAR"):
        return "QSO"
    if broad in ("GALAXY", "GAL"):
        return "GAL"
    if broad != "STAR":
        return None
    return _from_stellar((subclass or "").strip())


def _from_stellar(subclass: str) -> str | None:
    if not subclass or subclass.upper().startswith(_NONE_OF_THEM):
        return None
    if subclass.startswith(("WD", "CalciumWD", "CarbonWD")) or re.match(
        r"^D[ABCOQZ]", subclass
    ):
        return "WD"
    if subclass.startswith("Carbon") or re.match(r"^d?C(?:\d|$|-)", subclass):
        return "C"
    if subclass.startswith("OB"):
        return "O"  # the seed counted the BOSS pipeline's "OB" template so
    match = _MK.match(subclass)
    return match.group(1) if match else None


def spectral_place(subclass: str) -> float:
    """Return where on the sequence O to L a stellar subclass lies.

    Parameters
    ----------
    subclass
        As a survey or a library of templates writes it, for example ``F3/F5V (30743)``.

    Returns
    -------
    float
        Units are letters: the middle of O0 is 0.05, of F5 3.55, of L0 7.05; F9.5 is 3.95. NaN
        where there is no such type or no tenth of it.
    """
    match = _SUBTYPE.match(subclass)
    if not match:
        return math.nan
    tenth = match.group(2)
    return SEQUENCE.index(match.group(1)) + (float(tenth) + 0.5 * ("." not in tenth)) / 10.0
