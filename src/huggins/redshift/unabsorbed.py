"""The redshift of a quasar from what its broad absorption leaves.

Troughs of C IV, wherever the fit is not told of them, eat the blue sides of emission lines and
draw the redshift along. Those that were measured are masked in every line of the outflow (C IV,
Si IV, N V, Lyman alpha, O VI, at the same velocities) and the redshift is fitted again, as
Garcia et al. (2023, arXiv:2304.05855) do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.redshift.blue import lowered
from huggins.redshift.frames import SIZE
from huggins.redshift.minimise import Track

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.redshift.equations import LinearFit
    from huggins.redshift.minimise import Solution

    Array = NDArray[np.float64]

#: Lines of a highly ionised outflow, A.
LINES: Final = (1549.06, 1396.76, 1240.14, 1215.67, 1033.82)
# What is masked beyond each end of a trough, km/s: two pixels.
_MARGIN: Final = 140.0
# Least number of good pixels that must be left.
_LEAST: Final = 500
# Pixels from one step of the descent to the next, as in the search.
_STRIDE: Final = 3


def hidden(
    wavelength: Array, z: float, spans: Sequence[tuple[float, float]]
) -> NDArray[np.bool_]:
    """Return which pixels lie in troughs, in any of `LINES`, shape (L,).

    Parameters
    ----------
    wavelength : ndarray, shape (L,)
        Increasing.
    z
        Of the quasar.
    spans
        Least and greatest outflow velocity of each trough, km/s.
    """
    inside = np.zeros(len(wavelength), bool)
    if not spans:
        return inside
    slow, fast = np.array(spans, np.float64).T
    beta = np.array([fast + _MARGIN, slow - _MARGIN]) / SPEED_OF_LIGHT
    blueward = (1.0 + z) * np.sqrt((1.0 - beta) / (1.0 + beta))  # (2, T), of the line's own
    edges = np.array(LINES)[:, None, None] * blueward
    first = np.searchsorted(wavelength, edges[:, 0], "left").ravel().tolist()
    last = np.searchsorted(wavelength, edges[:, 1], "right").ravel().tolist()
    for begin, end in zip(first, last, strict=True):
        inside[begin:end] = True
    return inside


def refit(
    fit: LinearFit, flux: Array, ivar: Array, solution: Solution, masked: NDArray[np.bool_]
) -> Solution:
    """Return the solution with redshift and model from the pixels that are not masked.

    chi2 stays: other candidates were compared by it. So does all where fewer than 500 good
    pixels are left, or chi2 has no minimum on them.
    """
    seen = np.where(masked, 0.0, ivar)
    good = int(np.count_nonzero(seen))
    if good < _LEAST:
        return solution
    covered = np.flatnonzero(seen)
    used = slice(int(covered[0]), int(covered[-1]) + 1)
    f, w = flux[used], seen[used]
    total = float((w * f) @ f)
    signal = max(total - good, 0.05 * good)
    # Brightness as in the search: the priors of the coefficients scale with it.
    w = lowered(fit, solution.coefficients, w, round(solution.shift), used)
    solve = fit.on(f, w, signal, used)
    found = Track("QSO", -1, solve, round(solution.shift), _STRIDE, total).minimise()
    if not np.isfinite(found.sigma):
        return solution
    known = np.zeros(SIZE, bool) if solution.absorbed is None else solution.absorbed
    return replace(
        solution,
        shift=found.shift,
        sigma=found.sigma,
        coefficients=found.coefficients,
        absorbed=known | masked,
    )
