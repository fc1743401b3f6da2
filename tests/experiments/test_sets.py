"""Thresholds of sets of classes, and what they hold."""

import numpy as np
import pytest

from experiments.sets import CONFIDENCE, measure, quantiles
from huggins.inference import sets
from huggins.taxonomy import CLASSES


def drawn(count, seed):
    """Probabilities of N spectra whose classes are drawn from them."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(13, 0.15), count)
    right = (probabilities.cumsum(axis=1) > rng.random((count, 1))).argmax(axis=1)
    return probabilities, np.eye(13, dtype=bool)[right]


def test_quantiles_hold_what_they_promise_on_other_spectra():
    q = quantiles(*drawn(4000, 1))
    probabilities, truth = drawn(4000, 2)
    score = 1.0 - probabilities[truth]
    for confidence, limit in zip(CONFIDENCE, q, strict=True):
        assert (score <= limit).mean() == pytest.approx(confidence, abs=0.025)
    # With few spectra nothing is promised that they cannot show.
    assert quantiles(*drawn(20, 3))[-1] == 1.0


def test_what_sets_hold_is_counted(monkeypatch):
    known = np.array(CONFIDENCE), 1.0 - quantiles(*drawn(4000, 1)), "x"
    monkeypatch.setattr(sets, "calibration", lambda: known)
    found = measure(*drawn(2000, 4))
    for confidence in (0.9, 0.95, 0.99):
        part = found[f"{confidence:g}"]
        assert part["all"]["inside"] / 2000 > confidence - 0.02
        assert sum(part[name]["n"] for name in CLASSES) == part["all"]["n"] == 2000
    assert found["0.9"]["all"]["classes"] < found["0.99"]["all"]["classes"]
