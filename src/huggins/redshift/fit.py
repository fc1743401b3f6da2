"""Class and redshift of a batch of spectra by the fit."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.noise import median
from huggins.quality import ZWarning
from huggins.redshift.absorbed import absorbed_share
from huggins.redshift.alternatives import distinct, shares
from huggins.redshift.balnicity import measure
from huggins.redshift.basis import STEP, Basis, load_basis
from huggins.redshift.border import BroadLines
from huggins.redshift.case import MEMBERSHIP, Case, divided
from huggins.redshift.decide import choose, comparable
from huggins.redshift.frames import SIZE, START, Frames, to_native
from huggins.redshift.given import choose_at
from huggins.redshift.host import Z_MAX, HostFit
from huggins.redshift.minimise import minimise_all
from huggins.redshift.parameters import DecisionParameters
from huggins.redshift.posterior import percentiles
from huggins.redshift.proposals import Proposal, proposals
from huggins.redshift.result import Fit
from huggins.redshift.search import TOGETHER, Search, SearchSettings
from huggins.redshift.systemic import systemic
from huggins.redshift.unabsorbed import hidden, refit
from huggins.redshift.uncertainty import fit_error
from huggins.redshift.uncovered import uncovered
from huggins.redshift.warnings import fit_warnings
from huggins.taxonomy import BROAD_CLASSES, INDEX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from huggins.redshift.balnicity import Absorption
    from huggins.redshift.candidates import Candidates
    from huggins.redshift.decide import Choice
    from huggins.redshift.minimise import Solution
    from huggins.redshift.uncovered import Uncovered
    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]

# Of the native pixels, A.
_WAVELENGTH: Final = 10.0 ** ((START + np.arange(SIZE)) * STEP)
# The network's P_BAL among quasars from which on the continuum is sought beside absorption.
_SUSPECT: Final = 0.05
# P_BAL among quasars from which on measured troughs are masked, and how often.
_MASKED: Final = 0.25
_ROUNDS: Final = 2


class Fitter:
    """Finds class and redshift of spectra by chi2; thread-safe.

    Parameters
    ----------
    basis
        The shipped one by default.
    settings
        Of the search.
    parameters
        That of the basis by default.
    """

    def __init__(
        self,
        basis: Basis | None = None,
        *,
        settings: SearchSettings | None = None,
        parameters: DecisionParameters | None = None,
    ) -> None:
        self.basis = load_basis() if basis is None else basis
        self.parameters = (
            DecisionParameters.from_dict(self.basis.parameters)
            if parameters is None
            else parameters
        )
        self.search = Search(self.basis, settings)
        self._host = HostFit.of(self.basis.star)
        self._broad_lines = BroadLines()

    def fit(
        self,
        spectra: Sequence[Spectrum],
        probabilities: NDArray[np.floating] | None = None,
        density: NDArray[np.floating] | None = None,
        *,
        start: float = -0.005,
        step: float = 0.002,
        alternatives: int = 0,
        z: NDArray[np.floating] | None = None,
    ) -> Fit:
        """Fit N spectra.

        Parameters
        ----------
        spectra
            Of any survey.
        probabilities : ndarray, shape (N, 13)
            The network's, in the order of `huggins.taxonomy.CLASSES`; without them the fit
            alone decides.
        density : ndarray, shape (N, B)
            The network's redshift distribution in bins of ln(1 + z), each row summing to 1.
        start, step
            Left edge of the first bin and width; see `huggins.weights.RedshiftGrid`.
        alternatives
            How many different redshifts of each spectrum are followed to their minima and
            returned, at most (`huggins.redshift.alternatives`).
        z : ndarray, shape (N,)
            Redshifts to classify at, NaN where none is given (`huggins.redshift.given`). They
            have no error.
        """
        count = len(spectra)
        parameters = self.parameters
        if probabilities is None:
            parameters = replace(
                parameters,
                chi2_ceiling=1e4,
                class_chi2_ceiling=1e4,
                class_offset=(0.0, 0.0, 0.0),
            )
            fractions = MEMBERSHIP / MEMBERSHIP.sum(axis=0) / len(BROAD_CLASSES)
            probabilities = np.tile(fractions.sum(axis=1), (count, 1))
        offered = [] if density is None else proposals(density, probabilities, start, step)
        out = Fit.empty(count, alternatives)
        frames = to_native(spectra)
        out.noise[:] = frames.noise
        proposed: list[Proposal | None] = [*offered] if offered else [None] * count
        for first in range(0, count, TOGETHER):
            rows = range(first, min(first + TOGETHER, count))
            found = self.search.run_all(frames, rows, proposed[first : rows.stop])
            cases = [
                Case(
                    frames,
                    row,
                    np.asarray(probabilities[row], np.float64),
                    proposed[row],
                    np.nan if z is None else float(z[row]),
                    candidates,
                )
                for row, candidates in zip(rows, found, strict=True)
            ]
            self._choose([case for case in cases if case.candidates.solutions], parameters, out)
            out.solutions.extend(self._fill(case, out) for case in cases)
        return out

    def _choose(self, cases: list[Case], parameters: DecisionParameters, out: Fit) -> None:
        """Choose a candidate of each spectrum; minimise its chi2 if the redshift is free."""
        for case in cases:
            # Its constants hold for network and fit together.
            lines = self.lines(case.frames, case.row) if parameters is self.parameters else None
            if case.free:
                case.choice = choose(
                    case.candidates, case.broad, case.proposal, parameters, lines
                )
            else:
                case.candidates, case.choice = choose_at(
                    case.candidates,
                    case.given,
                    case.offset,
                    case.broad,
                    parameters,
                    self.basis,
                    lines,
                )
        free = [case for case in cases if case.free]
        if out.alternatives.shape[1]:
            self._list(free, out)
        minimised = minimise_all([case.candidates.tracks[case.choice.best] for case in free])
        for case, after in zip(free, minimised, strict=True):
            before = case.best
            case.replace_best(after)
            case.choice = case.choice.minimised(before, after)

    def _fill(self, case: Case, out: Fit) -> tuple[Solution | None, Solution | None]:
        """Fill the row of one spectrum, of which a candidate was chosen, in `out`."""
        row, network, offset = case.row, case.network, case.offset
        if not case.candidates.solutions:
            out.zwarning[row] = ZWarning.NODATA
            out.probabilities[row] = network
            out.causes.append({ZWarning.NODATA: ""})
            out.measured.append(None)
            return None, None
        best, choice = case.best, case.choice
        flux, ivar = case.frames.flux[row], case.frames.ivar[row]
        rival = case.candidates.solutions[choice.rival] if choice.rival >= 0 else None
        out.probabilities[row] = divided(
            network, case.broad, choice.probabilities, best, self.basis
        )
        out.broad[row] = BROAD_CLASSES.index(best.kind)
        measured = None
        if best.kind == "QSO":
            best, model, measured = self._absorption(case, out.probabilities[row])
            case.replace_best(best)
            out.absorption[row] = measured.as_row()
        else:
            model = self.model(best)
        out.measured.append(measured)
        out.z[row] = 10.0 ** ((best.shift + offset) * STEP) - 1.0
        if best.kind == "QSO":
            out.systemic[row] = systemic(flux, ivar, offset, float(out.z[row]))
        if best.kind != "STAR" and out.z[row] < Z_MAX:
            out.host[row] = self._host.share(flux, ivar, best.shift)
        candidates = case.candidates
        out.rchi2[row] = best.chi2 / max(candidates.good - len(best.coefficients), 1)
        if case.free:
            self._error(candidates, choice, offset, row, out)
        if case.free and measured is not None and out.alternatives.shape[1]:
            # The first alternative is this answer.
            both = [INDEX["QSO"], INDEX["BAL"]]
            first = out.alternatives[row, 0]
            first["sub"] = both[int(out.probabilities[row][both].argmax())]
            first["z"] = out.z[row]
        out.deltachi2[row] = choice.deltachi2
        if rival is not None:
            out.z_second[row] = 10.0 ** ((rival.shift + offset) * STEP) - 1.0
        causes = fit_warnings(
            flux,
            ivar,
            model,
            candidates,
            choice,
            self.basis,
            self.parameters,
            offset,
            free=case.free,
        )
        out.zwarning[row] = sum(causes)
        out.causes.append(causes)
        return best, rival

    def lines(self, frames: Frames, row: int) -> Callable[[float], Array]:
        """Return what measures broad lines of one spectrum, for `huggins.redshift.decide`."""
        return partial(self._broad_lines, frames.flux[row], frames.ivar[row])

    def _error(
        self, candidates: Candidates, choice: Choice, offset: float, row: int, out: Fit
    ) -> None:
        """Write error and percentiles of the redshift of one spectrum into its row of `out`."""
        best = candidates.solutions[choice.best]
        out.z_err[row] = self._z_err(best, candidates.good)
        listed = distinct([solution.shift for solution in candidates.solutions], choice.score)
        places = [candidates.solutions[n].shift + offset for n in listed[1:]]
        out.z_p16[row], out.z_p84[row] = percentiles(
            [float(out.z[row]), *(10.0 ** (place * STEP) - 1.0 for place in places)],
            shares(choice.score[listed]).tolist(),
            float(out.z_err[row]),
        )

    def _list(self, cases: list[Case], out: Fit) -> None:
        """Write the most probable different redshifts of spectra into their rows of `out`."""
        listed = [
            distinct([s.shift for s in case.candidates.solutions], case.choice.score)
            for case in cases
        ]
        # All of them at once, so that what follows finds them known.
        minimise_all(
            [
                case.candidates.tracks[n]
                for case, places in zip(cases, listed, strict=True)
                for n in places
            ]
        )
        for case, places in zip(cases, listed, strict=True):
            prob = shares(case.choice.score[places])
            candidates = case.candidates
            for n in places:
                candidates = candidates.minimised(n)
            solutions, chi2 = candidates.solutions, comparable(candidates)
            # Two of them may have the same minimum.
            order = -np.arange(len(places), dtype=np.float64)
            kept = distinct([solutions[n].shift for n in places], order)
            for rank, k in enumerate(kept[: out.alternatives.shape[1]]):
                best = solutions[places[k]]
                kind = BROAD_CLASSES.index(best.kind)
                only = np.eye(len(BROAD_CLASSES))[kind]
                sub = divided(case.network, case.broad, only, best, self.basis).argmax()
                z = 10.0 ** ((best.shift + case.offset) * STEP) - 1.0
                out.alternatives[case.row, rank] = (kind, sub, z, chi2[places[k]], prob[k])

    def _z_err(self, solution: Solution, good: int) -> float:
        return fit_error(
            solution.shift,
            solution.sigma,
            solution.chi2 / good,
            self.subclass(solution),
            self.parameters,
        )

    def _absorption(
        self, case: Case, probabilities: Array
    ) -> tuple[Solution, Array, Absorption]:
        """Measure the C IV absorption of a quasar; divide P_QSO + P_BAL by it, in place.

        Where it is likely to be broad, its troughs are masked and the redshift is fitted again
        if it is free. Returns what is then the best solution and its model.
        """
        best, free, row = case.best, case.free, case.row
        flux, ivar = case.frames.flux[row], case.frames.ivar[row]
        wavelength = _WAVELENGTH * 10.0 ** (case.offset * STEP)

        linear = self.search.linear["QSO"]

        def measured(solution: Solution) -> tuple[float, Absorption, Array, Uncovered | None]:
            z = 10.0 ** ((solution.shift + case.offset) * STEP) - 1.0
            z_err = self._z_err(solution, int(case.frames.good[row])) if free else 0.0
            model = self.model(solution)
            beside = None
            if said >= _SUSPECT:
                beside = uncovered(linear, solution, model, flux, ivar, wavelength, z)
            continuum = model if beside is None else beside.model
            return z, measure(wavelength, flux, ivar, continuum, z, z_err), model, beside

        both = [INDEX["QSO"], INDEX["BAL"]]
        quasar, absorbed = probabilities[both].tolist()
        said = absorbed / max(quasar + absorbed, 1e-30)
        z, absorption, model, beside = measured(best)
        sn = 0.0
        if not absorption.coverage > 0.0:  # else that of the continuum counts
            good = ivar > 0.0
            sn = max(median(model[good] * np.sqrt(ivar[good])), 0.0)
        share = absorbed_share(said, absorption, sn)
        for _ in range(_ROUNDS):
            if not free or share < _MASKED or not absorption.spans:
                break
            masked = hidden(wavelength, z, absorption.spans)
            best = refit(linear, flux, ivar, best, masked)
            z, absorption, model, beside = measured(best)
            share = absorbed_share(said, absorption, sn)
        if beside is not None and share >= _MASKED:
            model, masked = beside.model, beside.masked
            best = replace(best, coefficients=beside.coefficients, absorbed=masked)
        probabilities[both] = (quasar + absorbed) * np.array([1.0 - share, share])
        return best, model, absorption

    def subclass(self, solution: Solution) -> int:
        """Class of the 13, as an index, that a candidate stands for."""
        if solution.kind == "STAR":
            return int(self.basis.star.classes[solution.archetype])
        return INDEX["GAL" if solution.kind == "GALAXY" else "QSO"]

    def model(self, solution: Solution) -> Array:
        """Return the best-fit flux on the native grid, over the spectrum's scale, (SIZE,)."""
        whole, of = slice(0, SIZE), solution.coefficients
        shift = round(solution.shift)
        if solution.kind == "STAR":
            return self.search.star.model(of, solution.archetype, shift, whole)
        return self.search.linear[solution.kind].model(of, shift, whole)

    def model_on(self, spectrum: Spectrum, solution: Solution) -> Array:
        """Return the best-fit flux at the pixels of a spectrum, shape (L,).

        In the spectrum's own unit; NaN outside 3500 to 10759 A.
        """
        # The model is stored at a whole-pixel shift; the fraction left moves it on the grid.
        grid = (START + np.arange(SIZE) + solution.shift - round(solution.shift)) * STEP
        frames = to_native([spectrum])
        grid = grid + frames.offset[0] * STEP
        flux: Array = np.interp(
            spectrum.loglam, grid, self.model(solution), left=np.nan, right=np.nan
        )
        return flux * float(frames.scale[0])
