"""The candidates of one spectrum: from the scan and the network, refined on native pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.redshift.basis import STEP, Basis, load_basis
from huggins.redshift.native import Frames, bin_down
from huggins.redshift.refine import LinearFit, Solution, StarFit, climb
from huggins.redshift.scan import ABSORBED, Scanner
from huggins.redshift.stars import StarScanner

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    # A solution, and what follows it to its minimum where that has not been done.
    _Found = tuple[Solution, Callable[[], Solution] | None]

#: Order of the broad classes in every array of this package.
KINDS: Final = ("STAR", "GALAXY", "QSO")
#: Two redshifts are the same one if they differ by less than this: 1000 km/s, native pixels.
SAME: Final = 14.5
_LN10: Final = float(np.log(10.0))
# Share of BAL among the network's probabilities of quasars from which absorption is masked.
_ABSORBED: Final = 0.3
# Error of the network's redshifts, in ln(1 + z): 1800 km/s.
_REACH: Final = 0.006


@dataclass(frozen=True, slots=True)
class Settings:
    """How the search is done.

    Attributes
    ----------
    quasar_terms, galaxy_terms
        Legendre polynomials added to the basis.
    star_terms
        Legendre polynomials that multiply an archetype.
    slack
        Spread of the added polynomials, relative to the spectrum's brightness.
    peaks
        Maxima of the scan that are looked at, a class.
    ceiling, soft
        Where chi2 differences level off when candidates are ranked; see
        `huggins.redshift.decide`.
    trust
        Power of the network's redshift distribution.
    """

    quasar_terms: int = 2
    galaxy_terms: int = 0
    star_terms: int = 4
    slack: float = 0.3
    peaks: int = 4
    ceiling: float = 60.0
    soft: float = 2.0
    trust: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """The network's redshift distribution: probability in bins of ln(1 + z).

    Attributes
    ----------
    density : ndarray, shape (B,)
        Sums to 1.
    start, step
        Left edge of the first bin, and width.
    absorbed
        Its probability that a quasar, if it is one, has broad absorption.
    """

    density: Array
    start: float
    step: float
    absorbed: float = 1.0

    def logarithm(self, log1z: Array) -> Array:
        """Log probability at log10(1 + z); a floor stands for what the network cannot know."""
        bins = ((_LN10 * log1z - self.start) / self.step).astype(np.int64)
        reach = max(round(_REACH / self.step), 1)
        padded = np.pad(self.density, reach)
        # The best within the network's own error: which of two near minima is the right one
        # the fit knows better.
        near = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)
        out: Array = np.log(near[bins.clip(0, len(near) - 1)] + 1e-5)
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What the search found for one spectrum, before anything is decided.

    Attributes
    ----------
    solutions : tuple of Solution
        At least one a class where there are data, the best of each class first.
    smooth
        chi2 of a cubic polynomial: what is found must beat it.
    total
        chi2 of an empty model.
    good
        Pixels with data.
    climbs : tuple
        For each solution that was tried at one shift only, what follows it to its minimum.
    """

    solutions: tuple[Solution, ...]
    smooth: float
    total: float
    good: int
    climbs: tuple[Callable[[], Solution] | None, ...]

    def climbed(self, index: int) -> Candidates:
        """The same with one solution followed to its minimum."""
        climb_it = self.climbs[index]
        if climb_it is None:
            return self
        solutions, climbs = list(self.solutions), list(self.climbs)
        solutions[index], climbs[index] = climb_it(), None
        return replace(self, solutions=tuple(solutions), climbs=tuple(climbs))


