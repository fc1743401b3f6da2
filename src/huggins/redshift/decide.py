"""Class and redshift from the network's probabilities and the fits together.

Each candidate gets a score, a log probability up to a constant:

    S = a log P(class) + b log p(z) - D / 2 - W / 2 + o(class)
    D = C' (1 - exp(-delta / C')),  W = E' (1 - exp(-epsilon / E'))
    C' = C / f,  E' = E / f,  f = 1 + ((r - 1) / s)^2

P and p are those of the network. delta is the lowest chi2 of any class at the candidate's
redshift (within 1000 km/s) minus the lowest of all; epsilon is the candidate's own chi2 minus
the lowest at its redshift; both are divided by r, the lowest reduced chi2 (at least 1), so that
misfit counts as noise. A good fit (r near 1) can therefore overrule a confident network, a bad
one cannot. E is far below C: whether an object at a known redshift is a galaxy with an active
nucleus or a quasar with a host is not decided by chi2. For stars, p is at least exp(-3) of the
network's largest. a, b, C, E, s, o: `huggins.redshift.parameters.DecisionParameters`.

Below z = 0.9 the difference of S between quasar and galaxy at the best redshift, where both
were fitted, is replaced by L of `huggins.redshift.border`, to which broad lines contribute; the
sum of their exp(S) stays. Of redshifts of one class with about the same S the one with the
lowest chi2 is better.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.redshift import alternatives, border
from huggins.redshift.basis import STEP
from huggins.redshift.frames import SAME
from huggins.redshift.search import saturate
from huggins.taxonomy import BROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from huggins.redshift.candidates import Candidates
    from huggins.redshift.minimise import Solution
    from huggins.redshift.parameters import DecisionParameters
    from huggins.redshift.proposals import Proposal

    Array = NDArray[np.float64]

# Weight of ln(1 + e / C) between equals: on training folds and mocks (S/N 1 to 40) it made 1 of
# 685 and none of 3742 redshifts right, and none wrong; ten times as much, 4 mocks wrong.
_TIE: Final = 0.05
_BORDER: Final = float(np.log10(1.0 + border.Z_MAX))


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The decision on one spectrum.

    Attributes
    ----------
    best, second
        Positions in ``Candidates.solutions`` of the chosen one and of the next different one,
        which `margin` speaks of; `second` is -1 where there is none.
    margin
        Lead of the best score over the next different one, between redshifts of one class by
        chi2 at its full weight.
    deltachi2
        Lowest chi2 at a redshift more than 1000 km/s away minus that at the chosen redshift;
        NaN where there is no other.
    probabilities : ndarray, shape (3,)
        Of `BROAD_CLASSES`, network and fit together.
    rival
        Position of the candidate that `deltachi2` speaks of; -1 where there is none.
    score : ndarray, shape (n,)
        Log probability of each candidate up to a constant, before any was minimised: S less
        what chi2 of a bad fit adds (`huggins.redshift.alternatives`). None is above the best.
    """

    best: int
    second: int
    margin: float
    deltachi2: float
    probabilities: Array
    rival: int = -1
    score: Array = field(default_factory=lambda: np.zeros(0))

    def minimised(self, before: Solution, after: Solution) -> Choice:
        """Return the choice after chi2 of the chosen candidate was minimised."""
        return replace(self, deltachi2=self.deltachi2 + before.masked - after.masked)


