"""The bits of ZWARNING and their meaning; `huggins.redshift.warnings` defines what sets them.

Bits 0 to 11 have the meaning of the SDSS pipeline (Bolton et al. 2012, AJ 144, 144, table 3);
bits from 16 on are huggins' own. Zero means that CLASS and Z are reliable.
"""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class ZWarning(IntFlag):
    """Bits of the ZWARNING column; `MEANING` describes them."""

    SKY = 1 << 0
    LITTLE_COVERAGE = 1 << 1
    SMALL_DELTA_CHI2 = 1 << 2
    NEGATIVE_MODEL = 1 << 3
    MANY_OUTLIERS = 1 << 4
    Z_FITLIMIT = 1 << 5
    NEGATIVE_EMISSION = 1 << 6
    UNPLUGGED = 1 << 7
    BAD_TARGET = 1 << 8
    NODATA = 1 << 9
    BAD_MINFIT = 1 << 10
    POORDATA = 1 << 11
    LOW_PROBABILITY = 1 << 16
    UNCERTAIN_Z = 1 << 17
    NOT_A_CLASS = 1 << 18
    NO_UNCERTAINTY = 1 << 19
    PART_COVERAGE = 1 << 20


#: Meaning of each bit, for figures, messages and documentation.
MEANING: Final = {
    ZWarning.SKY: "looks like empty sky",
    ZWarning.LITTLE_COVERAGE: "too few good pixels",
    ZWarning.SMALL_DELTA_CHI2: "another redshift fits nearly as well",
    ZWarning.NEGATIVE_MODEL: "the flux or its best model is negative",
    ZWarning.MANY_OUTLIERS: "too many pixels far from the best model",
    ZWarning.Z_FITLIMIT: "the redshift lies at the edge of the range",
    ZWarning.NEGATIVE_EMISSION: "a quasar line came out in absorption",
    ZWarning.UNPLUGGED: "the fibre was unplugged",
    ZWarning.BAD_TARGET: "the fibre's target was bad",
    ZWarning.NODATA: "no usable data at all",
    ZWarning.BAD_MINFIT: "the minimum of chi2(z) could not be fitted",
    ZWarning.POORDATA: "data too poor to judge",
    ZWarning.LOW_PROBABILITY: "the probability is below the threshold",
    ZWarning.UNCERTAIN_Z: "the redshift is broad or has rivals",
    ZWarning.NOT_A_CLASS: "looks like none of the 13 classes, nor like sky",
    ZWarning.NO_UNCERTAINTY: "the file gives no errors: the noise was measured from the flux",
    ZWarning.PART_COVERAGE: "only a part of the range is there, and the answer is less sure",
}

#: What to do about each bit, one sentence, for people who look at the spectrum.
REMEDY: Final = {
    ZWarning.SKY: "Nothing to do, unless a target was expected here.",
    ZWarning.LITTLE_COVERAGE: "Check the mask; another exposure may cover more.",
    ZWarning.SMALL_DELTA_CHI2: "Compare the next answers of the fit, line by line.",
    ZWarning.NEGATIVE_MODEL: "Check the sky subtraction: the continuum lies below zero.",
    ZWarning.MANY_OUTLIERS: "Look at the residuals: artefacts, bad errors or an odd object.",
    ZWarning.Z_FITLIMIT: "Look for lines beyond the range and set the redshift by hand.",
    ZWarning.NEGATIVE_EMISSION: "Check the lines: a trough, or another class or redshift.",
    ZWarning.UNPLUGGED: "Use another observation of the object.",
    ZWarning.BAD_TARGET: "Check the position, or use another observation.",
    ZWarning.NODATA: "Use another observation of the object.",
    ZWarning.BAD_MINFIT: "Set the redshift by hand from the lines.",
    ZWarning.POORDATA: "Smooth and look for strong lines only, or observe again.",
    ZWarning.LOW_PROBABILITY: "Compare the two most probable classes.",
    ZWarning.UNCERTAIN_Z: "Compare the peaks of the redshift distribution with the lines.",
    ZWarning.NOT_A_CLASS: "Look at it: an artefact, two objects in a fibre, or something new.",
    ZWarning.PART_COVERAGE: "Look for lines that confirm it; other answers lie close.",
    ZWarning.NO_UNCERTAINTY: "Give the errors of the flux, if there are any.",
}


def names(value: int) -> list[str]:
    """Return the names of the bits that are set, lowest first.

    >>> names(5)
    ['SKY', 'SMALL_DELTA_CHI2']
    """
    return [bit.name for bit in ZWarning if value & bit and bit.name]


def meanings(value: int, causes: Mapping[ZWarning, str] | None = None) -> list[str]:
    """Return the bits that are set in words, lowest first; a known cause says more.

    >>> meanings(5)
    ['looks like empty sky', 'another redshift fits nearly as well']
    >>> meanings(64, {ZWarning.NEGATIVE_EMISSION: "Mg II came out in absorption"})
    ['Mg II came out in absorption']
    """
    known = causes or {}
    return [known.get(bit) or MEANING[bit] for bit in ZWarning if value & bit]
