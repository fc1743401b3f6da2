"""SDSS files of one spectrum: generations, layouts, identity."""

import numpy as np
import pytest
from astropy.io import fits

import factories as make
from huggins.errors import ReadError
from huggins.formats import identify, open_file, read
from huggins.formats.identity import sdss_survey
from huggins.quality import ZWarning


@pytest.fixture
def truth():
    return make.make_truth(200)


@pytest.mark.parametrize(
    "order",
    [
        ("COADD", "SPZLINE", "SPALL"),
        ("SPZLINE", "COADD", "SPALL"),
        ("SPALL", "SPZLINE", "COADD"),
        ("COADD", "SPALL"),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_later_hdus_may_move(order, named, truth, tmp_path):
    path = make.write_boss_spec(tmp_path / "a.fits", truth, order=order, named=named)
    (spectrum,) = read(path)
    assert spectrum.flux.tobytes() == truth.flux.tobytes()
    assert spectrum.pipeline.cls == "QSO"
    assert (spectrum.plate, spectrum.mjd, spectrum.fiberid) == (7102, 56666, 82)


def test_coadd_alone_is_a_spectrum_of_unknown_identity(truth, tmp_path):
    path = make.write_boss_spec(tmp_path / "spec-7102-56666-0082.fits", truth, order=("COADD",))
    (spectrum,) = read(path)
    assert spectrum.flux.tobytes() == truth.flux.tobytes()
    assert spectrum.plate is spectrum.mjd is spectrum.fiberid is None
    assert spectrum.specobjid is spectrum.targetid is spectrum.ra is spectrum.dec is None
    assert spectrum.pipeline.cls == ""
    assert spectrum.pipeline.z is spectrum.pipeline.zwarning is None


def test_coadd_is_taken_by_name_before_exposures(truth, tmp_path):
    path = make.write_boss_spec(
        tmp_path / "a.fits", truth, order=("SPALL", "COADD"), exposures=2
    )
    (spectrum,) = read(path)
    assert (spectrum.flux == truth.flux).all()


@pytest.mark.parametrize("unsigned", [True, False])
def test_specobjid_is_read_signed_or_not(unsigned, truth, tmp_path):
    number = 5855818157717954560
    path = make.write_boss_spec(tmp_path / "a", truth, specobjid=number, unsigned=unsigned)
    assert read(path)[0].specobjid == str(number)


def test_specobjid_above_two_to_the_63_is_positive(truth, tmp_path):
    path = make.write_boss_spec(tmp_path / "a", truth, specobjid=2**63 + 5, unsigned=True)
    assert read(path)[0].specobjid == str(2**63 + 5)
    path = make.write_boss_spec(tmp_path / "a", truth, specobjid=-(2**62))
    assert read(path)[0].specobjid == str(2**64 - 2**62)


def test_missing_or_zero_specobjid_is_computed(truth, tmp_path):
    wanted = str(7102 << 50 | 82 << 38 | 6666 << 24 | 700 << 10)
    assert read(make.write_boss_spec(tmp_path / "a", truth))[0].specobjid == wanted
    path = make.write_boss_spec(tmp_path / "b", truth, specobjid=0)
    assert read(path)[0].specobjid == wanted


@pytest.mark.parametrize(
    ("run2d", "mjd", "survey"),
    [
        ("26", 51908, "SDSS"),
        ("103", 54000, "SDSS"),
        ("v5_7_0", 56666, "BOSS"),
        ("v5_13_2", 55832, "BOSS"),
        ("v5_13_2", 57758, "EBOSS"),
        ("v6_1_3", 60086, "SDSS-V"),
        ("v5_7_0", None, ""),
        ("", 55832, ""),
    ],
)
def test_survey_follows_from_reduction_and_night(run2d, mjd, survey):
    assert sdss_survey(run2d, mjd) == survey


def test_sdss_one_keeps_its_string_identifier(truth, tmp_path):
    (spectrum,) = read(make.write_sdss_spec(tmp_path / "a.fits", truth))
    assert spectrum.survey == "SDSS"
    assert spectrum.specobjid == "318878783842904064"


def test_sdss_five_is_known_by_catalogue_number(truth, tmp_path):
    (spectrum,) = read(make.write_sdss5_spec(tmp_path / "a.fits", truth))
    assert spectrum.survey == "SDSS-V"
    assert spectrum.targetid == "27021597911984196"
    assert spectrum.specobjid == "50320059541270215979119841960"
    assert spectrum.plate == truth.plate
    assert spectrum.fiberid is None
    assert spectrum.pipeline.cls == "QSO"
    path = make.write_sdss5_spec(tmp_path / "b.fits", truth, catalogid="u117")
    assert read(path)[0].targetid == "u117"
    path = make.write_sdss5_spec(tmp_path / "b.fits", truth, catalogid=-999)
    assert read(path)[0].targetid == "114986844"


def test_fibre_bits_of_the_pipeline_are_taken_over(truth, tmp_path):
    flags = ZWarning.UNPLUGGED | ZWarning.SMALL_DELTA_CHI2 | ZWarning.SKY
    truth.zwarning = int(flags)
    (spectrum,) = read(make.write_boss_spec(tmp_path / "a.fits", truth))
    assert spectrum.zwarning == ZWarning.UNPLUGGED
    assert spectrum.pipeline.zwarning == flags


def test_dead_fibre_says_what_the_survey_said_and_whose_it_is(truth, tmp_path):
    truth.zwarning = int(ZWarning.UNPLUGGED | ZWarning.NODATA)
    truth.ivar[:] = 0
    (error,) = open_file(make.write_boss_spec(tmp_path / "a.fits", truth))
    assert isinstance(error, ReadError)
    assert "no good pixel" in str(error)
    assert "UNPLUGGED, NODATA" in str(error)
    assert error.spectrum.plate == truth.plate


@pytest.mark.parametrize("column", ["flux", "loglam", "ivar"])
def test_missing_column_is_named_with_those_there_are(column, truth, tmp_path):
    path = make.write_boss_spec(tmp_path / "a.fits", truth, drop=(column,))
    with pytest.raises(ReadError, match=f"no column {column.upper()}; it has .*SKY, MODEL"):
        read(path)


def test_and_mask_may_be_missing(truth, tmp_path):
    path = make.write_boss_spec(tmp_path / "a.fits", truth, drop=("and_mask",))
    assert read(path)[0].and_mask is None


def test_scaled_columns_go_through_astropy(tmp_path):
    # Integers times TSCAL: nothing that the fast path decodes.
    stored = np.array([10, 20, 30], np.int16)
    columns = [
        fits.Column("FLUX", "I", array=stored),
        fits.Column("LOGLAM", "D", array=[3.6, 3.61, 3.62]),
        fits.Column("IVAR", "E", array=[1, 2, 3]),
    ]
    path = tmp_path / "a.fits"
    table = fits.BinTableHDU.from_columns(columns, name="COADD")
    table.header["TSCAL1"] = 0.5
    table.writeto(path)
    np.testing.assert_array_equal(read(path)[0].flux, stored * 0.5)


def test_vectors_in_place_of_pixels_are_refused(tmp_path):
    columns = [
        fits.Column("FLUX", "2E", array=np.ones((3, 2))),
        fits.Column("LOGLAM", "E", array=[3.6, 3.61, 3.62]),
        fits.Column("IVAR", "E", array=[1, 2, 3]),
    ]
    path = tmp_path / "a.fits"
    fits.BinTableHDU.from_columns(columns, name="COADD").writeto(path)
    with pytest.raises(ReadError, match="one number per row"):
        read(path)


def test_reader_is_found_by_content_not_by_name(truth, tmp_path):
    path = make.write_boss_spec(tmp_path / "lamost.csv", truth)
    assert identify(path) == "spec"


def test_spspec_header_gives_identity_and_class(tmp_path):
    truth = make.make_truth(100, step=1e-4)
    (spectrum,) = read(make.write_spspec(tmp_path / "a.fit", truth, code=6))
    assert spectrum.survey == "SDSS"
    assert (spectrum.plate, spectrum.mjd, spectrum.fiberid) == (7102, 56666, 82)
    assert (spectrum.ra, spectrum.dec) == (truth.ra, truth.dec)
    assert (spectrum.pipeline.cls, spectrum.pipeline.subclass) == ("STAR", "STAR_LATE")
    assert spectrum.pipeline.z == truth.z
    (unknown,) = read(make.write_spspec(tmp_path / "a.fit", truth, code=0))
    assert unknown.pipeline.cls == ""
    assert unknown.pipeline.z is None


@pytest.mark.parametrize("run2d", ["master", "trunk", "daily"])
def test_a_reduction_without_a_version_keeps_survey_and_identity(run2d, truth, tmp_path):
    truth.run2d = run2d
    (spectrum,) = read(make.write_sdss5_spec(tmp_path / "a.fits", truth))
    assert spectrum.survey == "SDSS-V"
    assert spectrum.plate == truth.plate
    assert spectrum.targetid == "27021597911984196"
