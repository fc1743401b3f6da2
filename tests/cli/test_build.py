"""`huggins build` in process and as a process."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from factories import make_truth, write_boss_spec
from huggins import cli
from huggins.dataset import chunk as chunks

CODE = "import sys; from huggins.cli import main; sys.exit(main())"


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Sixty spectra of six plates."""
    root = tmp_path_factory.mktemp("sixty")
    for i in range(60):
        truth = make_truth(200, seed=i, plate=3586 + i // 10, fiberid=i % 10 + 1, ra=i, z=0.1)
        write_boss_spec(root / f"{i:03d}.fits", truth)
    return root


@pytest.fixture
def folder(written, tmp_path, monkeypatch):
    """A copy of them in in/."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(written, "in")
    return tmp_path


@pytest.fixture
def run(capsys, folder):
    def call(*argv):
        status = cli.main(["build", *map(str, argv)])
        out, err = capsys.readouterr()
        assert (out, "Traceback" in err) == ("", False)
        return status, err

    return call


def arrays(path):
    with h5py.File(path) as file:
        return {name: file[name][:] for name in file}


def check_same(one, two):
    first, second = arrays(one), arrays(two)
    assert list(first) == list(second)
    for name in first:
        assert first[name].tobytes() == second[name].tobytes(), name


@pytest.mark.slow
def test_a_file(run):
    status, err = run("in", "-o", "a.h5", "--jobs", 1)
    assert status == 0
    assert "60 spectra of 60 inputs: a.h5\n" in err
    assert len(arrays("a.h5")["flux"]) == 60
    assert sorted(path.name for path in Path().iterdir()) == ["a.h5", "a.h5.card.md", "in"]
    with h5py.File("a.h5") as file:
        assert file.attrs["command"] == "huggins build in -o a.h5 --jobs 1"
    assert cli.main(["info", "a.h5", "-q"]) == 0


def test_seed(run):
    assert run("in", "-o", "a.h5", "--layout", "seed", "--jobs", 1)[0] == 0
    got = arrays("a.h5")
    assert (got["fluxes"].shape, got["classes"].shape) == ((60, 433), (60, 13))


def test_what_is_left_out_is_said_and_the_status_says_so(run):
    Path("in/007.fits").write_bytes(b"")
    status, err = run("in", "-o", "a.h5", "--jobs", 1)
    assert status == 1
    assert "1 left out: the file is empty" in err
    assert "59 spectra of 60 inputs: a.h5; 1 left out (a.h5.skipped.csv says why)" in err


def test_output_inside_the_inputs_is_no_input(run):
    assert run("in", "-o", "in/a.h5", "--jobs", 1)[0] == 0
    status, err = run("in", "-o", "in/a.h5", "--jobs", 1)
    assert (status, "60 spectra of 60 inputs" in err) == (0, True)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["in", "-o", "a.fits"], "must end in .h5"),
        (["in", "-o", "a.h5", "--validation", "0.9", "--test", "0.9"], "fractions"),
        (["in", "-o", "a.h5", "--targets", "no.csv"], "no.csv: "),
        (["in", "-o", "a.h5", "--cluster", "a:1", "--slurm"], "exclude each other"),
        (["nothing*", "-o", "a.h5"], "nothing matches"),
    ],
)
def test_wrong_usage(run, argv, message):
    status, err = run(*argv)
    assert status == 2
    assert message in err
    assert not Path("a.h5").exists()


def slow(argv):
    """The command in a process of its own, with small chunks that take their time."""
    code = (
        "import sys, time\n"
        "from huggins.dataset import build, chunk\n"
        "chunk._FILES = 3\n"
        "make = build.build_chunk\n"
        "def slowly(*args):\n"
        "    time.sleep(0.03)\n"
        "    return make(*args)\n"
        "build.build_chunk = slowly\n"
        "from huggins.cli import main\n"
        "sys.exit(main())\n"
    )
    return [sys.executable, "-c", code, "build", *argv]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("parts", [1, 7, 19])
def test_run_that_is_ended_goes_on_without_loss_or_repetition(run, monkeypatch, how, parts):
    monkeypatch.setattr(chunks, "_FILES", 3)
    assert run("in", "-o", "whole.h5", "--jobs", 1)[0] == 0
    process = subprocess.Popen(
        slow(["in", "-o", "a.h5", "--jobs", "1"]), stderr=subprocess.PIPE, text=True
    )
    folder = Path("a.h5.parts")
    while process.poll() is None and len(list(folder.glob("[0-9]*.part"))) < parts:
        time.sleep(0.002)
    process.send_signal(how)
    _, err = process.communicate(timeout=20)
    if how == signal.SIGINT and process.returncode:
        assert process.returncode == 130
        assert "--resume goes on" in err
        assert "Traceback" not in err
    done = len(list(folder.glob("[0-9]*.part")))
    status, _ = run("in", "-o", "a.h5", "--resume", "--jobs", 1)
    assert status == 0
    check_same("whole.h5", "a.h5")
    assert done >= parts or process.returncode == 0
    assert not folder.exists()


@pytest.mark.slow
def test_kill_leaves_no_process_behind(folder):
    import psutil

    process = subprocess.Popen(
        [sys.executable, "-c", CODE, "build", "in", "-o", "a.h5", "--jobs", "2", "-q"]
    )
    children = []
    while process.poll() is None and len(children) < 2:
        with contextlib.suppress(psutil.Error):
            children = [
                child
                for child in psutil.Process(process.pid).children(recursive=True)
                if "spawn_main" in " ".join(child.cmdline())
            ]
        time.sleep(0.01)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


@pytest.mark.slow
def test_full_disk_is_an_error_and_nothing_is_lost(run):
    """Files may not grow beyond 300 kB: the parts fit, the file of all spectra does not."""

    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    process = subprocess.run(
        slow(["in", "-o", "a.h5", "--jobs", "1"]),
        preexec_fn=small_disk,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 2
    assert "a.h5: cannot be written" in process.stderr
    assert "--resume goes on" in process.stderr
    assert "Traceback" not in process.stderr
    assert not Path("a.h5").exists()
    assert len(list(Path("a.h5.parts").glob("*.part"))) == 20
    assert [path.name for path in Path().glob(".*")] == []


@pytest.mark.slow
def test_two_commands_do_not_build_one_file(run):
    process = subprocess.Popen(slow(["in", "-o", "a.h5", "--jobs", "1", "-q"]))
    while process.poll() is None and not Path("a.h5.parts").exists():
        time.sleep(0.002)
    status, err = run("in", "-o", "a.h5", "--jobs", 1)
    assert status == 2
    assert "another huggins is writing it" in err
    assert process.wait(20) == 0
    assert len(arrays("a.h5")["z"]) == 60
    np.testing.assert_array_equal(np.unique(arrays("a.h5")["file"], return_counts=True)[1], 1)


def test_parquet_beside_the_file(run, folder):
    status, err = run("in", "-o", "train.h5", "--parquet", "set")
    assert status == 0, err
    assert "set: 3 files of Parquet" in err
    assert {path.name.split("-")[0] for path in (folder / "set" / "data").iterdir()} == {
        "train",
        "validation",
        "test",
    }
    assert "# Data card: train.h5" in (folder / "set" / "README.md").read_text()
    before = (folder / "train.h5").stat().st_mtime_ns
    status, err = run("in", "-o", "train.h5", "--parquet", "set")
    assert status == 2
    assert "set: this folder is not empty: replace it with --overwrite" in err
    assert (folder / "train.h5").stat().st_mtime_ns == before
    status, err = run("in", "-o", "s.h5", "--layout", "seed", "--parquet", "other")
    assert status == 2
    assert "leave out --layout seed" in err


@pytest.mark.parametrize("output", [".", "/", "in"])
def test_a_folder_is_no_file(run, output):
    status, err = run("in", "-o", output)
    assert status == 2
    assert f"{output}: is a folder: name a file in it" in err


def test_names_that_are_no_text_are_recorded_as_escapes(run, folder):
    """The command is kept in the file, whatever bytes the names in it hold."""
    status, _ = run("in", os.fsdecode(b"\xff.fits"), "-o", "set.h5")
    assert status == 1
    with h5py.File(folder / "set.h5") as file:
        assert any("\\udcff" in str(value) for value in file.attrs.values())
