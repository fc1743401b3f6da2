"""Mocks as files: what is in them, and that a run that was stopped goes on."""

import csv
import threading
from dataclasses import replace

import h5py
import numpy as np
import pytest

import huggins
from huggins.errors import InputError, OutputError
from huggins.prepare import STANDARD
from huggins.simulate import NoiseBank, files
from huggins.simulate.files import NATIVE, Recipe, lot, simulate
from huggins.taxonomy import ALL_CLASSES

from .conftest import noisy

RECIPE = Recipe(250, seed=3, odds={"F": 1.0, "QSO": 1.0, "NONE": 0.2}, sn=(3.0, 30.0))


@pytest.fixture(autouse=True)
def small_lots(monkeypatch):
    monkeypatch.setattr(files, "LOT", 100)


@pytest.fixture(scope="module")
def native_bank():
    spectra = [noisy(i, 1.0 + i) for i in range(3)] + [noisy(9, 0.0, sky=True)]
    return NoiseBank.from_spectra(spectra, ["BOSS"] * 4, [False] * 3 + [True], NATIVE)


def drawn(library, bank, recipe=RECIPE):
    parts = [lot(recipe, n, library, bank) for n in range(3)]
    return {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("flux", "ivar", "kind", "z", "sn")
    }


@pytest.mark.slow
def test_a_data_set_holds_what_was_drawn(library, bank, tmp_path):
    out = tmp_path / "mocks.h5"
    simulate(RECIPE, library, bank, out, jobs=2)
    expected = drawn(library, bank)
    with h5py.File(out) as file:
        assert file.attrs["classes"].split() == list(ALL_CLASSES)
        np.testing.assert_array_equal(file["flux"][:], expected["flux"])
        np.testing.assert_array_equal(file["ivar"][:], expected["ivar"])
        np.testing.assert_array_equal(file["class_index"][:], expected["kind"])
        np.testing.assert_array_equal(file["z"][:], expected["z"])
        assert set(file["trust"][:]) == {3}
        names = {
            ALL_CLASSES.index("F"): b"STAR",
            ALL_CLASSES.index("QSO"): b"QSO",
            13: b"",
        }
        assert list(file["class"][:]) == [names[k] for k in expected["kind"]]
        assert len(set(file["object"][:])) == 250
    assert list(tmp_path.iterdir()) == [out]
    spectra = huggins.read(out)
    assert len(spectra) == 250
    np.testing.assert_allclose(spectra[7].loglam, STANDARD.grid.loglam)


def test_arrays_hold_what_was_drawn(library, bank, tmp_path):
    out = tmp_path / "mocks.npz"
    simulate(RECIPE, library, bank, out)
    expected = drawn(library, bank)
    with np.load(out) as arrays:
        for name, values in expected.items():
            np.testing.assert_array_equal(arrays[name], values)
        np.testing.assert_allclose(arrays["loglam"], STANDARD.grid.loglam)
        assert arrays["kinds"].tolist() == list(ALL_CLASSES)


