"""The scatter between pixels against a direct calculation."""

from __future__ import annotations

import numpy as np
import pytest

from huggins.noise import scatter


@pytest.mark.parametrize("lag", [1, 3])
@pytest.mark.parametrize("size", [60, 61])
def test_scatter_is_the_scaled_median_of_second_differences(lag, size):
    rng = np.random.default_rng(size)
    flux, variance = rng.normal(size=size), rng.uniform(0.5, 2.0, size)
    variance[17] = np.inf
    ratios = []
    for i in range(lag, size - lag):
        v = variance[i] + 0.25 * (variance[i - lag] + variance[i + lag])
        if np.isfinite(v):
            ratios.append(abs(flux[i] - 0.5 * (flux[i - lag] + flux[i + lag])) / np.sqrt(v))
    ratios.sort()
    middle = scatter(flux[None], variance[None], lag=lag)
    assert middle[0] == pytest.approx(1.4826 * np.median(ratios))
    lower = scatter(flux[None], variance[None], lag=lag, lower=True)
    assert lower[0] == pytest.approx(1.4826 * ratios[(len(ratios) - 1) // 2])


def test_too_few_differences_give_no_scatter():
    variance = np.ones((2, 40))
    variance[1, 30:] = np.nan
    found = scatter(np.random.default_rng(0).normal(size=(2, 40)), variance)
    assert np.isfinite(found[0])
    assert np.isnan(found[1])
    assert np.isnan(scatter(np.ones((1, 4)), np.ones((1, 4)))).all()
