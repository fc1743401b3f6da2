"""--targetid, --fiber, --rows, FILE[...] and --columns."""

import numpy as np
import pytest
from astropy.table import Table

import factories as make
from huggins import cli

FIRST = 39627866878511337
WAVE = 3600 + 0.8 * np.arange(4000)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two DESI files of five targets each."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    flux = rng.normal(5, 1, (5, len(WAVE)))
    for n in (0, 1):
        make.write_desi(
            tmp_path / f"coadd-{n}.fits",
            {"B": (WAVE, flux, np.ones_like(flux))},
            targetid=FIRST + 100 * n + np.arange(5),
        )
    return ["coadd-0.fits", "coadd-1.fits"]


@pytest.fixture
def run(model_path, capsys):
    def call(*words):
        status = cli.main(
            ["classify", *map(str, words), "-o", "t.csv", "--model", str(model_path), "-q"]
        )
        err = capsys.readouterr().err
        if status:
            return status, err
        table = Table.read("t.csv", converters={"TARGETID": str})
        return status, list(zip(table["FILE"], table["INDEX"], strict=True))

    return call


def test_targets_are_looked_for_in_all_files(files, run, tmp_path):
    assert run(*files, "--targetid", f"{FIRST + 2},{FIRST + 101}") == (
        0, [("coadd-0.fits", 2), ("coadd-1.fits", 1)],
    )  # fmt: skip
    (tmp_path / "ids.txt").write_text(f"# mine\n{FIRST + 103}\n")
    assert run(*files, "--targetid", "@ids.txt") == (0, [("coadd-1.fits", 3)])
    assert run(f"coadd-0.fits[{FIRST + 4}]", "coadd-1.fits[0:2]")[1] == [
        ("coadd-0.fits", 4), ("coadd-1.fits", 0), ("coadd-1.fits", 1),
    ]  # fmt: skip


def test_fibres(files, run):
    assert run(files[0], "--fiber", "1,3") == (0, [(files[0], 1), (files[0], 3)])
    status, err = run(files[0], "--fiber", "one")
    assert status == 2
    assert "'one' is not a fibre number" in err


def test_rows_of_a_table(files, run, tmp_path):
    rows = [("coadd-1.fits", 4), ("coadd-0.fits", 1), ("coadd-1.fits", 0)]
    Table(rows=rows, names=["FILE", "INDEX"]).write("rows.csv")
    assert run(*files, "--rows", "rows.csv") == (0, sorted(rows))
    Table({"TARGETID": [FIRST, FIRST + 104], "Z": [1.0, 2.0]}).write("rows.fits")
    assert run(*files, "--rows", "rows.fits")[1] == [(files[0], 0), (files[1], 4)]
    Table({"NAME": ["a"]}).write("other.csv")
    status, err = run(*files, "--rows", "other.csv")
    assert status == 2
    assert "needs columns FILE and INDEX" in err


def test_nothing_found(files, run):
    status, err = run(*files, "--targetid", "77")
    assert status == 2
    assert "77" in err


def test_what_was_not_found_is_said(files, run, capsys):
    words = ["classify", *files, "--targetid", f"{FIRST},77", "-o", "t.csv"]
    assert cli.main(words) == 0
    assert "no spectrum of TARGETID 77" in capsys.readouterr().err


def test_names_of_columns(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = np.random.default_rng(0).normal(5, 1, len(WAVE))
    Table({"a": WAVE, "b": values, "c": np.ones(len(WAVE))}).write("t.fits")
    assert run("t.fits")[0] == 2
    assert run("t.fits", "--columns", "wavelength=a,flux=b,error=c")[0] == 0
    status, err = run("t.fits", "--columns", "a")
    assert status == 2
    assert "ROLE=NAME" in err
