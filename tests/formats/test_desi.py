"""DESI files: cameras joined, redshifts beside; real files."""

import numpy as np
import pytest
from astropy.io import fits

import factories as make
from huggins.errors import ReadError
from huggins.formats import identify, open_file, read
from huggins.quality import ZWarning

STEP = 0.8
B = 3600 + STEP * np.arange(100)
R = B[80] + STEP * np.arange(100)  # 20 pixels overlap
Z = R[90] + STEP * np.arange(50)


def _camera(wavelength, value, weight, count=3):
    shape = (count, len(wavelength))
    return wavelength, np.full(shape, value, np.float32), np.full(shape, weight, np.float32)


def test_cameras_are_joined_by_inverse_variance(tmp_path):
    path = make.write_desi(
        tmp_path / "coadd.fits",
        {"B": _camera(B, 1, 1), "R": _camera(R, 4, 2), "Z": _camera(Z, 2, 3)},
    )
    assert identify(path) == "desi"
    spectrum = read(path)[1]
    np.testing.assert_allclose(spectrum.wavelength, 3600 + STEP * np.arange(220))
    np.testing.assert_allclose(
        spectrum.ivar[[0, 79, 80, 99, 100, 170, 179, 180]], [1, 1, 3, 3, 2, 5, 5, 3]
    )
    np.testing.assert_allclose(
        spectrum.flux[[0, 80, 100, 170, 180]], [1, (1 + 8) / 3, 4, (8 + 6) / 5, 2]
    )
    assert spectrum.survey == "DESI"
    assert spectrum.targetid == "39627866878511338"
    assert (spectrum.ra, spectrum.dec, spectrum.fiberid) == (11.0, -0.5, 1)
    assert spectrum.specobjid is spectrum.plate is None


def test_order_of_cameras_does_not_matter(tmp_path):
    b, r = _camera(B, 1, 1), _camera(R, 4, 2)
    one = read(make.write_desi(tmp_path / "a", {"B": b, "R": r}))
    two = read(make.write_desi(tmp_path / "b", {"R": r, "B": b}))
    assert one[0].flux.tobytes() == two[0].flux.tobytes()


def test_missing_camera_leaves_a_hole_not_zeros(tmp_path):
    path = make.write_desi(tmp_path / "a", {"B": _camera(B, 1, 1), "Z": _camera(Z, 2, 3)})
    spectrum = read(path)[0]
    assert len(spectrum) == 150
    assert spectrum.wavelength[99] == pytest.approx(B[-1])
    assert spectrum.wavelength[100] == pytest.approx(Z[0])


@pytest.mark.parametrize("compress", [True, False])
def test_masked_pixels_get_no_weight(compress, tmp_path):
    mask = np.zeros((3, 100))
    mask[1, 85] = 2**31
    path = make.write_desi(
        tmp_path / "a",
        {"B": _camera(B, 1, 1), "R": _camera(R, 4, 2)},
        masks={"B": mask},
        compress=compress,
    )
    clean, masked, _ = read(path)
    assert clean.ivar[85] == 3
    assert (masked.ivar[85], masked.flux[85]) == (2, 4)


def test_cameras_of_other_grids_are_cut_in_the_overlap(tmp_path):
    path = make.write_desi(tmp_path / "a", {"B": _camera(B, 1, 1), "R": _camera(R + 0.3, 4, 2)})
    spectrum = read(path)[0]
    assert (np.diff(spectrum.wavelength) > 0.3).all()
    assert set(spectrum.flux) == {1.0, 4.0}
    border = spectrum.wavelength[spectrum.flux == 4][0]
    assert B[80] < border < B[-1]
    assert len(spectrum) == pytest.approx(180, abs=1)


def test_redrock_beside_is_matched_by_target(tmp_path):
    path = make.write_desi(tmp_path / "coadd-main-dark-1.fits", {"B": _camera(B, 1, 1)})
    first = 39627866878511337
    make.write_redrock(
        tmp_path / "redrock-main-dark-1.fits",
        np.array([first + 1, first]),
        np.array([1.5, 0.25]),
        ["QSO", "GALAXY"],
        np.array([4 + 128, 0]),
    )
    galaxy, quasar, unknown = read(path)
    assert (galaxy.pipeline.cls, galaxy.pipeline.z) == ("GALAXY", 0.25)
    assert (quasar.pipeline.cls, quasar.pipeline.zwarning) == ("QSO", 132)
    assert quasar.zwarning == ZWarning.UNPLUGGED
    assert unknown.pipeline.z is None


def test_row_without_data_is_an_error_and_the_rest_goes_on(tmp_path):
    wavelength, flux, ivar = _camera(B, 1, 1)
    ivar[1] = 0
    items = list(open_file(make.write_desi(tmp_path / "a", {"B": (wavelength, flux, ivar)})))
    assert [isinstance(item, ReadError) for item in items] == [False, True, False]
    assert items[1].index == 1
    assert items[1].spectrum.targetid == "39627866878511338"


