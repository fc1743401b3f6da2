"""Confidence intervals of fractions and statistics, and a paired test.

Every interval is two-sided and of 95 %, and takes the spectra as independent: several spectra
of one object make it somewhat too narrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

#: Confidence of every interval.
CONFIDENCE = 0.95
#: Resamplings of a bootstrap, unless there are so many values that fewer will do.
RESAMPLINGS = 1000
# Values drawn in all: many values need fewer resamplings, since their interval is narrow.
_DRAWN = 5_000_000
_FEWEST = 200
#: Numbers held at once while resampling: 32 MB of float64 an array.
CHUNK = 4_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """A fraction with its Wilson interval.

    Attributes
    ----------
    count, n : int
        Successes and trials.
    value : float
        count / n; NaN where n is 0.
    low, high : float
        Bounds of the interval; 0 and 1 where n is 0.
    """

    count: int
    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic with its interval.

    Attributes
    ----------
    value : float
        The statistic; NaN where it is not defined (n too small).
    low, high : float
        Bounds of the interval; NaN where the statistic is not defined.
    n : int
        Number of values.
    """

    value: float
    low: float
    high: float
    n: int


#: What rests on no value.
UNKNOWN: Final = Estimate(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True, slots=True)
class Paired:
    """Two classifiers on the same spectra.

    Attributes
    ----------
    n : int
        Spectra.
    both, only_new, only_old, neither : int
        How many are right under both, one or none of the two.
    difference : float
        Accuracy of the new minus accuracy of the old.
    low, high : float
        95 % interval of the difference (Bonett and Price 2012).
    p_value : float
        Exact two-sided McNemar test: how likely a split of the disagreements at least this
        uneven is if both are equally good.
    """

    n: int
    both: int
    only_new: int
    only_old: int
    neither: int
    difference: float
    low: float
    high: float
    p_value: float


