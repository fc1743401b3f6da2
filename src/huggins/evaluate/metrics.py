"""How well classes come out: confusion, precision, recall, purity, coverage.

Arrays in, small records out; nothing here reads a file or draws. Classes are strings; an empty
predicted class means that nothing was said, which is never right for a spectrum with a class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.errors import InputError
from huggins.evaluate.intervals import (
    CONFIDENCE,
    RESAMPLINGS,
    Estimate,
    Rate,
    rate,
    share,
    wilson,
)
from huggins.taxonomy import BROAD, CLASSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

#: The broad classes, in the order of the tables of the report.
BROAD_CLASSES: Final = ("STAR", "GALAXY", "QSO")
#: Stars along the temperature sequence: neighbours here are neighbours on the sky's HR diagram.
SEQUENCE: Final = ("O", "B", "A", "F", "G", "K", "M", "L")
#: Bins of the median signal-to-noise ratio a pixel.
SN_EDGES: Final = (-math.inf, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, math.inf)
#: Bins of redshift.
Z_EDGES: Final = (-math.inf, 0.1, 0.3, 0.6, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, math.inf)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of every true class against every predicted one.

    Attributes
    ----------
    rows : tuple of str
        True classes, K of them.
    columns : tuple of str
        Predicted classes, M of them.
    counts : ndarray of int, shape (K, M + 1)
        The last column counts what is none of `columns`, where nothing was said included.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: NDArray[np.int64]

    def by_row(self) -> NDArray[np.float64]:
        """Return each row as shares of its sum, shape (K, M + 1); NaN where it is empty."""
        total = self.counts.sum(axis=1, keepdims=True)
        return np.where(total > 0, self.counts / np.maximum(total, 1), math.nan)


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Precision and recall of one class, each with its interval."""

    name: str
    precision: Rate
    recall: Rate


