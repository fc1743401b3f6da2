"""Spectra that other programs are known to get wrong: right, or with a warning."""

from pathlib import Path

import numpy as np
import pytest

import huggins
from huggins.constants import SPEED_OF_LIGHT
from huggins.redshift import load_basis
from huggins.taxonomy import INDEX

SINGLE = (
    Path(__file__).parents[3]
    / "shared/data/spectra/desi/fastspecfit/coadd-special-dark-27247.fits"
)
WAVELENGTH = 10.0 ** (3.56 + 1e-4 * np.arange(4500))  # 3631 to 10231 A


def _star(name, z=0.0, which=None):
    star = load_basis().star
    rows = star.vectors[star.classes == INDEX[name]].astype(float)
    row = rows.mean(axis=0) if which is None else rows[which]
    rest = (star.start + np.arange(rows.shape[1])) * 1e-4
    return np.interp(np.log10(WAVELENGTH / (1.0 + z)), rest, row)


def _power_law(slope):
    return (WAVELENGTH / 6000.0) ** slope


def _observed(flux, sn, rng):
    """Return wavelength, flux and error; noisier at the ends, as in real spectra."""
    ends = 2.0 * np.exp(-0.5 * ((WAVELENGTH - 9400.0) / 700.0) ** 2)
    ends += 1.2 * np.exp(-(WAVELENGTH - 3600.0) / 250.0)
    error = np.median(np.abs(flux)) / sn * (1.0 + ends)
    return WAVELENGTH, flux + error * rng.normal(size=len(flux)), error


def _accepted(spectra):
    """Return the rows without a warning."""
    return [row for row in huggins.classify(spectra) if row["ZWARNING"] == 0]


def test_bright_galaxies_nearby_are_not_put_at_z_1_2_to_1_7():
    rng = np.random.default_rng(1)
    spectra = []
    for n in range(12):
        flux = _star("K", 0.05) + 0.05 * n * _star("F", 0.05)
        flux /= np.median(flux)
        for line, strength in ((6564.6, 0.3), (6585.3, 0.12), (5008.2, 0.15), (3728.5, 0.2)):
            v = (WAVELENGTH / (line * 1.05) - 1.0) * SPEED_OF_LIGHT
            flux += (n % 3) * strength * np.exp(-0.5 * (v / 150.0) ** 2)
        spectra.append(_observed(flux, 30.0, rng))
    rows = huggins.classify(spectra)
    assert set(rows["CLASS"]) == {"GALAXY"}
    np.testing.assert_allclose(rows["Z"], 0.05, atol=0.002)


def test_residuals_of_sky_lines_beyond_8600_are_no_quasar():
    rng = np.random.default_rng(2)
    spectra = []
    for sn in (0.7, 1.5, 4.0) * 5:
        wavelength, flux, error = _observed(_power_law(rng.uniform(-1.0, 1.0)), sn, rng)
        sky = np.flatnonzero((wavelength > 8600.0) & (wavelength < 9300.0))
        for at in rng.choice(sky, 12):
            flux[at : at + 3] += 6.0 * rng.exponential() * error[at]
        flux += rng.uniform(0.5, 2.0) * error * np.exp(-0.5 * ((wavelength - 8650) / 25) ** 2)
        spectra.append((wavelength, flux, error))
    assert [row for row in _accepted(spectra) if row["CLASS"] != "STAR"] == []


def test_a_step_or_dip_at_the_join_of_the_arms_is_no_quasar():
    rng = np.random.default_rng(3)
    spectra = []
    for n in range(16):
        depth = rng.uniform(0.1, 0.4)
        join = np.where(WAVELENGTH < 5900.0, 1.0 - depth, 1.0)
        if n % 2:
            join = 1.0 - 2.0 * depth * np.exp(-0.5 * ((WAVELENGTH - 5900.0) / 60.0) ** 2)
        spectra.append(_observed(join * _power_law(rng.uniform(-1.0, 1.0)), 3.0, rng))
    wrong = [row for row in _accepted(spectra) if row["CLASS"] == "QSO"]
    assert [row for row in wrong if 3.4 < row["Z"] < 4.0] == []
    assert len(wrong) <= 1


@pytest.mark.parametrize("name", ["", "G", "K"])
def test_hot_pixels_are_no_emission_lines(name):
    rng = np.random.default_rng(4)
    spectra = []
    for sn in (1.0, 3.0, 8.0) * 5:
        flux = _star(name) if name else _power_law(rng.uniform(-1.0, 1.0))
        wavelength, flux, error = _observed(flux, sn, rng)
        for at in rng.choice(np.arange(200, 4300), rng.integers(1, 4)):
            width = rng.integers(1, 3)
            flux[at : at + width] += rng.uniform(10.0, 60.0) * error[at]
        spectra.append((wavelength, flux, error))
    assert [row for row in _accepted(spectra) if row["CLASS"] != "STAR"] == []


def test_l_dwarfs_are_no_galaxies():
    rng = np.random.default_rng(5)
    count = int(np.count_nonzero(load_basis().star.classes == INDEX["L"]))
    spectra = [
        _observed(_star("L", which=n), sn, rng) for n in range(count) for sn in (1.0, 4.0)
    ]
    assert {row["CLASS"] for row in _accepted(spectra)} <= {"STAR"}


@pytest.mark.skipif(not SINGLE.exists(), reason="needs the shared spectra of DESI")
def test_a_single_line_of_a_real_spectrum_is_not_certain():
    # One strong line at 5044 A and nothing else: [O III] (redrock: z = 0.0073, though 4960 is
    # missing), [O II] or Lyman alpha.
    [row] = huggins.classify(SINGLE)
    assert row["ZWARNING"] != 0


@pytest.mark.parametrize("sn", [3.0, 30.0, 100.0])
def test_power_laws_and_smooth_curves_are_nothing_certain(sn):
    rng = np.random.default_rng(6)
    x = np.linspace(-1.0, 1.0, len(WAVELENGTH))
    curves = [_power_law(slope) for slope in np.linspace(-4.0, 3.0, 8)]
    curves += [
        np.exp(np.polynomial.legendre.legval(x, rng.normal(0.0, 0.2, 4))) for _ in range(8)
    ]
    wrong = _accepted([_observed(curve, sn, rng) for curve in curves])
    # White dwarfs of type DC are as smooth.
    assert [row for row in wrong if row["SUBCLASS"] != "WD"] == []
