"""Every bit of ZWARNING that huggins sets from a result, and what sets it.

Symbols with a threshold from the basis are fields of
`huggins.redshift.parameters.DecisionParameters`; chi2 and sigma are in units of the measured
noise, r is chi2 per good pixel (at least 1), N the number of good native pixels.

From network and fit (each alternative alone sets the bit):

- SKY: P(none) > t_none and median S/N < 1; or gain on a cubic < h r and mean (S/N)^2 < 0.25.
- LITTLE_COVERAGE: data in < 0.2 of the network's pixels; or N < n.
- PART_COVERAGE: data in < 0.75 of the network's pixels, and the answer seen to be less sure:
  no STAR, and network and fit differ by > 3000 km/s; or a QSO of which fewer than two of Lyman
  alpha, C IV, C III], Mg II, H beta, [O III] 5007 and H alpha are in range, and network and fit
  differ by > 700 km/s, P(QSO) < 0.99, or Mg II may as well be H alpha (`_part_coverage`).
- Z_FITLIMIT: z in the last 10 native pixels (stars 1) of the range searched; without a fit, in
  the first or last bin of the network.

From the fit:

- SMALL_DELTA_CHI2: score margin < m; or DELTACHI2 < g r, unless the redshift is free and
  the score margin > 5; or gain on a cubic < h r, or on any of `huggins.redshift.nulls`.
- NEGATIVE_MODEL: weighted mean of the model <= 0, or of the flux < -3 sigma.
- MANY_OUTLIERS: > q of the pixels outside broad absorption are over 5 sigma from the model,
  sigma being that of the noise and of templates (2 % of the model).
- NEGATIVE_EMISSION: C III], Mg II, H beta or H alpha of a QSO > d sigma and 6 % below the
  continuum on both sides, with no 1000 km/s of it as far above.
- BAD_MINFIT: no parabolic minimum of chi2(z) (or the fit failed: `inference/fitting.py`).
- POORDATA: sum of (S/N)^2 - N < 5 sqrt(2 N).
- NODATA: N = 0 (or the file could not be read: `inference/batch.py`).

From the network:

- LOW_PROBABILITY: PROB < t (network and fit together where there is a fit).
- NOT_A_CLASS: P(none) > t_none and median S/N >= 1.
- UNCERTAIN_Z, without a fit: P(|dv| < 5000 km/s) < 0.5, or a STAR at |z| > 0.005.

t and t_none are `threshold` and `none_threshold` of the weights. The remaining bits describe
the file and are set by its reader: UNPLUGGED, BAD_TARGET, NODATA, NO_UNCERTAINTY
(`huggins.formats`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.lines import EMISSION
from huggins.quality import ZWarning
from huggins.redshift.basis import STEP, limits
from huggins.redshift.frames import START
from huggins.redshift.nulls import doubt
from huggins.taxonomy import BROAD, BROAD_CLASSES, CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.redshift.basis import Basis
    from huggins.redshift.candidates import Candidates
    from huggins.redshift.decide import Choice
    from huggins.redshift.parameters import DecisionParameters
    from huggins.redshift.result import Fit
    from huggins.weights import RedshiftGrid

    Array = NDArray[np.float64]

    class _Prediction(Protocol):
        """Of a network, as `huggins.inference.network.Prediction`."""

        @property
        def none(self) -> Array: ...
        @property
        def z(self) -> Array: ...
        @property
        def z_peak(self) -> Array: ...


#: Lines that a quasar cannot show in net absorption. Lyman alpha and C IV are not among them:
#: absorbers eat them.
QUASAR_LINES: Final = ("C III]", "Mg II", "Hβ", "Hα")
# Least fraction of the network's grid that must hold data.
_COVERAGE: Final = 0.2
# PART_COVERAGE, fitted to labelled spectra of folds 2 to 4 that were cut to one or two cameras
# (`experiments/limited_input.py`): the fraction below which only a part is there; km/s between
# network and fit, of any answer and of a quasar with one line; P(QSO) with one line; its lines.
_PART: Final = 0.75
_APART: Final = 3000.0
_APART_ONE_LINE: Final = 700.0
_SURE_ONE_LINE: Final = 0.99
_STRONG: Final = ("Ly α", "C IV", "C III]", "Mg II", "Hβ", "[O III] 5008", "Hα")
# A line is in range if most pixels within 1 % of its wavelength hold data.
_AROUND_LINE: Final = 0.0043
# Least probability within 5000 km/s of the network's redshift.
_PEAK: Final = 0.5
# Largest |redshift| that a star can have: 1500 km/s, above the fastest known stars' and the
# width of a few bins of the network's redshift grid.
_STAR_Z: Final = 0.005
# Median S/N per pixel below which "none of the classes" means empty sky.
_SKY_SN: Final = 1.0
# Half-width of a broad line and outer edge of its continuum windows, in native pixels:
# 3000 and 7000 km/s.
_LINE, _SIDE = 43, 101
# Least depth of a negative line, relative to the continuum.
_DEPTH = 0.06
# Half-widths, in native pixels: of other lines in the continuum windows (2000 km/s); of the
# mean that finds emission beside absorption (500 km/s), and how far from the line's centre
# that may lie (1000 km/s). Significance from which such a mean is emission.
_OTHER, _CORE, _OFF, _SHOWN = 29, 7, 14, 5.0
# 1, x and x^2, with x from -1 to 1 over line and windows; the places of the lines.
_POWERS: Final = np.linspace(-1.0, 1.0, 2 * _SIDE + 1) ** np.arange(3)[:, None]
_PLACES: Final = {name: float(np.log10(EMISSION[name]) / STEP) for name in QUASAR_LINES}
# Least number of pixels of the continuum on either side.
_BESIDE = 10
# Score margin from which on a redshift that fits better, or nearly as well, is no reason for a
# warning: a chi2 of hundreds may be bad calibration, which the score knows. Of mocks (S/N 1 to
# 40, held-back templates, noise of folds 2 to 4) with such a rival 75 were right above it and 2
# white dwarfs wrong, by 900 and 1800 km/s; of real spectra of folds 2 to 4 all 4 were right.
_CERTAIN: Final = 5.0
# Error of templates, relative to the model: at S/N 150 noise is no measure of a fit.
_MISFIT: Final = 0.02
# How close to the end of the searched range a redshift is at the limit, in native pixels.
_EDGE: Final = 10.0
# Mean signal-to-noise ratio per pixel below which there may be only sky.
_FAINT: Final = 0.5


def warnings(
    prediction: _Prediction,
    broad: NDArray[np.int64],
    probability: NDArray[np.float64],
    *,
    sn: NDArray[np.float64],
    loglam: Array,
    seen: NDArray[np.bool_],
    threshold: float,
    none_threshold: float,
    redshift: RedshiftGrid | None,
    fit: Fit | None = None,
) -> NDArray[np.int32]:
    """Return ZWARNING of N results, as defined at the top of this file, shape (N,).

    Parameters
    ----------
    prediction
        Of N spectra.
    broad, probability : ndarray, shape (N,)
        Index of CLASS into `BROAD_CLASSES`, and probability of SUBCLASS.
    sn : ndarray, shape (N,)
        Median signal-to-noise ratio.
    loglam : ndarray, shape (G,)
        Of the network's pixels, log10(wavelength / A).
    seen : ndarray of bool, shape (N, G)
        Which of them hold data.
    threshold, none_threshold
        As in `huggins.weights.Metadata`.
    redshift
        The network's redshift bins; None if it gives no redshift.
    fit
        Of the same spectra, whose bits then replace those of the network's redshift.
    """
    bits = np.zeros(len(broad), dtype=np.int32)
    none = prediction.none > none_threshold
    with np.errstate(invalid="ignore"):
        bits[none & ~(sn >= _SKY_SN)] |= ZWarning.SKY
        bits[none & (sn >= _SKY_SN)] |= ZWarning.NOT_A_CLASS
    bits[probability < threshold] |= ZWarning.LOW_PROBABILITY
    coverage = seen.mean(axis=1)
    bits[coverage < _COVERAGE] |= ZWarning.LITTLE_COVERAGE
    if fit is not None:
        bits |= fit.zwarning
        part = np.flatnonzero(coverage < _PART)
        if len(part):
            unsure = _part_coverage(prediction.z[part], broad[part], fit, part, loglam, seen)
            bits[part[unsure]] |= ZWarning.PART_COVERAGE
    elif redshift is not None:
        star = broad == BROAD_CLASSES.index("STAR")
        contradiction = star & (np.abs(prediction.z) > _STAR_Z)
        bits[contradiction | (~star & (prediction.z_peak < _PEAK))] |= ZWarning.UNCERTAIN_Z
        log1z = np.log1p(prediction.z)
        end = redshift.start + redshift.step * redshift.size
        at_edge = (log1z < redshift.start + redshift.step) | (log1z > end - redshift.step)
        bits[at_edge] |= ZWarning.Z_FITLIMIT
    return bits


def _part_coverage(
    z_net: Array,
    broad: NDArray[np.int64],
    fit: Fit,
    rows: NDArray[np.intp],
    loglam: Array,
    seen: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return which of the answers on M incomplete spectra, `rows` of the fit, are less sure.

    Parameters
    ----------
    z_net, broad : ndarray, shape (M,)
        Redshift of the network (NaN: it gives none) and class of the result.
    fit, loglam, seen
        As in `warnings`.
    rows : ndarray of int, shape (M,)
    """
    z = fit.z[rows]
    with np.errstate(invalid="ignore"):
        apart = np.abs(z - z_net) / (1.0 + z) * SPEED_OF_LIGHT
        unsure: NDArray[np.bool_] = (broad != BROAD_CLASSES.index("STAR")) & (apart > _APART)
    quasar = BROAD_CLASSES.index("QSO")
    members = [i for i, name in enumerate(CLASSES) if BROAD[name] == "QSO"]
    for m in np.flatnonzero((broad == quasar) & np.isfinite(z) & ~unsure):
        shown = _shown(1.0 + z[m], loglam, seen[rows[m]])
        if len(shown) > 1:
            continue
        # Neither network nor chi2 tells broad H alpha from broad Mg II, however high the S/N,
        # if H beta would be out of range, too.
        other = (1.0 + z[m]) * EMISSION["Mg II"] / EMISSION["Hα"]
        either = (
            shown == ["Mg II"]
            and other >= 1.0
            and len(_shown(other, loglam, seen[rows[m]])) == 1
        )
        sure = fit.probabilities[rows[m], members].sum() >= _SURE_ONE_LINE
        unsure[m] = either or not sure or apart[m] > _APART_ONE_LINE
    return unsure


