"""Spectra of paths, rows of tables, arrays and lists of them."""

import numpy as np
import pytest

import huggins
from factories import make_truth, write_boss_spec, write_desi
from huggins.errors import InputError, ReadError
from huggins.inference.sources import is_row, spectra_in, spectrum_in


@pytest.fixture
def files(tmp_path):
    write_boss_spec(tmp_path / "spec.fits", make_truth())
    return tmp_path / "spec.fits"


@pytest.fixture
def table(files, model_path):
    return huggins.classify([files, files], model=model_path, redshift=False)


def test_paths_spectra_arrays_and_lists(files):
    spectrum = huggins.read(files)[0]
    with np.errstate(divide="ignore"):
        arrays = (spectrum.wavelength, spectrum.flux, spectrum.ivar**-0.5)
    found = spectra_in([files, str(files), spectrum, arrays, [spectrum]])
    assert len(found) == 5
    for each in found:
        np.testing.assert_allclose(each.flux[each.good], spectrum.flux[spectrum.good])
    assert found[2] is spectrum


def test_rows_of_astropy_pandas_and_mappings(files, table):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({name: list(table[name]) for name in ("FILE", "INDEX", "CLASS")})
    rows = (table[1], table[1].as_void(), frame.iloc[1], {"FILE": str(files), "INDEX": 0})
    for row in rows:
        assert is_row(row)
        assert spectrum_in(row).file == str(files)


def test_a_row_chooses_the_spectrum_inside_the_file(tmp_path):
    wavelength = np.arange(3600.0, 5800.0, 0.8)
    flux = np.random.default_rng(2).normal(5.0, 1.0, (3, len(wavelength)))
    write_desi(tmp_path / "coadd.fits", {"B": (wavelength, flux, np.ones_like(flux))})
    wanted = huggins.read(tmp_path / "coadd.fits")[2]
    found = spectrum_in({"FILE": str(tmp_path / "coadd.fits"), "INDEX": 2})
    assert found.targetid == wanted.targetid
    assert found.index == 2


def test_what_is_no_row(files, table):
    for other in (table, {"flux": 1}, huggins.read(files)[0], "FILE", [1, 2], None):
        assert not is_row(other)


def test_refusals_name_the_remedy(files):
    with pytest.raises(InputError, match=r"2 spectra where one is wanted: give one of"):
        spectrum_in([files, files])
    with pytest.raises(InputError, match="this row names no FILE"):
        spectrum_in({"FILE": "", "INDEX": 0})
    with pytest.raises(TypeError, match="int is no spectrum: give a path"):
        spectra_in(3)
    with pytest.raises(ReadError):
        spectra_in("not-there.fits")
    spectrum = huggins.read(files)[0]
    with pytest.raises(ReadError):
        spectrum_in((spectrum.wavelength, np.full(len(spectrum), np.nan), spectrum.ivar))
