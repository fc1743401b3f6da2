"""`huggins shrink` in process and as a process."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from factories import make_truth, write_boss_spec, write_text
from huggins import cli
from huggins.formats import read


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Two plates of three spectra each, with exposures."""
    root = tmp_path_factory.mktemp("plates")
    for plate in (3586, 3587):
        (root / str(plate)).mkdir()
        for fibre in (1, 2, 3):
            truth = make_truth(700, seed=fibre, plate=plate, fiberid=fibre)
            path = root / str(plate) / f"spec-{plate}-{fibre}.fits"
            write_boss_spec(path, truth, exposures=4)
    return root


@pytest.fixture
def folder(written, tmp_path, monkeypatch):
    """Two copies of them, in in/ and kept/."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(written, "in")
    shutil.copytree(written, "kept")
    return tmp_path


@pytest.fixture
def run(capsys, folder):
    def call(*argv):
        status = cli.main(["shrink", *map(str, argv)])
        out, err = capsys.readouterr()
        assert (out, "Traceback" in err) == ("", False)
        return status, err

    return call


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*") if p.is_file())


def check_same(folder):
    for path in files("kept"):
        (one,), (two,) = read(Path("kept") / path), read(Path(folder) / path)
        np.testing.assert_array_equal(one.flux, two.flux)
        np.testing.assert_array_equal(one.and_mask, two.and_mask)


def test_copies_go_into_folders_as_those_of_the_inputs(run):
    status, err = run("in", "-o", "out")
    assert status == 0
    assert files("out") == files("in") == files("kept")
    check_same("out")
    assert "6 files: " in err
    assert "0 failed" in err
    for path in files("in"):
        assert (Path("in") / path).read_bytes() == (Path("kept") / path).read_bytes()
    _, err = run("in", "-o", "out")
    assert "6 done already" in err


def test_one_file(run):
    assert run("in/3586/spec-3586-1.fits", "-o", "out")[0] == 0
    assert files("out") == ["spec-3586-1.fits"]


def test_replace(run):
    assert run("in", "--replace", "--jobs", 2)[0] == 0
    assert files("in") == files("kept")
    check_same("in")
    size = sum(path.stat().st_size for path in Path("in").rglob("*.fits"))
    assert size < sum(path.stat().st_size for path in Path("kept").rglob("*.fits")) / 3


def test_links_are_not_followed_to_replace_what_is_elsewhere(run):
    Path("in/link.fits").symlink_to(Path("kept/3586/spec-3586-1.fits").resolve())
    Path("in/folder").symlink_to(Path("kept/3587").resolve())
    before = {path: path.read_bytes() for path in Path("kept").rglob("*.fits")}
    status, err = run("in", "--replace")
    assert status == 1
    assert "in/link.fits: is a symbolic link, so it is left alone" in err
    assert "spec-3587-1.fits: is behind in/folder, a symbolic link, so it is left alone" in err
    assert Path("in/link.fits").is_symlink()
    assert {path: path.read_bytes() for path in Path("kept").rglob("*.fits")} == before


def test_gzip(run):
    assert run("in", "-o", "out", "--gzip")[0] == 0
    assert files("out") == [f"{name}.gz" for name in files("in")]


def test_pack(run):
    status, err = run("in", "-o", "out", "--pack")
    assert status == 0
    assert files("out") == ["pack-3586-56666.fits", "pack-3587-56666.fits"]
    assert "6 files in 2 containers" in err
    assert files("in") == files("kept")
    status, err = run("in", "-o", "out", "--pack", "--replace")
    assert status == 0
    assert files("out") == ["pack-3586-56666.fits", "pack-3587-56666.fits"]
    assert files("in") == []
    for plate in (3586, 3587):
        spectra = read(f"out/pack-{plate}-56666.fits")
        for fibre, spectrum in enumerate(spectra, 1):
            (one,) = read(f"kept/{plate}/spec-{plate}-{fibre}.fits")
            np.testing.assert_array_equal(one.ivar, spectrum.ivar)
            assert spectrum.fiberid == fibre


def test_bad_files_are_named_and_the_rest_is_done(run):
    Path("in/3586/bad.fits").write_bytes(b"SIMPLE  = broken")
    write_text(Path("in/3586/text.csv"), [np.arange(1, 9) * 1e3] * 3)
    for options in (["--replace"], ["--pack"]):
        status, err = run("in", *options, *(["-o", "out"] if "--pack" in options else []))
        assert status == 1
        assert "bad.fits: " in err
        assert "text.csv: only spec files can be made small" in err
        assert "2 failed" in err
    assert Path("in/3586/text.csv").exists()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["in"], "no output: name one with -o FOLDER, or replace"),
        (["in", "-o", "out", "--replace"], "exclude each other"),
        (["in", "--pack"], "no output: name one"),
        (["in", "-o", "out", "--pack", "--gzip"], "not compressed"),
        (["kept/absent.fits", "-o", "out"], "there is no such file"),
    ],
)
def test_wrong_usage(run, argv, message):
    status, err = run(*argv)
    assert status == 2
    assert message in err


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("options", [["--replace"], ["--replace", "--gzip"]])
def test_run_that_is_ended_leaves_every_file_whole_and_goes_on(run, folder, how, options):
    for number in range(40):
        shutil.copytree(folder / "kept" / "3586", folder / "in" / f"x{number}")
    code = "import sys; from huggins.cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "shrink", "in", *options],
        stderr=subprocess.DEVNULL,
    )
    small = 150_000
    while process.poll() is None:
        sizes = [path.stat().st_size for path in Path("in").rglob("spec*") if path.exists()]
        if sum(size < small for size in sizes) > 5:
            break
        time.sleep(0.01)
    process.send_signal(how)
    process.wait(20)
    for number in range(40):
        for fibre in (1, 2, 3):
            found = [*Path(f"in/x{number}").glob(f"spec-3586-{fibre}.fits*")]
            assert found
            for path in found:
                (one,), (two,) = read(path), read(f"kept/3586/spec-3586-{fibre}.fits")
                assert one.flux.tobytes() == two.flux.tobytes()
    assert run("in", *options)[0] == 0
    end = ".fits.gz" if "--gzip" in options else ".fits"
    assert {path.name[11:] for path in Path("in").rglob("spec*")} == {end}
    assert len(list(Path("in").rglob("spec*"))) == 6 + 120
