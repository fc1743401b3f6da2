"""How much of a quasar's light blueward of C IV is absorbed: BI, AI and the widest trough.

Both indices integrate 1 - f(v) / 0.9 over outflow velocities v from the systemic C IV
1549.06 A, where f is the flux over the continuum with its emission lines:

- BI (Weymann et al. 1991, ApJ 373, 23): from 3,000 to 25,000 km/s, wherever f < 0.9 has held
  without a break for more than 2,000 km/s, counted from the slow side.
- AI (Hall et al. 2002, ApJS 141, 267): from 0 to 25,000 km/s, wherever it has held for more
  than 450 km/s.

The first 2,000 or 450 km/s of a trough are not counted: so are the columns of DR12Q and DR16Q
made (Paris et al. 2017, A&A 597, A79; Lyke et al. 2020, ApJS 250, 8). On the noiseless
transmissions of 34 BAL quasars whose indices were published BI agrees to 14 % and AI to 11 %
(medians of those above 200 km/s).

v / c = (R^2 - 1) / (R^2 + 1) with R = (1 + z) 1549.06 A / wavelength. The flux is smoothed over
five pixels (345 km/s), as for DR12Q.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.lines import EMISSION
from huggins.noise import median

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Columns of the table, in the order of `Absorption`.
COLUMNS: Final = (
    "BI_CIV", "BI_CIV_ERR", "AI_CIV", "AI_CIV_ERR", "N_TROUGH_CIV", "VMIN_CIV", "VMAX_CIV",
)  # fmt: skip
_FASTEST: Final = 25_000.0
_BI_SLOWEST: Final = 3_000.0
_BI_WIDTH: Final = 2_000.0
_AI_WIDTH: Final = 450.0
_LEVEL: Final = 0.9
_SMOOTHING: Final = 5
# Noise of f, smoothed, that breaks no trough.
_QUIET: Final = 0.1
# Least width, km/s, and significance of a trough that is masked.
_WIDE: Final = 1_000.0
_DEEP: Final = 4.0
# Longest gap without data, in pixels, over which f is interpolated.
_GAP: Final = 10
# Continuum, over its median, from which on a pixel counts as observed.
_POSITIVE: Final = 0.05
# Pixels at 0 and at 25,000 km/s lie this close to them, km/s.
_END: Final = 140.0
_OUTSIDE: Final = "C IV absorption was not measured: C IV is outside the spectrum"
_CUT: Final = (
    "a trough of C IV lies at the edge of the data or of a gap: BI_CIV and AI_CIV count only "
    "what was observed"
)
# Least fraction of the velocities from 0 to 25,000 km/s that must have been observed.
_COVERED: Final = 0.7
# 1-sigma error of the continuum, relative: what fits of unabsorbed quasars are off by.
_CONTINUUM: Final = 0.05
# Least 1-sigma error of the zero of velocities, km/s: C IV itself moves by as much between
# quasars (Hewett and Wild 2010, MNRAS 405, 2302).
_SHIFT: Final = 300.0


@dataclass(frozen=True, slots=True)
class Absorption:
    """C IV absorption of a quasar; NaN where it was not observed.

    Attributes
    ----------
    bi, bi_err, ai, ai_err
        Indices and their 1-sigma errors, km/s: from the noise, also where it breaks or hides
        troughs, from 5 % of the continuum, and from the redshift.
    troughs
        Number of troughs of at least 450 km/s.
    v_min, v_max
        Of the widest of them, km/s, positive for outflow; NaN without any, and at that end of
        it where the data end or have a gap.
    sn
        Median S/N of a pixel of the continuum from 0 to 25,000 km/s; 0 where none is observed.
    coverage
        Fraction of 0 to 25,000 km/s that was observed, with a continuum above 0.
    spans
        Least and greatest velocity of each trough that is at least 1,000 km/s wide and deep by
        four sigma, km/s: what is masked where the redshift is fitted again.
    note
        In words, why nothing was measured, or what the indices do not know of.
    """

    bi: float = np.nan
    bi_err: float = np.nan
    ai: float = np.nan
    ai_err: float = np.nan
    troughs: float = np.nan
    v_min: float = np.nan
    v_max: float = np.nan
    sn: float = 0.0
    coverage: float = 0.0
    spans: tuple[tuple[float, float], ...] = ()
    note: str = ""

    def as_row(self) -> tuple[float, ...]:
        """Return the values in the order of `COLUMNS`."""
        return (
            self.bi, self.bi_err, self.ai, self.ai_err, self.troughs, self.v_min, self.v_max,
        )  # fmt: skip


def outflow_velocity(wavelength: Array, z: float) -> Array:
    """Return the outflow velocity at which C IV would absorb at these wavelengths, km/s.

    Positive towards the observer.
    """
    ratio = (EMISSION["C IV"] * (1.0 + z) / wavelength) ** 2
    return SPEED_OF_LIGHT * (ratio - 1.0) / (ratio + 1.0)


def measure(
    wavelength: Array, flux: Array, ivar: Array, continuum: Array, z: float, z_err: float = 0.0
) -> Absorption:
    """Measure the C IV absorption of a quasar.

    Parameters
    ----------
    wavelength : ndarray, shape (L,)
        Vacuum, Angstrom, increasing.
    flux, ivar, continuum : ndarray, shape (L,)
        Of one unit; ivar 0 in bad pixels. The continuum includes the emission lines.
    z, z_err
        Systemic redshift and its 1-sigma error.

    Returns
    -------
    Absorption
        All NaN where less than 70 % of 0 to 25,000 km/s was observed.
    """
    # A little more than the range, whose velocities are quickly made.
    line = EMISSION["C IV"] * (1.0 + z)
    low, high = np.searchsorted(wavelength, [0.9 * line, 1.01 * line]).tolist()
    velocity = outflow_velocity(wavelength[low:high], z)
    counted = np.flatnonzero((velocity >= 0.0) & (velocity <= _FASTEST))[::-1]
    inside = low + counted
    if len(inside) < _SMOOTHING:
        return Absorption(note=_OUTSIDE)
    v, model = velocity[counted], continuum[inside]
    observed = ivar[inside] > 0.0
    good = observed & (model > _POSITIVE * median(np.abs(model)))
    step = _widths(v)
    coverage = min(float(step[good].sum()) / _FASTEST, 1.0)
    sn = median(model[good] * np.sqrt(ivar[inside][good])) if good.any() else 0.0
    if coverage < _COVERED:
        return Absorption(
            sn=sn, coverage=coverage, note=_unmeasured(float(step[observed].sum()) / _FASTEST)
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(good, flux[inside] / model, 0.0)
        error = np.where(good, 1.0 / (np.sqrt(ivar[inside]) * model), np.inf)
    known = np.flatnonzero(good)

    quiet: dict[int, Array] = {}

    def averaged(count: int) -> Array:
        """Return the mean of that many pixels, gaps bridged."""
        mean, _ = smoothed(ratio, error, count)
        if len(known) == len(v):
            return mean
        return np.asarray(np.interp(np.arange(len(v)), known, mean[known]), np.float64)

    smooth = averaged(_SMOOTHING)
    # As many pixels as the noise asks for.
    wanted = (median(error[known]) / _QUIET) ** 2
    bridged = good | _short_gaps(good)
    troughs = [
        run for run in runs(bridged & (smooth < _LEVEL)) if _width(v, step, run) >= _AI_WIDTH
    ]
    # How far the zero of velocities may be off.
    shift = max(SPEED_OF_LIGHT * z_err / (1.0 + z), _SHIFT)

    # As it is; with a darker and a brighter continuum; with the zero of velocities moved.
    variants = smooth * np.array([1.0, 1.0 - _CONTINUUM, 1.0 + _CONTINUUM, 1.0, 1.0])[:, None]
    begin = np.array([0.0, 0.0, 0.0, -shift, shift])[:, None]

    low, depth = bridged & (variants < _LEVEL), _depth(variants, step)
    squares = np.where(good, error * step / _LEVEL, 0.0) ** 2

    def index(slowest: float, width: float) -> tuple[float, float]:
        """Return an index, and its error from noise, continuum and zero of velocity."""
        # With no trough under the darker continuum, from the lower zero on, there is none.
        if not _used(low[1:2] & (v >= slowest - shift), step, width).any():
            return 0.0, broken(0.0, slowest, width)
        used = _used(low & (v >= slowest + begin), step, width)
        value, darker, brighter, early, late = np.where(used, depth, 0.0).sum(axis=1).tolist()
        noise = math.hypot(math.sqrt(used[0] @ squares), broken(value, slowest, width))
        return value, math.hypot(noise, math.hypot(darker - brighter, early - late) / 2.0)

    def broken(value: float, slowest: float, width: float) -> float:
        """Return by how much an index changes where noise cannot break troughs into pieces."""
        count = int(min(wanted, width / float(step.mean()))) | 1
        if count <= _SMOOTHING:
            return 0.0
        if count not in quiet:
            quiet[count] = averaged(count)
        mean = quiet[count]
        used = _used((bridged & (mean < _LEVEL) & (v >= slowest))[None], step, width)[0]
        return abs(float(_depth(mean, step)[used].sum()) - value)

    bi, bi_err = index(_BI_SLOWEST, _BI_WIDTH)
    ai, ai_err = index(0.0, _AI_WIDTH)
    widest = max(troughs, key=lambda run: _width(v, step, run), default=None)
    v_min, v_max, cut = np.nan, np.nan, any(any(_at_gap(run, bridged, v)) for run in troughs)
    if widest is not None:
        slow, fast = _at_gap(widest, bridged, v)
        v_min = np.nan if slow else float(v[widest.start])
        v_max = np.nan if fast else float(v[widest.stop - 1])
    return Absorption(
        bi=bi,
        bi_err=bi_err,
        ai=ai,
        ai_err=ai_err,
        troughs=float(len(troughs)),
        v_min=v_min,
        v_max=v_max,
        sn=sn,
        coverage=coverage,
        spans=tuple(
            (float(v[run.start]), float(v[run.stop - 1]))
            for run in troughs
            if _width(v, step, run) >= _WIDE and _significance(ratio[run], error[run]) > _DEEP
        ),
        note=_CUT if cut else "",
    )


def _widths(v: Array) -> Array:
    """Width of each pixel from the velocities of its neighbours, shape (V,)."""
    step = np.empty(len(v))
    np.subtract(v[2:], v[:-2], out=step[1:-1])
    step[1:-1] *= 0.5
    step[0], step[-1] = v[1] - v[0], v[-1] - v[-2]
    return np.abs(step, out=step)


def _significance(ratio: Array, error: Array) -> float:
    """Mean depth below 0.9 over its error."""
    seen = np.isfinite(error)
    return float(
        (1.0 - ratio[seen] / _LEVEL).sum() * _LEVEL / np.sqrt((error[seen] ** 2).sum())
    )


def _unmeasured(observed: float) -> str:
    """Return in words why nothing was measured, given the fraction that was observed."""
    if observed < 0.005:
        return _OUTSIDE
    if observed < _COVERED:
        return (
            f"C IV absorption was not measured: {100.0 * observed:.0f} % of 0 to 25,000 "
            f"km/s was observed, {100.0 * _COVERED:.0f} % is needed"
        )
    return "C IV absorption was not measured: the continuum of the fit is not above 0 there"


def _at_gap(run: slice, known: NDArray[np.bool_], v: Array) -> tuple[bool, bool]:
    """Whether the slow and the fast end of a trough lie where the data end or have a gap."""
    slow = not known[run.start - 1] if run.start > 0 else bool(v[0] > _END)
    fast = not known[run.stop] if run.stop < len(v) else bool(v[-1] < _FASTEST - _END)
    return slow, fast


def _used(low: NDArray[np.bool_], step: Array, width: float) -> NDArray[np.bool_]:
    """Return where f < 0.9 has held for more than `width`, shape (N, V).

    Parameters
    ----------
    low : ndarray of bool, shape (N, V)
        Where f < 0.9, in N variants.
    step : ndarray, shape (V,)
        The pixels' widths in km/s.
    width
        km/s.
    """
    covered = np.cumsum(step)
    before = np.maximum.accumulate(np.where(low, 0.0, covered), axis=1)
    used: NDArray[np.bool_] = low & (covered - before > width)
    return used


def _depth(ratio: Array, step: Array) -> Array:
    """Return what each pixel adds to an integral of 1 - f / 0.9, shape (..., V)."""
    depth: Array = 1.0 - ratio / _LEVEL
    depth *= step
    return depth


def smoothed(ratio: Array, error: Array, count: int) -> tuple[Array, Array]:
    """Mean over an odd number of pixels, weighted by inverse variance, and its error."""
    weight = np.where(np.isfinite(error), error, np.inf)
    weight = 1.0 / (weight * weight)
    kernel = np.ones(count)
    total = np.convolve(weight, kernel, "same")
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.convolve(weight * ratio, kernel, "same") / total
        return mean, 1.0 / np.sqrt(total)


def runs(mask: NDArray[np.bool_]) -> list[slice]:
    """Return where a mask holds without a break."""
    padded = np.zeros(len(mask) + 2, bool)
    padded[1:-1] = mask
    edges = (padded[1:] != padded[:-1]).nonzero()[0].tolist()
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _short_gaps(good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Bad pixels in gaps that are short and have data on both sides."""
    short = np.zeros_like(good)
    for run in runs(~good):
        if run.start > 0 and run.stop < len(good) and run.stop - run.start <= _GAP:
            short[run] = True
    return short


def _width(v: Array, step: Array, run: slice) -> float:
    return float(v[run.stop - 1] - v[run.start] + step[run.start])
