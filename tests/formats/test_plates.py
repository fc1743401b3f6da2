"""spPlate files, with and without the redshifts beside them."""

import logging

import numpy as np
import pytest

import factories as make
from huggins.errors import ReadError
from huggins.formats import identify, open_file
from huggins.quality import ZWarning
from huggins.specobjid import specobjid
from huggins.spectrum import Spectrum


def _plate(fibres, pixels=30, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(1, 2, (fibres, pixels)), rng.uniform(0.5, 1, (fibres, pixels))


@pytest.mark.parametrize("fibres", [500, 640, 1000])
def test_all_fibres_come_in_order(fibres, tmp_path):
    flux, ivar = _plate(fibres)
    path = make.write_spplate(tmp_path / "spPlate-7102-56666.fits", flux, ivar)
    assert identify(path) == "spPlate"
    spectra = list(open_file(path))
    assert [s.fiberid for s in spectra] == list(range(1, fibres + 1))
    assert [s.index for s in spectra] == list(range(fibres))
    for i in (0, 127, 128, fibres - 1):
        spectrum = spectra[i]
        np.testing.assert_array_equal(spectrum.flux, flux[i].astype(np.float32))
        np.testing.assert_array_equal(spectrum.ivar, ivar[i].astype(np.float32))
        assert (spectrum.ra, spectrum.dec) == ((i + 1) / 10, -(i + 1) / 100)
        assert spectrum.survey == "BOSS"
        assert spectrum.specobjid == specobjid(7102, 56666, i + 1, "v5_7_0")
        assert spectrum.pipeline.z is None


def test_redshifts_beside_are_matched_by_fibre(tmp_path):
    path = make.write_spplate(tmp_path / "any-name.fits", *_plate(20))
    make.write_spzbest(tmp_path, 20)
    spectra = list(open_file(path))
    assert [s.pipeline.cls for s in spectra[:2]] == ["QSO", "STAR"]
    assert spectra[4].pipeline.z == pytest.approx(0.05)
    assert spectra[1].pipeline.zwarning == ZWarning.SMALL_DELTA_CHI2
    assert spectra[1].pipeline.subclass == "F5"


def test_redshifts_of_another_plate_are_left_alone(tmp_path):
    path = make.write_spplate(tmp_path / "a.fits", *_plate(5), plate=7103)
    make.write_spzbest(tmp_path, 5)
    assert {s.pipeline.cls for s in open_file(path)} == {""}


def test_damaged_redshifts_do_not_stop_the_spectra(tmp_path, caplog):
    path = make.write_spplate(tmp_path / "a.fits", *_plate(5))
    best = make.write_spzbest(tmp_path, 5)
    best.write_bytes(best.read_bytes()[:4000])
    with caplog.at_level(logging.WARNING):
        spectra = list(open_file(path))
    assert all(isinstance(s, Spectrum) for s in spectra)
    assert "redshifts are left out" in caplog.text
    assert "spZbest-7102-56666.fits" in caplog.text


def test_unplugged_fibres_keep_their_row(tmp_path):
    flux, ivar = _plate(6)
    ivar[2] = 0
    path = make.write_spplate(tmp_path / "a.fits", flux, ivar, unplugged=(2, 4))
    items = list(open_file(path))
    assert len(items) == 6
    assert isinstance(items[2], ReadError)
    assert items[2].index == 2
    assert "UNPLUGGED" in str(items[2])
    assert items[2].spectrum.fiberid == 3
    # There is data in fibre 5: it stays, with the bit.
    assert items[4].zwarning == ZWarning.UNPLUGGED
    assert items[4].ra is None
    assert items[3].zwarning == 0


def test_plug_map_may_be_missing(tmp_path):
    path = make.write_spplate(tmp_path / "a.fits", *_plate(4), plugmap=False, unplugged=(1,))
    spectra = list(open_file(path))
    assert [s.fiberid for s in spectra] == [1, 2, 3, 4]
    assert [s.ra for s in spectra] == [None] * 4
    assert spectra[1].zwarning == ZWarning.UNPLUGGED  # from the and-mask
