"""Percentiles of the redshift."""

from __future__ import annotations

import math

import numpy as np
import pytest

from huggins.redshift.posterior import P84, percentiles


def test_one_redshift_is_its_error():
    low, high = percentiles([0.5, 2.0], [0.99, 1e-4], 0.01)
    assert low == pytest.approx(0.5 - P84 * 0.01)
    assert high == pytest.approx(0.5 + P84 * 0.01)


def test_rivals_pull_the_percentiles_to_where_a_sample_has_them():
    z, prob, error = [1.0, 0.3, 2.5], [0.6, 0.1, 0.25], 0.02
    low, high = percentiles(z, prob, error)
    rng = np.random.default_rng(1)
    place = rng.choice(z, 400_000, p=np.array(prob) / sum(prob))
    sample = place + rng.normal(size=len(place)) * error * (1 + place) / 2.0
    assert [low, high] == pytest.approx(np.percentile(sample, [16, 84]), abs=2e-3)
    assert low < 1.0
    assert high > 2.4


def test_a_rival_below_needs_16_percent_to_be_reached():
    assert percentiles([1.0, 0.5], [0.9, 0.1], 0.01)[0] > 0.95
    assert percentiles([1.0, 0.5], [0.8, 0.2], 0.01)[0] < 0.55


@pytest.mark.parametrize("error", [np.nan, np.inf, 0.0])
def test_without_an_error_nothing_is_said(error):
    assert np.isnan(percentiles([1.0], [1.0], error)).all()


def test_redshifts_far_apart_have_the_percentiles_of_the_whole_sum():
    rng = np.random.default_rng(4)
    for _ in range(50):
        z = rng.permutation(np.arange(0.2, 5.0, 0.4))[:5]
        prob, error = rng.dirichlet(np.ones(5)), float(rng.uniform(1e-4, 0.01))
        low, high = percentiles(z.tolist(), prob.tolist(), error)
        width = error * (1.0 + z) / (1.0 + z[0])
        for value, level in ((low, 0.16), (high, 0.84)):
            tails = [math.erfc(u) for u in (z - value) / width / math.sqrt(2.0)]
            assert 0.5 * float(prob @ tails) == pytest.approx(level, abs=1e-8)
