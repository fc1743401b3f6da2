"""What a column is by its name, in the spellings that are met."""

import pytest

from huggins.formats.names import Role, meaning, stem_and_number


@pytest.mark.parametrize(
    ("names", "role"),
    [
        ("wavelength Wave WAVELENGTH lam lambda λ wl obs_wave wave_vac", Role.WAVELENGTH),
        ("loglam LOGLAM log10_wavelength logwave log10(wave) log(lambda)", Role.LOG10),
        ("ln_wavelength lnlam ln(lambda)", Role.LN),
        ("flux FLUX f_lambda flam flux_density spectrum f", Role.FLUX),
        ("fnu f_nu flux_nu", Role.FNU),
        ("err error e_flux flux_err fluxerr sigma σ flux_error uncertainty fnu_err dflux noise "
         "flux_uncertainty err_flux errorinflux", Role.ERROR),
        ("ivar IVAR flux_ivar inverse_variance invvar", Role.IVAR),
        ("var variance flux_var", Role.VARIANCE),
        ("mask and_mask flags dq badpix", Role.MASK),
        ("good valid", Role.GOOD),
        ("id object TARGETID", Role.OBJECT),
        ("sky SkyFlux BestFit model continuum flux_model sky_err template resolution wdisp "
         "wave_grid_mid", Role.OTHER),
    ],
)  # fmt: skip
def test_roles(names, role):
    assert {name: meaning(name).role for name in names.split()} == dict.fromkeys(
        names.split(), role
    )


@pytest.mark.parametrize(
    ("name", "unit", "air"),
    [
        ("wavelength", "", None),
        ("wavelength_air", "", True),
        ("air_wave", "", True),
        ("wavelength", "Angstrom, air", True),
        ("wavelength_vac", "", False),
        ("vacuum wavelength", "", False),
        ("pair_wavelength", "", None),
    ],
)
def test_air(name, unit, air):
    assert meaning(name, unit).air is air


def test_a_logarithm_may_stand_in_the_unit():
    assert meaning("wavelength", "log10(Angstrom)").role is Role.LOG10
    assert meaning("flux", "mJy").role is Role.FNU


def test_rest_wavelengths_are_noticed():
    assert meaning("rest_wavelength").rest
    assert meaning("wavelength", "rest-frame Angstrom").rest
    assert not meaning("forest").rest


@pytest.mark.parametrize(
    ("name", "parts"),
    [("flux_12", ("flux", "12")), ("flux", ("flux", "")), ("err.3", ("err", "3"))],
)
def test_numbers_of_columns(name, parts):
    assert stem_and_number(name) == parts