def choose(
    candidates: Candidates,
    broad: Array,
    proposal: Proposal | None,
    parameters: DecisionParameters,
    lines: Callable[[float], Array] | None = None,
) -> Choice:
    """Weigh the candidates of one spectrum.

    Parameters
    ----------
    candidates
        At least one.
    broad : ndarray, shape (3,)
        Probabilities of `BROAD_CLASSES` by the network; equal where there is none.
    proposal
        Its redshift distribution.
    parameters
        Weights and limits.
    lines
        Significances of broad lines at a shift (`huggins.redshift.border.BroadLines`), asked
        for where they matter; without them galaxies and quasars differ by S alone.
    """
    fits = _compare(candidates, parameters)
    kind, chi2 = fits.kind, fits.chi2
    score = _scores(fits, broad, proposal, parameters)
    best = _best(score, fits)
    if lines is not None and (pair := _pair(fits, best)) is not None:
        score = _at_border(score, pair, broad, lines(float(fits.shift[best])))
        best = _best(score, fits)
    away = np.abs(fits.shift - fits.shift[best]) > SAME
    rated = score - _within_class(fits, parameters)
    listed = _listed(score, best, fits, parameters)
    others = np.flatnonzero(away | (kind != kind[best]))
    second = int(others[rated[others].argmax()]) if len(others) else -1
    margin = rated[best] - rated[second] if second >= 0 else np.inf
    peak = np.full(len(BROAD_CLASSES), -np.inf)
    np.maximum.at(peak, kind, score)
    probabilities = np.exp(peak - peak.max())
    far = np.where(away, chi2, np.inf)
    rival = int(far.argmin()) if away.any() else -1
    gap = far[rival] - chi2[~away].min()
    return Choice(
        best,
        second,
        float(margin),
        float(gap) if np.isfinite(gap) else np.nan,
        probabilities / probabilities.sum(),
        rival,
        listed,
    )


def scores(
    candidates: Candidates,
    broad: Array,
    proposal: Proposal | None,
    parameters: DecisionParameters,
) -> Array:
    """Log probability of each candidate up to a constant; see the top of this file."""
    return _scores(_compare(candidates, parameters), broad, proposal, parameters)


def _scores(
    fits: _Fits, broad: Array, proposal: Proposal | None, parameters: DecisionParameters
) -> Array:
    kind, chi2, local, softness = fits.kind, fits.chi2, fits.local, fits.softness
    fit = saturate((local - chi2.min()) / fits.badness, parameters.chi2_ceiling / softness)
    fit += saturate((chi2 - local) / fits.badness, parameters.class_chi2_ceiling / softness)
    each = parameters.class_weight * np.log(broad + 1e-6) + parameters.class_offset
    out: Array = each[kind] - 0.5 * fit
    if proposal is not None:
        prior = proposal.at(fits.shift * STEP)
        # A redshift near 0 is expected of a star: near the network's best.
        least = float(proposal.logs.max()) - 3.0
        prior[kind == 0] = np.maximum(prior[kind == 0], least)
        out += parameters.redshift_weight * prior
    return out


def border_case(
    candidates: Candidates,
    broad: Array,
    proposal: Proposal | None,
    parameters: DecisionParameters,
) -> tuple[float, float] | None:
    """Return shift and d of `huggins.redshift.border`, where that applies."""
    fits = _compare(candidates, parameters)
    best = _best(_scores(fits, broad, proposal, parameters), fits)
    pair = _pair(fits, best)
    return None if pair is None else (float(fits.shift[best]), pair[2])


def _pair(fits: _Fits, best: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_], float] | None:
    """Return which candidates are galaxies and quasars at the best redshift, and d."""
    shift = fits.shift[best]
    if fits.kind[best] == 0 or shift * STEP > _BORDER:
        return None
    near = np.abs(fits.shift - shift) <= SAME
    galaxies, quasars = (near & (fits.kind == k) for k in (1, 2))
    if not galaxies.any() or not quasars.any():
        return None
    gap = float(fits.chi2[galaxies].min() - fits.chi2[quasars].min()) / fits.badness
    return galaxies, quasars, gap


def _at_border(
    score: Array,
    pair: tuple[NDArray[np.bool_], NDArray[np.bool_], float],
    broad: Array,
    lines: Array,
) -> Array:
    """Return the scores with galaxy and quasar at the best redshift weighed by their lines."""
    galaxies, quasars, gap = pair
    odds = border.log_odds(broad, gap, lines)
    galaxy, quasar = float(score[galaxies].max()), float(score[quasars].max())
    both = np.logaddexp(galaxy, quasar)
    out = score.copy()
    out[galaxies] += both - np.logaddexp(0.0, odds) - galaxy
    out[quasars] += both - np.logaddexp(0.0, -odds) - quasar
    return out


