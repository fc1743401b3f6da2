"""Wrong labels by confident learning: where a network that has not seen a label doubts it.

Northcutt, Jiang and Chuang 2021, J. Artif. Intell. Res. 70, 1373.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ConfidentJoint:
    """What labels and predictions say together.

    Attributes
    ----------
    thresholds : ndarray, shape (K,)
        Mean probability of each class over the spectra labelled so; infinite for a class that
        no spectrum is labelled.
    counts : ndarray of int, shape (K, K)
        Spectra labelled i (row) that are confidently j (column).
    joint : ndarray, shape (K, K)
        Estimated fraction of all spectra that are labelled i and are j; sums to 1.
    guess : ndarray of int, shape (N,)
        The class that each spectrum confidently is; -1 where none is likely enough.
    """

    thresholds: Array
    counts: NDArray[np.int64]
    joint: Array
    guess: NDArray[np.int64]

    @property
    def apart(self) -> float:
        """Fraction of the joint off its diagonal: wrong labels and the network's own errors."""
        return float(1.0 - np.trace(self.joint))


@dataclass(frozen=True, slots=True)
class Fraction:
    """An estimated fraction with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


# Half of the 95 % point of chi2 with one degree of freedom.
_DROP: Final = 1.92
_HALVINGS: Final = 50


def fraction_wrong(labels: NDArray[np.integer], probabilities: Array) -> Fraction:
    """Estimate which fraction of the labels is wrong, by maximum likelihood.

    A label is taken to be wrong with one probability e, and then to be any other of the M
    classes that occur as labels. With probabilities P of the true class the likelihood of a
    label l is (1 - e) P(l) + e (1 - P(l)) / (M - 1): where the network itself cannot tell,
    it says nothing of e. This holds as far as the network is calibrated; the fraction off the
    diagonal of the confident joint counts its errors with those of the labels.

    Parameters
    ----------
    labels, probabilities
        As for `confident_joint`.

    Returns
    -------
    Fraction
        With the interval in which the log-likelihood is less than 1.92 below its maximum.
    """
    labels = np.asarray(labels)
    among = len(np.unique(labels))
    if among < 2:
        return Fraction(0.0, 0.0, 1.0)
    p = np.asarray(probabilities, np.float64)
    own = p[np.arange(len(labels)), labels] / p.sum(axis=1)
    other = (1.0 - own) / (among - 1)
    # No network is as sure as single precision allows it to say.
    own = np.clip(own, 1e-9, None)

    def fit(e: float) -> float:
        return float(np.log((1.0 - e) * own + e * other).sum())

    def slope(e: float) -> float:
        return float(((other - own) / ((1.0 - e) * own + e * other)).sum())

    # The log-likelihood is concave, so that halving finds its maximum and both ends.
    best = _halved(lambda e: slope(e) > 0.0, 0.0, 1.0 - 1e-9)
    enough = fit(best) - _DROP
    low = _halved(lambda e: fit(e) < enough, 0.0, best)
    high = _halved(lambda e: fit(e) >= enough, best, 1.0 - 1e-9)
    return Fraction(best, low, high)


def _halved(below: Callable[[float], bool], low: float, high: float) -> float:
    """Return where `below`, true from `low` on, turns false; an end where it is one of both."""
    if not below(low):
        return low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if below(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def confident_joint(labels: NDArray[np.integer], probabilities: Array) -> ConfidentJoint:
    """Count which labels go with which confident predictions.

    A spectrum is confidently of class j if its probability of j is at least the mean of those
    of all spectra labelled j, so that a class of which the network is never sure is judged by
    its own standard; of several such classes the most probable is taken. The counts of each
    row are then stretched to the number of spectra with that label.

    Parameters
    ----------
    labels : ndarray of int, shape (N,)
        Given classes, from 0.
    probabilities : ndarray, shape (N, K)
        Of a network that did not see these spectra with these labels (out of fold).

    Raises
    ------
    InputError
        If shapes or values make no sense.
    """
    labels = np.asarray(labels)
    probabilities = np.asarray(probabilities, np.float64)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not len(labels):
        raise InputError(
            f"labels of shape {labels.shape} and probabilities of shape {probabilities.shape} "
            "do not go together: (N,) and (N, K) are needed, N above 0"
        )
    classes = probabilities.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise InputError(f"labels lie between 0 and {classes - 1}")
    if not np.isfinite(probabilities).all():
        raise InputError("probabilities must be finite; leave out spectra without any")
    size = np.bincount(labels, minlength=classes)
    own = probabilities[np.arange(len(labels)), labels]
    total = np.bincount(labels, weights=own, minlength=classes)
    thresholds = np.full(classes, np.inf)
    np.divide(total, size, out=thresholds, where=size > 0)
    # Rounding of the mean must not shut out the very probabilities that it is the mean of.
    likely = np.where(probabilities >= thresholds * (1.0 - 1e-9), probabilities, -1.0)
    guess = np.where(likely.max(axis=1) >= 0.0, likely.argmax(axis=1), -1)
    sure = guess >= 0
    pairs = labels[sure] * classes + guess[sure]
    counts = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    # A label that no confident spectrum carries is taken to be right.
    rows = counts.astype(np.float64)
    rows[np.diag_indices(classes)] += counts.sum(axis=1) == 0
    joint = rows / rows.sum(axis=1, keepdims=True) * size[:, None]
    return ConfidentJoint(thresholds, counts, joint / joint.sum(), guess)


def doubted(
    labels: NDArray[np.integer], probabilities: Array, found: ConfidentJoint
) -> tuple[Indices, NDArray[np.int64], Array]:
    """Return the spectra that are confidently of another class than their label, worst first.

    Parameters
    ----------
    labels, probabilities
        As given to `confident_joint`.
    found
        What it returned.

    Returns
    -------
    rows : ndarray of int, shape (M,)
        Spectra off the diagonal of the confident joint.
    suggested : ndarray of int, shape (M,)
        The class that each confidently is.
    score : ndarray, shape (M,)
        (1 - margin) / 2, where the margin is the probability of the label minus that of the
        suggested class: 1 where the network is certain that the label is wrong, 0.5 where it
        cannot decide.
    """
    labels = np.asarray(labels)
    rows = np.flatnonzero((found.guess >= 0) & (found.guess != labels))
    suggested = found.guess[rows]
    margin = probabilities[rows, labels[rows]] - probabilities[rows, suggested]
    score = (1.0 - margin) / 2.0
    order = np.argsort(-score, kind="stable")
    return rows[order], suggested[order], score[order]
