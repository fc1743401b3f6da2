"""Which candidate it is: the network's opinion and the fits, weighed.

Every candidate gets a score, a log probability up to a constant:

    a log P(class) + b log p(z) - 1/2 D(delta chi2) - 1/2 E(epsilon chi2) + offset(class)

P and p are the network's. delta chi2 is the lowest chi2 of any class at the candidate's
redshift (within 1000 km/s) above the lowest one at all; epsilon chi2 is the candidate's own
above that of its redshift. Both are divided by the lowest reduced chi2 r where that is above 1,
so that errors of the survey or of the basis count as noise. D rises like delta chi2 and levels
off at C / (1 + ((r - 1) / s)^2): a good fit (r near 1) can overrule a network that is sure,
a bad one cannot. E levels off far lower: whether the object at a known redshift is a galaxy
with an active nucleus or a quasar with a host, a star or a galaxy at rest, is no matter of
chi2.
Stars have no p(z); the network's place for them is zero.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.constants import LN10, SPEED_OF_LIGHT
from huggins.errors import ModelError
from huggins.redshift.basis import STEP
from huggins.redshift.search import SAME, saturate
from huggins.taxonomy import BROAD_CLASSES, CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.redshift.refine import Solution
    from huggins.redshift.search import Candidates, Proposal

    Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rule:
    """Constants of decision, errors and warnings, fitted on training folds and mocks.

    Attributes
    ----------
    network, density
        a and b of the score.
    ceiling, soft
        C and s of the score.
    same
        Where E levels off, softened like C.
    offset
        Of STAR, GALAXY and QSO: what a more flexible basis gains for nothing.
    error_factor, error_floor
        By class of the 13: the error is the one from the curvature times the factor, and in
        quadrature the floor in km/s.
    margin
        Score by which the best candidate must lead the next different one.
    gap
        DELTACHI2, over the reduced chi2 where that is above 1, that there is at least.
    feature
        Gain over a smooth polynomial that a spectrum with features has at least.
    outliers
        Largest share of pixels beyond 5 sigma.
    coverage
        Least number of good pixels.
    emission
        Significance of a negative quasar line.
    """

    network: float = 1.0
    density: float = 1.0
    ceiling: float = 60.0
    soft: float = 2.0
    same: float = 6.0
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    error_factor: tuple[float, ...] = (1.0,) * len(CLASSES)
    error_floor: tuple[float, ...] = (0.0,) * len(CLASSES)
    margin: float = 3.0
    gap: float = 9.0
    feature: float = 40.0
    outliers: float = 0.15
    coverage: int = 400
    emission: float = 5.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, to be stored with the basis."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Rule:
        """Read what `to_dict` wrote.

        Raises
        ------
        ModelError
            If a name is unknown.
        """
        try:
            given: dict[str, Any] = {
                k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
            }
            return cls(**given)
        except TypeError as error:
            raise ModelError(
                f"the rule in the basis does not fit this version: {error}"
            ) from error


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The decision on one spectrum.

    Attributes
    ----------
    best, second
        Positions in ``Candidates.solutions`` of the chosen one and of the next different one;
        `second` is -1 where there is none.
    margin
        Lead of the best score over the next different one, between redshifts of one class by
        chi2 at its full weight.
    deltachi2
        Lowest chi2 at a redshift more than 1000 km/s away minus that at the chosen redshift;
        NaN where there is no other.
    probabilities : ndarray, shape (3,)
        Of `BROAD_CLASSES`, network and fit together.
    """

    best: int
    second: int
    margin: float
    deltachi2: float
    probabilities: Array

    def climbed(self, before: Solution, after: Solution) -> Choice:
        """Return the same after the chosen candidate was followed to its minimum."""
        return replace(self, deltachi2=self.deltachi2 + before.masked - after.masked)


