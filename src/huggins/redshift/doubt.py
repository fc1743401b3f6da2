"""What is wrong with a fit, as bits of ZWARNING."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.lines import EMISSION
from huggins.quality import ZWarning
from huggins.redshift.basis import STEP
from huggins.redshift.native import START

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.redshift.basis import Basis
    from huggins.redshift.decide import Choice, Rule
    from huggins.redshift.search import Candidates

    Array = NDArray[np.float64]

#: Lines that a quasar cannot show in net absorption. Lyman alpha and C IV are not among them:
#: absorbers eat them.
QUASAR_LINES: Final = ("C III]", "Mg II", "Hβ", "Hα")
# Half-width of a broad line and outer edge of its continuum windows, in native pixels:
# 3000 and 7000 km/s.
_LINE, _SIDE = 43, 101
# Least depth of a negative line, relative to the continuum.
_DEPTH = 0.06
# How close to the end of the searched range a redshift is at the limit, in native pixels.
_EDGE: Final = 10.0
# Mean signal-to-noise a pixel below which there may be nothing but sky.
_FAINT: Final = 0.5


def doubts(
    flux: Array,
    ivar: Array,
    model: Array,
    candidates: Candidates,
    choice: Choice,
    basis: Basis,
    rule: Rule,
) -> ZWarning:
    """Return the bits that one fit calls for.

    - LITTLE_COVERAGE: fewer good pixels than ``rule.coverage``.
    - SMALL_DELTA_CHI2: a candidate of another class or redshift scores within ``rule.margin``
      of the chosen one (network and fit together); or another redshift has a chi2 that is
      higher by less than ``rule.gap``; or the fit beats a cubic polynomial by less than
      ``rule.feature``, so that any redshift would do as well. Both in units of the reduced
      chi2 where that is above 1.
    - NEGATIVE_MODEL: the model's weighted mean, or the spectrum's by 3 sigma, is negative.
    - MANY_OUTLIERS: more than ``rule.outliers`` of the pixels, broad absorption left out, lie
      over 5 sigma off the model.
    - Z_FITLIMIT: the redshift lies at the end of the range that is searched.
    - NEGATIVE_EMISSION: a quasar's C III], Mg II, H beta or H alpha is negative by more than
      ``rule.emission`` sigma.
    - BAD_MINFIT: chi2(z) has no parabolic minimum there.
    - POORDATA: the spectrum's brightness does not exceed its noise by 5 sigma.
    - SKY: no feature beyond a cubic polynomial, and a mean signal-to-noise under 0.5.

    Parameters
    ----------
    flux, ivar, model : ndarray, shape (P,)
        On the native grid; ivar is 0 where there is no data and counts scaled noise.
    candidates, choice
        Of the search and the decision.
    basis, rule
        What was searched, and the thresholds.
    """
    solution = candidates.solutions[choice.best]
    good = candidates.good
    bits = ZWarning(0)
    if good < rule.coverage:
        bits |= ZWarning.LITTLE_COVERAGE
    reduced = max(solution.chi2 / good, 1.0)
    plain = (candidates.smooth - solution.chi2) / reduced < rule.feature
    close = choice.deltachi2 / reduced < rule.gap  # False for NaN: no other redshift
    if choice.margin < rule.margin or close or plain:
        bits |= ZWarning.SMALL_DELTA_CHI2
    mean = float(ivar @ flux) / np.sqrt(ivar.sum())  # of the spectrum, in sigma
    if float(ivar @ model) <= 0.0 or mean < -3.0:
        bits |= ZWarning.NEGATIVE_MODEL
    far = (flux - model) ** 2 * ivar > 25.0
    shown = good
    if solution.absorbed is not None:
        far &= ~solution.absorbed
        shown -= int(np.count_nonzero(solution.absorbed & (ivar > 0)))
    if np.count_nonzero(far) > rule.outliers * shown:
        bits |= ZWarning.MANY_OUTLIERS
    if _at_limit(solution.kind, solution.shift, basis):
        bits |= ZWarning.Z_FITLIMIT
    if solution.kind == "QSO" and negative_line(flux, ivar, solution.shift) > rule.emission:
        bits |= ZWarning.NEGATIVE_EMISSION
    if not np.isfinite(solution.sigma):
        bits |= ZWarning.BAD_MINFIT
    excess = candidates.total - good
    if excess < 5.0 * np.sqrt(2.0 * good):
        bits |= ZWarning.POORDATA
    if plain and excess < _FAINT**2 * good:
        bits |= ZWarning.SKY
    return bits


def _at_limit(kind: str, shift: float, basis: Basis) -> bool:
    if kind == "STAR":
        low, high = -basis.star.velocity / SPEED_OF_LIGHT, basis.star.velocity / SPEED_OF_LIGHT
    else:
        part = basis.quasar if kind == "QSO" else basis.galaxy
        low, high = part.z_min, part.z_max
    low, high = np.log10(1.0 + low) / STEP, np.log10(1.0 + high) / STEP
    edge = _EDGE if kind != "STAR" else 1.0
    return bool(shift < low + edge or shift > high - edge)


def negative_line(flux: Array, ivar: Array, shift: float) -> float:
    """Return how far, in sigma, the most negative quasar line lies below its continuum.

    The continuum is a straight line through the windows on both sides; a line of which less
    than half is observed does not count.
    """
    worst = 0.0
    for name in QUASAR_LINES:
        centre = round(np.log10(EMISSION[name]) / STEP + shift) - START
        if centre < _SIDE or centre + _SIDE >= len(flux):
            continue
        window = slice(centre - _SIDE, centre + _SIDE + 1)
        f, w = flux[window], ivar[window]
        x = np.arange(-_SIDE, _SIDE + 1) / _SIDE
        inside = np.abs(x) * _SIDE <= _LINE
        outside = ~inside & (w > 0)
        if np.count_nonzero(w[inside]) < _LINE or np.count_nonzero(outside) < _LINE:
            continue
        x0 = np.stack([np.ones(outside.sum()), x[outside]])
        weighted = x0 * w[outside]
        covariance = np.linalg.pinv(weighted @ x0.T)
        line = covariance @ (weighted @ f[outside])
        below = line[0] + line[1] * x[inside] - f[inside]
        weight = w[inside]
        total = float(weight @ below) / weight.sum()
        # A continuum that is not straight is no line.
        if total < _DEPTH * abs(line[0]):
            continue
        # Error of the line's mean, and of the continuum under it.
        sigma = np.sqrt(1.0 / weight.sum() + covariance[0, 0])
        worst = max(worst, total / sigma)
    return worst
