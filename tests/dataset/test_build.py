import csv
import os
import zipfile
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import h5py
import numpy as np
import pytest

from factories import (
    make_truth,
    write_boss_spec,
    write_desi,
    write_sdss5_spec,
    write_spplate,
    write_text,
)
from huggins.dataset import build as module
from huggins.dataset import chunk as chunks
from huggins.dataset import merge as merging
from huggins.dataset.build import build, skipped_path, work_folder
from huggins.dataset.chunk import Options
from huggins.dataset.merge import Making
from huggins.dataset.pack import pack
from huggins.errors import InputError, OutputError
from huggins.formats import identify, read
from huggins.prepare import SEED, STANDARD
from huggins.runs.workers import Workers
from huggins.taxonomy import CLASSES

SEED_OPTIONS = {"options": Options(layout="seed")}


@pytest.fixture
def small_chunks(monkeypatch):
    """Four inputs a chunk, blocks of five rows."""
    monkeypatch.setattr(chunks, "_FILES", 4)
    monkeypatch.setattr(chunks, "_BLOCK", 5)


def skipped(output):
    path = skipped_path(output)
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [(row["file"], int(row["index"]), row["reason"]) for row in csv.DictReader(file)]


def text(values):
    return [value.decode() for value in values]


def test_content_is_that_of_the_spectra(survey, tmp_path, arrays):
    out = tmp_path / "o.h5"
    summary = build(survey, out)
    assert (summary.rows, summary.inputs, summary.reasons) == (30, 30, {})
    got = arrays(out)
    spectra = [read(path)[0] for path in survey]
    flux, ivar = STANDARD.rebin(spectra)
    np.testing.assert_array_equal(got["flux"], flux.astype("f4"))
    np.testing.assert_array_equal(got["ivar"], ivar.astype("f4"))
    for name in ("plate", "mjd", "fiberid", "ra", "dec", "zwarning"):
        np.testing.assert_array_equal(got[name], [getattr(s, name) for s in spectra])
    for name in ("survey", "specobjid"):
        assert text(got[name]) == [getattr(s, name) for s in spectra]
    assert text(got["file"]) == survey
    np.testing.assert_array_equal(got["sn"], np.array([s.median_sn() for s in spectra], "f4"))
    np.testing.assert_array_equal(got["z"], [s.pipeline.z for s in spectra])
    np.testing.assert_array_equal(got["pipe_z"], got["z"])
    assert text(got["pipe_class"]) == text(got["class"])
    assert got["class_index"].tolist() == [-1 if i % 10 == 9 else 0 for i in range(30)]
    assert got["trust"].tolist() == [2] * 30
    assert got["targetid"].tolist() == [b""] * 30
    assert list(tmp_path.glob("*.parts*")) == list(tmp_path.glob(".*")) == []


def test_attributes_say_what_it_is(survey, tmp_path):
    build(survey, tmp_path / "o.h5", making=Making(provenance={"command": "huggins build x"}))
    with h5py.File(tmp_path / "o.h5") as file:
        about = dict(file.attrs)
    assert about["huggins_schema"] == 1
    assert about["loglam_start"] == STANDARD.grid.start
    assert about["loglam_step"] == STANDARD.grid.step
    assert about["classes"].split() == list(CLASSES)
    assert about["splits"] == "train validation test"
    assert about["command"] == "huggins build x"
    assert about["creator"].startswith("huggins ")


def test_reader_takes_it(survey, tmp_path):
    build(survey, tmp_path / "o.h5")
    assert identify(tmp_path / "o.h5") == "hdf5"
    for path, spectrum in zip(survey, read(tmp_path / "o.h5"), strict=True):
        (one,) = read(path)
        for name in ("survey", "plate", "mjd", "fiberid", "specobjid", "ra", "dec"):
            assert getattr(one, name) == getattr(spectrum, name)
        assert one.pipeline.z == spectrum.pipeline.z


