"""Real spectra in the shared folder: arrays against astropy, values against the labels."""

import csv
import gzip
import warnings

import numpy as np
import pytest
from astropy.io import fits

from huggins.errors import ReadError
from huggins.formats import open_file
from huggins.specobjid import specobjid

# Files without a good pixel.
UNREADABLE = {"spec-7582-56960-0968.fits", "spec-0269-51581-0003.fits"}
# Spectra in a file, where they are more than one: a DESI file without FIBERMAP.
MANY = {"desi/quasarnp/test_coadd.fits": 25}


@pytest.fixture(scope="module")
def labels(shared_data):
    """Rows of the FITS files; most of the text files have no uncertainties."""
    with (shared_data / "spectra/labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if row["path"].removesuffix(".gz").endswith(".fits")]


@pytest.mark.slow
def test_every_file_is_read_and_agrees_with_its_label(labels, shared_data):
    failed = {}
    compared = 0
    for row in labels:
        items = list(open_file(shared_data / "spectra" / row["path"]))
        assert len(items) == MANY.get(row["path"], 1), row["path"]
        if isinstance(items[0], ReadError):
            failed[row["path"].rpartition("/")[2]] = items[0].what
            continue
        spectrum, pipeline = items[0], items[0].pipeline
        if row["ra"]:
            assert spectrum.ra == pytest.approx(float(row["ra"]), abs=1e-5), row["path"]
            assert spectrum.dec == pytest.approx(float(row["dec"]), abs=1e-5), row["path"]
        surveys = {row["survey"], row["survey"].replace("BOSS", "EBOSS")}
        # Some copies lack the pipeline's row, which holds RUN2D too.
        assert spectrum.survey in (surveys if pipeline.cls else {*surveys, ""}), row["path"]
        if row["label_from"] != "pipeline" or not pipeline.cls:
            continue
        compared += 1
        if float(row["z"] or -9999) > -9000:
            assert pipeline.z == pytest.approx(float(row["z"]), abs=2e-6), row["path"]
        else:
            assert pipeline.z is None
        if row["class3"] != "UNKNOWN":
            assert pipeline.cls == row["class3"], row["path"]
            assert pipeline.subclass in (row["subclass"], "Non")
    assert failed.keys() == UNREADABLE
    assert "UNPLUGGED" in failed["spec-7582-56960-0968.fits"]
    assert compared > 1000


@pytest.mark.slow
def test_spec_arrays_are_astropys_to_the_bit(labels, shared_data):
    seen = 0
    # astropy takes its time: every twentieth file, and the one without a single good pixel.
    spec = [row for row in labels if row["survey"] in ("SDSS", "BOSS")]
    for row in spec[::20] + [row for row in spec if "7582-56960-0968" in row["path"]]:
        (spectrum,) = open_file(shared_data / "spectra" / row["path"])
        if isinstance(spectrum, ReadError):
            spectrum = spectrum.spectrum
        with fits.open(shared_data / "spectra" / row["path"], memmap=False) as file:
            if len(file) < 3:
                continue  # a copy without the pipeline's row
            table, pipeline = file[1].data, file[2].data[0]
            for name, ours in (("flux", spectrum.flux), ("ivar", spectrum.ivar)):
                assert ours.dtype == np.float32
                assert ours.tobytes() == table[name].astype(np.float32).tobytes()
            assert (spectrum.loglam == table["loglam"].astype(np.float64)).all()
            assert (spectrum.and_mask == table["and_mask"].astype(np.uint32)).all()
            assert spectrum.plate == pipeline["PLATE"]
            assert spectrum.mjd == pipeline["MJD"]
            assert spectrum.fiberid == pipeline["FIBERID"]
            assert spectrum.pipeline.zwarning == pipeline["ZWARNING"]
            theirs = str(pipeline["SPECOBJID"]).strip()
            run2d = str(pipeline["RUN2D"]).strip()
            # The rule of the conventions, against what the survey wrote.
            rule = specobjid(spectrum.plate, spectrum.mjd, spectrum.fiberid, run2d)
            assert spectrum.specobjid == rule
            if theirs != "0":
                assert spectrum.specobjid == theirs
        seen += 1
    assert seen > 20


@pytest.mark.slow
def test_lamost_arrays_are_astropys_to_the_bit(labels, shared_data):
    for row in labels[:: len(labels) // 250]:
        if row["survey"] != "LAMOST":
            continue
        (spectrum,) = open_file(shared_data / "spectra" / row["path"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(shared_data / "spectra" / row["path"]) as file:
                data = file[0].data
                rows = file[1].data[0] if data is None else data
                assert (spectrum.flux == rows[0]).all()
                assert (spectrum.ivar == rows[1]).all()


def test_gzip_makes_no_difference(labels, shared_data, tmp_path):
    path = shared_data / "spectra" / next(r["path"] for r in labels if r["survey"] == "BOSS")
    (plain,) = open_file(path)
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    (spectrum,) = open_file(packed)
    assert spectrum.flux.tobytes() == plain.flux.tobytes()
    assert spectrum.specobjid == plain.specobjid


def test_real_file_cut_anywhere(labels, shared_data, tmp_path):
    path = shared_data / "spectra" / next(r["path"] for r in labels if r["survey"] == "BOSS")
    content = path.read_bytes()
    (plain,) = open_file(path)
    cut = tmp_path / "cut"
    whole = 0
    for size in np.random.default_rng(3).integers(0, len(content), 200):
        cut.write_bytes(content[:size])
        (item,) = open_file(cut)
        if not isinstance(item, ReadError):
            whole += 1
            assert item.flux.tobytes() == plain.flux.tobytes()
    assert whole < 20  # only where the cut lies behind the pipeline's row
