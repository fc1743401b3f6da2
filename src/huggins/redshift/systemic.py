"""The systemic redshift of a quasar, from single lines and their published shifts.

Lines of one quasar are shifted against each other, and against its host, by gas in motion.
Each line in range is measured on its own, where a Gaussian on a straight line fits best, then
moved by the mean shift that lines of its kind have against stellar absorption, and weighted by
their scatter about it: Shen et al. (2016, ApJ 831, 7, arXiv 1602.03894, tables 2 and 3 and
section 5). Hewett and Wild (2010, MNRAS 405, 2302, arXiv 1003.3017) find the same order of
reliability: [O II] and [O III], Mg II, C III], C IV.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.constants import LN10, SPEED_OF_LIGHT
from huggins.lines import EMISSION
from huggins.redshift.basis import STEP
from huggins.redshift.frames import START

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Columns of the table.
COLUMNS: Final = ("Z_SYS", "Z_SYS_ERR")
# Width of a pixel, km/s.
_PIXEL: Final = LN10 * STEP * SPEED_OF_LIGHT


@dataclass(frozen=True, slots=True)
class Line:
    """A line and what is known of it.

    Attributes
    ----------
    name
        In `huggins.lines.EMISSION`.
    shift, scatter
        Mean velocity against the systemic one and its standard deviation among quasars, km/s.
    width, reach, window
        Standard deviation of the Gaussian, farthest place that is looked at, and half width of
        what is fitted, km/s.
    sure
        Least significance, sigma.
    """

    name: str
    shift: float
    scatter: float
    width: float
    reach: float
    window: float
    sure: float


#: Widths that find the peak, as the shifts are those of peaks. C III] is the line by itself
#: (-151 km/s against [O II], which is at 8), not its blend with Si III] 1892 and Al III 1857.
#: C IV moves with luminosity, -269 - 438 (log L1700 - 45) km/s, which is not known here: its
#: scatter, 415, is widened by half a decade of it.
LINES: Final = (
    Line("[O III] 5008", -48.0, 56.0, 220.0, 700.0, 1500.0, 8.0),
    Line("[O II]", 8.0, 46.0, 260.0, 700.0, 1500.0, 8.0),
    Line("Mg II", -57.0, 205.0, 900.0, 1500.0, 3500.0, 8.0),
    Line("C III]", -143.0, 243.0, 1000.0, 2000.0, 3500.0, 8.0),
    Line("C IV", -269.0, 469.0, 1000.0, 2500.0, 4500.0, 8.0),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line was found.

    Attributes
    ----------
    velocity, error
        Against the redshift given, positive to the red, and its standard error, km/s.
    significance
        Of the line, in sigma; negative in absorption.
    """

    velocity: float
    error: float
    significance: float


def find_line(flux: Array, ivar: Array, offset: float, z: float, line: Line) -> Place | None:
    """Where a line lies in one spectrum; None where it cannot be told.

    Parameters
    ----------
    flux, ivar : ndarray, shape (SIZE,)
        On native pixels, moved by the fraction `offset`.
    z
        Near which it is looked for.
    line
        It must be observed on nine tenths of the pixels looked at, at least as significant as
        its `sure` asks for, and have its best place inside its reach.
    """
    wavelength = math.log10(EMISSION[line.name] * (1.0 + z))
    exact = wavelength / STEP - START - offset
    middle = round(exact)
    shapes, sums, powers = _shapes(line.width, line.reach, line.window)
    half = shapes.shape[1] // 2
    if middle < half or middle + half >= len(flux):
        return None
    part = slice(middle - half, middle + half + 1)
    f, w = flux[part], ivar[part]
    if np.count_nonzero(w) < 0.9 * len(w):
        return None
    # What remains of data and Gaussians when the best straight line is taken from both.
    weighted = w * f
    a, b, c = (powers @ w).tolist()
    determinant = a * c - b * b
    if determinant <= 1e-12 * a * c:  # one pixel outweighs all others
        return None
    constant, slope = (powers[:2] @ weighted).tolist()
    first, second = c * constant - b * slope, a * slope - b * constant
    rest = float(weighted @ f) - (first * constant + second * slope) / determinant
    if rest < 0.999 * line.sure**2:  # no Gaussian gains more than there is
        return None
    square, level, tilt = (sums @ w).reshape(3, -1)
    power = square - (c * level**2 - 2.0 * b * level * tilt + a * tilt**2) / determinant
    height = shapes @ weighted
    height -= (first * level + second * tilt) / determinant
    signal = height / np.sqrt(np.maximum(power, 1e-300))
    signal[power <= 1e-12 * square] = 0.0
    best = int(signal.argmax())
    if not 0 < best < len(signal) - 1 or signal[best] < line.sure:
        return None
    gain = signal[best - 1 : best + 2] ** 2
    curvature = 2.0 * gain[1] - gain[0] - gain[2]
    if not curvature > 0.0:
        return None
    # What the Gaussian does not fit makes the place as uncertain as noise does.
    left = float(rest - gain[1]) / max(len(f) - 4, 1)
    step = 0.5 * (gain[2] - gain[0]) / curvature
    velocity = (best - len(signal) // 2 + step + middle - exact) * _PIXEL
    error = np.sqrt(max(left, 1.0) * 2.0 / curvature) * _PIXEL
    return Place(float(velocity), float(error), float(signal[best]))


def systemic(flux: Array, ivar: Array, offset: float, z: float) -> tuple[float, float]:
    """Systemic redshift of a quasar and its standard error; NaN where no line is in range.

    The error is that of the weighted mean of the lines, and never below the scatter of the best
    of them: what moves one line of a quasar may move the others. A line more than three errors
    away from the best one is left out.

    Parameters
    ----------
    flux, ivar, offset, z
        As in `find_line`.
    """
    found = [
        (place.velocity - line.shift, place.error, line.scatter)
        for line in LINES
        if (place := find_line(flux, ivar, offset, z, line)) is not None
    ]
    if not found:
        return np.nan, np.nan
    velocity, error, scatter = np.array(found).T
    total = np.hypot(error, scatter)
    near = np.abs(velocity - velocity[total.argmin()]) < 3.0 * np.hypot(total, total.min())
    velocity, error, scatter, total = (part[near] for part in (velocity, error, scatter, total))
    weight = total**-2.0
    mean = float(weight @ velocity / weight.sum())
    noise = float(np.sqrt(weight**2 @ error**2) / weight.sum())
    return (
        (1.0 + z) * float(np.exp(mean / SPEED_OF_LIGHT)) - 1.0,
        (1.0 + z) * float(np.hypot(noise, scatter.min())) / SPEED_OF_LIGHT,
    )


@lru_cache(maxsize=8)
def _shapes(width: float, reach: float, window: float) -> tuple[Array, Array, Array]:
    """Gaussians at every pixel within reach, and what their sums and a line's need.

    Returns
    -------
    shapes : ndarray, shape (V, P)
    sums : ndarray, shape (3 V, P)
        Their squares, they themselves, and they times x, from -1 to 1.
    powers : ndarray, shape (3, P)
        1, x and x^2.
    """
    half = round(window / _PIXEL)
    pixel = np.arange(-half, half + 1)
    place = np.arange(-round(reach / _PIXEL), round(reach / _PIXEL) + 1)
    u = (pixel[None] - place[:, None]) * _PIXEL / width
    shapes = np.exp(-0.5 * u * u)
    x = pixel / half
    return shapes, np.concatenate([shapes**2, shapes, shapes * x]), x ** np.arange(3)[:, None]
