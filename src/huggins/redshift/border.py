"""Galaxy or quasar at one redshift: how broad the permitted lines are, and what that says.

At a redshift below 0.9 at which both a galaxy and a quasar were fitted, the log odds of the
quasar are

    L = c0 + c1 6 tanh(n / 6) + c2 tanh(d / 20) + sum over lines of c_i q(s_i, 6)
    q(s, 6) = sign(s) 6 (1 - exp(-|s| / 6))

- n: log odds by the network, P(QSO) over P(GALAXY). It saturates: no network is sure enough to
  outweigh broad lines that are seen, or a fit that lacks them.
- d: the lowest chi2 of a galaxy at this redshift minus that of a quasar, over the reduced chi2.
- s: significance of broad H beta, H alpha and Mg II (`BroadLines`), 0 where not observed.

The constants (`CONSTANTS`) are fitted by ``python -m experiments.border``: to mocks and real
spectra that the network was not trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.constants import LN10, SPEED_OF_LIGHT
from huggins.lines import EMISSION
from huggins.redshift.basis import STEP
from huggins.redshift.frames import SIZE, START

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Redshift up to which the border is drawn here: H beta and Mg II are both in range of BOSS.
Z_MAX: Final = 0.9
#: c0, c1, c2, and c_i of the lines of `LINES`.
CONSTANTS: Final = (0.63, 1.1, 1.589, 0.579, 0.206, 0.408)
#: The lines, and the narrow ones around each: groups of fixed ratio.
LINES: Final[dict[str, tuple[dict[str, float], ...]]] = {
    "Hβ": ({"Hβ": 1.0}, {"[O III] 4960": 0.335, "[O III] 5008": 1.0}),
    "Hα": (
        {"Hα": 1.0},
        {"[N II] 6550": 0.327, "[N II] 6585": 1.0},
        {"[S II] 6718": 1.0},
        {"[S II] 6733": 1.0},
    ),
    "Mg II": ({"Mg II": 1.0},),
}
# Standard deviations in km/s: of narrow lines, the same for all of a window (of Mg II, a
# doublet 770 km/s wide, at least `_DOUBLET`), and of broad ones (full widths at half maximum of
# 1650, 3060 and 5650 km/s).
_NARROW: Final = (110.0, 190.0, 330.0)
_DOUBLET: Final = 450.0
_BROAD: Final = (700.0, 1300.0, 2400.0)
# Half of the window, km/s: with [O III] 5008 beside H beta, and continuum beyond it.
_WINDOW: Final = 13000.0
# Terms of the continuum, a parabola.
_TERMS: Final = 3
# Half-width of the line itself, and least share of pixels with data there and in the window.
_CORE: Final = 3000.0
_COVERED: Final = 0.7
_NETWORK, _CHI2, _LINE = 6.0, 20.0, 6.0
_PIXEL: Final = float(STEP * LN10 * SPEED_OF_LIGHT)


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """Around one line.

    Attributes
    ----------
    first
        Place of its first pixel at rest, log10(wavelength / A) / STEP.
    rows : ndarray, shape (M, W)
        Continuum, narrow lines of one width after the other, broad lines.
    plain : ndarray of int, shape (3, N)
        For each width of narrow lines, the rows of continuum and narrow lines.
    core : ndarray of bool, shape (W,)
        Pixels of the line itself.
    """

    first: int
    rows: Array
    plain: NDArray[np.int64]
    core: NDArray[np.bool_]

    @classmethod
    def around(cls, line: str) -> _Window:
        reach = round(_WINDOW / _PIXEL)
        v: Array = np.arange(-reach, reach + 1, dtype=np.float64) * _PIXEL
        groups = LINES[line]
        rows = [(v / _WINDOW) ** n for n in range(_TERMS)]
        for width in _NARROW:
            wide = max(width, _DOUBLET) if line == "Mg II" else width
            for group in groups:
                parts = [s * _gauss(v, _apart(line, name), wide) for name, s in group.items()]
                rows.append(np.sum(parts, axis=0))
        rows += [_gauss(v, 0.0, width) for width in _BROAD]
        continuum, count = np.arange(_TERMS), len(groups)
        plain = np.array(
            [
                [*continuum, *(_TERMS + k * count + np.arange(count))]
                for k in range(len(_NARROW))
            ]
        )
        first = round(np.log10(EMISSION[line]) / STEP) - reach
        return cls(first, np.array(rows), plain, np.abs(v) < _CORE)


class BroadLines:
    """Measures how significant broad permitted lines are, beside narrow ones."""

    def __init__(self) -> None:
        self._windows = [_Window.around(line) for line in LINES]

    def __call__(self, flux: Array, ivar: Array, shift: float) -> Array:
        """Return the significance of each line of `LINES`, shape (3,).

        The square root of the gain in chi2 by the best of three broad Gaussians, over the
        reduced chi2 that is left; negative where only absorption gains. Continuum (a parabola)
        and narrow lines of the best of three widths are fitted with it. 0 where the line was
        not observed.

        Parameters
        ----------
        flux, ivar : ndarray, shape (SIZE,)
            On native pixels (`huggins.redshift.frames`).
        shift
            log10(1 + z) / STEP on their grid.
        """
        return np.array([_significance(flux, ivar, shift, window) for window in self._windows])


def _significance(flux: Array, ivar: Array, shift: float, window: _Window) -> float:
    first = window.first + round(shift) - START
    size = window.rows.shape[1]
    low, high = max(first, 0), min(first + size, SIZE)
    if high - low < _COVERED * size:
        return 0.0
    part = slice(low - first, high - first)
    f, w, core = flux[low:high], ivar[low:high], window.core[part]
    seen = w > 0.0
    count = int(np.count_nonzero(seen))
    if count < _COVERED * size or seen[core].mean() < _COVERED:
        return 0.0
    rows = window.rows[:, part]
    weighted = rows * w
    matrix, right = weighted @ rows.T, weighted @ f
    own = matrix.diagonal()[-len(_BROAD) :]
    # For each width of narrow lines, first axis, and each broad line, second.
    at = window.plain
    block = matrix[at[:, :, None], at[:, None, :]]
    n = at.shape[1]
    block.reshape(len(at), -1)[:, :: n + 1] *= 1.0 + 1e-9
    block.reshape(len(at), -1)[:, :: n + 1] += 1e-30
    inverse = np.linalg.inv(block)
    beside = matrix[-len(_BROAD) :, at].transpose(1, 0, 2)
    solution = (inverse @ right[at][:, :, None])[:, :, 0]
    plain = (right[at] * solution).sum(axis=1)
    # What a broad line adds to the others: the part of it that they cannot make.
    left = right[-len(_BROAD) :] - (beside @ solution[:, :, None])[:, :, 0]
    alone = own - ((beside @ inverse) * beside).sum(axis=2)
    more = left * np.abs(left) / np.maximum(alone, 1e-9 * own + 1e-30)
    least = float(plain.max())
    gain, sign = float((plain + more.max(axis=1)).max()) - least, 1.0
    if gain <= 0.0:
        gain, sign = max(float((plain - more.min(axis=1)).max()) - least, 0.0), -1.0
    chi2 = float((w * f) @ f) - least - gain
    return sign * float(np.sqrt(gain / max(chi2 / count, 1.0)))


def features(network: Array, gap: float, lines: Array) -> Array:
    """Return what `CONSTANTS` multiply, shape (6,).

    Parameters
    ----------
    network : ndarray, shape (3,)
        Probabilities of `huggins.taxonomy.BROAD_CLASSES` by the network.
    gap
        d at the top of this file.
    lines : ndarray, shape (3,)
        Significances.
    """
    galaxy, quasar = np.log(network[1:] + 1e-6)
    odds = _NETWORK * np.tanh((quasar - galaxy) / _NETWORK)
    bounded = np.sign(lines) * _LINE * -np.expm1(-np.abs(lines) / _LINE)
    return np.array([1.0, odds, np.tanh(gap / _CHI2), *bounded])


def log_odds(
    network: Array, gap: float, lines: Array, constants: Sequence[float] = CONSTANTS
) -> float:
    """Return L, the log odds of a quasar over a galaxy; arguments as of `features`."""
    return float(np.asarray(constants) @ features(network, gap, lines))


def _gauss(v: Array, centre: float, width: float) -> Array:
    out: Array = np.exp(-0.5 * ((v - centre) / width) ** 2)
    return out


def _apart(line: str, other: str) -> float:
    return float(np.log(EMISSION[other] / EMISSION[line]) * SPEED_OF_LIGHT)
