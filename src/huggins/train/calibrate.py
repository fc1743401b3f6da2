"""Calibrate probabilities and redshift errors, and choose warning thresholds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.inference.classification import decide
from huggins.taxonomy import BROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from huggins.inference import Prediction
    from huggins.weights import Metadata

    Array = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_RANGE: Final = (0.25, 4.0)


def temperature(scores: NDArray[np.floating], allowed: Bools, weight: Array) -> float:
    """Return the temperature that minimises the weighted loss.

    Parameters
    ----------
    scores : ndarray, shape (N, K)
    allowed : ndarray of bool, shape (N, K)
        The true class, or all classes that the label allows.
    weight : ndarray, shape (N,)
    """

    def loss(value: float) -> float:
        scaled = scores / value
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        power = np.exp(scaled)
        right = (power * allowed).sum(axis=1) / power.sum(axis=1)
        return float(-(weight * np.log(np.maximum(right, 1e-30))).sum())

    return _best(loss)


def redshift_temperature(
    scores: NDArray[np.floating], target: NDArray[np.floating], weight: Array
) -> float:
    """As `temperature`, for redshift scores and targets (N, B); rows of 0 do not count."""
    known = target.sum(axis=1) > 0
    scores, target, weight = scores[known], target[known], weight[known]

    def loss(value: float) -> float:
        scaled = scores / value
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        logp = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(-(weight * (target * logp).sum(axis=1)).sum())

    return _best(loss)


def _best(loss: Callable[[float], float]) -> float:
    """Find the minimum by golden section; the loss is convex in 1 / temperature."""
    low, high = 1.0 / _RANGE[1], 1.0 / _RANGE[0]
    golden = (5.0**0.5 - 1.0) / 2.0
    a, b = high - golden * (high - low), low + golden * (high - low)
    at_a, at_b = loss(1.0 / a), loss(1.0 / b)
    while high - low > 2e-3:
        if at_a < at_b:
            high, b, at_b = b, a, at_a
            a = high - golden * (high - low)
            at_a = loss(1.0 / a)
        else:
            low, a, at_a = a, b, at_b
            b = low + golden * (high - low)
            at_b = loss(1.0 / b)
    return 2.0 / (low + high)


def error_scale(z: Array, z_err: Array, truth: Array) -> float:
    """Factor on the errors for which 68 % of the redshifts lie within one error of the truth.

    Catastrophic failures, beyond 0.02 (1 + z), are not counted.
    """
    close = np.abs(z - truth) < 0.02 * (1.0 + truth)
    pull = np.abs(z - truth)[close] / z_err[close]
    return float(np.quantile(pull, 0.6827)) if close.any() else 1.0


def thresholds(
    metadata: Metadata,
    prediction: Prediction,
    truth: NDArray[np.str_],
    sky: Bools,
    weight: Array,
    *,
    sky_passed: float = 0.03,
) -> Metadata:
    """Choose the thresholds that keep the most correct results.

    Parameters
    ----------
    metadata
    prediction
        Calibrated, of N spectra.
    truth : ndarray of str, shape (N,)
        CLASS; anything else for sky.
    sky : ndarray of bool, shape (N,)
        Sky fibres, of which at most a fraction `sky_passed` may have no warning.
    weight : ndarray, shape (N,)

    Returns
    -------
    Metadata
        With `threshold` and `none_threshold`.
    """
    broad, sub = decide(prediction.probabilities)
    probability = prediction.probabilities[np.arange(len(sub)), sub]
    right = (np.array(BROAD_CLASSES)[broad] == truth) & ~sky
    wrong = ~right & ~sky
    best, chosen = -np.inf, (metadata.threshold, metadata.none_threshold)
    for low in np.arange(0.30, 0.71, 0.02):
        for none in (0.02, 0.03, 0.05, 0.07, 0.1, 0.14, 0.2, 0.28, 0.35, 0.42, 0.5):
            kept = (probability >= low) & (prediction.none <= none)
            if (weight * kept)[sky].sum() > sky_passed * weight[sky].sum():
                continue
            # A wrong result without a warning costs as much as four right ones with.
            value = float(weight[kept & right].sum() - 4.0 * weight[kept & wrong].sum())
            # Of thresholds that do as well, to half a percent, the strictest: few wrong
            # results are at hand, and fainter spectra than these will come.
            value += 5e-3 * float(weight.sum()) * (low - none)
            if value > best:
                best, chosen = value, (float(low), float(none))
    return replace(metadata, threshold=round(chosen[0], 3), none_threshold=chosen[1])
