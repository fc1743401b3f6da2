"""What a fit has to beat: smooth curves, hot pixels, and residuals of sky lines.

The gain of a model is the chi2 of a null minus that of the model. The nulls are a cubic
polynomial of log wavelength, and a power law whose slope changes with wavelength; the better of
them counts. Of the gain is left out

- what comes from spikes: one or two pixels above 6 sigma of which both neighbours are lower by
  a factor of 5 (of two: 8), which no line is that went through a spectrograph
  (`huggins.prepare.outliers` removes those above 40 sigma);
- what comes from beyond 8500 A, where the model leaves 1.3 times the chi2 per pixel there that
  it leaves below: sky lines were not subtracted well;
- of a quasar, whose Lyman alpha break it may look like, what comes from 5700 to 6150 A, where
  the arms of spectrographs join, and any step between them: the null is a parabola on either
  side.

A class and redshift that rest on these alone are no more than a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.redshift.basis import STEP
from huggins.redshift.frames import SIZE, START
from huggins.redshift.stars import products

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_SPIKE: Final = 6.0
_ISOLATION: Final = 5.0
_PAIR: Final = 8.0
_SIDES: Final = np.array([-5, -4, -3, 3, 4, 5])[:, None]
_RED: Final = round(np.log10(8500.0) / STEP) - START
_NOISY: Final = 1.3
_JOIN: Final = tuple(round(np.log10(edge) / STEP) - START for edge in (5700.0, 6150.0))
# Gain over reduced chi2 beyond which nothing of the kind makes all of it.
_ENOUGH: Final = 2000.0
_X: Final = np.linspace(-1.0, 1.0, SIZE)
# Legendre polynomials to the sixth order, of which the first four make a cubic, and each of
# whose products of two is a sum of all.
_LEGENDRE: Final = np.ascontiguousarray(np.polynomial.legendre.legvander(_X, 6).T)
_CUBIC: Final = _LEGENDRE[:4]
_PRODUCTS: Final = products(4).reshape(16, -1)
_PRODUCTS_3: Final = products(3).reshape(9, -1)
# Bins in which a power law is fitted, and native pixels in one.
_BINS: Final = 54
_PIXELS: Final = SIZE // _BINS
_MIDDLES: Final = _CUBIC[:3, _PIXELS // 2 :: _PIXELS][:, :_BINS]


def spikes(flux: Array, ivar: Array) -> NDArray[np.bool_]:
    """Return pixels that stand out too sharply for a line, shape (P,)."""
    size = len(flux)
    found = np.zeros(size, bool)
    # Of two sharp pixels each stands out from the mean of its neighbours by half its height.
    bend = flux[:-2] + flux[2:]
    bend *= -0.5
    bend += flux[1:-1]
    bend *= bend
    bend *= ivar[1:-1]
    at = np.flatnonzero(bend > (0.4 * _SPIKE) ** 2) + 1
    at = at[(at >= 7) & (at < size - 7)]
    sides, here = flux[_SIDES + at], flux[at]
    # Noise, nearly all of it: even the farthest of the sides is too near.
    far = np.maximum(sides.max(axis=0) - here, here - sides.min(axis=0))
    sharp = far * np.sqrt(ivar[at]) > _SPIKE
    at, sides = at[sharp], sides.T[sharp]
    if len(at) == 0:
        return found
    sides.sort(axis=1)
    # Beside a strong line half of the sides are part of it: the nearer middle one counts.
    near = flux[at[:, None] + np.arange(-1, 3)]
    base = sides[:, 2:4]
    base = np.take_along_axis(
        base, np.abs(flux[at, None] - base).argmin(axis=1)[:, None], axis=1
    )
    left, here, right, next_ = (np.abs(near - base) * np.sqrt(ivar[at, None])).T
    found[at[(here > _SPIKE) & (here > _ISOLATION * np.maximum(left, right))]] = True
    lower = np.minimum(here, right)
    pair = at[(lower > _SPIKE) & (lower > _PAIR * np.maximum(left, next_))]
    found[pair] = found[pair + 1] = True
    return found


def cubic(flux: Array, ivar: Array) -> Array:
    """Return the best cubic polynomial, shape (P,)."""
    matrix = (_PRODUCTS @ (_LEGENDRE @ ivar)).reshape(4, 4)
    matrix.ravel()[::5] += 1e-12 * matrix[0, 0] + 1e-30
    curve: Array = np.linalg.solve(matrix, _CUBIC @ (ivar * flux)) @ _CUBIC
    return curve


def power_law(flux: Array, ivar: Array) -> Array:
    """Return the best power law with curvature, shape (P,); of a flux below 0 it is 0."""
    part = slice(0, _BINS * _PIXELS)
    weight = ivar[part].reshape(_BINS, _PIXELS).sum(axis=1)
    total = (ivar * flux)[part].reshape(_BINS, _PIXELS).sum(axis=1)
    mean = np.divide(total, weight, out=np.zeros(_BINS), where=weight > 0.0)
    use = mean * np.sqrt(weight) > 3.0
    if np.count_nonzero(use) < 4:
        return np.zeros(len(flux))
    rows = _MIDDLES[:, use]
    # An error of the mean is one of its logarithm, relative to it.
    importance = mean[use] ** 2 * weight[use]
    matrix = (rows * importance) @ rows.T + 1e-12 * importance.sum() * np.eye(3)
    found = np.linalg.solve(matrix, (rows * importance) @ np.log(mean[use]))
    shape: Array = found @ _CUBIC[:3]
    if max(abs(float(shape.min())), abs(float(shape.max()))) > 50.0:
        np.clip(shape, -50.0, 50.0, out=shape)
    np.exp(shape, out=shape)
    weighted = ivar * shape
    shape *= float(weighted @ flux) / max(float(weighted @ shape), 1e-300)
    return shape


def arms(flux: Array, ivar: Array) -> Array:
    """Return the best parabola on either side of the join of two arms, shape (P,)."""
    curve = np.zeros(len(flux))
    for part in (slice(None, _JOIN[0]), slice(_JOIN[1], None)):
        rows, weight = _CUBIC[:3, part], ivar[part]
        matrix = (_PRODUCTS_3 @ (_LEGENDRE[:5, part] @ weight)).reshape(3, 3)
        matrix.ravel()[::4] += 1e-9 * matrix[0, 0] + 1e-30
        curve[part] = np.linalg.solve(matrix, rows @ (weight * flux[part])) @ rows
    return curve


def gains(flux: Array, ivar: Array, model: Array, *, quasar: bool = False) -> dict[str, float]:
    """Return the gain of a model on the better null, in words of what is left out.

    Parameters
    ----------
    flux, ivar, model : ndarray, shape (SIZE,)
        On the native grid; ivar is 0 where there is no data.
    quasar
        Whether the model is one.

    Returns
    -------
    dict
        The lowest gain for each reason why it may be too low to mean anything.
    """
    left = _misfit(flux, ivar, model)
    sharp = spikes(flux, ivar)
    seen, why = ivar, _SMOOTH
    if sharp.any():
        seen, left, why = np.where(sharp, 0.0, ivar), np.where(sharp, 0.0, left), _HOT
    nulls = [_misfit(flux, seen, curve(flux, seen)) for curve in (cubic, power_law)]
    null = min(nulls, key=lambda part: float(part.sum()))
    found = {why: float(null.sum() - left.sum())}
    red, blue = np.count_nonzero(ivar[_RED:]), np.count_nonzero(ivar[:_RED])
    if red and blue:
        below = float(left[:_RED].sum())
        if float(left[_RED:].sum()) / red > _NOISY * max(below / blue, 1.0):
            found[_SKY] = float(null[:_RED].sum()) - below
    if quasar:
        joined = _misfit(flux, seen, arms(flux, seen)) - left
        found[_ARMS] = float(joined[: _JOIN[0]].sum() + joined[_JOIN[1] :].sum())
    return found


def _misfit(flux: Array, ivar: Array, model: Array) -> Array:
    """chi2 of each pixel."""
    part = flux - model
    part *= part
    part *= ivar
    return part


_SMOOTH: Final = "a smooth curve fits nearly as well"
_HOT: Final = "without one or two sharp pixels a smooth curve fits nearly as well"
_ARMS: Final = "it rests on a step or dip near 5900 A, where arms of the spectrograph join"
_SKY: Final = "it rests on light beyond 8500 A, where sky lines were not subtracted well"


def doubt(
    flux: Array, ivar: Array, model: Array, gain: float, least: float, *, quasar: bool = False
) -> str:
    """Return in words why a model that gains enough may gain nothing; empty if it does not.

    Parameters
    ----------
    flux, ivar, model : ndarray, shape (SIZE,)
    gain
        On a cubic polynomial, all pixels counted.
    least
        What has to be gained, as `gain`; both in chi2.
    quasar
        As in `gains`.
    """
    if gain < least or gain > _ENOUGH * max(least / 28.0, 1.0):
        return ""
    found = gains(flux, ivar, model, quasar=quasar)
    low = {why: value for why, value in found.items() if value < least}
    return min(low, key=lambda why: low[why], default="")
