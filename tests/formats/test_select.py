"""Only what is asked for is read: by TARGETID, INDEX or fibre, in files of many spectra."""

import numpy as np
import pytest

import factories as make
import huggins
from huggins.dataset.pack import pack
from huggins.errors import ReadError
from huggins.fits.source import Source
from huggins.formats import open_file, read, select
from huggins.formats.request import Selection

COUNT = 200
WAVE = 3600 + 0.8 * np.arange(1500)
FLUX = (5 + np.arange(COUNT)[:, None] + np.zeros(1500)).astype(np.float32)
IVAR = np.ones_like(FLUX)
FIRST = 39627866878511337


def _desi(path):
    return make.write_desi(path / "coadd-1.fits", {"B": (WAVE, FLUX, IVAR)}, compress=False)


def _hdf5(path):
    names = [str(FIRST + i) for i in range(COUNT)]
    return make.write_hdf5(path / "a.h5", FLUX, IVAR, targetid=names, fiberid=np.arange(COUNT))


def _table(path):
    from factories.fits_layouts import save, table

    cells = {
        "TARGETID": FIRST + np.arange(COUNT),
        "FIBER": np.arange(COUNT),
        "WAVE": np.tile(WAVE, (COUNT, 1)),
        "FLUX": FLUX.astype(float),
        "IVAR": IVAR.astype(float),
    }
    return save(path / "cells", table(cells))


def _plate(path):
    return make.write_spplate(path / "spPlate.fits", FLUX, IVAR)


MANY = {"desi": _desi, "hdf5": _hdf5, "table": _table, "spPlate": _plate}


@pytest.mark.parametrize("form", MANY)
def test_by_index(form, tmp_path):
    path = MANY[form](tmp_path)
    spectra = read(path, index=[3, 17, 18])
    assert [s.index for s in spectra] == [3, 17, 18]
    assert [s.flux[20] for s in spectra] == [8.0, 22.0, 23.0]
    assert [s.index for s in read(f"{path}[3,17:19]")] == [3, 17, 18]
    (row,) = huggins.classify(f"{path}[17]")
    assert (row["FILE"], row["INDEX"]) == (str(path), 17)


@pytest.mark.parametrize("form", ["desi", "hdf5", "table"])
def test_by_target_or_fibre(form, tmp_path):
    path = MANY[form](tmp_path)
    (spectrum,) = read(path, targetid=FIRST + 9)
    assert spectrum.index == 9
    assert spectrum.targetid == str(FIRST + 9)
    assert read(path, targetid=str(FIRST + 9))[0].index == 9
    assert read(f"{path}[{FIRST + 9}]")[0].index == 9
    assert [s.index for s in read(path, fiber=[2, 5])] == [2, 5]


def test_fibres_of_a_plate_count_from_one(tmp_path):
    (spectrum,) = read(_plate(tmp_path), fiber=1)
    assert spectrum.index == 0


@pytest.mark.parametrize("form", MANY)
def test_what_is_not_there_is_said(form, tmp_path):
    path = MANY[form](tmp_path)
    with pytest.raises(ReadError, match="has no TARGETID 12345"):
        read(path, targetid=12345)
    with pytest.raises(ReadError, match="has no TARGETID or INDEX 999"):
        read(f"{path}[999]")
    *found, error = open_file(path, selection=select(index=[1, 700]))
    assert [s.index for s in found] == [1]
    assert "INDEX 700" in error.what


@pytest.mark.parametrize("form", MANY)
def test_ten_of_many_cost_ten_reads(form, tmp_path, monkeypatch):
    path = MANY[form](tmp_path)
    rows = [1, 4, 9, 15, 20, 21, 28, 33, 36, 38]
    whole = path.stat().st_size
    # The first bytes are kept with the file: make them few, and count what is read beside.
    monkeypatch.setattr("huggins.fits.source._FIRST", 2880)
    got = 0

    def counted(self, length, offset, before=Source._pread):
        nonlocal got
        got += length
        return before(self, length, offset)

    monkeypatch.setattr(Source, "_pread", counted)
    assert len(read(path, index=rows)) == 10
    if form != "hdf5":  # h5py opens the file itself
        assert got < 0.3 * whole


def test_a_container_of_spec_files(tmp_path):
    (tmp_path / "in").mkdir()
    for fibre in (5, 6, 7):
        make.write_boss_spec(
            tmp_path / f"in/spec-{fibre}.fits", make.make_truth(50, fiberid=fibre)
        )
    paths = sorted(map(str, (tmp_path / "in").iterdir()))
    (packed,) = pack(paths, tmp_path / "out")
    (spectrum,) = read(packed.path, fiber=6)
    assert (spectrum.index, spectrum.fiberid) == (1, 6)


def test_a_name_that_ends_in_brackets_is_a_file_first(tmp_path):
    truth = make.make_truth(50)
    path = make.write_boss_spec(tmp_path / "a[3]", truth)
    assert read(path)[0].index == 0
    path = make.write_boss_spec(tmp_path / "b", truth)
    assert read(f"{path}[0]")[0].index == 0
    with pytest.raises(ReadError, match="no such file"):
        read(tmp_path / "missing.fits[3]")
    with pytest.raises(ReadError, match="names no spectrum"):
        read(f"{path}[3:3]")


def test_several_files_may_share_a_selection(tmp_path):
    path = _desi(tmp_path)
    wanted = Selection(targetids=frozenset({str(FIRST + 2), "77"}), strict=False)
    assert [s.index for s in open_file(path, selection=wanted)] == [2]
    each = Selection(files=((str(path), select(index=[5])),))
    assert [s.index for s in open_file(path, selection=each)] == [5]
    other = make.write_boss_spec(tmp_path / "a.fits", make.make_truth(50))
    assert list(open_file(other, selection=each)) == []
