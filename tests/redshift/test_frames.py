"""Spectra on the native grid: moved, not resampled; unit and ivar's constant taken out."""

from __future__ import annotations

import numpy as np
import pytest

from huggins.redshift.frames import SIZE, START, bin_down, to_native
from huggins.spectrum import Spectrum


def sdss(first: int = 35700, size: int = 3000, seed: int = 0) -> Spectrum:
    rng = np.random.default_rng(seed)
    loglam = (first + np.arange(size)) * 1e-4
    flux = 10.0 + rng.normal(0.0, 0.5, size)
    return Spectrum(loglam, flux, np.full(size, 4.0))


def test_log_linear_pixels_are_moved_not_resampled():
    spectrum = sdss()
    frames = to_native([spectrum])
    at = slice(35700 - START, 35700 - START + 3000)
    np.testing.assert_allclose(frames.flux[0, at] * frames.scale[0], spectrum.flux)
    assert np.count_nonzero(frames.ivar[0]) == frames.good[0] == 3000
    assert abs(frames.offset[0]) < 1e-6


def test_a_common_sub_pixel_shift_is_kept_as_offset():
    spectrum = sdss()
    spectrum.loglam = spectrum.loglam + 0.3e-4
    frames = to_native([spectrum])
    assert frames.offset[0] == pytest.approx(0.3, abs=1e-6)


def test_pixels_left_out_of_a_log_linear_file_stay_empty():
    spectrum = sdss()
    keep = np.arange(3000) % 100 != 7
    gappy = Spectrum(spectrum.loglam[keep], spectrum.flux[keep], spectrum.ivar[keep])
    frames = to_native([gappy])
    assert frames.good[0] == keep.sum()
    assert frames.ivar[0, 35707 - START] == 0.0
    assert frames.ivar[0, 35708 - START] > 0.0


def test_linear_wavelengths_are_rebinned():
    wave = np.arange(3600.0, 9824.0, 0.8)
    spectrum = Spectrum.from_arrays(wave, np.full(len(wave), 3.0), np.ones(len(wave)))
    frames = to_native([spectrum])
    inside = frames.ivar[0] > 0
    assert inside.sum() > 4300
    np.testing.assert_allclose(frames.flux[0, inside] * frames.scale[0], 3.0)


@pytest.mark.parametrize("factor", [1e-3, 40.0])
def test_a_wrong_constant_of_ivar_changes_only_the_noise(factor):
    spectrum = sdss()
    one = to_native([spectrum])
    wrong = Spectrum(spectrum.loglam, spectrum.flux, spectrum.ivar * factor)
    two = to_native([wrong])
    np.testing.assert_allclose(two.ivar, one.ivar, rtol=1e-9)
    assert two.noise[0] / one.noise[0] == pytest.approx(np.sqrt(factor))


def test_the_noise_is_one_where_ivar_is_right():
    noise = to_native([sdss(size=4000, first=35500)]).noise[0]
    assert noise == pytest.approx(1.0, abs=0.08)


def test_units_do_not_matter():
    spectrum = sdss()
    cgs = Spectrum(spectrum.loglam, spectrum.flux * 1e-17, spectrum.ivar * 1e34)
    one, two = to_native([spectrum]), to_native([cgs])
    np.testing.assert_allclose(two.flux, one.flux, rtol=1e-9)
    np.testing.assert_allclose(two.ivar, one.ivar, rtol=1e-9)


def test_fill_values_are_no_data():
    spectrum = sdss()
    spectrum.flux[-20:] = 0.0
    frames = to_native([spectrum])
    assert frames.good[0] == 2980


def test_no_good_pixel_gives_an_empty_frame():
    spectrum = sdss()
    frames = to_native([Spectrum(spectrum.loglam, spectrum.flux, np.zeros(3000))])
    assert frames.good[0] == 0
    assert np.isfinite(frames.flux).all()


def test_bins_sum_their_pixels():
    values = np.arange(float(SIZE))
    assert bin_down(values, 6).sum() == values.sum()
    assert bin_down(values, 3)[1] == 3 + 4 + 5
