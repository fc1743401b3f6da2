"""Isolated outliers: cosmic rays and hot pixels that the file does not mask.

For good pixel i of a spectrum with flux f (neighbours are the nearest good pixels),

    r[j] = f[j] - b,  b the median of f in the 11 pixels around i,
    s = 1.4826 / sqrt(1.5) times the median of |f[j] - (f[j-1] + f[j+1]) / 2|, 61 around i,

pixel i is an outlier if |r[i]| > T s and |r[i]| > K |r[j]| for both neighbours j = i - 1 and
i + 1; so are i and i + 1 together if the smaller |r| of the two exceeds T s, and K times |r|
of i - 1 and i + 2. T = 40 and K = 8. What was found is taken out and the search repeated, so
that a faint hit beside a bright one is found too.

s is measured, so that neither the unit nor the scale of ivar matters. A line of the sky or of
an object is as wide as the instrument makes it: with a dispersion of 0.8 pixels or more (FWHM
of 1.9; the surveys have 2 to 3) a single pixel is at most 2.2 times its neighbour, and two
pixels at most 4.8 times theirs, at any signal-to-noise ratio: K leaves it alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: T: least height above the surroundings, in units of the local scatter.
HEIGHT: Final = 40.0
#: K: least height in units of the neighbours' heights.
ISOLATION: Final = 8.0
#: Good pixels below which no scatter is measured.
LEAST: Final = 40
# Half-widths of the windows of b and s, in pixels.
_NEAR, _FAR = 5, 30
_WINDOW: Final = np.arange(-_NEAR, _NEAR + 1)
_AROUND: Final = np.arange(-2, 3)
# Sigma of a Gaussian over the median of |second difference|.
_SIGMA = 1.4826 / np.sqrt(1.5)
# Largest square of the second difference, over its median, that is passed over: half of T.
_LIMIT = float((0.5 * HEIGHT * _SIGMA) ** 2)
# Searches at most: each but the first follows on a find.
_ROUNDS = 5
# Every how many pixels the first look measures the scatter.
_SPARSE = 8
# Bad pixels up to which the good ones are copied in pieces.
_FEW = 128


def outliers(flux: Array, ivar: Array) -> NDArray[np.intp]:
    """Return the positions of isolated outliers, ascending.

    Parameters
    ----------
    flux, ivar : ndarray of float64, shape (L,)
        Both 0 in bad pixels.

    Returns
    -------
    ndarray of int, shape (M,)
    """
    found = where = _NONE
    f, w = _good(flux, ivar)
    for _ in range(_ROUNDS):
        # As a rule no pixel stands out: then this is all.
        if len(f) < LEAST or len(at := _candidates(f, w)) == 0:
            break
        hit = _isolated(f, at)
        if len(hit) == 0:
            break
        if len(found) == 0:
            where = np.flatnonzero(ivar)
        found = np.concatenate([found, where[hit]])
        where = np.delete(where, hit)
        f, w = flux[where], ivar[where]
    return np.sort(found)


def _good(flux: Array, ivar: Array) -> tuple[Array, Array]:
    """Return flux and ivar of the good pixels."""
    bad = np.flatnonzero(ivar == 0.0)
    if len(bad) == 0:
        return flux, ivar
    if len(bad) > _FEW:
        where = np.flatnonzero(ivar)
        return flux[where], ivar[where]
    # What lies between a few bad pixels is copied several times faster than single pixels are.
    parts = []
    start = 0
    for stop in [*bad.tolist(), len(flux)]:
        if stop > start:
            parts.append(slice(start, stop))
        start = stop + 1
    if len(parts) < 2:
        return (flux[parts[0]], ivar[parts[0]]) if parts else (flux[:0], ivar[:0])
    return np.concatenate([flux[p] for p in parts]), np.concatenate([ivar[p] for p in parts])


_NONE: Final = np.zeros(0, np.intp)


def _candidates(f: Array, w: Array) -> NDArray[np.intp]:
    """Return pixels that may stand out: a fast look with half of T, ivar as a weight."""
    d = f[:-2] + f[2:]
    d *= -0.5
    d += f[1:-1]
    last = len(f) - 1
    ends = (float(f[0] - f[1]), float(f[-1] - f[-2]))
    with np.errstate(over="ignore", invalid="ignore"):
        d *= d
        d *= w[1:-1]
        few = d[::_SPARSE].copy()
        few.partition(len(few) // 2)
        limit = _LIMIT * float(few[len(few) // 2])
        edge = [i for i, e in zip((0, last), ends, strict=True) if e * e * w[i] > limit]
        if not edge and d.max() <= limit:
            return _NONE
        inner = np.flatnonzero(~(d <= limit)) + 1
    return np.sort(np.concatenate([inner, np.array(edge, np.intp)])) if edge else inner


def _isolated(f: Array, at: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return which of the candidates are outliers, alone or in a pair."""
    if len(at) == 0:
        return at
    last = len(f) - 1
    window = f[np.minimum(np.maximum(at, _NEAR), last - _NEAR)[:, None] + _WINDOW]
    window.partition(_NEAR, axis=1)
    # r at i - 2 to i + 2; outside of the spectrum there is nothing to compare with.
    near = at[:, None] + _AROUND
    r = np.abs(f[np.minimum(np.maximum(near, 0), last)] - window[:, _NEAR, None])
    if at[0] < 2 or at[-1] > last - 2:
        r[(near < 0) | (near > last)] = 0.0
    # The height that has to exceed T s, where the neighbours leave one: that of the pixel
    # alone, or of the lower of two, with the pixel after it or the one before.
    after, before = np.minimum(r[:, 2], r[:, 3]), np.minimum(r[:, 2], r[:, 1])
    height = np.maximum(
        r[:, 2] * (r[:, 2] > ISOLATION * np.maximum(r[:, 1], r[:, 3])),
        np.maximum(
            after * (after > ISOLATION * np.maximum(r[:, 1], r[:, 4])),
            before * (before > ISOLATION * np.maximum(r[:, 0], r[:, 3])),
        ),
    )
    chosen = np.flatnonzero(height)
    hit = [i for i in chosen if height[i] > HEIGHT * _scatter(f, int(at[i]))]
    return at[hit]


def _scatter(f: Array, at: int) -> float:
    """Return the scatter s between the pixels around one."""
    start = min(max(at - _FAR, 0), max(len(f) - 2 * _FAR - 1, 0))
    part = f[start : start + 2 * _FAR + 1]
    d = np.abs(part[1:-1] - 0.5 * (part[:-2] + part[2:]))
    d.partition(len(d) // 2)
    return float(_SIGMA * d[len(d) // 2])
