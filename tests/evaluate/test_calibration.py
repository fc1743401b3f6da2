import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.errors import InputError
from huggins.evaluate import expected_calibration_error, reliability


def simulated(count, *, seed, excess=0.0):
    """Confidences, and whether a classifier is right that is overconfident by `excess`."""
    rng = np.random.default_rng(seed)
    confidence = 0.3 + 0.7 * rng.random(count) ** 0.3
    return confidence, rng.random(count) < confidence - excess


def test_the_error_by_hand():
    # Bin around 0.9: promised 0.9, held 0.5. Bin around 0.3: promised 0.3, held 0.
    found = expected_calibration_error([0.9, 0.9, 0.9, 0.9, 0.3], [1, 1, 0, 0, 0], bins=5)
    assert found.error.value == pytest.approx((4 * 0.4 + 1 * 0.3) / 5)
    assert found.error.n == 5


def test_a_perfectly_calibrated_classifier_has_no_error_but_that_of_chance():
    confidence, right = simulated(100_000, seed=1)
    found = expected_calibration_error(confidence, right, resamplings=100)
    assert found.error.value < 0.008
    assert found.error.value <= found.by_chance_high


def test_an_overconfident_classifier_shows_by_how_much():
    confidence, right = simulated(20_000, seed=2, excess=0.1)
    found = expected_calibration_error(confidence, right, resamplings=100)
    assert found.error.low <= 0.1 <= found.error.high
    assert found.error.value > found.by_chance_high


def test_the_interval_covers_the_error_of_small_samples():
    inside = 0
    for seed in range(100):
        confidence, right = simulated(300, seed=seed, excess=0.1)
        error = expected_calibration_error(confidence, right, resamplings=200).error
        inside += error.low <= 0.1 <= error.high
    assert inside >= 85


def test_chance_alone_is_what_calibrated_classifiers_show():
    confidence, _ = simulated(200, seed=3)
    rng = np.random.default_rng(4)
    errors = [
        expected_calibration_error(
            confidence, rng.random(200) < confidence, resamplings=1
        ).error.value
        for _ in range(300)
    ]
    found = expected_calibration_error(confidence, rng.random(200) < confidence)
    assert found.by_chance == pytest.approx(np.mean(errors), rel=0.06)
    assert found.by_chance_high == pytest.approx(np.quantile(errors, 0.95), rel=0.1)


def test_the_same_seed_gives_the_same_interval():
    confidence, right = simulated(50, seed=5)
    assert expected_calibration_error(confidence, right, seed=7) == expected_calibration_error(
        confidence, right, seed=7
    )


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), min_size=1))
def test_the_bins_of_the_diagram_hold_every_spectrum(pairs):
    confidence, right = zip(*pairs, strict=True)
    bins = reliability(confidence, right, bins=10)
    assert sum(b.accuracy.n for b in bins) == len(pairs)
    for b in bins:
        if b.accuracy.n:
            assert b.low - 1e-12 <= b.confidence <= b.high + 1e-12
    weighted = sum(
        b.accuracy.n * abs(b.confidence - b.accuracy.value) for b in bins if b.accuracy.n
    )
    error = expected_calibration_error(confidence, right, bins=10, resamplings=2).error.value
    assert error == pytest.approx(weighted / len(pairs), abs=1e-9)


def test_certainty_falls_into_the_last_bin_and_nothing_into_none():
    bins = reliability([1.0, 0.0], [True, False], bins=4)
    assert [b.accuracy.n for b in bins] == [1, 0, 0, 1]
    assert math.isnan(bins[1].confidence)
    assert math.isnan(expected_calibration_error([], []).error.value)


@pytest.mark.parametrize("confidence", [[1.5], [-0.1], [math.nan]])
def test_what_is_no_probability_is_refused(confidence):
    with pytest.raises(InputError, match="between 0 and 1"):
        expected_calibration_error(confidence, [True])


def test_arrays_must_belong_together_and_bins_be_some():
    with pytest.raises(InputError, match="one length"):
        reliability([0.5], [True, False])
    with pytest.raises(InputError, match="at least one bin"):
        reliability([0.5], [True], bins=0)
