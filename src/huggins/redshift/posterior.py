"""Z_P16 and Z_P84: percentiles of the redshift, with the other redshifts that it may have.

The posterior is a sum of Gaussians, one for each of the different redshifts of a spectrum
(`huggins.redshift.alternatives`) with its probability: chi2(z) is a parabola near each minimum,
and the width is Z_ERR (`huggins.redshift.uncertainty`), of the others in proportion to 1 + z.
Where one redshift is certain, the percentiles are Z -+ 0.994 Z_ERR; where a rival has more than
16 % they reach to it.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Where the 84th percentile of a Gaussian is, in sigma.
P84: Final = 0.9944578832
# Other redshifts whose probabilities are below this together move no percentile: 1 % of Z_ERR.
_NONE: Final = 2e-3
# Gaussians whose places lie this many of their widths apart do not overlap.
_REACH: Final = 6.0
# Steps to a percentile, at most: as many as halvings to a trillionth of the bracket.
_STEPS: Final = 40


def percentiles(z: Sequence[float], prob: Sequence[float], error: float) -> tuple[float, float]:
    """Return the 16th and the 84th percentile of a redshift.

    Parameters
    ----------
    z, prob : shape (n,)
        The different redshifts, the chosen one first, and their probabilities, of which only
        the ratios count.
    error
        1-sigma error of the chosen one.

    Examples
    --------
    >>> [round(value, 3) for value in percentiles([1.0], [0.9], 0.01)]
    [0.99, 1.01]
    >>> [round(value, 3) for value in percentiles([1.0, 2.0], [0.5, 0.4], 0.01)]
    [0.994, 2.005]
    """
    total = math.fsum(prob)
    if not math.isfinite(error) or error <= 0.0:
        return math.nan, math.nan
    if total - prob[0] < _NONE * total:
        return z[0] - P84 * error, z[0] + P84 * error
    parts = [
        (place, error * (1.0 + place) / (1.0 + z[0]), share / total)
        for place, share in zip(z, prob, strict=True)
    ]
    apart = _apart(parts)
    if apart is not None:
        return apart

    return _quantile_of(parts, 0.16), _quantile_of(parts, 0.84)


def _quantile_of(parts: Sequence[tuple[float, float, float]], level: float) -> float:
    """Return where a sum of Gaussians (place, width, share) has this part of itself below."""
    low = min(place - 8.0 * width for place, width, _ in parts)
    high = max(place + 8.0 * width for place, width, _ in parts)
    value = 0.5 * (low + high)
    for _ in range(_STEPS):
        excess, slope = -level, 0.0
        for place, width, share in parts:
            u = (value - place) / width
            excess += 0.5 * share * math.erfc(-u / math.sqrt(2.0))
            slope += share * math.exp(-0.5 * u * u) / (width * math.sqrt(2.0 * math.pi))
        low, high = (value, high) if excess < 0.0 else (low, value)
        # Newton's step, or half of what is left where it leaves the bracket.
        step = -excess / slope if slope > 0.0 else math.inf
        best = value + step if low < value + step < high else 0.5 * (low + high)
        if abs(best - value) < 1e-9 * min(width for _, width, _ in parts):
            return best
        value = best
    return value


def _apart(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float] | None:
    """Return the percentiles of Gaussians that nowhere overlap; None if some do.

    A percentile is then one of a single Gaussian, fifty times as fast to find.
    """
    ordered = sorted(parts)
    for (place, width, _), (later, wider, _) in itertools.pairwise(ordered):
        if later - place < _REACH * (width + wider):
            return None
    found = []
    for level in (0.16, 0.84):
        before = 0.0
        for place, width, share in ordered:
            if level < before + share or (place, width, share) == ordered[-1]:
                # Rounding may leave a hair beyond the last one.
                inside = min(max((level - before) / share, 1e-12), 1.0 - 1e-12)
                found.append(place + width * _quantile(inside))
                break
            before += share
    return found[0], found[1]


def _quantile(level: float) -> float:
    """Return how many sigma from its mean a Gaussian has this part of itself below it."""
    tail = min(level, 1.0 - level)
    value = 0.0
    # Newton's method from the mean outwards: it cannot overshoot, as the curve is convex there.
    for _ in range(60):
        excess = 0.5 * math.erfc(-value / math.sqrt(2.0)) - tail
        step = excess * math.sqrt(2.0 * math.pi) * math.exp(0.5 * value * value)
        value -= step
        if abs(step) < 1e-10:
            break
    return value if level < 0.5 else -value
