"""Identity of a spectrum: survey, position, identifiers, and the pipeline's result."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from huggins.quality import ZWarning
from huggins.specobjid import LEGACY, VERSION
from huggins.spectrum import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

_FIBRE_BITS: Final = int(ZWarning.UNPLUGGED | ZWarning.BAD_TARGET | ZWarning.NODATA)

#: First night of SDSS-IV (July 2014), whose BOSS spectra are those of eBOSS.
_EBOSS_MJD: Final = 56839


def sdss_survey(run2d: str, mjd: int | None) -> str:
    """Return the survey that a reduction belongs to: SDSS, BOSS, EBOSS, SDSS-V, or empty."""
    if run2d in LEGACY:
        return "SDSS"
    match = VERSION.fullmatch(run2d)
    if match and int(match[1]) >= 6:
        return "SDSS-V"
    if match and mjd is not None:
        return "EBOSS" if mjd >= _EBOSS_MJD else "BOSS"
    return ""


def whole(value: Any) -> int | None:
    """Return a number as int, None where it is missing, not whole, or negative."""
    if isinstance(value, str):
        value = value.strip()
        return int(value) if value.isascii() and value.isdigit() else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if math.isfinite(value) and value == int(value) and value >= 0 else None


def positive(value: Any) -> int | None:
    """Return a number as int, None where `whole` gives none or it is 0."""
    return whole(value) or None


def number(value: Any) -> float | None:
    """Return a finite number as float, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def position(ra: Any, dec: Any) -> tuple[float | None, float | None]:
    """Return a sky position in degrees, (None, None) where it cannot be one."""
    ra, dec = number(ra), number(dec)
    if ra is None or dec is None or not (0 <= ra <= 360 and -90 <= dec <= 90):
        return None, None
    return ra, dec


def identifier(value: Any) -> str | None:
    """Return an identifier as string, None where it is empty, zero or negative."""
    if isinstance(value, str):
        value = value.strip()
        return value if value.strip("0") and not value.startswith("-") else None
    count = whole(value)
    return str(count) if count else None


def pipeline_result(
    get: Callable[[str], Any],
    names: tuple[str, ...] = ("CLASS", "SUBCLASS", "Z", "ZWARNING"),
) -> Pipeline:
    """Return the pipeline's result, from the named values of a row or a header."""
    cls, subclass, z, *zwarning = map(get, names)
    return Pipeline(_text(cls), _text(subclass), number(z), *map(whole, zwarning))


def fibre_bits(zwarning: int | None) -> int:
    """Return those bits of a pipeline's ZWARNING that concern the fibre, not the fit."""
    return (zwarning or 0) & _FIBRE_BITS


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