@pytest.mark.parametrize("lost", ["R_IVAR", "R_MASK", "R_FLUX", "R_RESOLUTION", "B_WAVELENGTH"])
def test_incomplete_camera_is_named(lost, tmp_path):
    cameras = {"B": _camera(B, 1, 1), "R": _camera(R, 4, 2)}
    path = make.write_desi(tmp_path / "a", cameras, compress=False)
    with fits.open(path) as file:
        del file[lost]
        file.writeto(tmp_path / "b")
    (error,) = open_file(tmp_path / "b")
    assert f"no {lost}" in str(error)


@pytest.mark.slow
def test_real_files(desi_files):
    good = 0
    for path in desi_files:
        with fits.open(path) as file:
            fibermap = file["FIBERMAP"].data
            usable = sum(
                ((file[f"{band}_IVAR"].data > 0) & (file[f"{band}_MASK"].data == 0)).sum(axis=1)
                for band in "BRZ"
            )
            blue = file["B_FLUX"].data
            items = list(open_file(path))
            assert len(items) == len(fibermap)
            for i, item in enumerate(items):
                assert isinstance(item, ReadError) == (usable[i] == 0)
                spectrum = item.spectrum if isinstance(item, ReadError) else item
                assert spectrum.targetid == str(fibermap["TARGETID"][i])
                assert spectrum.ra == fibermap["TARGET_RA"][i]
                if usable[i]:
                    good += 1
                    assert len(item) == 7781
                    assert item.wavelength[0] == pytest.approx(3600.0)
                    assert item.wavelength[-1] == pytest.approx(9824.0)
                    alone = item.ivar[:2700] > 0  # before the cameras overlap
                    assert (item.flux[:2700][alone] == blue[i, :2700][alone]).all()
    assert good > 0


def test_files_without_a_fibermap_are_read(tmp_path):
    path = make.write_desi(tmp_path / "coadd-1.fits", {"B": _camera(B, 2.0, 4.0)})
    with fits.open(path) as file:
        kept = [hdu for hdu in file if hdu.name not in ("FIBERMAP", "B_MASK", "B_RESOLUTION")]
        fits.HDUList(kept).writeto(tmp_path / "cut.fits")
    spectra = read(tmp_path / "cut.fits")
    assert [s.targetid for s in spectra] == [None] * 3
    np.testing.assert_array_equal(spectra[1].flux, np.full(100, 2.0))


@pytest.mark.parametrize("name", ["zbest-9.fits", "my_redrock_v2.fits", "REDSHIFTS.fits"])
def test_redshifts_of_another_name_are_taken_if_they_have_all_targets(name, tmp_path, caplog):
    targets = 39627866878511337 + np.arange(3)
    count = 3
    path = make.write_desi(tmp_path / "coadd-1.fits", {"B": _camera(B, 2.0, 4.0)})
    make.write_redrock(
        tmp_path / name, targets, np.full(count, 0.7), ["GALAXY"] * count, np.zeros(count)
    )
    with caplog.at_level("INFO"):
        assert [s.pipeline.z for s in read(path)] == [0.7] * count
    assert name in caplog.text
    make.write_redrock(
        tmp_path / name, targets + 10**6, np.zeros(count), ["STAR"] * count, np.zeros(count)
    )
    caplog.clear()
    assert [s.pipeline.z for s in read(path)] == [None] * count
    assert "has not all of its targets" in caplog.text


def test_read_leaves_out_a_dead_fibre_with_one_warning(tmp_path):
    _, flux, ivar = _camera(B, 2.0, 4.0)
    ivar[1] = 0
    path = make.write_desi(tmp_path / "coadd-1.fits", {"B": (B, flux, ivar)})
    with pytest.warns(UserWarning, match="1 of 3 spectra .* index 1: no good pixel"):
        spectra = read(path)
    assert [s.index for s in spectra] == [0, 2]
    dead = make.write_desi(tmp_path / "dead.fits", {"B": (B, flux, 0 * ivar)})
    with pytest.raises(ReadError, match="no good pixel"):
        read(dead)


@pytest.mark.parametrize("compress", [True, False])
def test_chosen_spectra_are_those_of_the_whole_file(compress, tmp_path, monkeypatch):
    rng = np.random.default_rng(4)
    flux = rng.normal(5, 1, (40, 100))
    mask = rng.uniform(size=flux.shape) < 0.2
    path = make.write_desi(
        tmp_path / "coadd-1.fits",
        {"B": (B, flux, np.ones_like(flux))},
        masks={"B": mask},
        compress=compress,
    )
    target = 39627866878511337
    make.write_redrock(
        tmp_path / "redrock-1.fits",
        target + np.arange(40)[::-1],
        np.arange(40)[::-1] / 10,
        ["QSO"] * 40,
        np.zeros(40),
    )
    with monkeypatch.context() as patch:
        patch.setattr("huggins.formats.desi._FEW", 0)
        every = read(path)
    chosen = read(path, index=[30, 31], targetid=target + 7)
    assert [s.index for s in chosen] == [7, 30, 31]
    for spectrum in chosen:
        same = every[spectrum.index]
        np.testing.assert_array_equal(spectrum.ivar, same.ivar)
        np.testing.assert_array_equal(spectrum.flux, same.flux)
        assert (~same.good).any()
        assert spectrum.pipeline.z == same.pipeline.z == spectrum.index / 10
