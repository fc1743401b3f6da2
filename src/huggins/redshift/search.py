"""The candidates of one spectrum, from the scan and the network, fitted on native pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.lines import EMISSION
from huggins.redshift.basis import STEP, Basis, load_basis
from huggins.redshift.blue import blue_pixels, lowered
from huggins.redshift.equations import LinearFit, StarFit
from huggins.redshift.frames import SAME, SIZE, START, Frames, bin_down
from huggins.redshift.minimise import Solution, Track, ask
from huggins.redshift.scan import ABSORBED, Scanner
from huggins.redshift.stars import StarScanner, products

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.redshift.equations import Solve
    from huggins.redshift.proposals import Proposal

    Array = NDArray[np.float64]

#: Spectra that are searched together: more need more memory (0.7 MB each) and are no faster.
TOGETHER: Final = 32
# Fraction of BAL among the network's quasars from which on absorption is masked.
_ABSORBED: Final = 0.15
# The same fraction, from which on the redshift comes from redward of C IV alone.
_BROAD: Final = 0.3
# Where that begins at rest, as a pixel: 3000 km/s redward of the line's centre, half its width.
_REDWARD: Final = float(np.log10(EMISSION["C IV"] * (1.0 + 3000.0 / SPEED_OF_LIGHT)) / STEP)
# Least number of good pixels that determine a redshift on their own.
_LEAST: Final = 500


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Settings of the search.

    Attributes
    ----------
    quasar_terms, galaxy_terms
        Legendre polynomials added to the basis.
    star_terms
        Legendre polynomials that multiply an archetype.
    slack
        Spread of the added polynomials, relative to the spectrum's brightness.
    peaks
        Maxima of the scan that are fitted, per class.
    ceiling, soft
        Where chi2 differences level off when candidates are ranked; see
        `huggins.redshift.decide`.
    redshift_weight
        Weight of the network's log redshift density, as b in `huggins.redshift.decide`.
    """

    quasar_terms: int = 2
    galaxy_terms: int = 0
    star_terms: int = 4
    slack: float = 0.3
    peaks: int = 4
    ceiling: float = 60.0
    soft: float = 2.0
    redshift_weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Candidates of one spectrum, before the decision.

    Attributes
    ----------
    solutions : tuple of Solution
        At least one per class where there are data, the best of each class first.
    smooth
        chi2 of a cubic polynomial.
    total
        chi2 of an empty model.
    good
        Pixels with data.
    tracks : tuple of Track
        Of each, to minimise its chi2.
    """

    solutions: tuple[Solution, ...]
    smooth: float
    total: float
    good: int
    tracks: tuple[Track, ...]

    def minimised(self, index: int) -> Candidates:
        """Return the candidates with chi2 of one of them minimised."""
        return self.replaced(index, self.tracks[index].minimise())

    def replaced(self, index: int, solution: Solution) -> Candidates:
        """Return the candidates with one of them replaced."""
        solutions = list(self.solutions)
        solutions[index] = solution
        return replace(self, solutions=tuple(solutions))


_NOTHING: Final = Candidates((), 0.0, 0.0, 0, ())


class Search:
    """Finds the candidates of one spectrum after another.

    Parameters
    ----------
    basis
        The shipped one by default.
    settings
        Number of terms and candidates.
    """

    def __init__(
        self, basis: Basis | None = None, settings: SearchSettings | None = None
    ) -> None:
        self.basis = load_basis() if basis is None else basis
        self.settings = s = settings or SearchSettings()
        self.quasar_scanner = Scanner(self.basis.quasar, 6, terms=s.quasar_terms, slack=s.slack)
        self.galaxy_scanner = Scanner(self.basis.galaxy, 3, terms=s.galaxy_terms, slack=s.slack)
        self.star_scanner = StarScanner(self.basis.star, 6, terms=s.star_terms)
        self.linear = {
            "GALAXY": LinearFit(self.basis.galaxy, terms=s.galaxy_terms, slack=s.slack),
            "QSO": LinearFit(self.basis.quasar, terms=s.quasar_terms, slack=s.slack),
        }
        self.star = StarFit(self.basis.star, terms=s.star_terms)
        # Products of two of the first four Legendre polynomials are sums of the first seven.
        self._cubic = np.polynomial.legendre.legvander(np.linspace(-1.0, 1.0, SIZE), 6).T
        self._cubic_products = products(4)
        # The network's bins at the shifts of a scanner, by its factor and those bins.
        self._bins: dict[tuple[int, float, float], NDArray[np.int64]] = {}

    def run(self, frames: Frames, row: int, proposal: Proposal | None = None) -> Candidates:
        """Search spectrum `row`, with the network's proposal where there is one."""
        return self.run_all(frames, [row], [proposal])[0]

    def run_all(
        self, frames: Frames, rows: Sequence[int], proposals: Sequence[Proposal | None]
    ) -> list[Candidates]:
        """Search some spectra; scanned together they need less time than one by one."""
        found = [_NOTHING] * len(rows)
        seen = [n for n, row in enumerate(rows) if frames.ivar[row].any()]
        if not seen:
            return found
        at = [rows[n] for n in seen]
        ivar, flux = frames.ivar[at], frames.flux[at]  # (N, P)
        weighted = ivar * flux
        total = np.einsum("np,np->n", weighted, flux)
        good = frames.good[at]
        # A spectrum of pure noise has no brightness; a twentieth of the noise stands in.
        signal = np.maximum(total - good, 0.05 * good)
        third = bin_down(weighted, 3), bin_down(ivar, 3)
        sixth = bin_down(third[0], 2), bin_down(third[1], 2)
        stars = self.star_scanner.gains(*sixth)
        galaxies = self.galaxy_scanner.gains(*third, signal)
        quasars = self.quasar_scanner.gains(*sixth, signal)
        smooth = total - self._smooth(weighted, ivar)
        tracks: list[_Tracks] = []
        for k, n in enumerate(seen):
            covered = np.flatnonzero(ivar[k])
            used = slice(int(covered[0]), int(covered[-1]) + 1)
            data = _Data(
                flux[k, used],
                ivar[k, used],
                used,
                float(signal[k]),
                float(total[k]),
                int(good[k]),
            )
            tracks.append(
                _Tracks(
                    self._stars(data, stars[k]),
                    self._galaxies(data, galaxies[k], proposals[n]),
                    self._quasars(data, quasars[k], sixth[0][k], sixth[1][k], proposals[n]),
                )
            )
        self._look(tracks)
        for k, n in enumerate(seen):
            results = tracks[k].fitted()
            found[n] = Candidates(
                tuple(solution for solution, _ in results),
                float(smooth[k]),
                float(total[k]),
                int(good[k]),
                tuple(track for _, track in results),
            )
        return found

    def _look(self, tracks: list[_Tracks]) -> None:
        """Let all tracks of several spectra know the gains that `_Tracks.fitted` needs."""
        asked: list[tuple[Track, int]] = []
        for one in tracks:
            for first, *others in (one.stars, one.quasars):
                asked += first.beside(first.start, first.stride)
                asked += [(track, track.start) for track in others]
            asked += [(track, track.start) for track in one.galaxies]
        ask(asked)
        best = [one.best_galaxy for one in tracks]
        ask([pair for track in best for pair in track.beside(track.start, track.stride)])

    def _stars(self, data: _Data, gains: NDArray[np.float32]) -> list[Track]:
        column = gains.argmax(axis=1)
        height = gains[np.arange(len(gains)), column]
        solve = self.star.on(data.flux, data.ivar, data.used)
        tracks = []
        for archetype in np.argsort(-height)[:2].tolist():
            vertex = _vertex(gains[archetype], int(column[archetype]))
            start = round(
                (float(self.star_scanner.shifts[0]) + vertex) * self.star_scanner.factor
            )
            tracks.append(Track("STAR", archetype, solve(archetype), start, 2, data.total))
        return tracks

    def _galaxies(
        self, data: _Data, curve: NDArray[np.float32], proposal: Proposal | None
    ) -> list[Track]:
        scanner, fit = self.galaxy_scanner, self.linear["GALAXY"]
        solve = fit.on(data.flux, data.ivar, data.signal, data.used)
        tracks = []
        prior = self._prior(scanner, proposal)
        peaks = self._peaks(scanner, curve, data, prior)[:3]
        for i in [*peaks, *_unlisted(curve, peaks, prior)]:
            start = round((float(scanner.shifts[0]) + _vertex(curve, i)) * scanner.factor)
            tracks.append(Track("GALAXY", -1, solve, start, 1, data.total))
        return tracks

    def _quasars(
        self,
        data: _Data,
        curve: NDArray[np.float32],
        weighted: Array,
        weight: Array,
        proposal: Proposal | None,
    ) -> list[Track]:
        scanner = self.quasar_scanner
        prior = self._prior(scanner, proposal)
        peaks = self._peaks(scanner, curve, data, prior)
        flux = np.divide(weighted, weight, out=np.zeros_like(weight), where=weight > 0)
        masks: dict[int, NDArray[np.bool_]] = {}
        # Four fits each, and of use for broad absorption only.
        masking = proposal is None or proposal.absorbed >= _ABSORBED
        if masking:
            tried = [scanner.robust(flux, weight, data.signal, i) for i in peaks]
            chi2 = np.array([value for value, _ in tried])
            masks = {i: masked for i, (_, masked) in zip(peaks, tried, strict=True)}
        else:
            chi2 = scanner.plain(flux, weight, data.signal, peaks)
        score = self._fitness(chi2, float(chi2.min()), int(np.count_nonzero(weight)))
        if prior is not None:
            score += self.settings.redshift_weight * prior[peaks]
        broad = proposal is not None and proposal.absorbed >= _BROAD
        kept = [peaks[n] for n in np.argsort(-score, kind="stable")[:2]]
        whole = self.linear["QSO"].on(data.flux, data.ivar, data.signal, data.used)
        tracks = []
        for i in [*kept, *_unlisted(curve, kept, prior)]:
            start = round((float(scanner.shifts[0]) + _vertex(curve, i)) * scanner.factor)
            masked = None
            if masking:
                if i not in masks:
                    masks[i] = scanner.robust(flux, weight, data.signal, i)[1]
                masked = scanner.troughs(masks[i], i)
            tracks.append(self._quasar_track(data, whole, masked, start, broad=broad))
        return tracks

    def _quasar_track(
        self,
        data: _Data,
        whole: Solve,
        masked: NDArray[np.bool_] | None,
        start: int,
        *,
        broad: bool,
    ) -> Track:
        """Return the track of a quasar with absorption masked; `whole` solves without.

        With `broad` absorption in it the redshift comes from what lies redward of C IV: troughs
        too shallow or too noisy to be masked eat the blue sides of the lines, which would draw
        redshifts up. Without, what is blueward of Lyman alpha counts less.
        """
        ivar, solve, total = data.ivar, whole, data.total
        absorbed = None

        def on(ivar: Array) -> Solve:
            return self.linear["QSO"].on(data.flux, ivar, data.signal, data.used)

        if masked is not None and masked.any():
            # What is masked counts as explained, but for its price.
            absorbed = np.repeat(masked, self.quasar_scanner.factor)
            hidden = absorbed[data.used]
            ivar = np.where(hidden, 0.0, data.ivar)
            solve = on(ivar)
            price = float((data.ivar * data.flux**2) @ hidden)
            total -= price - ABSORBED * np.count_nonzero(hidden & (data.ivar > 0))

        def redward(shift: int) -> Solve | None:
            place = START + data.used.start + np.arange(len(ivar))
            seen = np.where(place > _REDWARD + shift, ivar, 0.0)
            return on(seen) if np.count_nonzero(seen) >= _LEAST else None

        def clear(shift: int) -> Solve | None:
            if not blue_pixels(shift, data.used):
                return None
            track.gain(shift)
            coefficients = track.known[shift][1]
            return on(lowered(self.linear["QSO"], coefficients, ivar, shift, data.used))

        track = Track("QSO", -1, solve, start, 3, total)
        track.settle, track.rounds = (redward, 2) if broad else (clear, 1)
        if absorbed is None:
            return track
        return replace(track, whole=whole, everything=data.total, absorbed=absorbed)

    def _smooth(self, weighted: Array, weight: Array) -> Array:
        """Gain of a cubic polynomial in each of N spectra (N, P), shape (N,)."""
        terms = len(self._cubic_products)
        right = weighted @ self._cubic[:terms].T
        matrix = (weight @ self._cubic.T) @ self._cubic_products.reshape(terms**2, -1).T
        matrix[:, :: terms + 1] += 1e-12 * matrix[:, :1]
        coefficients = np.linalg.solve(matrix.reshape(-1, terms, terms), right[:, :, None])
        gain: Array = np.einsum("nt,nt->n", right, coefficients[:, :, 0])
        return gain

    def _fitness(self, chi2: Array, lowest: float, count: int) -> Array:
        """Log likelihood of candidates, levelled off where even the best fits badly."""
        badness = max(lowest / max(count, 1), 1.0)
        softness = 1.0 + ((badness - 1.0) / self.settings.soft) ** 2
        return -0.5 * saturate((chi2 - lowest) / badness, self.settings.ceiling / softness)

    def _prior(self, scanner: Scanner, proposal: Proposal | None) -> Array | None:
        """Return the network's log probability at every shift of a scanner, shape (S,)."""
        if proposal is None:
            return None
        key = scanner.factor, proposal.start, proposal.step
        if key not in self._bins:
            self._bins[key] = proposal.bins(scanner.shifts * scanner.step)
        prior: Array = proposal.logs[self._bins[key]]
        return prior

    def _peaks(
        self,
        scanner: Scanner,
        curve: NDArray[np.float32],
        data: _Data,
        prior: Array | None,
    ) -> list[int]:
        """Maxima of the scan and of the network's distribution together, best first."""
        inner = np.flatnonzero((curve[1:-1] >= curve[:-2]) & (curve[1:-1] > curve[2:]))
        inner += 1
        if len(inner) == 0:
            return [int(curve.argmax())]
        chi2 = data.total - curve[inner].astype(np.float64)
        score = self._fitness(chi2, data.total - float(curve.max()), data.good)
        if prior is not None:
            score += self.settings.redshift_weight * prior[inner]
        chosen: list[int] = []
        left = inner[np.argsort(-score, kind="stable")[:40]]
        while len(left) and len(chosen) < self.settings.peaks:
            chosen.append(int(left[0]))
            left = left[np.abs(left - left[0]) * scanner.factor > SAME]
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


