"""Masks, and the median signal-to-noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.prepare import clean
from huggins.prepare.mask import BRIGHTSKY
from huggins.spectrum import Spectrum


def make(flux, ivar, and_mask=None):
    flux = np.asarray(flux, np.float32)
    loglam = 3.6 + 1e-4 * np.arange(len(flux))
    mask = None if and_mask is None else np.asarray(and_mask, np.uint32)
    return Spectrum(loglam, flux, np.asarray(ivar, np.float32), mask)


def test_bad_pixels_lose_flux_and_weight():
    flux, ivar = clean(make([1, np.nan, 3, 4, 5, 6], [1, 1, np.inf, 0, -1, np.nan]))
    np.testing.assert_array_equal(flux, [1, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(ivar, [1, 0, 0, 0, 0, 0])


def test_zeros_at_the_ends_are_no_data():
    spectrum = make([0.0, 0.0, 3.0, 0.0, 2.0, 0.0], [1.0] * 6)
    flux, ivar = clean(spectrum)
    assert ivar.tolist() == [0.0, 0.0, 1.0, 1.0, 1.0, 0.0]
    assert flux.tolist() == [0.0, 0.0, 3.0, 0.0, 2.0, 0.0]


def test_brightsky_is_left_out_only_on_request():
    spectrum = make([1, 2, 3, 4], [1, 1, 1, 1], [0, BRIGHTSKY, 1 << 24, 0])
    np.testing.assert_array_equal(clean(spectrum)[1], [1, 1, 1, 1])
    np.testing.assert_array_equal(clean(spectrum, mask_brightsky=True)[1], [1, 0, 1, 1])


def test_a_mask_never_takes_most_of_a_spectrum():
    spectrum = make([1, 2, 3, 4], [1, 1, 1, 1], [BRIGHTSKY, BRIGHTSKY, BRIGHTSKY, 0])
    np.testing.assert_array_equal(clean(spectrum, mask_brightsky=True)[1], [1, 1, 1, 1])


def test_clean_leaves_the_spectrum_alone():
    spectrum = make([1, np.nan], [1, 1])
    clean(spectrum)
    assert np.isnan(spectrum.flux[1])


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(0, 9)), min_size=1, max_size=40))
def test_median_sn_is_the_median_over_good_pixels(pixels):
    flux, ivar = np.array(pixels, np.float32).T
    good = ivar > 0
    found = make(flux, ivar).median_sn()
    if good.any():
        assert found == pytest.approx(np.median(flux[good] * np.sqrt(ivar[good])), abs=1e-6)
    else:
        assert np.isnan(found)


@pytest.mark.parametrize("extreme", [1e15, 1e38])
def test_an_ivar_that_is_no_measurement_is_bad(extreme):
    ivar = np.ones(100)
    ivar[30] = extreme
    flux, ivar = clean(make(np.full(100, 2.0), ivar))
    assert flux[30] == ivar[30] == 0.0
    assert ivar.sum() == 99.0
    # A line ten thousand times brighter than the rest may be measured well.
    ivar[30] = 1e6
    assert clean(make(np.full(100, 2.0), ivar))[1][30] == 1e6
