"""Cosmic rays that no mask tells of, and lines that must not be taken for them."""

from dataclasses import replace

import numpy as np
import pytest

import huggins
from factories.rest import flux_of
from huggins.prepare import clean
from huggins.prepare.outliers import LEAST, outliers
from huggins.spectrum import Spectrum

LOGLAM = 3.58 + 1e-4 * np.arange(3900)
ABSENT = np.zeros(0, np.intp)


def observed(kind, z, *, sn=30.0, seed=1):
    rng = np.random.default_rng(seed)
    flux = flux_of(kind, z, LOGLAM)
    error = np.abs(flux).mean() / sn
    noisy = flux + rng.normal(0.0, error, flux.shape)
    return Spectrum(LOGLAM, noisy, np.full(flux.shape, error**-2.0))


def hit(spectrum, count, size, seed=1):
    """The spectrum with cosmic rays of `size` sigma, and where they are."""
    rng = np.random.default_rng(seed)
    at = np.sort(rng.choice(len(spectrum), count, replace=False))
    flux = spectrum.flux.copy()
    flux[at] += size / np.sqrt(spectrum.ivar[at])
    return replace(spectrum, flux=flux), at


@pytest.mark.parametrize("size", [1e2, 1e4, 1e6, -1e3])
@pytest.mark.parametrize("count", [1, 3, 10])
@pytest.mark.parametrize("kind", ["STAR", "GALAXY", "QSO"])
def test_cosmic_rays_are_found_and_nothing_else(kind, count, size):
    clear = observed(kind, 0.0 if kind == "STAR" else 0.4)
    struck, at = hit(clear, count, size, seed=count)
    np.testing.assert_array_equal(outliers(clear.flux, clear.ivar), ABSENT)
    np.testing.assert_array_equal(outliers(struck.flux, struck.ivar), at)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3, 10])
@pytest.mark.parametrize(("kind", "z"), [("STAR", 0.0), ("GALAXY", 0.2), ("QSO", 1.2)])
def test_class_and_redshift_are_as_without_cosmic_rays(kind, z, count):
    clear = observed(kind, z, seed=3)
    struck = [hit(clear, count, size, seed=count)[0] for size in (1e2, 1e4, 1e6)]
    table = huggins.classify([clear, *struck])
    assert set(table["CLASS"]) == {kind}
    shift = np.abs(table["Z"] - table["Z"][0]) / (1.0 + z) * 299792.458
    assert shift.max() < 50.0
    assert np.abs(table["PROB"] - table["PROB"][0]).max() < 0.05
    assert (table["ZWARNING"] == table["ZWARNING"][0]).all()


@pytest.mark.slow
def test_one_bad_number_changes_nothing():
    clear = observed("QSO", 1.2, seed=3)
    spoilt = [replace(clear, flux=clear.flux.copy()) for _ in range(2)]
    spoilt[0].flux[1500] = np.nan
    spoilt[1].flux[1500] = np.inf
    table = huggins.classify([clear, *spoilt])
    assert set(table["CLASS"]) == {"QSO"}
    assert np.abs(table["Z"] - table["Z"][0]).max() < 2e-4
    assert np.abs(table["PROB"] - table["PROB"][0]).max() < 0.02


@pytest.mark.parametrize("sn", [10.0, 100.0, 1000.0])
@pytest.mark.parametrize("dispersion", [0.8, 1.0, 1.5])
def test_narrow_lines_are_left_alone(dispersion, sn):
    """Lines of any height, anywhere between pixels, at most as narrow as documented."""
    pixel = np.arange(3900.0)
    rng = np.random.default_rng(5)
    flux = np.ones(3900)
    for centre in np.arange(60.0, 3850.0, 43.0):
        height = 10.0 ** rng.uniform(-1.0, 4.0)
        place = centre + rng.uniform(-0.5, 0.5)
        flux += height * np.exp(-0.5 * ((pixel - place) / dispersion) ** 2)
    flux += rng.normal(0.0, 1.0 / sn, flux.shape)
    np.testing.assert_array_equal(outliers(flux, np.full(3900, sn**2.0)), ABSENT)
    np.testing.assert_array_equal(outliers(-flux, np.full(3900, sn**2.0)), ABSENT)


def test_lines_of_real_galaxies_are_left_alone(shared_data):
    """In the starburst galaxies beside the repository only pixels at the very end are taken."""
    import csv

    with (shared_data / "spectra" / "labels.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    paths = [r["path"] for r in rows if r["subclass"] in ("STARBURST", "STARFORMING")]
    touched, strong = [], 0
    for path in paths:
        for spectrum in huggins.read(shared_data / "spectra" / path):
            ivar = np.where(spectrum.good, spectrum.ivar, 0.0).astype(float)
            flux = np.where(spectrum.good, spectrum.flux, 0.0).astype(float)
            strong += np.count_nonzero(flux > 5.0 * np.median(flux[ivar > 0]))
            touched += [(path, i) for i in outliers(flux, ivar) if 5 < i < len(flux) - 5]
    assert len(paths) > 20
    assert strong > 100  # pixels that stand out by far, as cosmic rays do
    assert touched == []


def test_two_pixels_and_a_faint_hit_beside_a_bright_one():
    spectrum = observed("STAR", 0.0)
    error = spectrum.ivar[0] ** -0.5
    flux = spectrum.flux.copy()
    flux[1000:1002] += [300 * error, 200 * error]
    flux[2000:2002] += [1e6 * error, 150 * error]
    np.testing.assert_array_equal(outliers(flux, spectrum.ivar), [1000, 1001, 2000, 2001])


def test_neither_unit_nor_scale_of_ivar_matters():
    struck, at = hit(observed("GALAXY", 0.1), 3, 1e3)
    for factor in (1e-17, 1e17):
        np.testing.assert_array_equal(outliers(factor * struck.flux, struck.ivar), at)
    np.testing.assert_array_equal(outliers(struck.flux, 1e-6 * struck.ivar), at)


def test_bad_pixels_are_no_neighbours():
    struck, at = hit(observed("STAR", 0.0), 1, 1e3)
    flux, ivar = struck.flux.copy(), struck.ivar.copy()
    near = np.r_[at[0] - 30 : at[0], at[0] + 1 : at[0] + 4]
    flux[near], ivar[near] = 0.0, 0.0
    np.testing.assert_array_equal(outliers(flux, ivar), at)
    flux[at] = struck.flux[at[0] - 50]
    np.testing.assert_array_equal(outliers(flux, ivar), ABSENT)


def test_clean_takes_outliers_out():
    struck, at = hit(observed("STAR", 0.0), 3, 1e4)
    flux, ivar = clean(struck)
    np.testing.assert_array_equal(np.flatnonzero(ivar == 0.0), at)
    assert (flux[at] == 0.0).all()
    assert (struck.flux[at] > 0.0).all()  # the spectrum itself stays as it is


@pytest.mark.parametrize("length", [1, 2, 3, LEAST - 1, LEAST])
def test_short_spectra(length):
    flux = np.ones(length)
    flux[length // 2] = 1e6
    found = outliers(flux, np.ones(length))
    np.testing.assert_array_equal(found, [length // 2] if length >= LEAST else ABSENT)


def test_an_outlier_at_either_end():
    spectrum = observed("STAR", 0.0)
    flux = spectrum.flux.copy()
    flux[[0, -1]] += 1e4 * spectrum.ivar[0] ** -0.5
    np.testing.assert_array_equal(outliers(flux, spectrum.ivar), [0, len(flux) - 1])
