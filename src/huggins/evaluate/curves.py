"""Accuracy against threshold, coverage, signal-to-noise ratio and redshift."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.errors import InputError
from huggins.evaluate.intervals import Rate, fraction, wilson
from huggins.evaluate.metrics import check_same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

#: Bins of the median signal-to-noise ratio per pixel.
SN_EDGES: Final = (-math.inf, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, math.inf)
#: Bins of redshift.
Z_EDGES: Final = (-math.inf, 0.1, 0.3, 0.6, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, math.inf)


@dataclass(frozen=True, slots=True)
class PurityCompleteness:
    """Quasar selection against the threshold in probability; arrays of shape (T,).

    Attributes
    ----------
    threshold : ndarray
        A spectrum is selected where its quasar probability is at least this.
    selected : ndarray of int
    purity, purity_low, purity_high : ndarray
        Fraction of the selected that are quasars, with interval; NaN where none is selected.
    completeness, completeness_low, completeness_high : ndarray
        Fraction of the quasars that are selected, with interval; NaN where there is none.
    """

    threshold: NDArray[np.float64]
    selected: NDArray[np.int64]
    purity: NDArray[np.float64]
    purity_low: NDArray[np.float64]
    purity_high: NDArray[np.float64]
    completeness: NDArray[np.float64]
    completeness_low: NDArray[np.float64]
    completeness_high: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """Accuracy among the spectra with ``low <= value < high``."""

    low: float
    high: float
    rate: Rate

    @property
    def limits(self) -> tuple[float, float]:
        """Its two edges."""
        return self.low, self.high


@dataclass(frozen=True, slots=True)
class CoverageCurve:
    """Accuracy against coverage; every array of shape (T,).

    Attributes
    ----------
    coverage : ndarray
        Fraction of the spectra that are kept, rising to 1.
    threshold : ndarray
        The lowest confidence among them.
    accuracy, low, high : ndarray
        Fraction of the kept ones that are right, with interval.
    """

    coverage: NDArray[np.float64]
    threshold: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def quasar_purity_completeness(
    is_quasar: ArrayLike, probability: ArrayLike, *, thresholds: ArrayLike | None = None
) -> PurityCompleteness:
    """Return purity and completeness of a quasar sample against the threshold in probability.

    Parameters
    ----------
    is_quasar : array_like of bool, shape (N,)
        The truth; broad-absorption-line quasars are quasars.
    probability : array_like, shape (N,)
        P_QSO + P_BAL; NaN where there is no prediction, never selected.
    thresholds : array_like, shape (T,)
        By default 0, 0.01, ... 1.
    """
    quasar, chance = np.asarray(is_quasar, bool), np.asarray(probability, np.float64)
    check_same(quasar, chance)
    asked = (
        np.linspace(0.0, 1.0, 101)
        if thresholds is None
        else np.asarray(thresholds, np.float64).ravel()
    )
    known = np.isfinite(chance)
    order = np.argsort(chance[known])
    rising = chance[known][order]
    start = np.searchsorted(rising, asked, side="left")  # the first that is selected
    hits_from = np.append(np.cumsum(quasar[known][order][::-1])[::-1], 0)
    hits, selected = hits_from[start], len(rising) - start
    quasars = np.full(len(asked), int(quasar.sum()))
    return PurityCompleteness(
        asked,
        selected,
        *(_ratio(hits, selected), *wilson(hits, selected)),
        *(_ratio(hits, quasars), *wilson(hits, quasars)),
    )


def binned_accuracy(
    values: ArrayLike, right: ArrayLike, *, edges: Sequence[float] = SN_EDGES
) -> tuple[Bin, ...]:
    """Return the accuracy in bins of some quantity, each with its number and interval.

    Parameters
    ----------
    values : array_like, shape (N,)
        Signal-to-noise, redshift, magnitude; NaN is in no bin.
    right : array_like of bool, shape (N,)
    edges
        Rising; a bin holds its lower edge and not its upper one.
    """
    value, flags = np.asarray(values, np.float64), np.asarray(right, bool)
    check_same(value, flags)
    if len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise InputError(f"the edges of bins must rise, not {tuple(edges)}")
    return tuple(
        Bin(float(low), float(high), fraction(flags[(value >= low) & (value < high)]))
        for low, high in pairwise(edges)
    )


def accuracy_coverage(
    confidence: ArrayLike, right: ArrayLike, *, points: int = 100
) -> CoverageCurve:
    """Return the accuracy against coverage, the most confident spectra kept first.

    Parameters
    ----------
    confidence : array_like, shape (N,)
        Such as PROB; NaN where there is no prediction, kept last.
    right : array_like of bool, shape (N,)
    points
        Number of points of the curve at most. Spectra of one confidence are kept or left
        together, so there may be fewer.
    """
    chance, flags = np.asarray(confidence, np.float64), np.asarray(right, bool)
    check_same(chance, flags)
    n = len(chance)
    sure = np.where(np.isnan(chance), -math.inf, chance)
    order = np.argsort(-sure, kind="stable")
    falling, hits = sure[order], np.cumsum(flags[order])
    ends = np.append(np.flatnonzero(falling[1:] != falling[:-1]), n - 1)[: n and None]
    targets = np.ceil(np.linspace(0.0, 1.0, points + 1)[1:] * n).astype(int) - 1
    at = np.unique(ends[np.searchsorted(ends, targets)]) if n else ends
    kept = at + 1
    low, high = wilson(hits[at], kept)
    threshold = np.where(np.isinf(falling[at]), math.nan, falling[at])
    return CoverageCurve(kept / max(n, 1), threshold, hits[at] / kept, low, high)


def _ratio(count: NDArray[np.integer], n: NDArray[np.integer]) -> NDArray[np.float64]:
    return np.where(n > 0, count / np.maximum(n, 1), math.nan)