def _shown(scale: float, loglam: Array, seen: NDArray[np.bool_]) -> list[str]:
    """Return which strong lines are in range where 1 + z is `scale`."""
    lines = []
    for name in _STRONG:
        part = seen[np.abs(loglam - np.log10(EMISSION[name] * scale)) < _AROUND_LINE]
        if part.size > 0 and part.mean() > 0.75:
            lines.append(name)
    return lines


def fit_warnings(
    flux: Array,
    ivar: Array,
    model: Array,
    candidates: Candidates,
    choice: Choice,
    basis: Basis,
    parameters: DecisionParameters,
    offset: float = 0.0,
    *,
    free: bool = True,
) -> dict[ZWarning, str]:
    """Return the bits set by the fit of one spectrum, as defined at the top of this file.

    Each with what caused it in words, where there is more to say than the bit's meaning.

    Parameters
    ----------
    flux, ivar, model : ndarray, shape (P,)
        On the native grid; ivar is 0 where there is no data.
    candidates, choice
        Of the search and the decision.
    basis, parameters
        Ranges that were searched, and thresholds.
    offset
        Of the native grid, in pixels, for the redshifts in words.
    free
        Whether the redshift was not given: a margin is then one between redshifts, too.
    """
    solution = candidates.solutions[choice.best]
    good = candidates.good
    causes: dict[ZWarning, str] = {}
    if good < parameters.min_pixels:
        causes[ZWarning.LITTLE_COVERAGE] = ""
    reduced = max(solution.chi2 / good, 1.0)
    gain, least = candidates.smooth - solution.chi2, parameters.min_feature * reduced
    plain = gain < least
    explained = ivar if solution.absorbed is None else np.where(solution.absorbed, 0.0, ivar)
    empty = doubt(flux, explained, model, gain, least, quasar=solution.kind == "QSO")
    # False for NaN: no other redshift.
    close = choice.deltachi2 / reduced < parameters.min_deltachi2
    close &= choice.margin < _CERTAIN or not free
    unsure = choice.margin < parameters.min_margin
    if unsure or close or plain or empty:
        said = _rivals(candidates, choice, offset, close=close, unsure=unsure, plain=plain)
        causes[ZWarning.SMALL_DELTA_CHI2] = ", ".join(filter(None, (said, empty)))
    mean = float(ivar @ flux) / np.sqrt(ivar.sum())  # of the spectrum, in sigma
    if float(ivar @ model) <= 0.0:
        causes[ZWarning.NEGATIVE_MODEL] = "the best model is negative"
    elif mean < -3.0:
        causes[ZWarning.NEGATIVE_MODEL] = "the flux is negative"
    misfit = flux - model
    misfit *= misfit
    misfit *= ivar
    shown = good
    if solution.absorbed is not None:
        shown -= int(np.count_nonzero(ivar[solution.absorbed]))
    # Most spectra have few such pixels even without the errors of templates.
    if np.count_nonzero(misfit > 25.0) > parameters.max_outliers * shown:
        far = misfit > 25.0 * (1.0 + ivar * (_MISFIT * model) ** 2)
        if solution.absorbed is not None:
            far &= ~solution.absorbed
        if np.count_nonzero(far) > parameters.max_outliers * shown:
            causes[ZWarning.MANY_OUTLIERS] = ""
    if _at_limit(solution.kind, solution.shift, basis):
        causes[ZWarning.Z_FITLIMIT] = ""
    if solution.kind == "QSO":
        line, sigmas = negative_line(flux, ivar, solution.shift)
        if sigmas > parameters.max_absorption:
            causes[ZWarning.NEGATIVE_EMISSION] = f"{line} came out in absorption"
    if not np.isfinite(solution.sigma):
        causes[ZWarning.BAD_MINFIT] = ""
    excess = candidates.total - good
    if excess < 5.0 * np.sqrt(2.0 * good):
        causes[ZWarning.POORDATA] = ""
    if plain and excess < _FAINT**2 * good:
        causes[ZWarning.SKY] = ""
    return causes


