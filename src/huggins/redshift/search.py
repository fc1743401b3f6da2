"""The candidates of one spectrum, from the scan and the network, fitted on native pixels."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.lines import EMISSION
from huggins.redshift.basis import STEP, Basis, load_basis
from huggins.redshift.binned import ABSORBED, BinnedFit
from huggins.redshift.blue import blue_pixels, lowered
from huggins.redshift.candidates import NOTHING, Candidates, Observed, Tracks, look
from huggins.redshift.equations import LinearFit, StarFit
from huggins.redshift.frames import SAME, SIZE, START, Frames, bin_down
from huggins.redshift.minimise import Track
from huggins.redshift.scan import Scanner
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
        self.quasar_binned = BinnedFit(
            self.basis.quasar,
            6,
            self.quasar_scanner.shifts,
            terms=s.quasar_terms,
            slack=s.slack,
        )
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
        found = [NOTHING] * len(rows)
        seen = [n for n, row in enumerate(rows) if frames.good[row]]
        if not seen:
            return found
        at: Any = [rows[n] for n in seen]
        if at == list(range(at[0], at[0] + len(at))):
            at = slice(at[0], at[0] + len(at))  # no copies, as a rule
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
        given = [proposals[n] for n in seen]
        priors = [self._priors(s, given) for s in (self.galaxy_scanner, self.quasar_scanner)]
        galaxy_peaks = self._peaks(self.galaxy_scanner, galaxies, total, good, priors[0])
        quasar_peaks = self._peaks(self.quasar_scanner, quasars, total, good, priors[1])
        # Four fits each to find absorption, and of use for broad absorption only.
        plain = [k for k, p in enumerate(given) if p is not None and p.absorbed < _ABSORBED]
        chi2 = dict(
            zip(
                plain,
                self.quasar_binned.plain(
                    sixth[0][plain],
                    sixth[1][plain],
                    signal[plain],
                    [quasar_peaks[k] for k in plain],
                ),
                strict=True,
            )
        )
        tracks: list[Tracks] = []
        for k, proposal in enumerate(given):
            covered = ivar[k].nonzero()[0]
            used = slice(int(covered[0]), int(covered[-1]) + 1)
            data = Observed(
                flux[k, used],
                ivar[k, used],
                used,
                float(signal[k]),
                float(total[k]),
                int(good[k]),
            )
            known = [None if proposal is None else prior[k] for prior in priors]
            curve = quasars[k]
            sums = sixth[0][k], sixth[1][k]
            tracks.append(
                Tracks(
                    self._stars(data, stars[k]),
                    self._galaxies(data, galaxies[k], galaxy_peaks[k], known[0]),
                    self._quasars(
                        data, curve, quasar_peaks[k], known[1], *sums, proposal, chi2.get(k)
                    ),
                )
            )
        look(tracks)
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

    def _stars(self, data: Observed, gains: NDArray[np.float32]) -> list[Track]:
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
        self, data: Observed, curve: NDArray[np.float32], peaks: list[int], prior: Array | None
    ) -> list[Track]:
        scanner, fit = self.galaxy_scanner, self.linear["GALAXY"]
        solve = fit.on(data.flux, data.ivar, data.signal, data.used)
        tracks = []
        for i in [*peaks[:3], *_unlisted(curve, peaks[:3], prior)]:
            start = round((float(scanner.shifts[0]) + _vertex(curve, i)) * scanner.factor)
            tracks.append(Track("GALAXY", -1, solve, start, 1, data.total))
        return tracks

    def _quasars(
        self,
        data: Observed,
        curve: NDArray[np.float32],
        peaks: list[int],
        prior: Array | None,
        weighted: Array,
        weight: Array,
        proposal: Proposal | None,
        chi2: Array | None,
    ) -> list[Track]:
        """Return the tracks of quasars; `chi2` is that of peaks, None to mask absorption."""
        scanner, fit = self.quasar_scanner, self.quasar_binned
        masking = chi2 is None
        masks: dict[int, NDArray[np.bool_]] = {}
        flux = np.zeros(0)
        if chi2 is None:
            flux = np.divide(weighted, weight, out=np.zeros_like(weight), where=weight > 0)
            chi2, found = fit.robust(flux, weight, data.signal, peaks)
            masks = dict(zip(peaks, found, strict=True))
        count = np.full(len(chi2), np.count_nonzero(weight))
        score = self._fitness(chi2, np.full(len(chi2), chi2.min()), count)
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
                    masks[i] = fit.robust(flux, weight, data.signal, [i])[1][0]
                masked = fit.troughs(masks[i], i)
            tracks.append(self._quasar_track(data, whole, masked, start, broad=broad))
        return tracks

    def _quasar_track(
        self,
        data: Observed,
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
        ivar = data.ivar

        def on(ivar: Array) -> Solve:
            return self.linear["QSO"].on(data.flux, ivar, data.signal, data.used)

        def redward(_: Track, shift: int) -> Solve | None:
            place = START + data.used.start + np.arange(len(ivar))
            seen = np.where(place > _REDWARD + shift, ivar, 0.0)
            return on(seen) if np.count_nonzero(seen) >= _LEAST else None

        def clear(track: Track, shift: int) -> Solve | None:
            if not blue_pixels(shift, data.used):
                return None
            track.gain(shift)
            coefficients = track.known[shift][1]
            return on(lowered(self.linear["QSO"], coefficients, ivar, shift, data.used))

        track = Track("QSO", -1, whole, start, 3, data.total)
        track.settle, track.rounds = (redward, 2) if broad else (clear, 1)
        if masked is not None and masked.any():
            # What is masked counts as explained, but for its price.
            track.absorbed = np.repeat(masked, self.quasar_scanner.factor)
            hidden = track.absorbed[data.used].nonzero()[0]
            ivar = data.ivar.copy()
            ivar[hidden] = 0.0
            flux, lost = data.flux[hidden], data.ivar[hidden]
            track.total -= float((lost * flux) @ flux) - ABSORBED * np.count_nonzero(lost)
            track.solve, track.whole, track.everything = on(ivar), whole, data.total
        return track

    def _smooth(self, weighted: Array, weight: Array) -> Array:
        """Gain of a cubic polynomial in each of N spectra (N, P), shape (N,)."""
        terms = len(self._cubic_products)
        right = weighted @ self._cubic[:terms].T
        matrix = (weight @ self._cubic.T) @ self._cubic_products.reshape(terms**2, -1).T
        matrix[:, :: terms + 1] += 1e-12 * matrix[:, :1]
        coefficients = np.linalg.solve(matrix.reshape(-1, terms, terms), right[:, :, None])
        gain: Array = np.einsum("nt,nt->n", right, coefficients[:, :, 0])
        return gain

    def _fitness(self, chi2: Array, lowest: Array, count: NDArray[np.int64]) -> Array:
        """Log likelihood of candidates, levelled off where even the best fits badly."""
        badness = np.maximum(lowest / np.maximum(count, 1), 1.0)
        softness = 1.0 + ((badness - 1.0) / self.settings.soft) ** 2
        return -0.5 * saturate((chi2 - lowest) / badness, self.settings.ceiling / softness)

    def _priors(self, scanner: Scanner, proposals: Sequence[Proposal | None]) -> Array:
        """Return the network's log probabilities at every shift of a scanner, (N, S).

        They are 0 where there is no proposal.
        """
        priors = np.zeros((len(proposals), len(scanner.shifts)))
        for row, proposal in zip(priors, proposals, strict=True):
            if proposal is not None:
                key = scanner.factor, proposal.start, proposal.step
                if key not in self._bins:
                    self._bins[key] = proposal.bins(scanner.shifts * scanner.step)
                proposal.logs.take(self._bins[key], out=row, mode="clip")
        return priors

    def _peaks(
        self,
        scanner: Scanner,
        curves: NDArray[np.float32],
        total: Array,
        good: NDArray[np.int64],
        priors: Array,
    ) -> list[list[int]]:
        """Maxima of N scans (N, S), each with the network's distribution; best first."""
        inside = curves[:, 1:-1]
        maxima = (inside >= curves[:, :-2]) & (inside > curves[:, 2:])
        # In one long row, as numpy is slow to find what is true in two dimensions.
        row, at = np.divmod(np.flatnonzero(maxima), inside.shape[1])
        at += 1
        lowest = total - curves.max(axis=1).astype(np.float64)
        chi2 = total[row] - curves[row, at].astype(np.float64)
        score = self._fitness(chi2, lowest[row], good[row])
        score += self.settings.redshift_weight * priors[row, at]
        ends = np.searchsorted(row, np.arange(len(curves) + 1)).tolist()
        apart = SAME / scanner.factor
        found: list[list[int]] = []
        for n, curve in enumerate(curves):
            places, rated = at[ends[n] : ends[n + 1]].tolist(), score[ends[n] : ends[n + 1]]
            chosen: list[int] = [] if places else [int(curve.argmax())]
            while len(chosen) < min(self.settings.peaks, len(places)):
                best = int(rated.argmax())
                if rated[best] == -np.inf:
                    break
                chosen.append(places[best])
                low = bisect_left(places, places[best] - apart)
                high = bisect_right(places, places[best] + apart)
                rated[low:high] = -np.inf
            found.append(chosen)
        return found


def _unlisted(curve: NDArray[np.float32], listed: list[int], prior: Array | None) -> list[int]:
    """Return the network's redshift if none of those listed is near it.

    The lowest chi2 need not be right: in a spectrum full of absorption, or outside the basis,
    chance alignments of lines with edges of troughs can gain hundreds in chi2.
    """
    if prior is None:
        return []
    top = prior.max()
    if any(prior[i] > top - 1.0 for i in listed):
        return []
    return [int(np.where(prior == top, curve, -np.inf).argmax())]


def saturate(difference: Array, ceiling: float | Array) -> Array:
    """Approach `ceiling` instead of growing without end."""
    out: Array = ceiling * -np.expm1(-difference / ceiling)
    return out


def _vertex(curve: NDArray[np.floating], index: int) -> float:
    """Position of the maximum at `index` by a parabola, in pixels of the curve."""
    if not 0 < index < len(curve) - 1:
        return float(index)
    around: list[float] = curve[index - 1 : index + 2].tolist()
    left, middle, right = around
    curvature = left - 2.0 * middle + right
    if curvature >= 0.0 or left <= 0.0 or right <= 0.0:
        return float(index)
    return index + min(max(0.5 * (left - right) / curvature, -0.5), 0.5)
