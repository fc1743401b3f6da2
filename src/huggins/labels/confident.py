"""Wrong labels by confident learning: where a network that has not seen a label doubts it.

Northcutt, Jiang and Chuang 2021, J. Artif. Intell. Res. 70, 1373.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from huggins.errors import InputError

if TYPE_CHECKING:
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
        Estimated share of all spectra that are labelled i and are j; sums to 1.
    guess : ndarray of int, shape (N,)
        The class that each spectrum confidently is; -1 where none is likely enough.
    """

    thresholds: Array
    counts: NDArray[np.int64]
    joint: Array
    guess: NDArray[np.int64]

    @property
    def wrong(self) -> float:
        """Estimated share of labels that are wrong."""
        return float(1.0 - np.trace(self.joint))


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
