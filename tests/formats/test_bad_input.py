"""Bad input: every file ends in spectra or in a helpful ReadError, never in anything else."""

import gzip
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import factories as make
from huggins.errors import ReadError
from huggins.formats import identify, open_file, read
from huggins.spectrum import Spectrum

TRUTH = make.make_truth(120)
FLUX = np.stack([TRUTH.flux, TRUTH.flux + 1])
IVAR = np.stack([TRUTH.ivar, TRUTH.ivar])
WAVE = 3600 + 0.8 * np.arange(120)
WRITERS = {
    "boss": lambda p: make.write_boss_spec(p, TRUTH),
    "boss-full": lambda p: make.write_boss_spec(
        p, TRUTH, exposures=2, order=("SPALL", "COADD")
    ),
    "sdss": lambda p: make.write_sdss_spec(p, TRUTH),
    "sdss-v": lambda p: make.write_sdss5_spec(p, TRUTH),
    "spSpec": lambda p: make.write_spspec(p, TRUTH),
    "spPlate": lambda p: make.write_spplate(p, FLUX, IVAR),
    "lamost-image": lambda p: make.write_lamost_image(p, TRUTH),
    "lamost-table": lambda p: make.write_lamost_table(p, TRUTH),
    "desi": lambda p: make.write_desi(
        p, {"B": (WAVE, FLUX, IVAR), "R": (WAVE + 80, FLUX, IVAR)}
    ),
    "hdf5": lambda p: make.write_hdf5(p, FLUX, IVAR, targetid=["a", "b"]),
    "text": lambda p: make.write_text(p, [TRUTH.wavelength, TRUTH.flux, TRUTH.ivar + 1]),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Content of one file of each format."""
    folder = tmp_path_factory.mktemp("whole")
    return {name: write(folder / name).read_bytes() for name, write in WRITERS.items()}


def _open(content: bytes) -> list[Spectrum | ReadError]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.fits"
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return list(open_file(path))


def _message(content: bytes) -> str:
    (error,) = _open(content)
    assert isinstance(error, ReadError)
    return error.what


@pytest.mark.slow
@pytest.mark.parametrize("form", [name for name in WRITERS if name != "text"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_cut_anywhere_gives_an_error_or_the_same_pixels(form, data, whole):
    content = whole[form]
    expected = _open(content)
    cut = data.draw(st.integers(0, len(content) - 1))
    if form == "desi" and cut % 2880 == 0:
        cut += 1  # cut between two cameras it would be a whole file without the second
    found = _open(content[:cut])
    assert found
    for item, good in zip(found, expected, strict=False):
        if isinstance(item, ReadError):
            assert item.what
        else:
            assert item.flux.tobytes() == good.flux.tobytes()
            assert item.ivar.tobytes() == good.ivar.tobytes()
            assert item.loglam.tobytes() == good.loglam.tobytes()


@pytest.mark.parametrize("form", ["boss", "lamost-image"])
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_cut_gzip_is_an_error(form, data, whole):
    content = gzip.compress(whole[form])
    cut = data.draw(st.integers(0, len(content) - 1))
    assert all(isinstance(item, ReadError) for item in _open(content[:cut]))


@pytest.mark.slow
@pytest.mark.parametrize("form", WRITERS)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_bytes_never_raise_anything_else(form, data, whole):
    content = bytearray(whole[form])
    places = st.integers(0, min(len(content), 20_000) - 1)
    # Characters of header cards: these get deeper than noise does.
    values = st.one_of(st.integers(0, 255), st.sampled_from(list(b"0123456789 ATEJKDPQ'/=-.+")))
    for place, value in data.draw(st.lists(st.tuples(places, values), min_size=1, max_size=4)):
        content[place] = value
    found = _open(bytes(content))
    assert all(isinstance(item, Spectrum | ReadError) for item in found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # Far more rows, columns, axes than the file has bytes for.
        (b"NAXIS2  =                  120", b"NAXIS2  =      120000000000000"),
        (b"NAXIS2  =                  120", b"NAXIS2  =                99999"),
        (b"NAXIS1  =                   32", b"NAXIS1  =  9999999999999999999"),
        (b"TFIELDS =                    8", b"TFIELDS =                99999"),
        (b"NAXIS2  =                  120", b"NAXIS2  =                 -120"),
        (b"NAXIS2  =                  120", b"NAXIS2  =                1.2E2"),
        (b"TFORM1  = 'E       '", b"TFORM1  = 'F       '"),
        (b"TFORM1  = 'E       '", b"TFORM1  = 'D       '"),
        (b"TFORM1  = 'E       '", b"TFORM1  = '99999999E'"[:20]),
        (b"BITPIX  =                    8", b"BITPIX  =                    7"),
        (b"TTYPE1  = 'flux    '", b"TTYPE1  = 'flxx    '"),
    ],
)
def test_impossible_headers_are_refused(old, new, whole):
    content = whole["boss"]
    at = content.index(b"XTENSION")
    damaged = content[:at] + content[at:].replace(old, new, 1)
    assert damaged != content
    assert _message(damaged)


def test_lost_end_card_does_not_shift_the_pixels(whole):
    # The header would else run on to the END of a later HDU, in a file long enough for it.
    content = whole["boss-full"]
    end = b"END" + b" " * 77
    second = content.index(end, content.index(b"XTENSION"))
    damaged = content[:second] + b"EMD" + content[second + 3 :]
    assert "no end" in _message(damaged)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\xff\xd8\xff\xe0" + bytes(5000), "JPEG"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG"),
        (b"%PDF-1.4 ...", "PDF"),
        (b"PK\x03\x04" + bytes(50), "the archive is damaged"),
        (b"BZh9" + bytes(50), "bzip2"),
        (b"<!DOCTYPE html><title>404 Not Found</title>", "web page"),
        (b"<?xml version='1.0'?>\n<VOTABLE version='1.4'>", "VOTable"),
        (bytes(6000), "no known format"),
        (b"SIMPLE  =                    T" + b" " * 50, "no end"),
        (b"\x1f\x8b" + bytes(30), "gzip"),
        (gzip.compress(b"", mtime=0), "empty"),
        (b"\x89HDF\r\n\x1a\n" + bytes(600), "damaged"),
        (b"a b c\nd e f\n", "no known format"),
        (b"one 1\ntwo 2\nthree 3\nfour 4\n", "begins with no number"),
    ],
)
def test_what_is_no_spectrum_is_named(content, message):
    assert message in _message(content)


def _boss(**changes):
    truth = make.make_truth(50)
    for name, values in changes.items():
        setattr(truth, name, np.broadcast_to(values, 50).astype(getattr(truth, name).dtype))
    with tempfile.TemporaryDirectory() as folder:
        return make.write_boss_spec(Path(folder) / "a.fits", truth).read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ivar": 0}, "no good pixel"),
        ({"ivar": -1}, "no good pixel"),
        ({"flux": np.nan}, "no good pixel"),
        ({"flux": np.inf}, "no good pixel"),
        ({"flux": -1}, "nowhere positive"),
        ({"loglam": 3.6}, "repeated"),
        ({"loglam": np.roll(3.6 + 1e-4 * np.arange(50), 9)}, "unsorted"),
        ({"loglam": np.nan}, "unsorted"),
        ({"loglam": 3600 + np.arange(50)}, "not those of a spectrum"),
    ],
)
def test_spectra_without_information_are_refused(changes, message):
    assert message in _message(_boss(**changes))


def test_descending_wavelengths_are_turned_around():
    truth = make.make_truth(50)
    back = {name: getattr(truth, name)[::-1] for name in ("loglam", "flux", "ivar", "and_mask")}
    (spectrum,) = _open(_boss(**back))
    assert (spectrum.loglam == truth.loglam).all()
    assert (spectrum.flux == truth.flux).all()
    assert (spectrum.ivar == truth.ivar).all()
    assert (spectrum.and_mask == truth.and_mask).all()


def test_no_rows(tmp_path):
    truth = make.make_truth(0)
    (error,) = open_file(make.write_boss_spec(tmp_path / "a.fits", truth))
    assert "no pixels" in str(error)


def test_infinities_are_bad_pixels_only():
    flux = make.make_truth(50).flux.copy()
    flux[7] = np.inf
    (spectrum,) = _open(_boss(flux=flux, ivar=2.0))
    assert not spectrum.good[7]
    assert spectrum.good.sum() == 49


def test_file_that_is_gone(tmp_path):
    (error,) = open_file(tmp_path / "gone.fits")
    assert isinstance(error, ReadError)
    assert "no such file" in str(error)
    assert str(tmp_path / "gone.fits") in str(error)
    with pytest.raises(ReadError, match="no such file"):
        read(tmp_path / "gone.fits")
    with pytest.raises(ReadError, match="no such file"):
        identify(tmp_path / "gone.fits")


def test_folder_in_place_of_a_file(tmp_path):
    (error,) = open_file(tmp_path)
    assert "a folder" in str(error)


def test_named_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.fits")
    (error,) = open_file(tmp_path / "pipe.fits")
    assert "not a regular file" in str(error)


def test_path_with_a_nul():
    (error,) = open_file("a\0b")
    assert "not a valid path" in str(error)


def test_file_that_may_not_be_read(tmp_path, monkeypatch):
    # Even a test run by root gets this far: permissions do not stop root.
    path = make.write_boss_spec(tmp_path / "a.fits", TRUTH)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    (error,) = open_file(path)
    assert "check its permissions" in str(error)


def test_disk_that_fails_while_reading(tmp_path, monkeypatch):
    path = make.write_boss_spec(tmp_path / "a.fits", TRUTH)

    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    (error,) = open_file(path)
    assert "Input/output error" in str(error)


def test_files_are_closed(tmp_path):
    path = make.write_boss_spec(tmp_path / "a.fits", TRUTH)
    broken = tmp_path / "b.fits"
    broken.write_bytes(path.read_bytes()[:4000])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        assert len(list(open_file(path))) == len(list(open_file(broken))) == 1
        next(open_file(path))  # and left there
    assert len(list(Path("/proc/self/fd").iterdir())) == before
