"""Sets of classes that hold the true one as often as is asked for.

Split conformal prediction (Vovk, Gammerman and Shafer 2005, Algorithmic Learning in a Random
World, section 4.2.2) with the scores of Sadinle, Lei and Wasserman (2019, JASA 114, 223): on
spectra of known class that the network was not trained on, one minus the probability of the
true class is counted; its quantile is the bar that a class must pass to be in the set. If later
spectra are like those (in random order), the set holds the true class with at least the
probability asked for, however wrong the probabilities themselves are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from huggins.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ConformalSets:
    """How to make sets of classes from probabilities.

    Attributes
    ----------
    coverage
        Share of sets that hold the true class, at least.
    bars : ndarray, shape (K,)
        Probability from which on a class is in the set; all the same where they were not
        fitted class by class. 0 where there were too few spectra to promise anything: then
        the class is in every set.
    counts : ndarray of int, shape (K,)
        Spectra that each bar rests on.
    """

    coverage: float
    bars: NDArray[np.float64]
    counts: NDArray[np.int64]

    def sets(self, probabilities: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return which classes are in the set of each spectrum, shape (N, K).

        A set may be empty: then no class is likely enough, and the spectrum is unlike those
        that the bars were fitted to.
        """
        chosen: NDArray[np.bool_] = np.asarray(probabilities) >= self.bars
        return chosen


def fit_sets(
    probabilities: NDArray[np.floating],
    truth: NDArray[np.integer],
    *,
    coverage: float = 0.95,
    by_class: bool = False,
) -> ConformalSets:
    """Find the bars on spectra of known class.

    Parameters
    ----------
    probabilities : ndarray, shape (N, K)
    truth : ndarray of int, shape (N,)
        Index of the true class.
    coverage
        Wanted share of sets that hold the true class.
    by_class
        Promise the coverage for the spectra of each class apart, not for all together: rare
        classes are then held as often as common ones, by larger sets.

    Raises
    ------
    InputError
        If the coverage is not between 0 and 1, the shapes do not fit, or there are no spectra.
    """
    probabilities, truth = np.asarray(probabilities, float), np.asarray(truth)
    if not 0.0 < coverage < 1.0:
        raise InputError(f"a coverage lies between 0 and 1, not at {coverage:g}")
    if probabilities.ndim != 2 or truth.shape != probabilities.shape[:1] or not len(truth):
        raise InputError(
            f"probabilities (N, K) and the true classes (N,) of at least one spectrum are "
            f"needed, not {probabilities.shape} and {truth.shape}"
        )
    classes = probabilities.shape[1]
    of_truth = probabilities[np.arange(len(truth)), truth]
    if not by_class:
        bars = np.full(classes, _bar(of_truth, coverage))
        return ConformalSets(coverage, bars, np.full(classes, len(truth)))
    members = [of_truth[truth == k] for k in range(classes)]
    return ConformalSets(
        coverage,
        np.array([_bar(values, coverage) for values in members]),
        np.array([len(values) for values in members]),
    )


def _bar(of_truth: NDArray[np.float64], coverage: float) -> float:
    """Return the probability that all but a share 1 - coverage of n + 1 spectra reach."""
    below = int(np.floor((len(of_truth) + 1) * (1.0 - coverage)))
    return float(np.sort(of_truth)[below - 1]) if below >= 1 else 0.0
