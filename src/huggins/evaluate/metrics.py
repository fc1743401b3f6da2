"""Classification metrics: confusion matrix, precision, recall.

Classes are strings; an empty
predicted class means that there is none, which is never right for a spectrum with a class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from huggins.errors import InputError
from huggins.evaluate.intervals import (
    RESAMPLINGS,
    UNKNOWN,
    Estimate,
    Rate,
    central,
    fraction,
    rate,
)
from huggins.taxonomy import BROAD, CLASSES, SEQUENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


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
        The last column counts what is none of `columns`, no class included.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: NDArray[np.int64]

    def by_row(self) -> NDArray[np.float64]:
        """Return each row as fractions of its sum, shape (K, M + 1); NaN where it is empty."""
        total = self.counts.sum(axis=1, keepdims=True)
        return np.where(total > 0, self.counts / np.maximum(total, 1), math.nan)


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Precision and recall of one class, each with its interval."""

    name: str
    precision: Rate
    recall: Rate


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
        Predicted classes; every other prediction counts in one last column.
    rows
        True classes to count, those of `columns` by default; other spectra are left out.

    Raises
    ------
    InputError
        If `truth` and `predicted` differ in shape.
    """
    true, predicted = _pair(truth, predicted)
    rows = tuple(columns if rows is None else rows)
    columns = tuple(columns)
    row, column = _codes(true, rows), _codes(predicted, columns)
    wide = len(columns) + 1
    inside = row < len(rows)
    counts = np.bincount(row[inside] * wide + column[inside], minlength=len(rows) * wide)
    return Confusion(rows, columns, counts.reshape(len(rows), wide))


def accuracy(truth: ArrayLike, predicted: ArrayLike) -> Rate:
    """Return the fraction of spectra whose predicted class is the true one."""
    true, predicted = _pair(truth, predicted)
    return fraction(true == predicted)


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
    true, predicted = _pair(truth, predicted)
    scores = []
    for name in classes:
        is_it, called_it = true == name, predicted == name
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
) -> Estimate:
    """Return the mean of the recalls of those classes that have spectra.

    The interval comes from draws of each class's recall from its Jeffreys posterior (Brown, Cai
    and DasGupta 2001, Stat. Sci. 16, 101), a beta distribution. A bootstrap would take a class
    of which one spectrum of one is right for perfectly known.

    Parameters
    ----------
    truth, predicted : array_like of str, shape (N,)
    classes
        Those that count; one without a spectrum in `truth` is left out of the mean.

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
        return UNKNOWN
    total = total[present]
    right = matrix.counts.diagonal()[present]
    rng = np.random.default_rng(0)
    drawn = rng.beta(right + 0.5, total - right + 0.5, size=(RESAMPLINGS, len(total)))
    return _between(float((right / total).mean()), drawn.mean(axis=1), n)


def macro_recall_difference(
    truth: ArrayLike,
    new: ArrayLike,
    old: ArrayLike,
    *,
    classes: Sequence[str] = CLASSES,
) -> Estimate:
    """Return the macro recall of one classifier minus that of another on the same spectra.

    The interval comes from draws of the fractions gained, lost and unchanged in each class from
    their Jeffreys posterior, a Dirichlet distribution.

    Parameters
    ----------
    truth, new, old : array_like of str, shape (N,)
        True class, and that of each classifier.
    classes
        As for `macro_recall`.
    """
    true, new = _pair(truth, new)
    _, old = _pair(truth, old)
    rng = np.random.default_rng(0)
    values, drawn, n = [], np.zeros(RESAMPLINGS), 0
    for name in classes:
        of = true == name
        size = int(of.sum())
        if not size:
            continue
        right_new, right_old = new[of] == name, old[of] == name
        gained = int((right_new & ~right_old).sum())
        lost = int((right_old & ~right_new).sum())
        values.append((gained - lost) / size)
        counts = np.array([gained, lost, size - gained - lost])
        draws = rng.dirichlet(counts + 0.5, size=RESAMPLINGS)
        drawn += draws[:, 0] - draws[:, 1]
        n += size
    if not values:
        return UNKNOWN
    return _between(float(np.mean(values)), drawn / len(values), n)


def letter_score(truth: ArrayLike, predicted: ArrayLike) -> LetterScore:
    """Return how often the spectral letter of stars is right, or right or a neighbour.

    Parameters
    ----------
    truth, predicted : array_like of str, shape (N,)
        SUBCLASS; spectra whose truth is not one of O B A F G K M L are left out, and
        a predicted class that is none of them is wrong on both counts.
    """
    true, predicted = _pair(truth, predicted)
    row, column = _codes(true, SEQUENCE), _codes(predicted, SEQUENCE)
    stars = row < len(SEQUENCE)
    apart = np.abs(row - column)[stars]
    letter = column[stars] < len(SEQUENCE)
    return LetterScore(fraction(apart == 0), fraction(letter & (apart <= 1)))


def broad(classes: ArrayLike) -> NDArray[np.str_]:
    """Return STAR, GALAXY or QSO for each of the 13; what is none of them becomes empty."""
    return np.array([BROAD.get(str(name), "") for name in np.atleast_1d(classes)], dtype=str)


def _between(value: float, drawn: NDArray[np.float64], n: int) -> Estimate:
    """Return a value with the central interval of its draws, widened to hold the value."""
    low, high = central(drawn)
    return Estimate(value, min(value, low), max(value, high), n)


def _pair(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    pair = np.asarray(truth, dtype=str), np.asarray(predicted, dtype=str)
    check_same(*pair)
    return pair


def check_same(first: NDArray[np.generic], second: NDArray[np.generic]) -> None:
    """Raise `InputError` unless two arrays are one-dimensional and of one length."""
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