@pytest.mark.slow
def test_spec_files_are_read_as_boss_files(library, native_bank, tmp_path):
    out = tmp_path / "specs"
    recipe = replace(RECIPE, count=120, survey="BOSS")
    simulate(recipe, library, native_bank, out)
    with (out / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 120
    first, second = (lot(recipe, n, library, native_bank) for n in range(2))
    for row, mocks, i in ((rows[3], first, 3), (rows[105], second, 5)):
        (spectrum,) = huggins.read(out / row["path"])
        assert spectrum.format == "spec"
        assert (spectrum.plate, spectrum.mjd) == (90000, 50000)
        assert (spectrum.pipeline.cls, spectrum.pipeline.z) == ("", None)
        kind = ALL_CLASSES[mocks.kind[i]]
        assert row["class13"] == ("" if kind == "NONE" else kind)
        seen = mocks.ivar[i] > 0
        good = spectrum.good
        np.testing.assert_allclose(spectrum.flux[good], mocks.flux[i][seen], rtol=1e-6)
        np.testing.assert_allclose(spectrum.loglam[good], NATIVE.loglam[seen], atol=5e-7)


def test_spec_files_need_native_pixels(library, bank, tmp_path):
    with pytest.raises(InputError, match="native pixels"):
        simulate(RECIPE, library, bank, tmp_path / "specs")


@pytest.mark.parametrize("name", ["a.h5", "a.npz"])
def test_a_run_that_stopped_goes_on_and_ends_the_same(library, bank, tmp_path, name):
    simulate(RECIPE, library, bank, tmp_path / name)
    whole = (tmp_path / name).read_bytes() if name.endswith("h5") else None
    other = tmp_path / "b" / name
    other.parent.mkdir()

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(RECIPE, library, bank, other, done=stop)
    kept = other.with_name(f"{name}.part")
    assert (kept / "0.npz").is_file()
    assert not other.exists()
    with pytest.raises(InputError, match="seed was 3 and is 4 now"):
        simulate(replace(RECIPE, seed=4), library, bank, other, resume=True)
    made = []
    simulate(RECIPE, library, bank, other, resume=True, done=made.append)
    assert sum(made) == 150  # the first lot was there
    if whole is not None:
        with h5py.File(other) as two, h5py.File(tmp_path / name) as one:
            assert all((one[key][:] == two[key][:]).all() for key in ("flux", "ivar", "sn"))
    else:
        with np.load(other) as two, np.load(tmp_path / name) as one:
            assert all((one[k] == two[k]).all() for k in ("flux", "ivar", "sn"))


def test_the_number_of_threads_changes_nothing(library, bank, tmp_path):
    for jobs in (1, 3):
        simulate(RECIPE, library, bank, tmp_path / f"{jobs}.npz", jobs=jobs)
    with np.load(tmp_path / "1.npz") as one, np.load(tmp_path / "3.npz") as two:
        np.testing.assert_array_equal(one["flux"], two["flux"])
    assert threading.active_count() < 20


def test_a_full_disk_keeps_what_is_done(library, bank, tmp_path, monkeypatch):
    out = tmp_path / "a.h5"
    keep = files._keep

    def full(kept, number, mocks, *, pixels):
        if number == 1:
            raise OSError(28, "No space left on device")
        keep(kept, number, mocks, pixels=pixels)

    monkeypatch.setattr(files, "_keep", full)
    with pytest.raises(OutputError, match=r"a\.h5\.part: .*No space left.*is kept"):
        simulate(RECIPE, library, bank, out)
    monkeypatch.setattr(files, "_keep", keep)
    simulate(RECIPE, library, bank, out, resume=True)
    assert out.is_file()


def test_slips_are_named(library, bank, tmp_path):
    with pytest.raises(InputError, match="at least one"):
        simulate(replace(RECIPE, count=0), library, bank, tmp_path / "a.h5")
    with pytest.raises(OutputError, match="there is no folder"):
        simulate(RECIPE, library, bank, tmp_path / "no" / "a.h5")


@pytest.mark.slow
@pytest.mark.parametrize("left", ["..run.0a1b2c3d.tmp.json", ".0.0a1b2c3d.tmp.npz", "0.npz"])
@pytest.mark.parametrize("resume", [True, False])
def test_a_run_killed_before_its_record_is_there_begins_anew(
    left, resume, library, bank, tmp_path
):
    kept = tmp_path / "mocks.npz.part"
    kept.mkdir()
    (kept / left).write_bytes(b"of another run, half written")
    simulate(RECIPE, library, bank, tmp_path / "mocks.npz", resume=resume)
    with np.load(tmp_path / "mocks.npz") as found:
        np.testing.assert_array_equal(found["flux"], drawn(library, bank)["flux"])
    assert not kept.exists()


def test_a_folder_of_somebody_else_is_left_alone(library, bank, tmp_path):
    kept = tmp_path / "mocks.npz.part"
    kept.mkdir()
    (kept / "thesis.tex").write_text("precious")
    with pytest.raises(OutputError, match="no folder of huggins"):
        simulate(RECIPE, library, bank, tmp_path / "mocks.npz", resume=True)
    assert (kept / "thesis.tex").read_text() == "precious"
