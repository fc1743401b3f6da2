"""Spectra of objects in memory: specutils in and out, arrays, tables, open files."""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import (
    InverseVariance,
    StdDevUncertainty,
    UnknownUncertainty,
    VarianceUncertainty,
)
from astropy.table import Table

import factories as make
import huggins
from factories.layouts import quasar_arrays
from huggins.errors import SpectrumError
from huggins.formats import from_specutils, read
from huggins.quality import ZWarning

specutils = pytest.importorskip("specutils")
Spectrum = getattr(specutils, "Spectrum", None) or specutils.Spectrum1D

WAVE = np.linspace(4000.0, 4200.0, 21)
FLUX = np.linspace(1.0, 2.0, 21)
UNIT = u.Unit("1e-17 erg / (s cm2 AA)")


def _spectrum(axis=None, flux=None, **more):
    more.setdefault("uncertainty", StdDevUncertainty(np.full(21, 0.5)))
    axis = WAVE * u.AA if axis is None else axis
    flux = FLUX * UNIT if flux is None else flux
    return Spectrum(spectral_axis=axis, flux=flux, **more)


def _is_plain(spectrum, flux=FLUX):
    np.testing.assert_allclose(spectrum.wavelength, WAVE, rtol=1e-12)
    np.testing.assert_allclose(spectrum.flux, flux, rtol=1e-9)
    np.testing.assert_allclose(spectrum.ivar, 4.0, rtol=1e-9)


def test_there_and_back(tmp_path):
    truth = make.make_truth(100)
    (original,) = read(make.write_boss_spec(tmp_path / "a.fits", truth))
    (back,) = from_specutils(original.to_specutils())
    np.testing.assert_allclose(back.loglam, original.loglam, rtol=1e-14)
    np.testing.assert_array_equal(back.flux[original.good], original.flux[original.good])
    np.testing.assert_allclose(back.ivar, original.ivar, rtol=1e-6)
    np.testing.assert_array_equal(back.good, original.good)
    for name in ("survey", "plate", "mjd", "fiberid", "specobjid", "ra", "dec", "file"):
        assert getattr(back, name) == getattr(original, name)
    assert back.format == "specutils"


def test_specutils_gets_redshift_rest_frame_and_model(tmp_path):
    (original,) = read(make.write_boss_spec(tmp_path / "a.fits", make.make_truth(100)))
    told = original.to_specutils(z=0.5)
    assert told.redshift.value == pytest.approx(0.5)
    np.testing.assert_allclose(told.spectral_axis.value, original.wavelength)
    rest = original.to_specutils(z=0.5, rest=True)
    np.testing.assert_allclose(rest.spectral_axis.value, original.wavelength / 1.5)
    np.testing.assert_allclose(rest.flux.value, original.flux * 1.5, rtol=1e-6)
    good = original.good
    sn = rest.flux.value * rest.uncertainty.array**0.5
    np.testing.assert_allclose(
        sn[good], original.flux[good] * original.ivar[good] ** 0.5, rtol=1e-5
    )
    model = np.arange(100.0)
    model[:3] = np.nan
    drawn = original.to_specutils(z=0.5, rest=True, model=model)
    np.testing.assert_array_equal(drawn.flux.value, 1.5 * model)
    assert np.flatnonzero(drawn.mask).tolist() == [0, 1, 2]
    assert drawn.uncertainty is None
    with pytest.raises(ValueError, match="needs a redshift: give z="):
        original.to_specutils(rest=True)
    with pytest.raises(ValueError, match=r"model is of shape \(4,\), the flux of \(100,\)"):
        original.to_specutils(model=np.ones(4))


@pytest.mark.parametrize(
    "axis",
    [
        WAVE * u.AA,
        WAVE / 10 * u.nm,
        WAVE / 1e4 * u.um,
        (WAVE * u.AA).to(u.THz, u.spectral()),
        (WAVE * u.AA).to(u.eV, u.spectral()),
        (WAVE * u.AA).to(1 / u.cm, u.spectral()),
    ],
    ids=lambda axis: str(axis.unit),
)
def test_spectral_axes_of_any_unit(axis):
    _is_plain(from_specutils(_spectrum(axis))[0])