def choose(
    candidates: Candidates, broad: Array, proposal: Proposal | None, rule: Rule
) -> Choice:
    """Weigh the candidates of one spectrum.

    Parameters
    ----------
    candidates
        At least one.
    broad : ndarray, shape (3,)
        The network's probabilities of `BROAD_CLASSES`; equal where there is no network.
    proposal
        Its redshift distribution.
    rule
        The constants.
    """
    solutions = candidates.solutions
    kind = np.array([BROAD_CLASSES.index(s.kind) for s in solutions])
    score = scores(candidates, broad, proposal, rule)
    best = int(score.argmax())
    different = [
        n for n in range(len(solutions)) if is_different(solutions[n], solutions[best])
    ]
    second = max(different, key=lambda n: score[n], default=-1)
    rated = score - _within_class(candidates, rule)
    margin = rated[best] - rated[different].max(initial=-np.inf)
    peak = np.array([score[kind == k].max(initial=-np.inf) for k in range(len(BROAD_CLASSES))])
    probabilities = np.exp(peak - peak.max())
    chi2 = comparable(candidates)
    shift = np.array([s.shift for s in solutions])
    away = np.abs(shift - shift[best]) > SAME
    gap = chi2[away].min(initial=np.inf) - chi2[~away].min()
    return Choice(
        best,
        second,
        float(margin),
        float(gap) if np.isfinite(gap) else np.nan,
        probabilities / probabilities.sum(),
    )


def scores(
    candidates: Candidates, broad: Array, proposal: Proposal | None, rule: Rule
) -> Array:
    """Log probability of each candidate up to a constant; see the top of this file."""
    solutions = candidates.solutions
    kind = np.array([BROAD_CLASSES.index(s.kind) for s in solutions])
    shift = np.array([s.shift for s in solutions])
    chi2, local, badness, softness = _fits(candidates, rule)
    fit = saturate((local - chi2.min()) / badness, rule.ceiling / softness)
    fit += saturate((chi2 - local) / badness, rule.same / softness)
    out: Array = rule.network * np.log(broad + 1e-6)[kind]
    out += np.asarray(rule.offset)[kind] - 0.5 * fit
    if proposal is not None:
        prior = proposal.at(shift * STEP)
        # A star's redshift is no news: as good as the network's best guess.
        top = float(proposal.logs.max())
        out += rule.density * np.where(kind == 0, np.maximum(prior, top - 3.0), prior)
    return out


def _within_class(candidates: Candidates, rule: Rule) -> Array:
    """Return what a bad fit takes from D between redshifts of one class, shape (n,).

    A galaxy whose lines are stronger or broader than those of the basis fits badly, and yet its
    redshift is beyond doubt, since every other fits far worse. It is between classes that a
    bad fit tells little.
    """
    kind = np.array([s.kind for s in candidates.solutions])
    _, local, badness, softness = _fits(candidates, rule)
    best = np.array([local[kind == name].min() for name in kind])
    lost: Array = saturate((local - best) / badness, rule.ceiling) * (1.0 - 1.0 / softness)
    return 0.5 * lost


def _fits(candidates: Candidates, rule: Rule) -> tuple[Array, Array, float, float]:
    """Return chi2, the lowest at each redshift (both (n,)), r, and what r divides C by."""
    chi2 = comparable(candidates)
    shift = np.array([s.shift for s in candidates.solutions])
    near = np.abs(shift[:, None] - shift) <= SAME
    local = np.where(near, chi2, np.inf).min(axis=1)
    badness = max(float(chi2.min()) / max(candidates.good, 1), 1.0)
    return chi2, local, badness, 1.0 + ((badness - 1.0) / rule.soft) ** 2


def is_different(one: Solution, other: Solution) -> bool:
    """Whether two candidates differ in class or by more than 1000 km/s."""
    return one.kind != other.kind or abs(one.shift - other.shift) > SAME


def comparable(candidates: Candidates) -> Array:
    """chi2 of the candidates, comparable within and between classes, shape (n,).

    Within a class absorption counts as explained; between classes it does not, or a quasar
    could explain anything.
    """
    solutions = candidates.solutions
    chi2 = np.array([s.chi2 for s in solutions], np.float64)
    for name in BROAD_CLASSES:
        mine = np.array([n for n, s in enumerate(solutions) if s.kind == name], dtype=np.int64)
        if len(mine):
            masked = np.array([solutions[n].masked for n in mine], np.float64)
            chi2[mine] = chi2[mine[masked.argmin()]] + masked - masked.min()
    return chi2


def error(solution: Solution, reduced: float, index: int, rule: Rule) -> float:
    """Return the 1-sigma error of the redshift.

    Parameters
    ----------
    solution
        The chosen one.
    reduced
        Its reduced chi2.
    index
        Its class of the 13.
    rule
        Fitted factor and floor.
    """
    pixels = rule.error_factor[index] * min(solution.sigma, SAME) * np.sqrt(max(reduced, 1.0))
    floor = rule.error_floor[index] / (SPEED_OF_LIGHT * LN10 * STEP)
    relative = LN10 * STEP * float(np.hypot(pixels, floor))
    return float(10.0 ** (solution.shift * STEP) * relative)
