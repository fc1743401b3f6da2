"""The HDF5 file of huggins, and the seed's."""

import gzip

import h5py
import numpy as np
import pytest

import factories as make
from huggins.errors import ReadError
from huggins.formats import identify, open_file, read
from huggins.quality import ZWarning


def _pixels(count=4, size=50):
    rng = np.random.default_rng(1)
    return rng.uniform(1, 2, (count, size)), rng.uniform(0.5, 1, (count, size))


def test_columns_that_are_there_are_read(tmp_path):
    path = make.write_hdf5(
        tmp_path / "a.h5",
        *_pixels(3),
        survey=["BOSS", "LAMOST", ""],
        plate=np.array([7102, -1, -1]),
        mjd=np.array([56666, 55858, -1], np.int32),
        fiberid=np.array([82, 1, -1]),
        targetid=["", "101001", ""],
        specobjid=["7996163790222323712", "", "0"],
        ra=np.array([10.0, 20.0, np.nan]),
        dec=np.array([-1.0, 2.0, np.nan]),
        pipe_class=["QSO", "STAR", ""],
        pipe_z=np.array([2.5, 0.0, np.nan]),
        pipe_zwarning=np.array([0, 128, -1]),
        zwarning=np.array([0, 128, 0]),
        z=np.zeros(3),
        class_index=np.zeros(3, np.int8),
        other=np.zeros((2, 2)),
    )
    assert identify(path) == "hdf5"
    quasar, star, unknown = read(path)
    assert (quasar.survey, quasar.plate, quasar.mjd, quasar.fiberid) == (
        "BOSS",
        7102,
        56666,
        82,
    )
    assert quasar.specobjid == "7996163790222323712"
    assert quasar.targetid is None
    assert (quasar.pipeline.cls, quasar.pipeline.z) == ("QSO", 2.5)
    assert (star.plate, star.targetid, star.specobjid) == (None, "101001", None)
    assert star.zwarning == ZWarning.UNPLUGGED
    for missing in ("plate", "mjd", "fiberid", "targetid", "specobjid", "ra", "dec"):
        assert getattr(unknown, missing) is None
    assert unknown.pipeline.z is unknown.pipeline.zwarning is None


def test_flux_and_ivar_are_enough(tmp_path):
    flux, ivar = _pixels()
    spectra = read(make.write_hdf5(tmp_path / "a.h5", flux, ivar, start=3.6, step=1e-3))
    assert [s.index for s in spectra] == [0, 1, 2, 3]
    np.testing.assert_allclose(spectra[0].loglam[:2], [3.6005, 3.6015])
    assert (spectra[3].flux == flux[3].astype(np.float32)).all()


def test_rows_come_as_they_are_asked_for(tmp_path, monkeypatch):
    # A block is read only when its first row is due.
    path = make.write_hdf5(tmp_path / "a.h5", *_pixels(1200))
    with h5py.File(path, "r+") as file:
        file["ivar"][600:] = 0
    asked = []
    original = h5py.Dataset.__getitem__

    def watch(dataset, key):
        if dataset.name == "/flux":
            asked.append(key)
        return original(dataset, key)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", watch)
    rows = open_file(path)
    next(rows)
    assert len(asked) == 1
    rest = list(rows)
    assert len(rest) == 1199
    assert len(asked) > 1
    assert isinstance(rest[-1], ReadError)
    assert rest[-1].index == 1199


def test_gzipped(tmp_path):
    path = make.write_hdf5(tmp_path / "a.h5", *_pixels())
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert len(read(path)) == 4


@pytest.mark.parametrize("extra", [(), (1,)])
def test_seed_layout_is_flux_without_errors(extra, tmp_path):
    fluxes = np.random.default_rng(2).uniform(0.1, 1, (3, 433, *extra)).astype(np.float32)
    fluxes[1, 7] = np.nan
    spectra = read(make.write_seed_hdf5(tmp_path / "seed.h5", fluxes))
    assert len(spectra) == 3
    assert len(spectra[0]) == 433
    np.testing.assert_array_equal(spectra[2].flux, fluxes[2].ravel())
    assert set(spectra[0].ivar) == {1.0}
    assert not spectra[1].good[7]
    edge = 0.5 * 0.45 / 433
    np.testing.assert_allclose(spectra[0].loglam[[0, -1]], [3.56 + edge, 4.01 - edge])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda f: f.attrs.modify("huggins_schema", 2),
            "schema 2, this huggins reads",
        ),
        (lambda f: f.attrs.modify("loglam_step", -1.0), "must both be of shape"),
        (lambda f: f.__delitem__("ivar"), "no ivar"),
        (lambda f: f.attrs.__delitem__("loglam_start"), "no loglam_start"),
        (lambda f: f.attrs.__delitem__("huggins_schema"), "it holds flux, ivar"),
        (lambda f: f.move("flux", "ivar2"), "no flux"),
    ],
)
def test_what_is_wrong_is_said(change, message, tmp_path):
    path = make.write_hdf5(tmp_path / "a.h5", *_pixels())
    with h5py.File(path, "r+") as file:
        change(file)
    (error,) = open_file(path)
    assert message in str(error)


def test_shapes_that_differ_or_are_empty(tmp_path):
    flux, ivar = _pixels()
    (error,) = open_file(make.write_hdf5(tmp_path / "a.h5", flux, ivar[:, 1:]))
    assert "shape" in str(error)
    (error,) = open_file(make.write_hdf5(tmp_path / "b.h5", flux[:0], ivar[:0]))
    assert "no spectrum" in str(error)
    (error,) = open_file(make.write_seed_hdf5(tmp_path / "c.h5", flux))
    assert "(N, 433)" in str(error)


def test_promised_rows_without_bytes_are_refused(tmp_path):
    # A chunked dataset may claim any shape and hold nothing.
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs.update(huggins_schema=1, loglam_start=3.55, loglam_step=5e-4)
        for name in ("flux", "ivar"):
            file.create_dataset(name, (10**9, 960), "f4", chunks=(512, 960))
    (error,) = open_file(tmp_path / "a.h5")
    assert "promises" in str(error)
