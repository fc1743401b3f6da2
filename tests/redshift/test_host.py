"""The share of starlight, against mixtures of known shares."""

import numpy as np
import pytest

import huggins
from huggins.redshift import load_basis
from huggins.redshift.basis import STEP
from huggins.redshift.frames import SIZE, START
from huggins.redshift.host import HostFit, non_negative
from huggins.taxonomy import INDEX

REST = 10.0 ** ((START + np.arange(SIZE)) * STEP)


@pytest.fixture(scope="module")
def fit():
    return HostFit.of(load_basis().star)


def _stars(name, shift):
    star = load_basis().star
    row = star.vectors[star.classes == INDEX[name]].astype(float).mean(axis=0)
    at = np.arange(SIZE) + START - shift - star.start
    return row[at.clip(0, len(row) - 1)]


def _mixture(share, *, z=0.2, sn=20.0, seed=0):
    shift = round(np.log10(1.0 + z) / STEP)
    wavelength = REST / 10.0 ** (shift * STEP)
    old = _stars("K", shift) + 0.4 * _stars("G", shift)
    at = (wavelength > 5080.0) & (wavelength < 5130.0)
    nucleus = (wavelength / 5100.0) ** -1.4
    line = np.exp(-0.5 * ((wavelength - 4862.7) / 35.0) ** 2)
    flux = share * old / old[at].mean() + (1.0 - share) * (nucleus + 0.8 * line)
    error = np.median(flux) / sn
    rng = np.random.default_rng(seed)
    return flux + error * rng.normal(size=SIZE), np.full(SIZE, error**-2.0), shift


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("z", [0.08, 0.5])
def test_shares_of_mixtures(fit, share, z):
    assert fit.share(*_mixture(share, z=z)) == pytest.approx(share, abs=0.12)


def test_it_is_a_share_whatever_the_spectrum(fit):
    rng = np.random.default_rng(3)
    for _ in range(30):
        flux = rng.normal(rng.uniform(-1.0, 3.0), 1.0, SIZE)
        share = fit.share(flux, np.ones(SIZE), 800.0)
        assert np.isnan(share) or 0.0 <= share <= 1.0


def test_it_says_nothing_in_noise_or_with_little_observed(fit):
    flux, ivar, shift = _mixture(0.5, sn=0.3)
    assert np.isnan(fit.share(flux, ivar, shift))
    flux, ivar, shift = _mixture(0.5)
    ivar[REST < 5400.0] = 0.0
    assert np.isnan(fit.share(flux, ivar, shift))
    assert np.isnan(fit.share(flux, 0.0 * ivar, shift))
    assert np.isnan(fit.share(flux, ivar, 4000.0))


def test_least_squares_without_negative_coefficients():
    rng = np.random.default_rng(4)
    for _ in range(50):
        x = rng.normal(size=(6, 20))
        matrix, right = x @ x.T, x @ rng.normal(size=20)
        solution, used = non_negative(matrix, right)
        slope = right - matrix @ solution
        assert (solution >= 0.0).all()
        np.testing.assert_allclose(slope[used], 0.0, atol=1e-6)
        assert (slope[~used] <= 1e-6).all()


def test_the_table_has_it_for_galaxies_and_not_for_stars():
    shift = round(np.log10(1.1) / STEP)
    flux = 10.0 * (_stars("K", shift) + 0.4 * _stars("G", shift))
    star = 10.0 * _stars("K", 0)
    error = 0.03 * flux
    rng = np.random.default_rng(6)
    rows = huggins.classify(
        [(REST, some + error * rng.normal(size=SIZE), error) for some in (flux, star)]
    )
    assert list(rows["CLASS"]) == ["GALAXY", "STAR"]
    assert rows["FRAC_HOST"][0] > 0.9
    assert np.ma.is_masked(rows["FRAC_HOST"][1])
