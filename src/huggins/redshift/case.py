"""One spectrum on its way through the fit, and what its class means for the 13 classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.taxonomy import BROAD, BROAD_CLASSES, CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.redshift.basis import Basis
    from huggins.redshift.candidates import Candidates
    from huggins.redshift.decide import Choice
    from huggins.redshift.frames import Frames
    from huggins.redshift.minimise import Solution
    from huggins.redshift.proposals import Proposal

    Array = NDArray[np.float64]

#: MEMBERSHIP[i, b] is 1 where class i of the 13 belongs to broad class b.
MEMBERSHIP: Final = np.array(
    [[float(BROAD[name] == broad) for broad in BROAD_CLASSES] for name in CLASSES]
)
# Of each broad class the shares of its members where nothing is known of them.
_ALONE: Final = {
    broad: np.array([float(name == "QSO") for name in CLASSES])
    if broad == "QSO"
    else MEMBERSHIP[:, k] / MEMBERSHIP[:, k].sum()
    for k, broad in enumerate(BROAD_CLASSES)
}


@dataclass(slots=True, eq=False)
class Case:
    """One spectrum on its way from candidates to an answer.

    Attributes
    ----------
    frames, row
        The spectrum.
    network : ndarray, shape (13,)
        Probabilities by the network.
    proposal
        Its redshifts.
    given
        The redshift to classify at; NaN if it is free.
    candidates, choice
        Of the search and the decision; what was chosen is then minimised.
    """

    frames: Frames
    row: int
    network: Array
    proposal: Proposal | None
    given: float
    candidates: Candidates
    choice: Choice = field(init=False)
    broad: Array = field(init=False)
    offset: float = field(init=False)

    def __post_init__(self) -> None:
        self.broad = self.network @ MEMBERSHIP
        self.offset = float(self.frames.offset[self.row])

    @property
    def free(self) -> bool:
        """Whether the redshift is to be found."""
        return self.given != self.given

    @property
    def best(self) -> Solution:
        """The candidate that was chosen."""
        return self.candidates.solutions[self.choice.best]

    def replace_best(self, solution: Solution) -> None:
        """Put another solution in its place."""
        self.candidates = self.candidates.replaced(self.choice.best, solution)


def divided(network: Array, broad: Array, fitted: Array, best: Solution, basis: Basis) -> Array:
    """Probabilities of the 13 classes from those of the three, shape (13,).

    Within a broad class the network's proportions hold, unless its total for that class is
    below 1 %: they then give way to the best fit (a star takes its archetype's class).
    """
    inside = network[:, None] * MEMBERSHIP / np.maximum(broad, 1e-12)
    for k, kind in enumerate(BROAD_CLASSES):
        if broad[k] >= 0.01:
            continue
        fractions = _ALONE[kind]
        if kind == "STAR" and best.kind == "STAR":
            fractions = 0.2 * fractions
            fractions[basis.star.classes[best.archetype]] += 0.8
        weight = broad[k] / 0.01
        inside[:, k] = weight * inside[:, k] + (1.0 - weight) * fractions
    total: Array = inside @ fitted
    total /= total.sum()
    return total
