"""Temperatures, error scale and thresholds find what was put in."""

import numpy as np
import pytest

from huggins.inference import Prediction
from huggins.prepare import STANDARD
from huggins.taxonomy import ALL_CLASSES, CLASSES
from huggins.train import calibrate
from huggins.train.data import redshift_target
from huggins.weights import Metadata


def test_temperature_undoes_overconfidence():
    rng = np.random.default_rng(0)
    honest = rng.normal(0.0, 2.0, (20000, 5))
    chance = np.exp(honest) / np.exp(honest).sum(axis=1, keepdims=True)
    truth = (chance.cumsum(axis=1) > rng.random((20000, 1))).argmax(axis=1)
    allowed = truth[:, None] == np.arange(5)
    found = calibrate.temperature(honest * 2.5, allowed, np.ones(20000))
    assert found == pytest.approx(2.5, rel=0.06)


def test_redshift_temperature_ignores_spectra_without_redshift():
    target = redshift_target(np.array([0.3, 1.0, np.nan]), 2.0)
    scores = np.log(target + 1e-9) * 1.7
    scores[2] = 1e3 * np.random.default_rng(1).normal(size=scores.shape[1])
    found = calibrate.redshift_temperature(scores, target, np.ones(3))
    assert found == pytest.approx(1.7, rel=0.05)


def test_error_scale_makes_errors_honest_and_leaves_out_failures():
    rng = np.random.default_rng(2)
    truth = np.full(5000, 2.0)
    z = truth + rng.normal(0.0, 0.003, 5000)
    z[:200] = 0.5
    assert calibrate.error_scale(z, np.full(5000, 0.001), truth) == pytest.approx(3.0, rel=0.05)


def test_thresholds_keep_the_right_and_stop_the_sky():
    count = 300
    probabilities = np.full((count, 13), 0.01)
    truth = np.array(["QSO"] * count, dtype="U6")
    none = np.full(count, 0.001)
    first = np.full(count, 0.95)
    first[200:230] = 0.34  # uncertain, and wrong
    truth[200:230] = "STAR"
    sky = np.arange(count) >= 230
    truth[sky] = "SKY"
    none[sky] = 0.4
    probabilities[:, CLASSES.index("QSO")] = first
    found = calibrate.thresholds(
        Metadata("a", "0", ALL_CLASSES, STANDARD),
        Prediction(probabilities, none, np.zeros(count), np.ones(count), np.ones(count)),
        truth,
        sky,
        np.ones(count),
    )
    assert 0.34 < found.threshold < 0.95
    assert 0.001 < found.none_threshold < 0.4
