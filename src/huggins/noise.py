"""The noise of a spectrum, measured from the scatter between its pixels.

A continuum and even lines are nearly straight over a few pixels, and noise is not: the second
difference f[i] - (f[i - k] + f[i + k]) / 2 of pixels k = 3 apart holds 1.5 times the variance
of one pixel. Neighbouring pixels are correlated by the resampling of the surveys, pixels three
apart are not. In a smoothed spectrum they are: there the difference is taken between pixels
further apart, and the errors are made larger by the correlation (`smoothing`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Distance of the pixels that are compared.
LAG: Final = 3
#: Sigma of a Gaussian over its median absolute deviation.
MAD: Final = 1.4826
# Pixels of the window in which the noise is taken to be constant, and between two windows.
_WINDOW: Final = 151
_STEP: Final = 50
# Distance of pixels that even smoothed spectra leave uncorrelated, and v(1) / v(3) of smoothed
# spectra at most.
_FAR: Final = 16
_SMOOTHED: Final = 0.5
# Least error, relative to the root mean square flux, for models without noise.
_FLOOR: Final = 1e-3


def second_differences(
    flux: Array, good: NDArray[np.bool_], lag: int = LAG
) -> tuple[NDArray[np.intp], Array]:
    """Return where second differences can be taken, and what they are.

    Parameters
    ----------
    flux : ndarray, shape (L,)
    good : ndarray of bool, shape (L,)
    lag
        Distance of the pixels, k.

    Returns
    -------
    middle : ndarray of int, shape (D,)
        Index of the pixel in the middle.
    difference : ndarray, shape (D,)
        Its flux less the mean of the two that are k pixels away.
    """
    triple = good[: -2 * lag] & good[lag:-lag] & good[2 * lag :]
    first = np.flatnonzero(triple)
    difference = flux[first + lag] - 0.5 * (flux[first] + flux[first + 2 * lag])
    return first + lag, difference


def smoothing(flux: Array, good: NDArray[np.bool_]) -> tuple[float, float]:
    """Return over how many pixels a spectrum was smoothed, and the factor its errors need.

    With v(k) the median of |f[i] - (f[i-k] + f[i+k]) / 2|, a running mean over n pixels leaves
    v(1) = v0 / n and v(k) = v0 sqrt(1.5 / n) for k >= n, where v0 is the noise of before: n
    follows from v(16) / v(1). The errors that count in a sum over pixels are those of before,
    sqrt(n) times the scatter v(16) that is left.

    Parameters
    ----------
    flux : ndarray, shape (L,)
    good : ndarray of bool, shape (L,)

    Returns
    -------
    width : float
        n = 0.4 (v(16) / v(1))^2; 1 where v(1) / v(3) > 0.5, as in spectra that were not
        smoothed. 0.4 in place of 2/3: the pixels of the surveys are correlated before
        (v(1) / v(3) = 0.77 and n = 1 in the median of BOSS, SDSS and LAMOST).
    factor : float
        sqrt(n) v(16) / v(3), on errors that are measured with pixels 3 apart; at least 1.
    """
    near, usual, far = (
        float(np.median(np.abs(second_differences(flux, good, lag)[1])))
        if np.count_nonzero(good) > 2 * lag + 30
        else np.nan
        for lag in (1, LAG, _FAR)
    )
    if not (0.0 < near < _SMOOTHED * usual and far > 0.0):
        return 1.0, 1.0
    # No spectrum has the pixels that a larger ratio speaks of.
    width = max(0.4 * min(far / near, 1e3) ** 2, 1.0)
    return width, max(float(np.sqrt(width)) * far / usual, 1.0)


def measured_error(flux: Array, good: NDArray[np.bool_]) -> Array:
    """Return the 1-sigma error of each pixel, measured in windows of 151 pixels.

    In a smoothed spectrum, the errors that count in sums over pixels (`smoothing`).

    Parameters
    ----------
    flux : ndarray, shape (L,)
    good : ndarray of bool, shape (L,)
        Pixels with data.

    Returns
    -------
    ndarray, shape (L,)
        In the unit of `flux`; infinite where `good` is false, or everywhere if fewer than
        30 differences can be taken.
    """
    error = np.full(len(flux), np.inf)
    middle, difference = second_differences(flux, good)
    if len(middle) < 30:
        return error
    size = np.abs(difference)
    nodes, values = [], []
    for start in range(0, max(len(middle) - _WINDOW, 0) + _STEP, _STEP):
        part = slice(max(0, min(start, len(middle) - _WINDOW)), start + _WINDOW)
        nodes.append(float(middle[part].mean()))
        values.append(MAD * float(np.median(size[part])) / np.sqrt(1.5))
    floor = _FLOOR * float(np.sqrt(np.mean(np.square(flux[good])))) or 1.0
    factor = smoothing(flux, good)[1]
    values = [factor * value for value in values]
    error[good] = np.maximum(np.interp(np.flatnonzero(good), nodes, values), floor)
    return error


def excess(flux: Array, error: Array) -> float:
    """Return the ratio of the measured scatter between pixels to the given errors.

    NaN where it cannot be measured. `error` of shape (L,) is infinite or NaN in bad pixels.
    """
    with np.errstate(over="ignore"):
        variance = np.where(error > 0, error, np.nan)[None] ** 2
    return float(scatter(flux[None], variance)[0])


def scatter(
    flux: Array, variance: Array, *, lag: int = LAG, least: int = 30, lower: bool = False
) -> Array:
    """Return the ratio of the scatter between pixels to that expected from the variance.

    It is 1.4826 times the median of |d| / sqrt(v[i] + (v[i - k] + v[i + k]) / 4), where
    d is the second difference of pixels k apart: sigma of a Gaussian, robust against single
    lines and cosmic rays.

    Parameters
    ----------
    flux, variance : ndarray, shape (N, L)
        `variance` is infinite or NaN in bad pixels.
    lag
        k, in pixels.
    least
        Number of second differences below which the ratio is NaN.
    lower
        Of an even number of values, take the lower middle one as the median and not the mean of
        the two.

    Returns
    -------
    ndarray, shape (N,)
        1 where the variance is correct.
    """
    # Over whole rows, which is faster than by masks; invalid differences are sorted to the end.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = flux[:, : -2 * lag] + flux[:, 2 * lag :]
        ratio *= -0.5
        ratio += flux[:, lag:-lag]
        ratio *= ratio
        expected = variance[:, : -2 * lag] + variance[:, 2 * lag :]
        expected *= 0.25
        expected += variance[:, lag:-lag]
        ratio /= expected
    valid = ratio < np.inf  # False for NaN
    valid &= expected < np.inf
    np.copyto(ratio, np.inf, where=~valid)
    counts = np.count_nonzero(valid, axis=1).tolist()
    result = np.full(len(ratio), np.nan)
    for n, count in enumerate(counts):
        if count >= max(least, 1):
            first, second = _middle(ratio[n], count)
            result[n] = MAD * 0.5 * (np.sqrt(first) + np.sqrt(first if lower else second))
    return result


def median(values: Array) -> float:
    """Return the median of some finite values, shape (L,), as `numpy.median` does.

    Several times as fast: numpy's own looks for two places at once by slower means.
    """
    first, second = _middle(values.copy(), len(values))
    return 0.5 * (first + second)


def _middle(row: Array, count: int) -> tuple[float, float]:
    """Return the two middle ones of the `count` lowest values; their order is lost."""
    half = count // 2
    row.partition(half)
    upper = float(row[half])
    return (upper if count % 2 else float(row[:half].max())), upper