def wilson(
    count: ArrayLike, n: ArrayLike, *, confidence: float = CONFIDENCE
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the Wilson score interval of a binomial fraction.

    Wilson (1927, J. Am. Stat. Assoc. 22, 209), without continuity correction, recommended for
    small samples by Brown, Cai and DasGupta (2001, Stat. Sci. 16, 101).

    Parameters
    ----------
    count, n : array_like of int, broadcastable
        Successes and trials.
    confidence
        Of the two-sided interval.

    Returns
    -------
    low, high : ndarray
        In [0, 1]; (0, 1) where n is 0.

    Raises
    ------
    InputError
        If a count is below 0 or above its n, or the confidence is not inside (0, 1).
    """
    k, m = np.broadcast_arrays(np.asarray(count, np.float64), np.asarray(n, np.float64))
    if not ((k >= 0) & (k <= m)).all():
        raise InputError("a fraction needs 0 <= count <= n")
    quantile2 = _quantile(confidence) ** 2
    size = np.maximum(m, 1.0)
    centre = (k + quantile2 / 2.0) / (m + quantile2)
    half = np.sqrt(quantile2 * (k * (m - k) / size + quantile2 / 4.0)) / (m + quantile2)
    # Rounding must not leave a bound outside [0, 1], nor the fraction outside its own interval.
    low = np.where(k == 0, 0.0, (centre - half).clip(0.0, 1.0))
    high = np.where(k == m, 1.0, (centre + half).clip(0.0, 1.0))
    return low, high


def rate(count: int, n: int) -> Rate:
    """Return `count` out of `n` with its Wilson interval.

    >>> fraction = rate(81, 263)
    >>> f"{fraction.value:.4f} {fraction.low:.4f} {fraction.high:.4f}"
    '0.3080 0.2553 0.3662'
    """
    low, high = wilson(count, n)
    return Rate(int(count), int(n), count / n if n else math.nan, float(low), float(high))


def fraction(right: ArrayLike) -> Rate:
    """Return the fraction of True in a boolean array with its Wilson interval."""
    flags = np.asarray(right, bool)
    return rate(int(flags.sum()), flags.size)


def bootstrap(
    statistic: Callable[..., NDArray[np.float64]],
    *values: ArrayLike,
    resamplings: int | None = None,
    seed: int = 0,
    basic: bool = False,
) -> Estimate:
    """Return a statistic with its bootstrap interval.

    Parameters
    ----------
    statistic
        Takes one array of shape (R, N) for each of `values` and returns shape (R,), as
        ``lambda x: np.median(x, axis=-1)`` does; called with many resamplings at once.
    *values : array_like, shape (N,)
        Resampled together, with replacement.
    resamplings
        How many; by default 1000, and down to 200 for more than 5000 values.
    seed
        The same seed gives the same interval.
    basic
        Reflect the quantiles about the statistic (Davison and Hinkley 1997, section 5.2.1).
        That takes out the bias of a statistic that noise always pushes one way.

    Raises
    ------
    InputError
        If the arrays differ in length.
    """
    arrays = [np.asarray(value) for value in values]
    n = len(arrays[0])
    if any(array.shape != (n,) for array in arrays):
        raise InputError("a bootstrap needs one-dimensional arrays of one length")
    if n == 0:
        return UNKNOWN
    value = float(statistic(*(array[None] for array in arrays))[0])
    resamplings = default_resamplings(n) if resamplings is None else resamplings
    rng = np.random.default_rng(seed)
    chunk = max(1, CHUNK // n)
    parts = []
    for start in range(0, resamplings, chunk):
        drawn = rng.integers(0, n, size=(min(chunk, resamplings - start), n))
        parts.append(statistic(*(array[drawn] for array in arrays)))
    low, high = central(np.concatenate(parts))
    if basic:
        low, high = 2.0 * value - high, 2.0 * value - low
    return Estimate(value, low, high, n)


def default_resamplings(n: int) -> int:
    """Return how many resamplings of `n` values to make: 1000, fewer where `n` is large."""
    return max(_FEWEST, min(RESAMPLINGS, _DRAWN // n))


def median(values: ArrayLike) -> Estimate:
    """Return the median of finite values, shape (N,), with its interval.

    The interval runs from one order statistic to another and holds whatever the distribution
    of the values is, because the number of values below the true median is binomial
    (Conover 1999, Practical Nonparametric Statistics, section 3.2). Its confidence is at least
    95 %, except that below 6 values it is the range of all of them.
    """
    rising = np.sort(np.asarray(values, np.float64))
    n = len(rising)
    if n == 0:
        return UNKNOWN
    outside = max(1, _binomial_half(n, (1.0 - CONFIDENCE) / 2.0))
    return Estimate(
        float(np.median(rising)), float(rising[outside - 1]), float(rising[n - outside]), n
    )


def _binomial_half(n: int, tail: float) -> int:
    """Return how many k from 0 up have P(X <= k) <= tail for X binomial in n, one half."""
    if n > 1000:  # where the normal distribution is as good
        return math.floor((n - 1 + NormalDist().inv_cdf(tail) * math.sqrt(n)) / 2.0) + 1
    term = total = 1
    k = 0
    while total <= tail * 2**n:
        term = term * (n - k) // (k + 1)
        total += term
        k += 1
    return k


def mcnemar(right_new: ArrayLike, right_old: ArrayLike) -> Paired:
    """Compare two classifiers on the same spectra.

    McNemar's test in its exact form: of the spectra on which the two disagree, the number that
    the new one has right is binomial with probability one half if both are equally good. The
    interval of the difference is that of Bonett and Price (2012, J. Educ. Behav. Stat. 37,
    479), a Wald interval after one more disagreement each way.

    Parameters
    ----------
    right_new, right_old : array_like of bool, shape (N,)
        Whether each classifier is right.

    Raises
    ------
    InputError
        If the two differ in shape.
    """
    new, old = np.asarray(right_new, bool), np.asarray(right_old, bool)
    if new.shape != old.shape:
        raise InputError(
            f"a paired test needs the same spectra twice, not {new.shape} and {old.shape}"
        )
    n = new.size
    both, only_new = int((new & old).sum()), int((new & ~old).sum())
    only_old = int((old & ~new).sum())
    if n == 0:
        return Paired(0, 0, 0, 0, 0, math.nan, math.nan, math.nan, 1.0)
    better, worse = (only_new + 1) / (n + 2), (only_old + 1) / (n + 2)
    half = _quantile(CONFIDENCE) * math.sqrt((better + worse - (better - worse) ** 2) / (n + 2))
    return Paired(
        n=n,
        both=both,
        only_new=only_new,
        only_old=only_old,
        neither=n - both - only_new - only_old,
        difference=(only_new - only_old) / n,
        low=max(-1.0, better - worse - half),
        high=min(1.0, better - worse + half),
        p_value=_two_sided_half(only_new, only_old),
    )


def _two_sided_half(a: int, b: int) -> float:
    """Exact two-sided binomial test of a against b at probability one half."""
    n = a + b
    # Whole numbers, because 2^n leaves the range of a float beyond 1023 disagreements.
    term, tail = 1, 1
    for i in range(min(a, b)):
        term = term * (n - i) // (i + 1)  # n choose i + 1
        tail += term
    return min(1.0, 2 * tail / 2**n) if n else 1.0


def central(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the central 95 % of values, of those that are defined."""
    defined = values[np.isfinite(values)]
    if not defined.size:
        return math.nan, math.nan
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(defined, [tail, 1.0 - tail])
    return float(low), float(high)


def _quantile(confidence: float) -> float:
    """Half-width of the central interval of the normal distribution, in sigma."""
    if not 0.0 < confidence < 1.0:
        raise InputError(f"a confidence lies between 0 and 1, not {confidence}")
    return NormalDist().inv_cdf(0.5 + confidence / 2.0)
