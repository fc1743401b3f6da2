"""Compressed files and archives."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import numpy as np
import pytest

import factories as make
import huggins
from huggins.errors import ReadError
from huggins.fits import source
from huggins.formats import Selection, identify, open_file, read, select


@pytest.fixture
def content(tmp_path):
    return make.write_boss_spec(tmp_path / "plain.fits", make.make_truth(300)).read_bytes()


def _tar(path, files, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def _zip(path, files, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_the_same(pack, content, tmp_path):
    path = tmp_path / "packed"
    path.write_bytes(pack(content))
    (plain,), (packed,) = read(tmp_path / "plain.fits"), read(path)
    np.testing.assert_array_equal(packed.flux, plain.flux)
    assert packed.specobjid == plain.specobjid
    path.write_bytes(pack(content)[:-40])
    (error,) = open_file(path)
    assert "truncated" in str(error) or "damaged" in str(error)


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_unpacking_is_bounded(pack, tmp_path, monkeypatch):
    path = tmp_path / "bomb"
    path.write_bytes(pack(bytes(10**7)))
    monkeypatch.setattr(source, "UNPACKED_MAX", 10**6)
    (error,) = open_file(path)
    assert "unpacks to more than" in str(error)


@pytest.mark.parametrize("kind", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_archives(kind, content, tmp_path):
    files = {
        "README.md": b"# 3 spectra of 2024\n",
        "data/a.fits": content,
        "data/b.fits.gz": gzip.compress(content),
        "data/.hidden.fits": content,
        "picture.png": b"\x89PNG\r\n" + bytes(50),
        "c.csv": b"wave,flux,err\n" + b"".join(b"%d,5,1\n" % (4000 + i) for i in range(50)),
    }
    path = tmp_path / "archive"
    path = _zip(path, files) if kind == "zip" else _tar(path, files, kind)
    assert identify(path) == ("zip" if kind == "zip" else "tar")
    table = huggins.classify(str(path), redshift=False)
    names = ["data/a.fits", "data/b.fits.gz", "c.csv"]
    assert list(table["FILE"]) == [f"{path}[{name}]" for name in names]
    assert list(table["ERROR"]) == ["", "", ""]
    # What FILE says can be opened again.
    assert read(str(table["FILE"][2]))[0].format == "text"
    with pytest.raises(ReadError, match="no file 'other' in this archive"):
        read(f"{path}[other]")


def test_a_damaged_member_is_an_error_and_the_rest_goes_on(content, tmp_path):
    path = _zip(tmp_path / "a.zip", {"a.fits": content[:9000], "b.fits": content})
    error, spectrum = open_file(path)
    assert "truncated" in error.what
    assert error.path == f"{path}[a.fits]"
    assert spectrum.file == f"{path}[b.fits]"


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_damaged_archives(kind, content, tmp_path):
    path = tmp_path / "whole"
    files = {"a.fits": content, "b.fits": content}
    whole = (_zip if kind == "zip" else _tar)(path, files).read_bytes()
    end = len(whole) - (2000 if kind == "zip" else 11000)  # tar ends with 10 kB of zeros
    for cut in np.random.default_rng(2).integers(600, end, 20):
        (tmp_path / "cut").write_bytes(whole[:cut])
        items = list(open_file(tmp_path / "cut"))
        assert items
        assert isinstance(items[-1], ReadError)


def test_archives_without_spectra_and_within_archives(content, tmp_path):
    path = _zip(tmp_path / "a.zip", {"notes.md": b"none\n"})
    with pytest.raises(ReadError, match="no spectra in this archive"):
        read(path)
    inner = _zip(tmp_path / "inner.zip", {"a.fits": content}).read_bytes()
    with pytest.raises(ReadError, match="archive in an archive"):
        read(_zip(tmp_path / "outer.zip", {"inner.zip": inner}))


def test_members_are_bounded(content, tmp_path, monkeypatch):
    from huggins.formats import archives

    path = _zip(tmp_path / "bomb.zip", {"a.fits": bytes(10**7)})
    monkeypatch.setattr(archives, "unpacked_max", lambda packed: 10**6)
    (error,) = open_file(path)
    assert "unpacks to more than 0.954 MiB" in error.what


def test_rows_of_members_are_chosen_by_their_names(content, tmp_path):
    path = _zip(tmp_path / "a.zip", {"a.fits": content, "b.fits": content})
    wanted = Selection(files=((f"{path}[b.fits]", select(index=[0])),), strict=False)
    (spectrum,) = open_file(path, selection=wanted)
    assert spectrum.file == f"{path}[b.fits]"


@pytest.mark.parametrize("pack", [_zip, _tar])
def test_members_that_are_left_out_are_told_of(pack, content, tmp_path, caplog):
    files = {"a.fits": content, ".hidden.fits": content, "../b.fits": content}
    with caplog.at_level("INFO", "huggins"):
        assert len(read(pack(tmp_path / "a.archive", files))) == 1
    assert "[.hidden.fits]: a hidden file, left out" in caplog.text
    assert "[../b.fits]: its path leads outside the archive, left out" in caplog.text
