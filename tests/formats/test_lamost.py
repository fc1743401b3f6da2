"""LAMOST layouts."""

import gzip

import numpy as np
import pytest
from astropy.io import fits

import factories as make
from huggins.errors import ReadError
from huggins.formats import open_file, read
from huggins.spectrum import air_to_vacuum

LAYOUTS = [make.write_lamost_image, make.write_lamost_table]


@pytest.fixture
def truth():
    return make.make_truth(150, cls="STAR", subclass="G7", z=-0.000139, run2d="")


@pytest.mark.parametrize("write", LAYOUTS)
def test_header_gives_identity_and_class(write, truth, tmp_path):
    path = write(tmp_path / "a.fits", truth)
    path.write_bytes(gzip.compress(path.read_bytes()))
    (spectrum,) = read(path)
    assert spectrum.survey == "LAMOST"
    assert spectrum.targetid == "101001"
    assert (spectrum.mjd, spectrum.fiberid, spectrum.plate) == (56666, 82, None)
    assert (spectrum.pipeline.cls, spectrum.pipeline.subclass) == ("STAR", "G7")
    assert spectrum.pipeline.z == truth.z
    assert spectrum.pipeline.zwarning is None


@pytest.mark.parametrize("write", LAYOUTS)
def test_air_wavelengths_are_converted_where_the_header_says_so(write, truth, tmp_path):
    (vacuum,) = read(write(tmp_path / "a", truth))
    (air,) = read(write(tmp_path / "b", truth, vacuum=False))
    assert not vacuum.air
    assert air.air
    np.testing.assert_allclose(air.wavelength, air_to_vacuum(vacuum.wavelength), rtol=1e-12)


def test_first_release_has_no_row_of_wavelengths(truth, tmp_path):
    (spectrum,) = read(make.write_lamost_image(tmp_path / "a", truth, wavelengths=False))
    np.testing.assert_allclose(spectrum.loglam, 3.5682 + 1e-4 * np.arange(150), rtol=1e-14)
    assert (spectrum.flux == truth.flux).all()


def test_missing_redshift_is_none(truth, tmp_path):
    truth.z = -9999.0
    (spectrum,) = read(make.write_lamost_image(tmp_path / "a", truth))
    assert spectrum.pipeline.z is None


def test_medium_resolution_files_are_not_taken_for_low(truth, tmp_path):
    path = make.write_lamost_table(tmp_path / "a", truth)
    with fits.open(path) as file:
        file[1].name = "COADD_B"
        file.writeto(tmp_path / "b")
    (error,) = open_file(tmp_path / "b")
    assert isinstance(error, ReadError)
    assert "medium-resolution" in str(error)
    assert "low-resolution spectrum of the object" in str(error)


def test_neither_wavelengths_nor_coefficients(truth, tmp_path):
    path = make.write_lamost_image(tmp_path / "a", truth, wavelengths=False)
    with fits.open(path) as file:
        del file[0].header["COEFF1"]
        file.writeto(tmp_path / "b")
    (error,) = open_file(tmp_path / "b")
    assert "COEFF1" in str(error)
