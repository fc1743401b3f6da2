"""The 13 classes, and the mapping of survey labels to them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

# What may stand before an MK letter.
_PREFIX: Final = "(?:sd|esd|usd|d|g)?:?"


@dataclass(frozen=True, slots=True)
class SpectralClass:
    """One value of SUBCLASS.

    Attributes
    ----------
    name
        As in SUBCLASS and in the column ``P_<name>``.
    broad
        CLASS, as SDSS and redrock name it.
    labels
        Regular expression of the stellar SUBCLASS of the BOSS pipeline or of LAMOST that means
        this class; empty where CLASS alone means it, or no pipeline tells it.
    sequence
        Whether it is part of the stellar temperature sequence.
    """

    name: str
    broad: str
    labels: str = ""
    sequence: bool = False


def _letter(name: str, others: str = "") -> SpectralClass:
    """Return the class of an MK letter.

    As it opens a subclass: "F3/F5V (30743)", "A0IVn (25642)", "sd:F0 (G_84-29)", "G2", "M0V",
    "sdM1", "dM3", "L5", "Ldwarf". What may follow is listed: "Carbon" and "CV" are no MK types.
    """
    labels = rf"{_PREFIX}{name}(?:\d|dwarf|[IV ]|$|\()"
    return SpectralClass(name, "STAR", f"{labels}|{others}" if others else labels, True)


_TABLE: Final = (
    SpectralClass("QSO", "QSO"),
    SpectralClass("BAL", "QSO"),
    _letter("O", "OB"),  # "OB" is a template of the BOSS pipeline
    *map(_letter, "BAFGKML"),
    SpectralClass("WD", "STAR", r"WD|CalciumWD|CarbonWD|D[ABCOQZ]"),
    SpectralClass("C", "STAR", r"Carbon(?!WD)|d?C(?:\d|$|-)"),
    SpectralClass("GAL", "GALAXY"),
)

#: SUBCLASS values in the order of every probability vector.
CLASSES: Final = tuple(entry.name for entry in _TABLE)
#: Classes of mocks and of a network's scores: the 13, and NONE for anything else (empty sky).
ALL_CLASSES: Final = (*CLASSES, "NONE")
#: The broad CLASS of each of the 13.
BROAD: Final = {entry.name: entry.broad for entry in _TABLE}
INDEX: Final = {name: i for i, name in enumerate(CLASSES)}
#: Letters of the stellar temperature sequence, hot to cool.
SEQUENCE: Final = tuple(entry.name for entry in _TABLE if entry.sequence)
#: Values of CLASS, in the order of every array and table of broad classes.
BROAD_CLASSES: Final = ("STAR", "GALAXY", "QSO")
#: Classes that add nothing to their CLASS.
PLAIN: Final = ("QSO", "GAL")
#: Other names of CLASS in tables of labels.
BROAD_ALIASES: Final = {"GAL": "GALAXY", "QUASAR": "QSO"}

# The letter and the tenths of a subtype.
_SUBTYPE: Final = re.compile(rf"{_PREFIX}([{''.join(SEQUENCE)}])(\d(?:\.\d)?)")
_LABELS: Final = {entry.name: re.compile(entry.labels) for entry in _TABLE if entry.labels}
_NONE_OF_THEM: Final = ("CV", "T2", "NON", "UNKNOWN")


@lru_cache(maxsize=4096)
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
        gives no type of star. A broad-absorption-line quasar is never
        identified by a pipeline's label: ``BAL`` comes from quasar catalogues.
    """
    broad = (label or "").strip().upper()
    broad = BROAD_ALIASES.get(broad, broad)
    plain = {BROAD[name]: name for name in PLAIN}
    if broad in plain:
        return plain[broad]
    subclass = (subclass or "").strip()
    if broad != "STAR" or subclass.upper().startswith(_NONE_OF_THEM):
        return None
    return next((name for name, labels in _LABELS.items() if labels.match(subclass)), None)


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


def neighbours(one: str, other: str) -> bool:
    """Whether two classes are adjacent in `SEQUENCE`, as F and G are."""
    if one not in SEQUENCE or other not in SEQUENCE:
        return False
    return abs(SEQUENCE.index(one) - SEQUENCE.index(other)) == 1