@dataclass(frozen=True, slots=True)
class PurityCompleteness:
    """Quasar selection against the probability asked for; every array of shape (T,).

    Attributes
    ----------
    threshold : ndarray
        A spectrum is selected where its quasar probability is at least this.
    selected : ndarray of int
    purity, purity_low, purity_high : ndarray
        Share of the selected that are quasars, with interval; NaN where none is selected.
    completeness, completeness_low, completeness_high : ndarray
        Share of the quasars that are selected, with interval; NaN where there is none.
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


@dataclass(frozen=True, slots=True)
class CoverageCurve:
    """Accuracy among the surest spectra; every array of shape (T,).

    Attributes
    ----------
    coverage : ndarray
        Share of the spectra that are kept, rising to 1.
    threshold : ndarray
        The lowest confidence among them.
    accuracy, low, high : ndarray
        Share of the kept ones that are right, with interval.
    """

    coverage: NDArray[np.float64]
    threshold: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LetterScore:
    """Spectral letter of stars: right, and right or the neighbour on the sequence."""

    right: Rate
    within_one: Rate


def confusion_matrix(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    columns: Sequence[str] = CLASSES,
    rows: Sequence[str] | None = None,
) -> Confusion:
    """Count every pair of true and predicted class.

    Parameters
    ----------
    truth, predicted : array_like of str, shape (N,)
    columns
        Predicted classes to tell apart; everything else goes to one last column.
    rows
        True classes to count, those of `columns` by default; other spectra are left out.

    Raises
    ------
    InputError
        If `truth` and `predicted` differ in shape.
    """
    true, said = _pair(truth, predicted)
    rows = tuple(columns if rows is None else rows)
    columns = tuple(columns)
    row, column = _codes(true, rows), _codes(said, columns)
    wide = len(columns) + 1
    inside = row < len(rows)
    counts = np.bincount(row[inside] * wide + column[inside], minlength=len(rows) * wide)
    return Confusion(rows, columns, counts.reshape(len(rows), wide))


def accuracy(truth: ArrayLike, predicted: ArrayLike) -> Rate:
    """Return the share of spectra whose predicted class is the true one."""
    true, said = _pair(truth, predicted)
    return share(true == said)


def precision_recall(
    truth: ArrayLike, predicted: ArrayLike, *, classes: Sequence[str] = CLASSES
) -> tuple[ClassScore, ...]:
    """Return precision and recall of each class.

    Parameters
    ----------
    truth, predicted : array_like of str, shape (N,)
        A true class outside `classes` (sky, say) counts against the precision of what it was
        taken for. Leave out spectra whose truth is not known.
    classes
        To score, in this order.
    """
    true, said = _pair(truth, predicted)
    scores = []
    for name in classes:
        is_it, called_it = true == name, said == name
        hits = int((is_it & called_it).sum())
        scores.append(
            ClassScore(name, rate(hits, int(called_it.sum())), rate(hits, int(is_it.sum())))
        )
    return tuple(scores)


def macro_recall(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    classes: Sequence[str] = CLASSES,
    confidence: float = CONFIDENCE,
    resamplings: int = RESAMPLINGS,
    seed: int = 0,
) -> Estimate:
    """Return the mean of the recalls of those classes that have spectra.

    The interval comes from a bootstrap within each class (as many spectra of each class every
    time), which for a recall is a binomial draw.

    Parameters
    ----------
    truth, predicted : array_like of str, shape (N,)
    classes
        Those that count; one without a spectrum in `truth` is left out of the mean.
    confidence, resamplings, seed
        Of the interval.

    Returns
    -------
    Estimate
        Its n is the number of spectra; value NaN where no class has any.
    """
    matrix = confusion_matrix(truth, predicted, columns=classes)
    total = matrix.counts.sum(axis=1)
    present = total > 0
    n = int(total.sum())
    if n == 0:
        return Estimate(math.nan, math.nan, math.nan, 0)
    total = total[present]
    recall = matrix.counts.diagonal()[present] / total
    rng = np.random.default_rng(seed)
    drawn = (rng.binomial(total, recall, size=(resamplings, len(total))) / total).mean(axis=1)
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(drawn, [tail, 1.0 - tail])
    return Estimate(float(recall.mean()), float(low), float(high), n)


def quasar_purity_completeness(
    is_quasar: ArrayLike, probability: ArrayLike, *, thresholds: ArrayLike | None = None
) -> PurityCompleteness:
    """Return purity and completeness of a quasar sample against the probability asked for.

    Parameters
    ----------
    is_quasar : array_like of bool, shape (N,)
        The truth; broad-absorption-line quasars are quasars.
    probability : array_like, shape (N,)
        That it is a quasar: P_QSO + P_BAL; NaN where nothing was said, never selected.
    thresholds : array_like, shape (T,)
        By default 0, 0.01, ... 1.
    """
    quasar, chance = np.asarray(is_quasar, bool), np.asarray(probability, np.float64)
    _same(quasar, chance)
    asked = (
        np.linspace(0.0, 1.0, 101)
        if thresholds is None
        else np.asarray(thresholds, np.float64).ravel()
    )
    said = np.isfinite(chance)
    order = np.argsort(chance[said])
    rising = chance[said][order]
    start = np.searchsorted(rising, asked, side="left")  # the first that is selected
    hits_from = np.append(np.cumsum(quasar[said][order][::-1])[::-1], 0)
    hits, selected = hits_from[start], len(rising) - start
    quasars = np.full(len(asked), int(quasar.sum()))
    purity_low, purity_high = wilson(hits, selected)
    low, high = wilson(hits, quasars)
    return PurityCompleteness(
        asked,
        selected,
        _ratio(hits, selected),
        purity_low,
        purity_high,
        _ratio(hits, quasars),
        low,
        high,
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
    _same(value, flags)
    if len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise InputError(f"the edges of bins must rise, not {tuple(edges)}")
    return tuple(
        Bin(float(low), float(high), share(flags[(value >= low) & (value < high)]))
        for low, high in pairwise(edges)
    )


def accuracy_coverage(
    confidence: ArrayLike, right: ArrayLike, *, points: int = 100
) -> CoverageCurve:
    """Return the accuracy among the surest spectra, against how many are kept.

    Parameters
    ----------
    confidence : array_like, shape (N,)
        PROB, say; NaN where nothing was said, kept last.
    right : array_like of bool, shape (N,)
    points
        How many points of the curve at most. Spectra of one confidence are kept or left
        together, so there may be fewer.
    """
    chance, flags = np.asarray(confidence, np.float64), np.asarray(right, bool)
    _same(chance, flags)
    n = len(chance)
    sure = np.where(np.isnan(chance), -math.inf, chance)
    order = np.argsort(-sure, kind="stable")
    falling, hits = sure[order], np.cumsum(flags[order])
    ends = np.append(np.flatnonzero(np.diff(falling)), n - 1)[: n and None]
    wanted = np.ceil(np.linspace(0.0, 1.0, points + 1)[1:] * n).astype(int) - 1
    at = np.unique(ends[np.searchsorted(ends, wanted)]) if n else ends
    kept = at + 1
    low, high = wilson(hits[at], kept)
    threshold = np.where(np.isinf(falling[at]), math.nan, falling[at])
    return CoverageCurve(kept / max(n, 1), threshold, hits[at] / kept, low, high)


def letter_score(truth: ArrayLike, predicted: ArrayLike) -> LetterScore:
    """Return how often the spectral letter of stars is right, or right or a neighbour.

    Parameters
    ----------
    truth, predicted : array_like of str, shape (N,)
        SUBCLASS; spectra whose truth is not one of O B A F G K M L are left out, and
        a predicted class that is none of them is wrong on both counts.
    """
    true, said = _pair(truth, predicted)
    row, column = _codes(true, SEQUENCE), _codes(said, SEQUENCE)
    stars = row < len(SEQUENCE)
    apart = np.abs(row - column)[stars]
    letter = column[stars] < len(SEQUENCE)
    return LetterScore(share(apart == 0), share(letter & (apart <= 1)))


def sky_pass_rate(zwarning: ArrayLike) -> Rate:
    """Return the share of sky fibres that pass as spectra: ZWARNING equal to 0.

    Parameters
    ----------
    zwarning : array_like of int, shape (N,)
        Of spectra known to be empty sky.
    """
    return share(np.asarray(zwarning) == 0)


def broad(classes: ArrayLike) -> NDArray[np.str_]:
    """Return STAR, GALAXY or QSO for each of the 13; what is none of them becomes empty."""
    return np.array([BROAD.get(str(name), "") for name in np.atleast_1d(classes)], dtype=str)


def _pair(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    true, said = np.asarray(truth, dtype=str), np.asarray(predicted, dtype=str)
    _same(true, said)
    return true, said


def _same(first: NDArray[np.generic], second: NDArray[np.generic]) -> None:
    if first.ndim != 1 or first.shape != second.shape:
        raise InputError(
            "a figure needs two one-dimensional arrays of one length, "
            f"not {first.shape} and {second.shape}"
        )


def _codes(names: NDArray[np.str_], order: Sequence[str]) -> NDArray[np.intp]:
    """Position of each name in `order`; its length where it is not there."""
    codes = np.full(len(names), len(order), dtype=np.intp)
    for i, name in enumerate(order):
        codes[names == name] = i
    return codes


def _ratio(count: NDArray[np.integer], n: NDArray[np.integer]) -> NDArray[np.float64]:
    return np.where(n > 0, count / np.maximum(n, 1), math.nan)