@pytest.mark.parametrize(
    "uncertainty",
    [
        StdDevUncertainty(np.full(21, 0.5)),
        StdDevUncertainty(np.full(21, 0.5e-17), unit=u.Unit("erg / (s cm2 AA)")),
        VarianceUncertainty(np.full(21, 0.25)),
        InverseVariance(np.full(21, 4.0)),
    ],
    ids=lambda x: f"{type(x).__name__}",
)
def test_uncertainties_of_any_kind(uncertainty):
    _is_plain(from_specutils(_spectrum(uncertainty=uncertainty))[0])


def test_flux_per_frequency_becomes_per_wavelength():
    axis = WAVE * u.AA
    flux = (FLUX * UNIT).to(u.Jy, u.spectral_density(axis))
    sigma = (np.full(21, 0.5) * UNIT).to(u.Jy, u.spectral_density(axis))
    spectrum = _spectrum(axis, flux, uncertainty=StdDevUncertainty(sigma.value, unit=u.Jy))
    _is_plain(from_specutils(spectrum)[0])


@pytest.mark.parametrize("unit", [u.dimensionless_unscaled, u.ct, u.adu / u.s])
def test_flux_of_no_physical_unit_is_taken_as_it_is(unit):
    _is_plain(from_specutils(_spectrum(flux=FLUX * unit))[0])


def test_masked_pixels_get_no_weight():
    mask = np.zeros(21, bool)
    mask[3] = True
    (spectrum,) = from_specutils(_spectrum(mask=mask))
    assert not spectrum.good[3]
    assert spectrum.good.sum() == 20


def test_bad_uncertainties_get_no_weight():
    sigma = np.full(21, 0.5)
    sigma[:3] = 0, np.nan, np.inf
    (spectrum,) = from_specutils(_spectrum(uncertainty=StdDevUncertainty(sigma)))
    assert list(spectrum.ivar[:4]) == [0, 0, 0, 4]


def test_rows_lists_and_collections():
    flux = np.stack([FLUX, FLUX * 2, FLUX * 3])
    sigma = StdDevUncertainty(np.full((3, 21), 0.5))
    rows = _spectrum(flux=flux * UNIT, uncertainty=sigma)
    both = from_specutils(specutils.SpectrumList([rows, _spectrum()]))
    assert [s.index for s in both] == [0, 1, 2, 3]
    for spectrum, factor in zip(both, (1, 2, 3, 1), strict=True):
        _is_plain(spectrum, FLUX * factor)
    collection = specutils.SpectrumCollection(
        flux=flux * UNIT,
        spectral_axis=np.stack([WAVE] * 3) * u.AA,
        uncertainty=StdDevUncertainty(np.full((3, 21), 0.5)),
    )
    found = from_specutils(collection)
    assert len(found) == 3
    _is_plain(found[2], FLUX * 3)
    assert from_specutils([]) == []


@pytest.mark.parametrize(
    ("spectrum", "message"),
    [
        (_spectrum(uncertainty=UnknownUncertainty(FLUX)), "UnknownUncertainty.*cannot be used"),
        (
            _spectrum(uncertainty=StdDevUncertainty(np.zeros(21))),
            "no good pixel",
        ),
    ],
)
def test_what_cannot_be_used_is_said(spectrum, message):
    with pytest.raises(SpectrumError, match=message):
        from_specutils(spectrum)


def test_axis_that_is_no_wavelength():
    class Odd:
        spectral_axis = np.arange(1.0, 22.0) * u.pix
        flux = FLUX * UNIT
        uncertainty = StdDevUncertainty(FLUX)

    with pytest.raises(SpectrumError, match="pix, which is no wavelength"):
        from_specutils(Odd())


@pytest.mark.parametrize("thing", ["text", 3, None, [1, 2]])
def test_no_spectrum_at_all(thing):
    with pytest.raises(TypeError, match="not a specutils spectrum"):
        from_specutils(thing)


def test_without_uncertainty_the_noise_is_measured():
    axis = np.linspace(4000.0, 8000.0, 4000)
    flux = 10.0 + 0.5 * np.random.default_rng(1).normal(size=4000)
    (spectrum,) = from_specutils(_spectrum(axis * u.AA, flux * UNIT, uncertainty=None))
    assert np.median(spectrum.ivar**-0.5) == pytest.approx(0.5, rel=0.15)
    assert spectrum.zwarning == ZWarning.NO_UNCERTAINTY


