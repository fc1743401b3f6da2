"""The continuum of a quasar as it would be without its broad absorption.

The basis can follow a trough that is shallow and thousands of km/s wide, and the index measured
against it is then too small, or 0. So what lies low blueward of C IV is masked, in every line
of the outflow, and the basis is fitted to the rest at the same redshift; what then lies low is
masked next, until nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.lines import EMISSION
from huggins.redshift.balnicity import outflow_velocity, runs, smoothed
from huggins.redshift.blue import lowered
from huggins.redshift.frames import SIZE
from huggins.redshift.unabsorbed import hidden

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.redshift.equations import LinearFit
    from huggins.redshift.minimise import Solution

    Array = NDArray[np.float64]

# Outflow velocities that are looked at, km/s: those of the indices, and what noise, redshift
# and the wings of a trough add to them.
_RANGE: Final = (-2_000.0, 28_000.0)
# Pixels that are averaged: 1,000 km/s, and the least width of what is masked.
_AVERAGED: Final = 15
_WIDE: Final = 1_000.0
# Flux over continuum from which on it lies low, by this many sigma of the average.
_LOW: Final = 0.95
_SURE: Final = 2.0
_ROUNDS: Final = 3
# Least number of good pixels that must be left.
_LEAST: Final = 500
_WHOLE: Final = slice(0, SIZE)


@dataclass(frozen=True, slots=True, eq=False)
class Uncovered:
    """A continuum fitted beside absorption.

    Attributes
    ----------
    model : ndarray, shape (SIZE,)
    coefficients : ndarray
    masked : ndarray of bool, shape (SIZE,)
        What was left out.
    """

    model: Array
    coefficients: Array
    masked: NDArray[np.bool_]


def uncovered(
    fit: LinearFit,
    solution: Solution,
    model: Array,
    flux: Array,
    ivar: Array,
    wavelength: Array,
    z: float,
) -> Uncovered | None:
    """Return the continuum of a quasar beside its absorption; None where nothing lies low.

    Parameters
    ----------
    fit, solution
        Of the quasar.
    model : ndarray, shape (SIZE,)
        That of the solution.
    flux, ivar, wavelength : ndarray, shape (SIZE,)
        On native pixels, Angstrom.
    z
        Its redshift.
    """
    line = EMISSION["C IV"] * (1.0 + z)
    low, high = np.searchsorted(wavelength, [0.9 * line, 1.01 * line]).tolist()
    part = slice(low, high)
    if np.count_nonzero(ivar[part]) < _AVERAGED:
        return None
    velocity = outflow_velocity(wavelength[part], z)
    f, w = flux[part], ivar[part]
    spans = _low(velocity, f, w, model[part])
    if not spans:
        return None
    shift = round(solution.shift)
    weight = lowered(fit, solution.coefficients, ivar, shift, _WHOLE)
    known = np.zeros(SIZE, bool) if solution.absorbed is None else solution.absorbed
    found: Uncovered | None = None
    for _ in range(_ROUNDS):
        masked = hidden(wavelength, z, spans) | known
        if found is not None and (not spans or bool((masked == found.masked).all())):
            break
        seen = np.where(masked, 0.0, weight)
        if np.count_nonzero(seen) < _LEAST:
            break
        coefficients = _solved(fit, flux, seen, shift)
        model = fit.model(coefficients, shift, _WHOLE)
        found = Uncovered(model, coefficients, masked)
        spans = _low(velocity, f, w, model[part])
    return found


def _solved(fit: LinearFit, flux: Array, ivar: Array, shift: int) -> Array:
    """Coefficients at one shift from the pixels whose ivar is above 0."""
    covered = np.flatnonzero(ivar)
    used = slice(int(covered[0]), int(covered[-1]) + 1)
    f, w = flux[used], ivar[used]
    total = float((w * f) @ f)
    signal = max(total - len(covered), 0.05 * len(covered))
    return fit.solve(f, w, signal, shift, used)[1]


def _low(velocity: Array, flux: Array, ivar: Array, model: Array) -> list[tuple[float, float]]:
    """Least and greatest velocity of all that lies low, of velocities that fall."""
    good = (ivar > 0.0) & (model > 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(good, flux / model, 0.0)
        error = np.where(good, 1.0 / (np.sqrt(ivar) * model), np.inf)
    mean, sigma = smoothed(ratio, error, _AVERAGED)
    with np.errstate(invalid="ignore"):
        low = (mean < _LOW) & (1.0 - mean > _SURE * sigma)
    low &= (velocity > _RANGE[0]) & (velocity < _RANGE[1])
    found = []
    for run in runs(low):
        fast, slow = float(velocity[run.start]), float(velocity[run.stop - 1])
        if fast - slow >= _WIDE:
            found.append((slow, fast))
    return found
