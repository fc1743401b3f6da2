"""The input contracts: what a network sees."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.errors import ModelError
from huggins.prepare import SEED, STANDARD, InputContract, LogGrid


def arrays(seed, contract=STANDARD, rows=3):
    rng = np.random.default_rng(seed)
    shape = (rows, contract.grid.size)
    return rng.normal(2.0, 1.0, shape), rng.gamma(2.0, 1.0, shape) * (rng.random(shape) > 0.1)


def test_the_grids_cover_what_they_should():
    assert SEED.grid.size == 433
    assert SEED.grid.edges[[0, -1]] == pytest.approx([3.56, 4.01])
    assert STANDARD.grid.edges[[0, -1]] == pytest.approx([3.55, 4.03])
    assert len(STANDARD.grid.loglam) == STANDARD.grid.size


@pytest.mark.parametrize("contract", [SEED, STANDARD])
@given(seed=st.integers(0, 2**32 - 1), factor=st.floats(1e-20, 1e20))
def test_scaling_the_flux_changes_nothing(contract, seed, factor):
    flux, ivar = arrays(seed, contract)
    np.testing.assert_allclose(
        contract.tensor(flux * factor, ivar / factor**2),
        contract.tensor(flux, ivar),
        rtol=2e-5,
        atol=1e-6,
    )


def test_the_seed_divides_by_the_maximum():
    flux, ivar = arrays(1, SEED)
    out = SEED.tensor(flux, ivar)
    assert out.shape == (3, 1, 433)
    assert out.max(axis=(1, 2)) == pytest.approx(1.0)
    assert (out[:, 0][ivar == 0] == 0).all()


def test_missing_coverage_is_told_not_hidden():
    flux, ivar = arrays(2)
    ivar[0, 500:] = 0
    out = STANDARD.tensor(flux, ivar)
    coverage = out[:, STANDARD.channels.index("coverage")]
    np.testing.assert_array_equal(coverage, ivar > 0)
    for i, channel in enumerate(STANDARD.channels):
        if channel != "coverage":
            assert (out[:, i][ivar == 0] == 0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_without_weight_do_not_matter(bad):
    flux, ivar = arrays(3)
    dirty = np.where(ivar == 0, bad, flux)
    np.testing.assert_array_equal(STANDARD.tensor(dirty, ivar), STANDARD.tensor(flux, ivar))


@pytest.mark.parametrize(
    "flux",
    [
        np.full(960, -3.0),
        np.zeros(960),
        np.r_[1e30, np.ones(959)],
        np.r_[-1e30, np.ones(959)],
        np.full(960, 1e-30),
        np.random.default_rng(4).normal(0.0, 1.0, 960),
    ],
    ids=["negative", "zero", "spike", "hole", "faint", "noise"],
)
@pytest.mark.parametrize("contract", [STANDARD, SEED])
def test_any_flux_gives_finite_bounded_input(flux, contract):
    flux = flux[None, : contract.grid.size]
    out = contract.tensor(flux, np.ones_like(flux))
    assert np.isfinite(out).all()
    assert abs(out).max() <= max(contract.clip, 1.0) or contract.normalisation == "max"


def test_a_spike_does_not_change_the_rest():
    flux, ivar = arrays(5, rows=1)
    hit = flux.copy()
    hit[0, 100] = 1e12
    before, after = STANDARD.tensor(flux, ivar), STANDARD.tensor(hit, ivar)
    rest = np.arange(960) != 100
    # Three of a thousand triples move the median that the noise is measured by.
    assert abs(before - after)[0][:, rest].max() < 0.05


def test_an_empty_spectrum_is_all_zero():
    assert not STANDARD.tensor(np.full((1, 960), np.nan), np.zeros((1, 960))).any()


@pytest.mark.parametrize("contract", [SEED, STANDARD])
def test_it_survives_the_weights_file(contract):
    assert InputContract.from_dict(json.loads(json.dumps(contract.to_dict()))) == contract


def test_an_unknown_key_is_refused():
    with pytest.raises(ModelError, match="does not fit this version"):
        InputContract.from_dict({**STANDARD.to_dict(), "smoothing": 3})


def test_a_missing_key_is_refused():
    with pytest.raises(ModelError, match="does not fit this version"):
        InputContract.from_dict({"channels": ["flux"]})


def test_unknown_channels_and_normalisations_are_refused():
    grid = LogGrid(3.6, 1e-3, 10)
    with pytest.raises(ModelError, match="colour"):
        InputContract(grid, ("colour",))
    with pytest.raises(ModelError, match="mode"):
        InputContract(grid, ("flux",), normalisation="mode")


@given(seed=st.integers(0, 2**32 - 1), exponent=st.floats(-12.0, 12.0))
def test_an_ivar_wrong_by_a_constant_changes_nothing(seed, exponent):
    flux, ivar = arrays(seed)
    np.testing.assert_allclose(
        STANDARD.tensor(flux, ivar * 10.0**exponent),
        STANDARD.tensor(flux, ivar),
        rtol=2e-5,
        atol=1e-6,
    )


def test_given_noise_is_taken_as_it_is():
    flux, ivar = arrays(3)
    given_noise = replace(STANDARD, noise="given")
    at = STANDARD.channels.index("snr")
    right = given_noise.tensor(flux, ivar)[:, at]
    expected = np.arcsinh(np.where(ivar > 0, flux * np.sqrt(ivar), 0.0)).clip(-6.0, 6.0)
    np.testing.assert_allclose(right, expected, atol=1e-6)
    assert abs(given_noise.tensor(flux, ivar * 100.0)[:, at] - right).max() > 1.0


def test_measured_noise_is_that_of_the_pixels():
    rng = np.random.default_rng(4)
    sigma = rng.uniform(0.5, 2.0, (6, 960))
    flux = 10.0 + 0.3 * sigma * rng.standard_normal((6, 960))
    measured = STANDARD.tensor(flux, sigma**-2.0)
    true = replace(STANDARD, noise="given").tensor(flux, (0.3 * sigma) ** -2.0)
    at = STANDARD.channels.index("snr")
    assert np.median(measured[:, at] - true[:, at]) == pytest.approx(0.0, abs=0.1)


def test_with_too_few_neighbours_the_noise_is_as_given():
    flux, ivar = arrays(5)
    ivar[:, np.arange(960) % 3 == 0] = 0.0  # no three neighbours are left
    given_noise = replace(STANDARD, noise="given")
    np.testing.assert_array_equal(STANDARD.tensor(flux, ivar), given_noise.tensor(flux, ivar))


def test_weights_of_before_take_the_noise_as_given():
    old = STANDARD.to_dict()
    del old["noise"]
    assert InputContract.from_dict(old).noise == "given"
    with pytest.raises(ModelError, match="unknown noise 'guessed'"):
        replace(STANDARD, noise="guessed")
