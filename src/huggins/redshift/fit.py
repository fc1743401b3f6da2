"""The fit of a batch of spectra: what the rest of huggins uses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.quality import ZWarning
from huggins.redshift.basis import STEP, Basis, load_basis
from huggins.redshift.decide import Rule, choose, error
from huggins.redshift.doubt import doubts
from huggins.redshift.native import SIZE, START, Frames, to_native
from huggins.redshift.search import Proposal, Search, Settings, proposals
from huggins.taxonomy import BROAD, BROAD_CLASSES, CLASSES, INDEX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.redshift.refine import Solution
    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]

#: MEMBERSHIP[i, b] is 1 where class i of the 13 belongs to broad class b.
MEMBERSHIP: Final = np.array(
    [[float(BROAD[name] == broad) for broad in BROAD_CLASSES] for name in CLASSES]
)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Result of the fit of N spectra.

    Attributes
    ----------
    broad : ndarray of int, shape (N,)
        Index into `BROAD_CLASSES`; -1 where there is no good pixel.
    probabilities : ndarray, shape (N, 13)
        Of `huggins.taxonomy.CLASSES`, network and fit together.
    z, z_err : ndarray, shape (N,)
        NaN where there is none.
    deltachi2 : ndarray, shape (N,)
        Lowest chi2 at a redshift more than 1000 km/s away minus that at the chosen one.
        Negative where the network decided against the lowest; NaN where there is no other.
    rchi2 : ndarray, shape (N,)
        Reduced chi2, in units of the noise that the spectrum shows.
    zwarning : ndarray of int32, shape (N,)
        Bits of `huggins.quality.ZWarning`.
    noise : ndarray, shape (N,)
        Scatter between pixels over what ivar says.
    z_second : ndarray, shape (N,)
        Redshift of the next different candidate; NaN where there is none.
    solutions : list
        The chosen candidate and the next different one of each spectrum, either of them None
        where there is none.
    """

    broad: NDArray[np.int64]
    probabilities: Array
    z: Array
    z_err: Array
    deltachi2: Array
    rchi2: Array
    zwarning: NDArray[np.int32]
    noise: Array
    z_second: Array
    solutions: list[tuple[Solution | None, Solution | None]]


class Fitter:
    """Finds class and redshift of spectra by chi2; safe to share between threads.

    Parameters
    ----------
    basis
        The shipped one by default.
    settings
        Of the search.
    rule
        That of the basis by default.
    """

    def __init__(
        self,
        basis: Basis | None = None,
        *,
        settings: Settings | None = None,
        rule: Rule | None = None,
    ) -> None:
        self.basis = load_basis() if basis is None else basis
        self.rule = Rule.from_dict(self.basis.rule) if rule is None else rule
        self.search = Search(self.basis, settings)

    def fit(
        self,
        spectra: Sequence[Spectrum],
        probabilities: NDArray[np.floating] | None = None,
        density: NDArray[np.floating] | None = None,
        *,
        start: float = -0.005,
        step: float = 0.002,
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
        """
        count = len(spectra)
        rule = self.rule
        if probabilities is None:
            # Nothing to weigh the fit against: it alone decides.
            rule = replace(rule, ceiling=1e4, same=1e4, offset=(0.0, 0.0, 0.0))
            share = MEMBERSHIP / MEMBERSHIP.sum(axis=0) / len(BROAD_CLASSES)
            probabilities = np.tile(share.sum(axis=1), (count, 1))
        offered = [] if density is None else proposals(density, probabilities, start, step)
        out = _empty(count)
        frames = to_native(spectra)
        out.noise[:] = frames.noise
        for row in range(count):
            network = np.asarray(probabilities[row], np.float64)
            proposal = offered[row] if offered else None
            out.solutions.append(self._one(frames, row, network, proposal, rule, out))
        return out

    def _one(
        self,
        frames: Frames,
        row: int,
        network: Array,
        proposal: Proposal | None,
        rule: Rule,
        out: Fit,
    ) -> tuple[Solution | None, Solution | None]:
        """Fit one spectrum and fill its row of `out`."""
        candidates = self.search.run(frames, row, proposal)
        if not candidates.solutions:
            out.zwarning[row] = ZWarning.NODATA
            out.probabilities[row] = network
            return None, None
        broad = network @ MEMBERSHIP
        choice = choose(candidates, broad, proposal, rule)
        before = candidates.solutions[choice.best]
        candidates = candidates.climbed(choice.best)
        choice = choice.climbed(before, candidates.solutions[choice.best])
        best = candidates.solutions[choice.best]
        second = candidates.solutions[choice.second] if choice.second >= 0 else None
        # The rest of what a class shares out stays as the network has it.
        out.probabilities[row] = _share(network, broad, choice.probabilities, best, self.basis)
        out.broad[row] = BROAD_CLASSES.index(best.kind)
        out.z[row] = 10.0 ** ((best.shift + frames.offset[row]) * STEP) - 1.0
        out.rchi2[row] = best.chi2 / max(candidates.good - len(best.coefficients), 1)
        out.z_err[row] = error(
            best, best.chi2 / candidates.good, self.subclass(best), self.rule
        )
        out.deltachi2[row] = choice.deltachi2
        if second is not None:
            out.z_second[row] = 10.0 ** ((second.shift + frames.offset[row]) * STEP) - 1.0
        model = self.model(best)
        out.zwarning[row] = doubts(
            frames.flux[row], frames.ivar[row], model, candidates, choice, self.basis, self.rule
        )
        return best, second

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


def _empty(count: int) -> Fit:
    def unknown() -> Array:
        return np.full(count, np.nan)

    return Fit(
        broad=np.full(count, -1, np.int64),
        probabilities=np.full((count, len(CLASSES)), np.nan),
        z=unknown(),
        z_err=unknown(),
        deltachi2=unknown(),
        rchi2=unknown(),
        zwarning=np.zeros(count, np.int32),
        noise=np.ones(count),
        z_second=unknown(),
        solutions=[],
    )


def _share(network: Array, broad: Array, fitted: Array, best: Solution, basis: Basis) -> Array:
    """Probabilities of the 13 classes from those of the three, shape (13,).

    Within a broad class the network's proportions hold. Where it left the class that the fit
    chose next to nothing, its proportions say nothing either: then a star is of its archetype's
    class.
    """
    inside = network[:, None] * MEMBERSHIP / np.maximum(broad, 1e-12)
    for k, kind in enumerate(BROAD_CLASSES):
        if broad[k] >= 0.01:
            continue
        share = MEMBERSHIP[:, k] / MEMBERSHIP[:, k].sum()
        if kind == "QSO":
            share = np.array([float(name == "QSO") for name in CLASSES])
        elif kind == "STAR" and best.kind == "STAR":
            share = 0.2 * share
            share[basis.star.classes[best.archetype]] += 0.8
        weight = broad[k] / 0.01
        inside[:, k] = weight * inside[:, k] + (1.0 - weight) * share
    total: Array = inside @ fitted
    total /= total.sum()
    return total