def test_seed_layout(survey, tmp_path, arrays):
    out = tmp_path / "o.h5"
    summary = build(survey, out, **SEED_OPTIONS)
    assert summary.rows == 27
    assert summary.reasons == {"its class is none of the 13, or not known": 3}
    got = arrays(out)
    assert {name: (v.shape, v.dtype) for name, v in got.items()} == {
        "fluxes": ((27, 433), np.float32),
        "classes": ((27, 13), np.float32),
    }
    spectra = [read(path)[0] for i, path in enumerate(survey) if i % 10 != 9]
    flux, ivar = SEED.rebin(spectra)
    np.testing.assert_array_equal(got["fluxes"], SEED.tensor(flux, ivar)[:, 0])
    assert got["fluxes"].max() == 1.0
    assert (got["classes"] == np.eye(13)[[0] * 27]).all()
    assert [spectrum.format for spectrum in read(out)] == ["hdf5-seed"] * 27


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["huggins", "seed"])
def test_same_bytes_whatever_the_number_of_workers(
    survey, tmp_path, small_chunks, check_same, layout
):
    kind = {"options": Options(layout=layout)}
    build(survey, tmp_path / "1.h5", **kind)
    build(survey, tmp_path / "2.h5", workers=Workers(2), **kind)
    check_same(tmp_path / "1.h5", tmp_path / "2.h5")
    assert skipped(tmp_path / "1.h5") == skipped(tmp_path / "2.h5")


def test_same_bytes_from_a_dask_cluster(survey, tmp_path, small_chunks, check_same):
    distributed = pytest.importorskip("distributed", reason="dask is not installed")
    build(survey, tmp_path / "1.h5")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0"
    ) as cluster:
        address = cluster.scheduler_address
        build(survey, tmp_path / "2.h5", workers=Workers(cluster=address))
    check_same(tmp_path / "1.h5", tmp_path / "2.h5")


def test_cluster_that_is_not_there_is_an_error(survey, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="dask is not installed")

    def refuse(*args, **kwargs):
        raise OSError("Timed out trying to connect")

    monkeypatch.setattr(distributed, "Client", refuse)
    with pytest.raises(InputError, match=r"tcp://nowhere:1: no Dask scheduler answers there"):
        build(survey, tmp_path / "o.h5", workers=Workers(cluster="tcp://nowhere:1"))


def test_slurm_starts_workers(survey, tmp_path, monkeypatch, check_same):
    """With a stand-in for dask-jobqueue: there is no SLURM here."""
    distributed = pytest.importorskip("distributed", reason="dask is not installed")
    import types

    asked = []

    class Cluster(distributed.LocalCluster):
        def __init__(self):
            super().__init__(n_workers=0, processes=False, dashboard_address=":0")

        def scale(self, count):
            asked.append(count)
            return super().scale(count)

    stand_in = types.SimpleNamespace(SLURMCluster=Cluster)
    monkeypatch.setitem(__import__("sys").modules, "dask_jobqueue", stand_in)
    build(survey, tmp_path / "1.h5")
    build(survey, tmp_path / "2.h5", workers=Workers(2, slurm=True))
    assert asked[0] == 2
    check_same(tmp_path / "1.h5", tmp_path / "2.h5")


