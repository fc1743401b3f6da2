"""Line confusion: wrong redshifts explained by a misidentified line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.lines import ABSORPTION, EMISSION

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Lines of each CLASS that are strong enough to be taken for one another.
STRONG: Final[dict[str, tuple[str, ...]]] = {
    "QSO": ("Ly α", "C IV", "C III]", "Mg II", "Hβ", "Hα"),
    "GALAXY": ("[O II]", "Ca K", "Hβ", "[O III] 5008", "Hα"),
    "STAR": ("Ca K", "Hβ", "Mg b", "Na D", "Hα"),
}
#: How near ln((1 + z) / (1 + z_true)) lies to that of the ratio of two lines.
TOLERANCE: Final = 0.01

# Redshifts nearer to the truth than this, km/s, are no line confusion.
_SAME: Final = 3000.0
# Number of redshifts tried for the probability of chance coincidence.
_TRIED: Final = 4000


def line_confusion(
    true_class: str,
    true_z: float,
    said_class: str,
    z: float,
    covered: tuple[float, float],
    *,
    tolerance: float = TOLERANCE,
) -> tuple[str, str] | None:
    """Return the observed line and the one it was misidentified as, or None.

    A line of rest wavelength a at the true redshift is taken for one of rest wavelength b if
    a (1 + z_true) = b (1 + z).

    Parameters
    ----------
    true_class, said_class
        STAR, GALAXY or QSO.
    true_z, z
        True redshift, and the one that was given.
    covered
        First and last wavelength of the spectrum, A: a line outside was not seen.
    tolerance
        Largest difference in ln(1 + z).

    Returns
    -------
    tuple of str or None
        Names as in `huggins.lines`; of several pairs the nearest. None where the redshift lies
        within 3000 km/s of the truth, or no pair explains it.
    """
    if abs(z - true_z) / (1.0 + true_z) * SPEED_OF_LIGHT <= _SAME:
        return None
    ratio = np.log((1.0 + z) / (1.0 + true_z))
    distance = {
        (seen, taken): abs(ratio - expected)
        for seen, taken, expected in _pairs(true_class, true_z, said_class, covered)
    }
    nearest = min(distance, key=lambda pair: distance[pair], default=None)
    if nearest is None or distance[nearest] > tolerance:
        return None
    return nearest


def chance(
    true_class: str,
    true_z: float,
    said_class: str,
    searched: tuple[float, float],
    covered: tuple[float, float],
    *,
    tolerance: float = TOLERANCE,
) -> float:
    """Return the probability that a random redshift would count as line confusion.

    Drawn evenly in ln(1 + z) between the redshifts `searched`; other arguments as in
    `line_confusion`. With many pairs of lines that is no small fraction, and what is counted
    must be compared with it.
    """
    log1z = np.linspace(np.log1p(searched[0]), np.log1p(searched[1]), _TRIED)
    ratio = log1z - np.log1p(true_z)
    hit = np.zeros(_TRIED, bool)
    for _, _, expected in _pairs(true_class, true_z, said_class, covered):
        hit |= np.abs(ratio - expected) <= tolerance
    hit &= np.abs(np.expm1(ratio)) * SPEED_OF_LIGHT > _SAME
    return float(hit.mean())


def _pairs(
    true_class: str, true_z: float, said_class: str, covered: tuple[float, float]
) -> Iterator[tuple[str, str, float]]:
    """Yield the line seen, the line it may be taken for, and the ln(1 + z) between them."""
    for seen in STRONG[true_class]:
        if not covered[0] < _wavelength(seen) * (1.0 + true_z) < covered[1]:
            continue
        for taken in STRONG[said_class]:
            yield seen, taken, float(np.log(_wavelength(seen) / _wavelength(taken)))


def _wavelength(name: str) -> float:
    return EMISSION[name] if name in EMISSION else ABSORPTION[name]
