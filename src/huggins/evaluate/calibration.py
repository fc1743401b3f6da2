"""Calibration of probabilities: reliability diagram and expected calibration error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from huggins.errors import InputError
from huggins.evaluate.intervals import (
    CHUNK,
    CONFIDENCE,
    Estimate,
    Rate,
    bootstrap,
    default_resamplings,
    fraction,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: Bins of equal width in the reliability diagram and the calibration error, as is usual (Guo et
#: al. 2017, arXiv:1706.04599).
BINS = 15


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Confidence and accuracy of the spectra with ``low < confidence <= high``.

    Attributes
    ----------
    low, high : float
    confidence : float
        Mean of the bin's confidences; NaN where it is empty.
    accuracy : Rate
    """

    low: float
    high: float
    confidence: float
    accuracy: Rate


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """Expected calibration error, and what chance alone would give.

    Attributes
    ----------
    error : Estimate
    by_chance, by_chance_high : float
        Mean and 95 % quantile of the error of a perfectly calibrated classifier with these very
        confidences. A measured error below `by_chance_high` is no sign of miscalibration: few
        spectra show an error however good the probabilities are.
    """

    error: Estimate
    by_chance: float
    by_chance_high: float


def reliability(
    confidence: ArrayLike, right: ArrayLike, *, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Return the bins of the reliability diagram.

    Parameters
    ----------
    confidence : array_like, shape (N,)
        Probability given to the predicted class, in [0, 1].
    right : array_like of bool, shape (N,)
    bins
        Of equal width.
    """
    chance, flags = _checked(confidence, right, bins)
    at = _bin(chance, bins)
    edges = np.linspace(0.0, 1.0, bins + 1)
    return tuple(
        ReliabilityBin(
            float(edges[i]),
            float(edges[i + 1]),
            float(chance[at == i].mean()) if (at == i).any() else math.nan,
            fraction(flags[at == i]),
        )
        for i in range(bins)
    )


def expected_calibration_error(
    confidence: ArrayLike,
    right: ArrayLike,
    *,
    bins: int = BINS,
    resamplings: int | None = None,
    seed: int = 0,
) -> CalibrationError:
    """Return the expected calibration error with its interval.

    The mean over spectra of the gap between confidence and accuracy in their bin (Naeini et al.
    2015, AAAI; Guo et al. 2017, arXiv:1706.04599). Noise can only widen the gaps, so the error
    comes out too high, and the more so the fewer spectra there are. The interval is the basic
    bootstrap, which takes that bias out, and what chance alone gives stands beside it.

    Parameters
    ----------
    confidence, right, bins
        As for `reliability`.
    resamplings, seed
        Of the interval (as for `bootstrap`) and of the simulated classifier.

    Raises
    ------
    InputError
        If the arrays differ in length or a confidence is outside [0, 1] or NaN.
    """
    chance, flags = _checked(confidence, right, bins)

    def error(chances: NDArray[np.float64], rights: NDArray[np.float64]) -> NDArray[np.float64]:
        return _errors(chances, rights, bins)

    measured = bootstrap(
        error, chance, flags.astype(np.float64), resamplings=resamplings, seed=seed, basic=True
    )
    if measured.n == 0:
        return CalibrationError(measured, math.nan, math.nan)
    measured = Estimate(
        measured.value, max(0.0, measured.low), max(0.0, measured.high), measured.n
    )
    ideal = _by_chance(chance, bins, resamplings, seed)
    return CalibrationError(
        measured, float(ideal.mean()), float(np.quantile(ideal, CONFIDENCE))
    )


def _by_chance(
    chance: NDArray[np.float64], bins: int, resamplings: int | None, seed: int
) -> NDArray[np.float64]:
    """Errors of perfectly calibrated classifiers, shape (R,)."""
    resamplings = default_resamplings(len(chance)) if resamplings is None else resamplings
    rng = np.random.default_rng(seed)
    rows = max(1, CHUNK // len(chance))
    drawn = []
    for start in range(0, resamplings, rows):
        size = (min(rows, resamplings - start), len(chance))
        tiled = np.broadcast_to(chance, size)
        drawn.append(_errors(tiled, rng.random(size) < tiled, bins))
    return np.concatenate(drawn)


def _errors(
    chance: NDArray[np.float64], right: NDArray[np.float64 | np.bool_], bins: int
) -> NDArray[np.float64]:
    """Return the error of each row, shape (R,); both arrays are of shape (R, N)."""
    rows, n = chance.shape
    at = _bin(chance, bins) + bins * np.arange(rows)[:, None]
    gap = np.bincount(at.ravel(), weights=(chance - right).ravel(), minlength=rows * bins)
    errors: NDArray[np.float64] = np.abs(gap.reshape(rows, bins)).sum(axis=1) / n
    return errors


def _bin(chance: NDArray[np.float64], bins: int) -> NDArray[np.intp]:
    at: NDArray[np.intp] = np.ceil(chance * bins).astype(np.intp) - 1
    return at.clip(0, bins - 1)


def _checked(
    confidence: ArrayLike, right: ArrayLike, bins: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    chance, flags = np.asarray(confidence, np.float64), np.asarray(right, bool)
    if chance.ndim != 1 or chance.shape != flags.shape:
        raise InputError(
            "calibration needs two one-dimensional arrays of one length, "
            f"not {chance.shape} and {flags.shape}"
        )
    if bins < 1:
        raise InputError(f"calibration needs at least one bin, not {bins}")
    if not ((chance >= 0.0) & (chance <= 1.0)).all():
        raise InputError(
            "a confidence lies between 0 and 1: leave out spectra without a probability"
        )
    return chance, flags