def test_cluster_without_dask_names_the_extra(survey, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(ImportError, match=r"huggins\[cluster\]"):
        build(survey, tmp_path / "o.h5", workers=Workers(cluster="tcp://a:1"))


def test_chunks_depend_on_the_inputs_alone(survey, monkeypatch):
    monkeypatch.setattr(chunks, "_BYTES", 200_000)
    one, two = list(chunks.chunks(survey)), list(chunks.chunks(iter(survey)))
    assert one == two
    assert len(one) > 3
    assert [path for chunk in one for path in chunk.paths] == survey
    assert len({chunk.digest for chunk in one}) == len(one)


def test_containers_and_plates_give_the_same_spectra(survey, tmp_path, small_chunks, arrays):
    containers = [str(item.path) for item in pack(survey, tmp_path / "packs")]
    assert len(containers) == 2
    build(survey, tmp_path / "1.h5")
    build(containers, tmp_path / "2.h5")
    one, two = arrays(tmp_path / "1.h5"), arrays(tmp_path / "2.h5")
    for name in set(one) - {"file", "index"}:
        assert one[name].tobytes() == two[name].tobytes(), name
    assert two["index"].tolist() == list(range(15)) * 2
    plate = write_spplate(tmp_path / "p.fits", np.ones((7, 500)), np.ones((7, 500)))
    assert build([str(plate)], tmp_path / "3.h5").rows == 7


def test_files_of_other_surveys(tmp_path, arrays):
    ones = np.ones((3, 2750))
    paths = [
        write_sdss5_spec(tmp_path / "a.fits", make_truth(400)),
        write_desi(tmp_path / "b.fits", {"B": (np.arange(3600, 5800, 0.8), *[ones] * 2)}),
        write_text(tmp_path / "c.csv", [np.arange(4e3, 5e3, 2.0), np.ones(500), np.ones(500)]),
    ]
    build(list(map(str, paths)), tmp_path / "o.h5")
    got = arrays(tmp_path / "o.h5")
    surveys = text(got["survey"])
    assert surveys[0] == "SDSS-V"
    assert set(surveys[1:-1]) == {"DESI"}
    assert surveys[-1] == ""
    assert got["plate"][-1] == -1
    assert np.isnan(got["ra"][-1])


def test_what_is_left_out_is_listed_with_the_reason(survey, tmp_path, small_chunks):
    Path(survey[3]).write_bytes(b"")
    Path(survey[7]).write_bytes(Path(survey[7]).read_bytes()[:9000])
    far = write_text(
        tmp_path / "far.csv", [np.arange(2e4, 3e4, 20.0), np.ones(500), np.ones(500)]
    )
    faint = write_text(
        tmp_path / "faint.csv",
        [np.arange(4e3, 5e3, 2.0), np.full(500, 1e-25), np.full(500, 1e-26)],
    )
    out = tmp_path / "o.h5"
    paths = [*survey, str(far), str(faint), str(tmp_path / "absent.fits")]
    summary = build(paths, out)
    assert summary.rows == 28
    assert sum(summary.reasons.values()) == 5
    reasons = {Path(file).name: why for file, _, why in skipped(out)}
    assert reasons["spec-3586-55181-0004.fits"].startswith("the file is empty")
    assert "truncated" in reasons["spec-3586-55181-0008.fits"]
    assert reasons["far.csv"] == "no good pixel on the grid"
    assert "give them in 1e-17 erg/s/cm2/A" in reasons["faint.csv"]
    assert reasons["absent.fits"].startswith("there is no such file")
    build(survey[:3], out)
    assert skipped(out) == []


def test_mistake_in_a_reader_costs_one_file(survey, tmp_path, monkeypatch):
    opened = chunks.open_file

    def broken(path, **options):
        if path == survey[2]:
            raise ZeroDivisionError("oh")
        return opened(path, **options)

    monkeypatch.setattr(chunks, "open_file", broken)
    assert build(survey, tmp_path / "o.h5").rows == 29
    ((file, _, why),) = skipped(tmp_path / "o.h5")
    assert file == survey[2]
    assert "ZeroDivisionError('oh'), a mistake in huggins" in why


def test_repeated_spectra_are_taken_once(survey, tmp_path, small_chunks, arrays):
    again = tmp_path / "again"
    again.mkdir()
    full = write_boss_spec(
        again / "full.fits",
        make_truth(300, seed=4, plate=3586, mjd=55181, fiberid=5, ra=14, dec=0.4, z=0.4),
        exposures=2,
    )
    paths = [*survey, survey[0], str(full)]
    out = tmp_path / "o.h5"
    summary = build(paths, out)
    assert summary.rows == 30
    assert skipped(out) == [
        (survey[0], 0, f"the same spectrum as {survey[0]} [0]"),
        (str(full), 0, f"the same spectrum as {survey[4]} [0]"),
    ]
    got = arrays(out)
    assert len(set(zip(got["plate"].tolist(), got["fiberid"].tolist(), strict=True))) == 30


@pytest.mark.slow
def test_spectra_of_one_object_are_never_split(tmp_path, arrays):
    """Twenty objects, each seen three times within an arcsecond."""
    paths = []
    for i in range(60):
        truth = make_truth(
            300,
            seed=i,
            plate=4000 + i // 20,
            fiberid=i % 20 + 1,
            ra=100 + i % 20 + (i // 20) * 0.3 / 3600,
            dec=0.5,
        )
        paths.append(str(write_boss_spec(tmp_path / f"{i}.fits", truth)))
    out = tmp_path / "o.h5"
    build(paths, out, making=Making(validation=0.3, test=0.3))
    got = arrays(out)
    assert len(set(got["object"].tolist())) == 20
    for name in set(got["object"].tolist()):
        rows = got["object"] == name
        assert rows.sum() == 3
        assert len(set(got["split"][rows].tolist())) == 1
    assert set(got["split"].tolist()) == {0, 1, 2}
    # The part of an object does not depend on what else is in the file.
    build(paths[:7], tmp_path / "p.h5", making=Making(validation=0.3, test=0.3))
    fewer = arrays(tmp_path / "p.h5")
    assert fewer["split"].tolist() == got["split"][:7].tolist()


def test_file_with_impossible_numbers_does_not_end_the_run(survey, tmp_path, arrays):
    odd = make_truth(300, plate=2**22, mjd=2**20, fiberid=2**15, ra=np.nan, dec=np.nan)
    paths = [*survey, str(write_boss_spec(tmp_path / "odd.fits", odd))]
    assert build(paths, tmp_path / "o.h5").rows == 31
    got = arrays(tmp_path / "o.h5")
    assert got["fiberid"][-1] == 2**15
    assert got["object"][-1] == b"R31"


def test_shares_are_those_asked_for():
    from huggins.dataset.objects import split_of

    names = np.array([f"T{i}".encode() for i in range(20_000)])
    part = split_of(names, 0.1, 0.25)
    share = np.bincount(part) / len(part)
    np.testing.assert_allclose(share, [0.65, 0.1, 0.25], atol=0.015)
    assert set(split_of(names, 0.0, 0.0).tolist()) == {0}
    assert set(split_of(names, 0.0, 1.0).tolist()) == {2}
    with pytest.raises(InputError, match="fractions"):
        Making(validation=0.6, test=0.6)


def interrupted(paths, output, after, **options):
    """Build until so many inputs are done, then be interrupted."""

    def watch(state):
        if state.inputs >= after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(paths, output, watch=watch, **options)


@pytest.mark.slow
@pytest.mark.parametrize("after", [4, 12, 28])
@pytest.mark.parametrize("jobs", [1, 2])
def test_interrupted_run_goes_on(survey, tmp_path, small_chunks, check_same, after, jobs):
    build(survey, tmp_path / "1.h5")
    out = tmp_path / "2.h5"
    interrupted(survey, out, after, workers=Workers(jobs))
    assert not out.exists()
    summary = build(survey, out, resume=True)
    assert summary.resumed >= after
    assert summary.rows == 30
    check_same(tmp_path / "1.h5", out)
    assert not work_folder(out).exists()


def test_run_interrupted_while_the_file_is_made_goes_on(
    survey, tmp_path, small_chunks, check_same
):
    out = tmp_path / "2.h5"

    def watch(state):
        if state.written > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(survey, out, watch=watch)
    assert not out.exists()
    assert list(tmp_path.glob(".*tmp")) == []
    assert build(survey, out, resume=True).resumed == 30
    build(survey, tmp_path / "1.h5")
    check_same(tmp_path / "1.h5", out)


@pytest.mark.parametrize("damage", ["cut", "empty", "gone", "hidden"])
def test_part_that_is_not_whole_is_made_again(
    survey, tmp_path, small_chunks, check_same, damage
):
    out = tmp_path / "2.h5"
    interrupted(survey, out, 16)
    part = sorted(work_folder(out).glob("*.part"))[1]
    if damage == "cut":
        part.write_bytes(part.read_bytes()[:-100])
    elif damage == "empty":
        part.write_bytes(b"")
    elif damage == "gone":
        part.unlink()
    else:
        part.rename(part.with_name(f".{part.name}.host.1"))
    build(survey, out, resume=True)
    build(survey, tmp_path / "1.h5")
    check_same(tmp_path / "1.h5", out)


def test_without_resume_parts_are_moved_aside(survey, tmp_path, small_chunks, caplog):
    out = tmp_path / "o.h5"
    interrupted(survey, out, 8)
    assert build(survey, out).resumed == 0
    assert "--resume would have gone on" in caplog.text
    assert (tmp_path / "o.h5.parts.old").is_dir()


def test_resume_with_other_inputs_is_refused(survey, tmp_path, small_chunks):
    out = tmp_path / "o.h5"
    interrupted(survey, out, 20)
    kept = sorted(path.name for path in work_folder(out).iterdir())
    with pytest.raises(
        InputError, match=r"the inputs are not those .* \(from .*0006.fits on\)"
    ):
        build([*survey[:4], *survey[5:]], out, resume=True)
    with pytest.raises(InputError, match="had more inputs"):
        build(survey[:8], out, resume=True)
    assert sorted(path.name for path in work_folder(out).iterdir()) == kept
    Path(survey[0]).write_bytes(b"changed")
    with pytest.raises(InputError, match="the inputs are not those"):
        build(survey, out, resume=True)


def test_resume_with_other_options_is_refused(survey, tmp_path, small_chunks):
    out = tmp_path / "o.h5"
    interrupted(survey, out, 8)
    with pytest.raises(InputError, match="--min-trust was 0 and is 2 now"):
        build(survey, out, options=Options(min_trust=2), resume=True)
    with pytest.raises(InputError, match="--layout was huggins and is seed now"):
        build(survey, out, resume=True, **SEED_OPTIONS)


def test_two_processes_do_not_build_one_file(survey, tmp_path):
    out = tmp_path / "o.h5"

    def watch(state):
        with pytest.raises(OutputError, match=r"o\.h5: another huggins is writing it"):
            build(survey, out)

    assert build(survey, out, watch=watch).rows == 30


def test_worker_that_dies_is_an_error_that_says_what_to_do(
    survey, tmp_path, small_chunks, monkeypatch
):
    def dead(chunk, folder, options):
        raise BrokenProcessPool("killed")

    with monkeypatch.context() as patch:
        patch.setattr(module, "build_chunk", dead)
        with pytest.raises(OutputError, match=r"a worker has died .* fewer --jobs; .*--resume"):
            build(survey, tmp_path / "o.h5")
    assert build(survey, tmp_path / "o.h5", resume=True).rows == 30


def test_full_disk_is_noticed_before(survey, tmp_path, monkeypatch):
    import types

    monkeypatch.setattr(
        merging.shutil, "disk_usage", lambda path: types.SimpleNamespace(free=1000)
    )
    with pytest.raises(OutputError, match=r"needs 0.0 GB, and 0.0 GB are free.*--resume"):
        build(survey, tmp_path / "o.h5")
    monkeypatch.undo()
    assert build(survey, tmp_path / "o.h5", resume=True).resumed == 30


def test_full_disk_while_parts_are_written(survey, tmp_path, small_chunks, monkeypatch):
    count = 0
    fsync = os.fsync

    def full(descriptor):
        nonlocal count
        count += 1
        if count == 5:  # the first is of the record of the run
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match=r"No space left on device; free .*--resume"):
            build(survey, tmp_path / "o.h5")
    assert len(list(work_folder(tmp_path / "o.h5").glob("*.part"))) == 3
    assert build(survey, tmp_path / "o.h5", resume=True).resumed == 12


def test_older_file_stays_until_the_new_one_is_whole(survey, tmp_path, arrays):
    out = tmp_path / "o.h5"
    build(survey[:5], out)
    interrupted(survey, out, 1)
    assert len(arrays(out)["z"]) == 5
    build(survey, out, resume=True)
    assert len(arrays(out)["z"]) == 30


def test_no_spectrum_at_all_is_an_error(tmp_path):
    (tmp_path / "a.fits").write_bytes(b"")
    with pytest.raises(InputError, match=r"gives a spectrum .* 1 of 1 .*the file is empty"):
        build([str(tmp_path / "a.fits")], tmp_path / "o.h5")
    assert [reason for _, _, reason in skipped(tmp_path / "o.h5")] != []
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["a.fits", "o.h5.skipped.csv"]
    with pytest.raises(InputError, match="none of the inputs holds a spectrum"):
        build([], tmp_path / "p.h5")


def test_table_that_cannot_be_used_leaves_nothing_behind(survey, tmp_path):
    (tmp_path / "t.fits").write_bytes(b"")
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(InputError, match=r"t\.fits"):
        build(survey, tmp_path / "o.h5", targets=tmp_path / "t.fits")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("name", "message"),
    [("o.fits", "must end in .h5"), ("no/o.h5", "there is no folder"), ("d.h5", "is a folder")],
)
def test_outputs_that_cannot_be(survey, tmp_path, name, message):
    (tmp_path / "d.h5").mkdir()
    with pytest.raises((InputError, OutputError), match=message):
        build(survey, tmp_path / name)


def test_workers_that_make_no_sense():
    with pytest.raises(InputError, match="at least 1"):
        Workers(0)
    with pytest.raises(InputError, match="exclude each other"):
        Workers(1, "tcp://a:1", slurm=True)


def test_parts_are_plain_archives(survey, tmp_path, small_chunks):
    out = tmp_path / "o.h5"
    interrupted(survey, out, 4)
    part = min(work_folder(out).glob("*.part"))
    with zipfile.ZipFile(part) as archive:
        assert "about.json" in archive.namelist()
        with archive.open("0/flux.npy") as file:
            assert np.load(file).shape == (4, 960)
