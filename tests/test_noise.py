"""The scatter between pixels against a direct calculation."""

from __future__ import annotations

import numpy as np
import pytest

from huggins.noise import measured_error, scatter, smoothing


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


def _running_mean(flux, width):
    return np.convolve(flux, np.ones(width) / width, "same")


@pytest.mark.parametrize("width", [5, 9, 15])
def test_smoothed_noise_is_measured_as_it_was_before(width):
    """Errors of sums over many pixels, which a fit feels, are at most a third too small."""
    rng = np.random.default_rng(width)
    white = rng.normal(scale=2.0, size=4000)
    # The surveys' resampling correlates neighbours a little, before anybody smooths.
    resampled = 0.5 * (white[1:] + white[:-1]) * np.sqrt(2.0)
    flux = 10.0 + _running_mean(resampled, width)
    error = measured_error(flux, np.ones(len(flux), bool))
    sums = flux[50:3950].reshape(-1, 60).sum(axis=1)
    expected = np.sqrt((error[50:3950] ** 2).reshape(-1, 60).sum(axis=1))
    ratio = float(np.std(sums) / np.median(expected))
    assert 0.5 < ratio < 1.35


def test_unsmoothed_noise_is_not_inflated():
    rng = np.random.default_rng(3)
    flux = 10.0 + rng.normal(scale=2.0, size=4000)
    assert smoothing(flux, np.ones(4000, bool)) == (1.0, 1.0)
    error = measured_error(flux, np.ones(4000, bool))
    assert np.median(error) == pytest.approx(2.0, rel=0.1)


def test_smoothing_needs_pixels_and_scatter():
    assert smoothing(np.ones(20), np.ones(20, bool)) == (1.0, 1.0)
    assert smoothing(np.ones(500), np.ones(500, bool)) == (1.0, 1.0)
