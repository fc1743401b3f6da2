"""Spectrum: what it refuses, and air wavelengths."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn

from huggins.errors import SpectrumError
from huggins.quality import ZWarning
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


NOISE = np.random.default_rng(3).normal(size=400)
LONG = np.linspace(4000.0, 8000.0, 400)
CURVE = 10.0 + np.sin(LONG / 900.0)


@pytest.mark.parametrize(
    "uncertainty",
    [
        {"ivar": np.full(400, 4.0)},
        {"error": np.full(400, 0.5)},
        {"variance": np.full(400, 0.25)},
    ],
)
def test_an_uncertainty_of_each_kind(uncertainty):
    spectrum = Spectrum.from_arrays(LONG, CURVE, **uncertainty)
    np.testing.assert_allclose(spectrum.ivar, 4.0)
    assert spectrum.zwarning == 0


def test_two_uncertainties_are_refused():
    with pytest.raises(TypeError, match="one uncertainty, not ivar and error"):
        Spectrum.from_arrays(LONG, CURVE, CURVE, error=CURVE)


def test_without_uncertainty_the_noise_is_measured():
    wavelength = np.linspace(4000.0, 8000.0, 4000)
    flux = 10.0 + 0.3 * np.random.default_rng(3).normal(size=4000)
    spectrum = Spectrum.from_arrays(wavelength, flux)
    assert spectrum.zwarning == ZWarning.NO_UNCERTAINTY
    assert np.median(spectrum.ivar**-0.5) == pytest.approx(0.3, rel=0.1)
    assert "measured" in spectrum.notes[0]


def test_masked_pixels_are_bad_whatever_lies_under_the_mask():
    bad = np.arange(400) % 3 == 0
    flux = np.ma.array(np.where(bad, 1e20, CURVE), mask=bad)
    for spectrum in (
        Spectrum.from_arrays(LONG, flux, np.ones(400)),
        Spectrum.from_arrays(LONG, np.where(bad, 1e20, CURVE), np.ones(400), mask=bad),
        Spectrum.from_arrays(LONG, MaskedColumn(flux), np.ones(400)),
    ):
        np.testing.assert_array_equal(spectrum.good, ~bad)


def test_units_are_converted():
    unit = u.Unit("1e-17 erg / (s cm2 AA)")
    flux, error = CURVE * unit, np.full(400, 0.5) * unit
    axis = LONG * u.AA
    plain = Spectrum.from_arrays(LONG, CURVE, error=np.full(400, 0.5))
    for spectrum in (
        Spectrum.from_arrays(axis.to(u.nm), flux, error=error),
        Spectrum.from_arrays(axis.to(u.THz, u.spectral()), flux, ivar=error**-2),
        Spectrum.from_arrays(axis, flux.to(u.mJy, u.spectral_density(axis)),
                             error=error.to(u.mJy, u.spectral_density(axis))),
        Spectrum.from_arrays(axis, flux.to("erg / (s cm2 AA)"), variance=error**2),
    ):  # fmt: skip
        np.testing.assert_allclose(spectrum.wavelength, plain.wavelength, rtol=1e-12)
        np.testing.assert_allclose(spectrum.flux, plain.flux, rtol=1e-9)
        np.testing.assert_allclose(spectrum.ivar, plain.ivar, rtol=1e-9)


def test_units_that_do_not_fit_are_refused():
    with pytest.raises(SpectrumError, match="no wavelength: give it in Angstrom"):
        Spectrum.from_arrays(LONG * u.kg, CURVE, CURVE)
    with pytest.raises(SpectrumError, match="its uncertainty in kg: give both in one unit"):
        Spectrum.from_arrays(LONG, CURVE * u.Jy, error=CURVE * u.kg)


def test_other_arrays():
    torch = pytest.importorskip("torch")
    spectrum = Spectrum.from_arrays(torch.tensor(LONG), torch.tensor(CURVE), torch.ones(400))
    np.testing.assert_allclose(spectrum.flux, CURVE)
    with pytest.raises(SpectrumError, match="flux holds no numbers"):
        Spectrum.from_arrays(LONG, np.full(400, "a"), LONG)


def test_errors_given_as_ivar_are_noticed(caplog):
    spectrum = Spectrum.from_arrays(LONG, 1e3 * (CURVE + 0.3 * NOISE), np.full(400, 300.0))
    assert "look like 1-sigma errors" in spectrum.notes[0]
    assert "look like 1-sigma errors" in caplog.text
    good = Spectrum.from_arrays(LONG, 1e3 * (CURVE + 0.3 * NOISE), np.full(400, 300.0**-2))
    assert good.notes == ()


def test_wavelengths_in_the_place_of_their_logarithm_are_noticed():
    with pytest.raises(SpectrumError, match=r"Spectrum\.from_arrays takes wavelengths"):
        Spectrum(LONG, CURVE, np.ones(400)).check()


def test_a_spectrum_says_what_it_is():
    spectrum = Spectrum.from_arrays(
        LONG, CURVE, error=0.1 * CURVE, file="a<b.fits", survey="BOSS"
    )
    assert len(spectrum) == 400
    assert repr(spectrum) == "<Spectrum a<b.fits: BOSS, 400 pixels, 4000 to 8000 A, S/N 10.0>"
    html = spectrum._repr_html_()
    assert "a&lt;b.fits" in html
    assert "<polyline points='0.0," in html
    assert repr(Spectrum(WAVE[:0], WAVE[:0], WAVE[:0])) == "<Spectrum of no pixels>"
    dead = Spectrum(np.log10(WAVE), ONE, ONE * 0)
    assert "svg" not in dead._repr_html_()


@pytest.mark.parametrize("factor", [1e-4, 1e4])
@pytest.mark.parametrize("kind", ["error", "variance", "ivar"])
def test_absurd_uncertainties_are_noted(kind, factor):
    rng = np.random.default_rng(1)
    wavelength = np.linspace(4000.0, 9000.0, 500)
    sigma = np.full(500, 0.3)
    flux = 10.0 + rng.normal(0.0, sigma)
    power = {"error": 1, "variance": 2, "ivar": -2}[kind]
    wrong = Spectrum.from_arrays(wavelength, flux, **{kind: (factor * sigma) ** power})
    assert any("times the stated uncertainties" in note for note in wrong.notes)
    right = Spectrum.from_arrays(wavelength, flux, **{kind: (5.0 * sigma) ** power})
    assert not any("stated" in note for note in right.notes)


def test_flux_along_frequencies_needs_a_unit():
    from astropy import units as u

    wavelength = np.linspace(4000.0, 9000.0, 100)
    frequency = (wavelength * u.AA).to(u.THz, u.spectral())
    with pytest.raises(SpectrumError, match="give the flux its unit"):
        Spectrum.from_arrays(frequency, np.ones(100), error=np.ones(100))
    flux = np.ones(100) * u.mJy
    assert len(Spectrum.from_arrays(frequency, flux, error=flux)) == 100
    bare = Spectrum.from_arrays(wavelength * u.AA, np.ones(100), error=np.ones(100))
    assert (bare.flux == 1.0).all()