class Search:
    """Finds the candidates of one spectrum after another.

    Parameters
    ----------
    basis
        The shipped one by default.
    settings
        Number of terms and candidates.
    """

    def __init__(self, basis: Basis | None = None, settings: Settings | None = None) -> None:
        self.basis = load_basis() if basis is None else basis
        self.settings = s = settings or Settings()
        self._quasar = Scanner(self.basis.quasar, 6, terms=s.quasar_terms, slack=s.slack)
        self._galaxy = Scanner(self.basis.galaxy, 3, terms=s.galaxy_terms, slack=s.slack)
        self._star = StarScanner(self.basis.star, 6, terms=s.star_terms)
        self.linear = {
            "GALAXY": LinearFit(self.basis.galaxy, terms=s.galaxy_terms, slack=s.slack),
            "QSO": LinearFit(self.basis.quasar, terms=s.quasar_terms, slack=s.slack),
        }
        self.star = StarFit(self.basis.star, terms=s.star_terms)

    def run(self, frames: Frames, row: int, proposal: Proposal | None = None) -> Candidates:
        """Search spectrum `row`, with the network's proposal where there is one."""
        ivar, flux = frames.ivar[row], frames.flux[row]
        weighted = ivar * flux
        total = float(weighted @ flux)
        good = int(frames.good[row])
        covered = np.flatnonzero(ivar)
        if len(covered) == 0:
            return Candidates((), 0.0, 0.0, 0, ())
        # A spectrum of pure noise has no brightness; a twentieth of the noise stands in.
        signal = max(total - good, 0.05 * good)
        used = slice(int(covered[0]), int(covered[-1]) + 1)
        f, w = flux[used], ivar[used]
        third = bin_down(weighted, 3), bin_down(ivar, 3)
        sixth = bin_down(third[0], 2), bin_down(third[1], 2)
        data = _Data(f, w, used, signal, total, good)
        found = [
            *self._stars(data, *sixth),
            *self._galaxies(data, *third, proposal),
            *self._quasars(data, *sixth, proposal),
        ]
        solutions = tuple(solution for solution, _ in found)
        climbs = tuple(climb_it for _, climb_it in found)
        return Candidates(solutions, total - _smooth(f, w), total, good, climbs)

    def _stars(self, data: _Data, weighted: Array, weight: Array) -> list[_Found]:
        gains = self._star.gain(weighted, weight, data.signal)
        column = gains.argmax(axis=1)
        height = gains[np.arange(len(gains)), column]
        found = []
        for archetype in np.argpartition(-height, 2)[:2]:
            vertex = _vertex(gains[archetype], int(column[archetype]))
            start = (float(self._star.shifts[0]) + vertex) * self._star.factor
            found.append(
                climb(
                    lambda shift, a=int(archetype): self.star.solve(
                        data.flux, data.ivar, a, shift, data.used
                    ),
                    round(start),
                    2,
                    data.total,
                    "STAR",
                    int(archetype),
                )
            )
        found.sort(key=lambda s: s.chi2)
        return [(solution, None) for solution in found]

    def _galaxies(
        self, data: _Data, weighted: Array, weight: Array, proposal: Proposal | None
    ) -> list[_Found]:
        scanner, fit = self._galaxy, self.linear["GALAXY"]
        curve = scanner.gain(weighted, weight, data.signal)
        peaks = self._peaks(scanner, curve, data, proposal)

        def solve(shift: int) -> tuple[float, Array]:
            return fit.solve(data.flux, data.ivar, data.signal, shift, data.used)

        # Lines that come out negative are put right only here, so look before climbing.
        starts = [round((float(scanner.shifts[0]) + _vertex(curve, i)) * 3) for i in peaks[:3]]
        tried = [solve(shift) for shift in starts]
        order = np.argsort([-gain for gain, _ in tried], kind="stable")

        def follow(start: int) -> Solution:
            return climb(solve, start, 1, data.total, "GALAXY")

        found: list[_Found] = [(follow(starts[order[0]]), None)]
        for n in order[1:]:
            gain, coefficients = tried[n]
            chi2 = data.total - gain
            solution = Solution("GALAXY", starts[n], chi2, chi2, np.inf, coefficients)
            found.append((solution, lambda start=starts[n]: follow(start)))
        return found

    def _quasars(
        self, data: _Data, weighted: Array, weight: Array, proposal: Proposal | None
    ) -> list[_Found]:
        scanner = self._quasar
        curve = scanner.gain(weighted, weight, data.signal)
        peaks = self._peaks(scanner, curve, data, proposal)
        flux = np.divide(weighted, weight, out=np.zeros_like(weight), where=weight > 0)
        tried = [(*scanner.robust(flux, weight, data.signal, i), i) for i in peaks]
        prior = 0.0
        if proposal is not None:
            at = np.array([scanner.shifts[i] * scanner.step for i in peaks])
            prior = self.settings.trust * proposal.logarithm(at)
        chi2 = np.array([value for value, _, _ in tried])
        score = prior + self._fitness(chi2, np.count_nonzero(weight))
        found: list[_Found] = []
        for n in np.argsort(-score, kind="stable")[:2]:
            _, masked, i = tried[n]
            start = round((float(scanner.shifts[0]) + _vertex(curve, i)) * scanner.factor)
            if proposal is not None and proposal.absorbed < _ABSORBED:
                masked = np.zeros_like(masked)
            follow = self._follow_quasar(data, scanner.troughs(masked, i))
            if found:
                found.append((follow(start, 0), lambda s=start, f=follow: f(s, 3)))
            else:
                found.append((follow(start, 3), None))
        return found

    def _follow_quasar(
        self, data: _Data, masked: NDArray[np.bool_]
    ) -> Callable[[int, int], Solution]:
        """Return the fit of a quasar with absorption masked, from a start, by a stride."""
        fit = self.linear["QSO"]
        ivar, price = data.ivar, 0.0
        if masked.any():
            # What is masked counts as explained, but for its price.
            hidden = np.repeat(masked, self._quasar.factor)[data.used]
            price = float((ivar * data.flux**2) @ hidden)
            price -= ABSORBED * np.count_nonzero(hidden & (ivar > 0))
            ivar = np.where(hidden, 0.0, ivar)
        total = data.total - price

        def solve(shift: int) -> tuple[float, Array]:
            return fit.solve(data.flux, ivar, data.signal, shift, data.used)

        def follow(start: int, stride: int) -> Solution:
            if stride:
                solution = climb(solve, start, stride, total, "QSO")
            else:
                gain, coefficients = solve(start)
                solution = Solution(
                    "QSO", start, total - gain, total - gain, np.inf, coefficients
                )
            if not masked.any():
                return solution
            gain, _ = fit.solve(
                data.flux, data.ivar, data.signal, round(solution.shift), data.used
            )
            return replace(solution, chi2=data.total - gain)

        return follow

    def _fitness(self, chi2: Array, count: int) -> Array:
        """Log likelihood of candidates, levelled off where even the best fits badly."""
        lowest = float(chi2.min())
        badness = max(lowest / max(count, 1), 1.0)
        softness = 1.0 + ((badness - 1.0) / self.settings.soft) ** 2
        return -0.5 * saturate((chi2 - lowest) / badness, self.settings.ceiling / softness)

    def _peaks(
        self,
        scanner: Scanner,
        curve: NDArray[np.float32],
        data: _Data,
        proposal: Proposal | None,
    ) -> list[int]:
        """Maxima of the scan and of the network's distribution together, best first."""
        score = self._fitness(data.total - curve.astype(np.float64), data.good)
        if proposal is not None:
            score += self.settings.trust * proposal.logarithm(scanner.shifts * scanner.step)
        inner = np.flatnonzero(
            (curve[1:-1] >= curve[:-2]) & (curve[1:-1] > curve[2:])
        )
        inner += 1
        if len(inner) == 0:
            return [int(curve.argmax())]
        chosen: list[int] = []
        for i in inner[np.argsort(-score[inner], kind="stable")[:40]]:
            if all(abs(i - j) * scanner.factor > SAME for j in chosen):
                chosen.append(int(i))
                if len(chosen) == self.settings.peaks:
                    break
        return chosen


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """One spectrum from its first to its last good pixel."""

    flux: Array
    ivar: Array
    used: slice
    signal: float
    total: float
    good: int


def saturate(difference: Array, ceiling: float) -> Array:
    """Approach `ceiling` instead of growing without end."""
    out: Array = ceiling * -np.expm1(-difference / ceiling)
    return out


def _vertex(curve: NDArray[np.floating], index: int) -> float:
    """Position of the maximum at `index` by a parabola, in pixels of the curve."""
    if not 0 < index < len(curve) - 1:
        return float(index)
    left, middle, right = (float(v) for v in curve[index - 1 : index + 2])
    curvature = left - 2.0 * middle + right
    if curvature >= 0.0 or left <= 0.0 or right <= 0.0:
        return float(index)
    return index + float(np.clip(0.5 * (left - right) / curvature, -0.5, 0.5))


def _smooth(flux: Array, ivar: Array) -> float:
    """Gain of a cubic polynomial."""
    poly = np.polynomial.legendre.legvander(np.linspace(-1.0, 1.0, len(flux)), 3).T
    weighted = poly * ivar
    right = weighted @ flux
    return float(right @ np.linalg.lstsq(weighted @ poly.T, right, rcond=None)[0])
