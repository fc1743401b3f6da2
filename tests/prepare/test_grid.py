"""Rebinning: what is conserved, and what survives bad pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.prepare import STANDARD, LogGrid, rebin
from huggins.spectrum import Spectrum

GRID = LogGrid(start=3.6, step=1e-3, size=200)  # ends at 3.8

seeds = st.integers(0, 2**32 - 1)


def make(loglam, flux, ivar, **more):
    return Spectrum(
        np.asarray(loglam, float),
        np.asarray(flux, np.float32),
        np.asarray(ivar, np.float32),
        **more,
    )


def random_spectrum(seed, *, start=3.61, pixels=1500, step=1e-4, bad=0.1):
    rng = np.random.default_rng(seed)
    loglam = start + step * np.arange(pixels)
    ivar = rng.gamma(2.0, 1.0, pixels) * (rng.random(pixels) > bad)
    return make(loglam, rng.normal(3.0, 2.0, pixels), ivar)


@given(seeds, st.floats(3.602, 3.64), st.sampled_from([2e-5, 1e-4, 3.3e-4, 9.7e-4, 2.7e-3]))
def test_ivar_adds_and_flux_is_conserved(seed, start, step):
    # Inside the grid nothing is lost, for pixels finer and coarser than the grid's.
    spectrum = random_spectrum(seed, start=start, pixels=int(0.15 / step), step=step)
    flux, ivar = rebin([spectrum], GRID)
    assert ivar.sum() == pytest.approx(spectrum.ivar.astype(float).sum(), rel=1e-9)
    native = (spectrum.flux.astype(float) * spectrum.ivar).sum()
    assert (flux * ivar).sum() == pytest.approx(native, rel=1e-9, abs=1e-9)


@given(seeds)
def test_aligned_pixels_give_the_weighted_mean(seed):
    spectrum = random_spectrum(seed, start=GRID.start + 0.5e-4, pixels=2000)
    flux, ivar = rebin([spectrum], GRID)
    w = spectrum.ivar.astype(float).reshape(200, 10)
    f = spectrum.flux.astype(float).reshape(200, 10)
    np.testing.assert_allclose(ivar[0], w.sum(1), rtol=1e-6, atol=1e-6)
    mean = np.divide((w * f).sum(1), w.sum(1), out=np.zeros(200), where=w.sum(1) > 0)
    np.testing.assert_allclose(flux[0], mean, rtol=1e-5, atol=1e-5)


@given(seeds, st.integers(1, 40))
def test_a_shift_in_wavelength_shifts_the_grid(seed, pixels):
    spectrum = random_spectrum(seed, start=3.61, pixels=1000)
    moved = make(spectrum.loglam + pixels * GRID.step, spectrum.flux, spectrum.ivar)
    flux, ivar = rebin([spectrum, moved], GRID)
    np.testing.assert_allclose(ivar[1, pixels:], ivar[0, :-pixels], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(
        (flux * ivar)[1, pixels:], (flux * ivar)[0, :-pixels], rtol=1e-5, atol=1e-5
    )


@given(seeds, st.integers(1, 5))
def test_a_batch_gives_what_each_spectrum_gives_alone(seed, count):
    rng = np.random.default_rng(seed)
    spectra = [
        random_spectrum(
            seed + i, start=rng.uniform(3.4, 3.7), pixels=int(rng.integers(1, 3000))
        )
        for i in range(count)
    ]
    together = rebin(spectra, GRID)
    for i, spectrum in enumerate(spectra):
        alone = rebin([spectrum], GRID)
        np.testing.assert_array_equal(together[0][i], alone[0][0])
        np.testing.assert_array_equal(together[1][i], alone[1][0])


def test_no_coverage_is_no_weight_and_no_flux():
    flux, ivar = rebin([random_spectrum(1, start=3.65, pixels=500, bad=0.0)], GRID)
    assert (ivar[0, :49] == 0).all()
    assert (flux[0, :49] == 0).all()
    assert (ivar[0, 51:99] > 0).all()
    assert (ivar[0, 101:] == 0).all()


def test_a_hole_in_the_wavelengths_is_not_filled():
    spectrum = random_spectrum(2, bad=0.0)
    keep = np.r_[0:500, 900:1500]
    holed = make(spectrum.loglam[keep], spectrum.flux[keep], spectrum.ivar[keep])
    _, ivar = rebin([holed], GRID)
    lost = (GRID.loglam > 3.6605) & (GRID.loglam < 3.6995)
    assert (ivar[0, lost] == 0).all()
    assert ivar.sum() == pytest.approx(holed.ivar.astype(float).sum(), rel=1e-6)


@pytest.mark.parametrize("place", [0, 1, 700, 1498, 1499])
def test_holes_at_the_ends_keep_the_sum(place):
    loglam = random_spectrum(3).loglam
    loglam[place:] += 0.02
    spectrum = make(loglam, np.ones(1500), np.ones(1500))
    flux, ivar = rebin([spectrum], GRID)
    assert ivar.sum() == pytest.approx(1500)
    np.testing.assert_allclose(flux[ivar > 0], 1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_bad_pixels_never_reach_the_grid(value):
    clean = random_spectrum(4, bad=0.0)
    clean.ivar[[10, 700]] = 0
    dirty = make(clean.loglam, clean.flux, clean.ivar)
    dirty.flux[[10, 700]] = value
    np.testing.assert_array_equal(rebin([dirty], GRID), rebin([clean], GRID))


def test_a_cosmic_ray_stays_where_it_fell():
    plain = random_spectrum(5, bad=0.0)
    hit = make(plain.loglam, plain.flux, plain.ivar)
    hit.flux[700] = 1e25
    difference = np.flatnonzero((rebin([hit], GRID)[0] != rebin([plain], GRID)[0])[0])
    assert len(difference) <= 2


def test_a_single_pixel_spectrum_is_kept():
    flux, ivar = rebin([make([3.7], [2.0], [4.0])], GRID)
    assert ivar.sum() == pytest.approx(4.0)
    np.testing.assert_allclose(flux[ivar > 0], 2.0)


def test_nothing_in_gives_nothing_out():
    flux, ivar = rebin([], GRID)
    assert flux.shape == ivar.shape == (0, 200)


def test_real_spectra_keep_their_sums(shared_data):
    from huggins.formats import read

    paths = sorted((shared_data / "spectra" / "boss" / "dr12q-superset-7102").glob("*.fits"))[
        :10
    ]
    spectra = [s for path in paths for s in read(str(path))]
    flux, ivar = STANDARD.rebin(spectra)
    for row, spectrum in enumerate(spectra):
        good = spectrum.good
        w = spectrum.ivar[good].astype(float)
        assert ivar[row].sum() == pytest.approx(w.sum(), rel=1e-9)
        assert (flux[row] * ivar[row]).sum() == pytest.approx(
            (w * spectrum.flux[good]).sum(), rel=1e-9
        )