def _within_class(fits: _Fits, parameters: DecisionParameters) -> Array:
    """Return the reduction of D / 2 by a bad fit within one class, shape (n,).

    A galaxy with lines stronger or broader than those of the basis fits badly, yet its redshift
    is certain if every other fits far worse. Only between classes is a bad fit inconclusive.
    """
    return _lost(fits.excess, fits, parameters)


def _lost(excess: Array, fits: _Fits, parameters: DecisionParameters) -> Array:
    lost: Array = saturate(excess, parameters.chi2_ceiling) * (1.0 - 1.0 / fits.softness)
    return 0.5 * lost


def _best(score: Array, fits: _Fits) -> int:
    """Return the best candidate: of the class with the highest S, equals by chi2.

    Far above C two redshifts have one S, though one may fit better by a thousand.
    """
    order = np.where(fits.kind == fits.kind[score.argmax()], score - fits.tie, -np.inf)
    return int(order.argmax())


def _listed(score: Array, best: int, fits: _Fits, parameters: DecisionParameters) -> Array:
    """Return the score by which redshifts are listed (`huggins.redshift.alternatives`)."""
    excess = (fits.local - fits.chi2.min()) / fits.badness
    far = np.log1p(excess / parameters.chi2_ceiling)
    out = score - _lost(excess, fits, parameters) - alternatives.BEYOND * far
    # The answer is the first, whatever its chi2, and alone.
    top = out[best]
    kept: Array = np.where(out >= top, top - _TIE * (1.0 + far), out)
    kept[best] = top
    return kept


@dataclass(frozen=True, slots=True, eq=False)
class _Fits:
    """The candidates of one spectrum, compared.

    Attributes
    ----------
    kind : ndarray of int, shape (n,)
        Index into `BROAD_CLASSES`.
    shift, chi2, local : ndarray, shape (n,)
        Where each lies, its chi2, and the lowest chi2 at its redshift.
    badness, softness
        r, and what it divides C and E by (f).
    excess, tie : ndarray, shape (n,)
        Of `local` above the lowest of the class, over r; what it takes off among equals.
    """

    kind: NDArray[np.int64]
    shift: Array
    chi2: Array
    local: Array
    badness: float
    softness: float
    excess: Array
    tie: Array


def _compare(candidates: Candidates, parameters: DecisionParameters) -> _Fits:
    solutions = candidates.solutions
    chi2 = comparable(candidates)
    shift = np.array([s.shift for s in solutions])
    near = np.abs(shift[:, None] - shift) <= SAME
    badness = max(float(chi2.min()) / max(candidates.good, 1), 1.0)
    kind = np.array([BROAD_CLASSES.index(s.kind) for s in solutions])
    local = np.where(near, chi2, np.inf).min(axis=1)
    lowest = np.where(kind[:, None] == kind, local, np.inf).min(axis=1)
    excess = (local - lowest) / badness
    return _Fits(
        kind=kind,
        shift=shift,
        chi2=chi2,
        local=local,
        badness=badness,
        softness=1.0 + ((badness - 1.0) / parameters.misfit_scale) ** 2,
        excess=excess,
        tie=_TIE * np.log1p(excess / parameters.chi2_ceiling),
    )


def is_different(first: Solution, second: Solution) -> bool:
    """Whether two candidates differ in class or by more than 1000 km/s."""
    return first.kind != second.kind or abs(first.shift - second.shift) > SAME


def comparable(candidates: Candidates) -> Array:
    """chi2 of the candidates, comparable within and between classes, shape (n,).

    Within a class absorption counts as explained; between classes it does not, or a quasar
    could explain anything.
    """
    best: dict[str, Solution] = {}
    for solution in candidates.solutions:
        if solution.masked < best.setdefault(solution.kind, solution).masked:
            best[solution.kind] = solution
    return np.array(
        [best[s.kind].chi2 + s.masked - best[s.kind].masked for s in candidates.solutions],
        np.float64,
    )