@dataclass(frozen=True, slots=True, eq=False)
class _Tracks:
    """The candidates of one spectrum, before any is fitted."""

    stars: list[Track]
    galaxies: list[Track]
    quasars: list[Track]

    @property
    def best_galaxy(self) -> Track:
        """The galaxy of lowest chi2 at its start, where negative lines are put right."""
        return min(self.galaxies, key=lambda track: track.look().chi2)

    def fitted(self) -> list[tuple[Solution, Track]]:
        """Fit the best of each class at three shifts, the others at one."""
        best = self.best_galaxy
        others = [track for track in self.galaxies if track is not best]
        others.sort(key=lambda track: track.look().chi2)
        classes = (self.stars, [best, *others], self.quasars)
        return [
            (track.look() if n else track.peek(), track)
            for tracks in classes
            for n, track in enumerate(tracks)
        ]


def _unlisted(curve: NDArray[np.float32], listed: list[int], prior: Array | None) -> list[int]:
    """Return the network's redshift if none of those listed is near it.

    The lowest chi2 need not be right: in a spectrum full of absorption, or outside the basis,
    chance alignments of lines with edges of troughs can gain hundreds in chi2.
    """
    if prior is None:
        return []
    top = prior.max()
    if prior[listed].max(initial=-np.inf) > top - 1.0:
        return []
    return [int(np.where(prior == top, curve, -np.inf).argmax())]


def saturate(difference: Array, ceiling: float) -> Array:
    """Approach `ceiling` instead of growing without end."""
    out: Array = ceiling * -np.expm1(-difference / ceiling)
    return out


def _vertex(curve: NDArray[np.floating], index: int) -> float:
    """Position of the maximum at `index` by a parabola, in pixels of the curve."""
    if not 0 < index < len(curve) - 1:
        return float(index)
    left, middle, right = map(float, curve[index - 1 : index + 2])
    curvature = left - 2.0 * middle + right
    if curvature >= 0.0 or left <= 0.0 or right <= 0.0:
        return float(index)
    return index + min(max(0.5 * (left - right) / curvature, -0.5), 0.5)
