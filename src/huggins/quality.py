"""What is wrong with a result, as bits of ZWARNING.

Bits 0 to 11 have the meaning of the SDSS pipeline (Bolton et al. 2012, AJ 144, 144, table 3);
bits from 16 on are huggins' own. Zero means: class and redshift can be relied on.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Final


class ZWarning(IntFlag):
    """Bits of the ZWARNING column."""

    SKY = 1 << 0  #: looks like empty sky
    LITTLE_COVERAGE = 1 << 1  #: too few good pixels
    SMALL_DELTA_CHI2 = 1 << 2  #: another redshift fits nearly as well
    NEGATIVE_MODEL = 1 << 3  #: the flux or its best model is negative
    MANY_OUTLIERS = 1 << 4  #: too many pixels far from the best model
    Z_FITLIMIT = 1 << 5  #: the redshift lies at the edge of the range
    NEGATIVE_EMISSION = 1 << 6  #: a quasar line came out in absorption
    UNPLUGGED = 1 << 7  #: the fibre was unplugged
    BAD_TARGET = 1 << 8  #: the fibre's target was bad
    NODATA = 1 << 9  #: no usable data at all
    BAD_MINFIT = 1 << 10  #: the minimum of chi2(z) could not be fitted
    POORDATA = 1 << 11  #: data too poor to judge
    LOW_PROBABILITY = 1 << 16  #: PROB is below the threshold
    UNCERTAIN_Z = 1 << 17  #: the network's redshift distribution is broad or has several peaks
    NOT_A_CLASS = 1 << 18  #: looks like none of the 13 classes, nor like sky
    NO_UNCERTAINTY = 1 << 19  #: the file gives no errors: the noise was measured from the flux


#: Each bit in words, for people who read a plot or a table and not this file.
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
}


def names(value: int) -> list[str]:
    """Return the names of the bits that are set, lowest first.

    >>> names(5)
    ['SKY', 'SMALL_DELTA_CHI2']
    """
    return [bit.name for bit in ZWarning if value & bit and bit.name]


def meanings(value: int) -> list[str]:
    """Return the bits that are set in words, lowest first.

    >>> meanings(5)
    ['looks like empty sky', 'another redshift fits nearly as well']
    """
    return [MEANING[bit] for bit in ZWarning if value & bit]