def _rivals(
    candidates: Candidates,
    choice: Choice,
    offset: float,
    *,
    close: bool,
    unsure: bool,
    plain: bool,
) -> str:
    """Return in words which of its three causes set SMALL_DELTA_CHI2."""

    def called(position: int) -> str:
        rival = candidates.solutions[position]
        z = 10.0 ** ((rival.shift + offset) * STEP) - 1.0
        return f"{rival.kind} at z = {round(z, 4) + 0.0:.4f}"

    said = []
    if close:
        how = "fits better" if choice.deltachi2 < 0.0 else "fits nearly as well"
        said.append(f"{called(choice.rival)} {how}")
    if unsure and not (close and choice.second == choice.rival):
        second = called(choice.second)
        said.append(f"network and fit together hardly prefer the chosen one to {second}")
    if plain:
        said.append("a smooth curve fits nearly as well")
    return ", ".join(said)


def _at_limit(kind: str, shift: float, basis: Basis) -> bool:
    low, high = limits(basis, kind)
    low, high = np.log10(1.0 + low) / STEP, np.log10(1.0 + high) / STEP
    edge = _EDGE if kind != "STAR" else 1.0
    return bool(shift < low + edge or shift > high - edge)


def negative_line(flux: Array, ivar: Array, shift: float) -> tuple[str, float]:
    """Return the most negative quasar line, and how far in sigma it lies below its continuum.

    The continuum is a straight line through the windows on both sides, other lines left out. A
    line of which less than half is observed does not count, nor one with absorption beside its
    emission.
    """
    worst = ("", 0.0)
    inside = slice(_SIDE - _LINE, _SIDE + _LINE + 1)
    for name in QUASAR_LINES:
        centre = round(_PLACES[name] + shift) - START
        if centre < _SIDE or centre + _SIDE >= len(flux):
            continue
        window = slice(centre - _SIDE, centre + _SIDE + 1)
        f, w = flux[window], ivar[window]
        if np.count_nonzero(w[inside]) < _LINE:
            continue
        outside = w * _continuum(name)
        beside = np.count_nonzero(outside[:_SIDE]), np.count_nonzero(outside[_SIDE + 1 :])
        if min(beside) < _BESIDE:
            continue
        a, b, c = (_POWERS @ outside).tolist()
        covariance = _inverse(a, b, c)
        level, slope = (covariance @ (_POWERS[:2] @ (outside * f))).tolist()
        below = level + slope * _POWERS[1] - f
        least = _DEPTH * abs(level)  # a continuum that is not straight is no line
        variance = float(covariance[0, 0])
        mean, sigma = _depth(below, w, variance, 0, _LINE)
        if mean < least or mean / sigma <= worst[1]:
            continue
        cores = [_depth(below, w, variance, at, _CORE) for at in range(-_OFF, _OFF + 1)]
        if not any(-d > least and -d > _SHOWN * error for d, error in cores):
            worst = (name, mean / sigma)
    return worst