class TestClassify:
    """What `huggins.classify` takes: each shape of one quasar gives its answer."""

    @pytest.fixture
    def arrays(self):
        return quasar_arrays()

    @pytest.fixture
    def answer(self, arrays):
        wavelength, flux, error = arrays
        return huggins.classify(huggins.Spectrum.from_arrays(wavelength, flux, error=error))[0]

    def shapes(self, arrays):
        wavelength, flux, error = arrays
        yield "tuple", arrays, 1
        yield "list of tuples", [arrays, arrays], 2
        yield "dict", {"wavelength": wavelength, "flux": flux, "error": error}, 1
        yield (
            "dict of ivar",
            {"loglam": np.log10(wavelength), "flux": flux, "ivar": error**-2},
            1,
        )
        yield "table", Table([wavelength, flux, error], names=("wave", "flux", "err")), 1
        yield (
            "masked table",
            Table([wavelength, flux, error], names=("wave", "flux", "err"), masked=True),
            1,
        )
        yield "rows", (wavelength, np.stack([flux, flux]), np.stack([error, error])), 2
        yield "quantities", (wavelength / 10 * u.nm, flux * UNIT, error * UNIT), 1
        yield "nested lists", [[arrays], [[arrays]]], 2

    def test_every_shape(self, arrays, answer):
        for name, shape, count in self.shapes(arrays):
            table = huggins.classify(shape)
            assert len(table) == count, name
            for row in table:
                assert row["SUBCLASS"] == answer["SUBCLASS"], name
                assert row["Z"] == pytest.approx(answer["Z"], abs=1e-5), name

    def test_pandas(self, arrays, answer):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(
            dict(zip(("wavelength", "flux", "error"), arrays, strict=True))
        )
        assert huggins.classify(frame)["Z"][0] == pytest.approx(answer["Z"], abs=1e-5)

    def test_an_open_fits_file_and_a_file_object(self, tmp_path):
        path = make.write_boss_spec(tmp_path / "a.fits", make.make_truth())
        plain = huggins.classify(str(path))
        with fits.open(path) as hdus, path.open("rb") as file:
            both = huggins.classify([hdus, file])
        assert list(both["Z"]) == [plain["Z"][0]] * 2
        assert list(both["PLATE"]) == [plain["PLATE"][0]] * 2

    def test_one_dead_spectrum_of_a_list_is_a_row(self):
        dead = _spectrum(uncertainty=InverseVariance(np.zeros(21)))
        table = huggins.classify(specutils.SpectrumList([dead, dead]))
        assert ["no good pixel" in error for error in table["ERROR"]] == [True, True]

    def test_what_is_no_spectrum_is_named(self):
        with pytest.raises(TypeError, match="int is no spectrum: give a path"):
            huggins.classify([3])
        with pytest.raises(TypeError, match="no column of fluxes"):
            huggins.classify({"wavelength": WAVE})


def test_arrays_of_different_lengths_are_errors_in_their_places():
    from huggins.formats.memory import from_object

    (item,) = from_object((WAVE, FLUX[:-1]), index=3)
    assert isinstance(item, SpectrumError)
    assert item.index == 3
    assert "of one length, not (21,), (20,)" in item.what
    (item,) = from_object((WAVE, FLUX, FLUX[:5]))
    assert "of one length" in item.what
    (item,) = from_object((WAVE, np.ones((3, 21)), np.ones((2, 21))))
    assert "error has 2 rows and flux 3" in item.what
    items = list(from_object((WAVE[:-1], np.ones((3, 21)))))
    assert [i.index for i in items] == [0, 1, 2]
    assert all("of one length" in i.what for i in items)
    (fine,) = from_object({"wavelength": WAVE, "flux": FLUX, "error": FLUX, "z": 0.5})
    assert len(fine) == 21


def test_wavelengths_that_are_texts():
    from huggins.formats.memory import from_object

    (item,) = from_object((np.array(["a"] * 21), FLUX))
    assert "the wavelengths are not numbers" in item.what


@pytest.mark.parametrize("unit", ["THz", "eV", "cm-1"])
def test_tuples_along_frequencies(unit):
    from huggins.formats.memory import from_object

    axis = (WAVE * u.AA).to(u.Unit(unit), u.spectral())
    (item,) = from_object((axis, FLUX, FLUX))
    assert "nothing tells whether the flux" in item.what
    (item,) = from_object((axis, FLUX * u.mJy, FLUX * u.mJy))
    np.testing.assert_allclose(item.wavelength, WAVE, rtol=1e-6)
    np.testing.assert_allclose(item.flux, FLUX * (5000.0 / WAVE) ** 2, rtol=1e-5)
