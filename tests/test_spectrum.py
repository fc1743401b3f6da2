"""Spectrum: what it refuses, and air wavelengths."""

import numpy as np
import pytest

from huggins.errors import SpectrumError
from huggins.spectrum import Spectrum, air_to_vacuum

WAVE = np.linspace(4000.0, 5000.0, 50)
ONE = np.ones(50)


def test_arrays_become_log_wavelengths_in_double_precision():
    spectrum = Spectrum.from_arrays(WAVE, ONE * 1e-17, ONE * 1e40, file="a.txt", survey="BOSS")
    np.testing.assert_allclose(spectrum.wavelength, WAVE)
    assert spectrum.good.all()
    assert len(spectrum) == 50
    assert (spectrum.file, spectrum.survey) == ("a.txt", "BOSS")


def test_descending_wavelengths_are_reversed():
    spectrum = Spectrum.from_arrays(WAVE[::-1], np.arange(50.0), ONE)
    np.testing.assert_allclose(spectrum.wavelength, WAVE)
    assert spectrum.flux[0] == 49


@pytest.mark.parametrize(
    ("wavelength", "flux", "ivar", "message"),
    [
        (np.r_[WAVE[:9], WAVE[8:49]], ONE, ONE, "repeated"),
        (np.r_[WAVE[9:], WAVE[:9]], ONE, ONE, "unsorted"),
        (np.r_[-1.0, WAVE[1:]], ONE, ONE, "positive"),
        (np.r_[np.nan, WAVE[1:]], ONE, ONE, "finite"),
        (WAVE, ONE[:9], ONE, "one length"),
        (WAVE, ONE, ONE * 0, "no good pixel"),
        (WAVE, ONE * np.nan, ONE, "no good pixel"),
        (WAVE, ONE * np.inf, ONE, "no good pixel"),
        (WAVE, -ONE, ONE, "nowhere positive"),
        (WAVE[:0], ONE[:0], ONE[:0], "no pixels"),
    ],
)
def test_what_cannot_be_a_spectrum_is_refused(wavelength, flux, ivar, message):
    with pytest.raises(SpectrumError, match=message) as caught:
        Spectrum.from_arrays(wavelength, flux, ivar, file="here.fits", index=3)
    assert str(caught.value).startswith("here.fits: ")
    assert caught.value.index == 3


@pytest.mark.parametrize(
    # NIST ASD, observed in air and in vacuum: H beta, Na D2, H alpha, Ca II.
    ("air", "vacuum"),
    [(4861.333, 4862.691), (5889.951, 5891.583), (6562.79, 6564.60), (8542.09, 8544.44)],
)
def test_air_wavelengths_become_vacuum(air, vacuum):
    assert air_to_vacuum(np.array([air]))[0] == pytest.approx(vacuum, abs=0.01)


def test_ultraviolet_wavelengths_are_vacuum_already():
    assert air_to_vacuum(np.array([1500.0]))[0] == 1500.0
    spectrum = Spectrum.from_arrays(WAVE, ONE, ONE, air=True)
    assert spectrum.air
    assert (spectrum.wavelength > WAVE + 1).all()