def _inverse(a: float, b: float, c: float) -> Array:
    """Invert [[a, b], [b, c]], by hand: ten times as fast as by singular values."""
    determinant = a * c - b * b
    if determinant <= 1e-10 * a * c:  # one pixel outweighs all others
        return np.asarray(np.linalg.pinv(np.array([[a, b], [b, c]])), np.float64)
    inverse: Array = np.array([[c, -b], [-b, a]]) / determinant
    return inverse


def _depth(
    below: Array, weight: Array, variance: float, at: int, reach: int
) -> tuple[float, float]:
    """Return the mean depth near a pixel, counted from the line's, and its error.

    The variance is that of the continuum.
    """
    part = slice(_SIDE + at - reach, _SIDE + at + reach + 1)
    total = float(weight[part].sum())
    if total == 0.0:
        return 0.0, np.inf
    return float(weight[part] @ below[part]) / total, float(np.sqrt(1.0 / total + variance))


@cache
def _continuum(name: str) -> Array:
    """Return where there is continuum around a line, `_SIDE` from its centre: 1 there, else 0.

    Neither the line itself nor others that are not within it.
    """
    pixel = np.arange(-_SIDE, _SIDE + 1)
    others = np.abs(pixel) <= _LINE
    for wavelength in EMISSION.values():
        at = np.log10(wavelength / EMISSION[name]) / STEP
        if abs(at) > _LINE:
            others |= np.abs(pixel - at) <= _OTHER
    return np.where(others, 0.0, 1.0)
