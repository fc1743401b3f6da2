"""Class and redshift of a batch of spectra by the fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.quality import ZWarning
from huggins.redshift.absorbed import absorbed_share
from huggins.redshift.alternatives import distinct, shares
from huggins.redshift.balnicity import measure
from huggins.redshift.basis import STEP, Basis, load_basis
from huggins.redshift.decide import choose, comparable
from huggins.redshift.frames import SIZE, START, Frames, to_native
from huggins.redshift.given import choose_at
from huggins.redshift.host import Z_MAX, HostFit
from huggins.redshift.parameters import DecisionParameters
from huggins.redshift.posterior import percentiles
from huggins.redshift.proposals import Proposal, proposals
from huggins.redshift.result import Fit
from huggins.redshift.search import TOGETHER, Search, SearchSettings
from huggins.redshift.systemic import systemic
from huggins.redshift.unabsorbed import hidden, refit
from huggins.redshift.uncertainty import fit_error
from huggins.redshift.warnings import fit_warnings
from huggins.taxonomy import BROAD, BROAD_CLASSES, CLASSES, INDEX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.redshift.balnicity import Absorption
    from huggins.redshift.decide import Choice
    from huggins.redshift.minimise import Solution
    from huggins.redshift.search import Candidates
    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]

#: MEMBERSHIP[i, b] is 1 where class i of the 13 belongs to broad class b.
MEMBERSHIP: Final = np.array(
    [[float(BROAD[name] == broad) for broad in BROAD_CLASSES] for name in CLASSES]
)


# Of the native pixels, A.
_WAVELENGTH: Final = 10.0 ** ((START + np.arange(SIZE)) * STEP)
# P_BAL among quasars from which on measured troughs are masked, and how often.
_MASKED: Final = 0.3
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
            for row, candidates in zip(rows, found, strict=True):
                network = np.asarray(probabilities[row], np.float64)
                given = np.nan if z is None else float(z[row])
                out.solutions.append(
                    self._fit_row(
                        frames, row, network, proposed[row], candidates, parameters, out, given
                    )
                )
        return out

    def _fit_row(
        self,
        frames: Frames,
        row: int,
        network: Array,
        proposal: Proposal | None,
        candidates: Candidates,
        parameters: DecisionParameters,
        out: Fit,
        given: float,
    ) -> tuple[Solution | None, Solution | None]:
        """Decide on one spectrum and fill its row of `out`."""
        if not candidates.solutions:
            out.zwarning[row] = ZWarning.NODATA
            out.probabilities[row] = network
            out.causes.append({ZWarning.NODATA: ""})
            out.measured.append(None)
            return None, None
        broad = network @ MEMBERSHIP
        offset = float(frames.offset[row])
        free = np.isnan(given)
        if free:
            choice = choose(candidates, broad, proposal, parameters)
            if out.alternatives.shape[1]:
                self._list(candidates, choice, network, offset, row, out)
            before = candidates.solutions[choice.best]
            candidates = candidates.minimised(choice.best)
            choice = choice.minimised(before, candidates.solutions[choice.best])
        else:
            candidates, choice = choose_at(
                candidates, given, offset, broad, parameters, self.basis
            )
        best = candidates.solutions[choice.best]
        rival = candidates.solutions[choice.rival] if choice.rival >= 0 else None
        out.probabilities[row] = _divide(network, broad, choice.probabilities, best, self.basis)
        out.broad[row] = BROAD_CLASSES.index(best.kind)
        measured = None
        if best.kind == "QSO":
            best, measured = self._absorption(
                frames, row, best, out.probabilities[row], free=free
            )
            candidates = candidates.replaced(choice.best, best)
            out.absorption[row] = measured.as_row()
        out.measured.append(measured)
        out.z[row] = 10.0 ** ((best.shift + frames.offset[row]) * STEP) - 1.0
        if best.kind == "QSO":
            out.systemic[row] = systemic(
                frames.flux[row], frames.ivar[row], offset, float(out.z[row])
            )
        if best.kind != "STAR" and out.z[row] < Z_MAX:
            flux, ivar = frames.flux[row], frames.ivar[row]
            out.host[row] = self._host.share(flux, ivar, best.shift)
        out.rchi2[row] = best.chi2 / max(candidates.good - len(best.coefficients), 1)
        if free:
            self._error(candidates, choice, offset, row, out)
        if free and measured is not None and out.alternatives.shape[1]:
            # The first alternative is this answer.
            both = [INDEX["QSO"], INDEX["BAL"]]
            first = out.alternatives[row, 0]
            first["sub"] = both[int(out.probabilities[row][both].argmax())]
            first["z"] = out.z[row]
        out.deltachi2[row] = choice.deltachi2
        if rival is not None:
            out.z_second[row] = 10.0 ** ((rival.shift + frames.offset[row]) * STEP) - 1.0
        model = self.model(best)
        causes = fit_warnings(
            frames.flux[row],
            frames.ivar[row],
            model,
            candidates,
            choice,
            self.basis,
            self.parameters,
            offset,
        )
        out.zwarning[row] = sum(causes)
        out.causes.append(causes)
        return best, rival

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

    def _list(
        self,
        candidates: Candidates,
        choice: Choice,
        network: Array,
        offset: float,
        row: int,
        out: Fit,
    ) -> None:
        """Write the most probable different redshifts of one spectrum into its row of `out`."""
        shifts = [solution.shift for solution in candidates.solutions]
        listed = distinct(shifts, choice.score)
        prob = shares(choice.score[listed])
        for n in listed:
            candidates = candidates.minimised(n)
        solutions, chi2 = candidates.solutions, comparable(candidates)
        # Two of them may have the same minimum.
        order = -np.arange(len(listed), dtype=np.float64)
        kept = distinct([solutions[n].shift for n in listed], order)
        broad = network @ MEMBERSHIP
        for rank, k in enumerate(kept[: out.alternatives.shape[1]]):
            best = solutions[listed[k]]
            kind = BROAD_CLASSES.index(best.kind)
            only = np.eye(len(BROAD_CLASSES))[kind]
            sub = _divide(network, broad, only, best, self.basis).argmax()
            z = 10.0 ** ((best.shift + offset) * STEP) - 1.0
            out.alternatives[row, rank] = (kind, sub, z, chi2[listed[k]], prob[k])

    def _z_err(self, solution: Solution, good: int) -> float:
        return fit_error(
            solution.shift,
            solution.sigma,
            solution.chi2 / good,
            self.subclass(solution),
            self.parameters,
        )

    def _absorption(
        self, frames: Frames, row: int, best: Solution, probabilities: Array, *, free: bool
    ) -> tuple[Solution, Absorption]:
        """Measure the C IV absorption of a quasar; divide P_QSO + P_BAL by it, in place.

        Where it is likely to be broad, its troughs are masked and the redshift is fitted again
        if it is free.
        """
        flux, ivar = frames.flux[row], frames.ivar[row]
        wavelength = _WAVELENGTH * 10.0 ** (float(frames.offset[row]) * STEP)

        def measured(solution: Solution) -> tuple[float, Absorption, Array]:
            z = 10.0 ** ((solution.shift + frames.offset[row]) * STEP) - 1.0
            z_err = self._z_err(solution, int(frames.good[row])) if free else 0.0
            model = self.model(solution)
            return z, measure(wavelength, flux, ivar, model, z, z_err), model

        z, absorption, model = measured(best)
        both = [INDEX["QSO"], INDEX["BAL"]]
        quasar, absorbed = probabilities[both].tolist()
        good = ivar > 0.0
        sn = max(float(np.median(model[good] * np.sqrt(ivar[good]))), 0.0)
        said = absorbed / max(quasar + absorbed, 1e-30)
        share = absorbed_share(said, absorption, sn)
        for _ in range(_ROUNDS):
            if not free or share < _MASKED or not absorption.spans:
                break
            masked = hidden(wavelength, z, absorption.spans)
            best = refit(self.search.linear["QSO"], flux, ivar, best, masked)
            z, absorption, model = measured(best)
            share = absorbed_share(said, absorption, sn)
        probabilities[both] = (quasar + absorbed) * np.array([1.0 - share, share])
        return best, absorption

    def subclass(self, solution: Solution) -> int:
        """Class of the 13, as an index, that a candidate stands for."""
        if solution.kind == "STAR":
            return int(self.basis.star.classes[solution.archetype])
        return INDEX["GAL" if solution.kind == "GALAXY" else "QSO"]

    def model(self, solution: Solution) -> Array:
        """Return the best-fit flux on the native grid, over the spectrum's scale, (SIZE,)."""
        whole = slice(0, SIZE)
        shift = round(solution.shift)
        if solution.kind == "STAR":
            rows = self.search.star.vectors(solution.archetype, shift, whole)
        else:
            rows = self.search.linear[solution.kind].vectors(shift, whole)
        flux: Array = solution.coefficients @ rows
        return flux

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


def _divide(network: Array, broad: Array, fitted: Array, best: Solution, basis: Basis) -> Array:
    """Probabilities of the 13 classes from those of the three, shape (13,).

    Within a broad class the network's proportions hold, unless its total for that class is
    below 1 %: they then give way to the best fit (a star takes its archetype's class).
    """
    inside = network[:, None] * MEMBERSHIP / np.maximum(broad, 1e-12)
    for k, kind in enumerate(BROAD_CLASSES):
        if broad[k] >= 0.01:
            continue
        fractions = MEMBERSHIP[:, k] / MEMBERSHIP[:, k].sum()
        if kind == "QSO":
            fractions = np.array([float(name == "QSO") for name in CLASSES])
        elif kind == "STAR" and best.kind == "STAR":
            fractions = 0.2 * fractions
            fractions[basis.star.classes[best.archetype]] += 0.8
        weight = broad[k] / 0.01
        inside[:, k] = weight * inside[:, k] + (1.0 - weight) * fractions
    total: Array = inside @ fitted
    total /= total.sum()
    return total
