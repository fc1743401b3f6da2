"""What users and disks do to files: a row with the reason, never a traceback."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import make_truth, write_boss_spec, write_text
from huggins import cli
from huggins.inference.table import COLUMNS
from huggins.quality import ZWarning

SIZE = 300
X = np.linspace(4000.0, 9000.0, SIZE)


def spec(path: Path, **changed: np.ndarray) -> None:
    truth = make_truth(SIZE)
    for name, values in changed.items():
        setattr(truth, name, values.astype(getattr(truth, name).dtype))
    write_boss_spec(path, truth)


def not_a_number(path: Path) -> None:
    spec(path, flux=np.full(SIZE, np.nan), ivar=np.full(SIZE, np.nan))


def no_rows(path: Path) -> None:
    spec(path)
    with fits.open(path) as hdus:
        hdus[1].data = hdus[1].data[:0]
        hdus.writeto(path, overwrite=True)


def a_column_missing(path: Path) -> None:
    spec(path)
    with fits.open(path) as hdus:
        columns = [c for c in hdus[1].columns if c.name.lower() != "flux"]
        hdus[1] = fits.BinTableHDU.from_columns(columns, name="COADD")
        hdus.writeto(path, overwrite=True)


def truncated(path: Path) -> None:
    spec(path)
    path.write_bytes(path.read_bytes()[:5000])


def unreadable(path: Path) -> None:
    path.symlink_to(path.name)


def loglam(values: np.ndarray):
    return lambda path: spec(path, loglam=values)


EVEN = 3.6 + 5e-4 * np.arange(SIZE)

#: How to make a file that nothing can be said of, and what its row must say.
BAD = {
    "empty": (lambda path: path.write_bytes(b""), "empty"),
    "jpeg": (lambda path: path.write_bytes(b"\xff\xd8\xff\xe0" + bytes(5000)), "JPEG"),
    "truncated": (truncated, "truncated"),
    "zeros": (lambda path: path.write_bytes(bytes(10_000)), "no known format"),
    "no rows": (no_rows, "no pixels|no rows|empty"),
    "all ivar zero": (lambda path: spec(path, ivar=np.zeros(SIZE)), "no good pixel"),
    "all NaN": (not_a_number, "no good pixel"),
    "negative": (lambda path: spec(path, flux=np.full(SIZE, -1.0)), "nowhere positive"),
    "all infinite": (lambda path: spec(path, flux=np.full(SIZE, np.inf)), "no good pixel"),
    "off the grid": (loglam(EVEN + 1.0), "no good pixel between 3548 and 10715 A"),
    "unsorted": (loglam(np.roll(EVEN, 9)), "unsorted"),
    "repeated": (loglam(np.repeat(EVEN[::2], 2)), "repeated"),
    "a column missing": (a_column_missing, "(?i)flux"),
    "unreadable": (unreadable, "link"),
    "a folder": (lambda path: path.mkdir(), "folder"),
}


@pytest.fixture
def run(capsys, model_path, tmp_path, monkeypatch):
    """Classify into t.fits; give exit status, standard error and the rows."""
    monkeypatch.chdir(tmp_path)

    def call(*argv: object) -> tuple[int, str, Table]:
        call = ["classify", *map(str, argv), "-o", "t.fits", "--model", str(model_path)]
        status = cli.main(call)
        out, err = capsys.readouterr()
        assert out == ""
        assert "Traceback" not in err
        return status, err, Table.read("t.fits", mask_invalid=False)

    return call


@pytest.mark.parametrize("kind", [kind for kind in BAD if kind != "a folder"])
def test_a_bad_file_has_its_row_and_the_others_are_classified(run, kind):
    make, _ = BAD[kind]
    spec(Path("a.fits"))
    make(Path("b.fits"))
    spec(Path("c.fits"))
    status, err, table = run("a.fits", "b.fits", "c.fits")
    assert status == 1
    check(table[1], kind)
    assert err.startswith("huggins: b.fits: ")
    for row in (table[0], table[2]):
        assert row["ERROR"] == ""
        assert row["CLASS"] in ("STAR", "GALAXY", "QSO")


def check(row: Table.Row, kind: str) -> None:
    assert re.search(BAD[kind][1], row["ERROR"]), row["ERROR"]
    assert row["CLASS"] == row["SUBCLASS"] == ""
    assert row["ZWARNING"] & ZWarning.NODATA
    for name in ("PROB", "P_QSO", "Z", "Z_ERR", "Z_NET"):
        assert np.isnan(row[name])


@pytest.mark.parametrize("kind", [kind for kind in BAD if kind != "a folder"])
def test_alone_it_makes_the_command_fail(run, kind):
    BAD[kind][0](Path("b.fits"))
    status, _, table = run("b.fits")
    assert status == 2
    assert len(table) == 1
    check(table[0], kind)


@pytest.mark.parametrize("kind", ["empty", "truncated", "all ivar zero"])
def test_gzipped(run, kind):
    BAD[kind][0](Path("b.fits"))
    Path("b.fits.gz").write_bytes(gzip.compress(Path("b.fits").read_bytes()))
    status, _, table = run("b.fits.gz")
    assert status == 2
    check(table[0], kind)


def test_some_infinities_are_bad_pixels(run):
    truth = make_truth(SIZE)
    flux, ivar = truth.flux.copy(), truth.ivar.copy()
    flux[::7], ivar[::11] = np.inf, np.inf
    flux[3], ivar[4] = -np.inf, np.nan
    spec(Path("b.fits"), flux=flux, ivar=ivar)
    status, _, table = run("b.fits")
    assert status == 0
    assert np.isfinite(table["PROB"][0])
    assert np.isfinite(table["SN_MEDIAN"][0])


@pytest.mark.parametrize("size", [1e-38, 1e30, 1e38])
def test_absurd_fluxes(run, size):
    truth = make_truth(SIZE)
    spec(Path("b.fits"), flux=truth.flux.clip(0.1, 3.0) * np.float32(size))
    status, _, table = run("b.fits")
    assert status in (0, 2)
    assert (table["ERROR"][0] == "") == (status == 0)


def test_one_good_pixel(run):
    ivar = np.zeros(SIZE)
    ivar[100] = 4.0
    spec(Path("b.fits"), ivar=ivar, flux=np.ones(SIZE))
    status, _, table = run("b.fits")
    assert status == 0
    assert table["ZWARNING"][0] & ZWarning.LITTLE_COVERAGE


@pytest.mark.parametrize("kind", [k for k in BAD if k not in ("a folder", "zeros")])
def test_in_a_folder_a_damaged_spectrum_has_its_row(run, kind):
    Path("data").mkdir()
    spec(Path("data/a.fits"))
    BAD[kind][0](Path("data/b.fits"))
    status, _, table = run("data")
    assert status == 1
    check(table[1], kind)


def test_a_file_that_may_not_be_read(run, monkeypatch):
    spec(Path("b.fits"))
    real = os.open

    def refuse(path, *args, **kwargs):
        if str(path).endswith("b.fits"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    status, _, table = run("b.fits")
    assert status == 2
    assert "permission" in table["ERROR"][0].lower()


def test_a_list_with_files_that_are_gone(run):
    spec(Path("a.fits"))
    Path("list.txt").write_text("gone.fits\na.fits\nno/way.fits\n")
    status, err, table = run("@list.txt")
    assert status == 1
    assert [bool(error) for error in table["ERROR"]] == [True, False, True]
    assert err.count("fits: there is no such file") == 2


def test_names_that_are_no_text(run):
    name = os.fsdecode(b"sp\xe9c \xc3\xa4.fits")
    try:
        spec(Path("a.fits"))
        Path("a.fits").rename(name)
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    status, _, table = run(name, "x\ny\0.fits")
    assert status == 1
    assert table["FILE"][0] == r"sp\udce9c %C3%A4.fits"
    assert table["ERROR"][0] == ""
    assert table["FILE"][1] == r"x\ny\x00.fits"


@pytest.mark.parametrize(
    "header",
    [
        "wavelength[A] flux[1e-17erg/s/cm2/A] error",
        "# wavelength (Angstrom)  flux (1e-17 erg/s/cm2/A)  error",
        "wavelength,flux,ivar",
    ],
)
def test_text_with_units_in_the_header(run, header):
    delimiter = "," if "," in header else " "
    columns = [X, 2 + np.sin(X / 30), np.full(SIZE, 0.3)]
    write_text(Path("b.txt"), columns, header, delimiter=delimiter)
    status, err, _ = run("b.txt")
    assert status == 0, err


CONTENT: dict[str, bytes] = {}


def content(folder: Path) -> bytes:
    if not CONTENT:
        path = folder / "whole.fits"
        spec(path)
        CONTENT["spec"] = path.read_bytes()
    return CONTENT["spec"]


@pytest.mark.slow
@settings(max_examples=40)
@given(st.data())
def test_truncated_at_any_byte(tmp_path_factory, model_path, data):
    folder = tmp_path_factory.mktemp("cut")
    whole = content(folder)
    cuts = data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=5, max_size=5))
    for i, cut in enumerate(cuts):
        (folder / f"cut{i}.fits").write_bytes(whole[:cut])
    classify_folder(folder, model_path, count=5)


@pytest.mark.slow
@settings(max_examples=40)
@given(st.data())
def test_damaged_at_any_byte(tmp_path_factory, model_path, data):
    folder = tmp_path_factory.mktemp("bad")
    whole = bytearray(content(folder))
    for i in range(5):
        damaged = whole.copy()
        for at in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=9)):
            damaged[at] = data.draw(st.integers(0, 255))
        (folder / f"bad{i}.fits").write_bytes(damaged)
    classify_folder(folder, model_path, count=5)


def classify_folder(folder: Path, model_path: Path, *, count: int) -> None:
    """Classify damaged files: whatever they are, each has a row that makes sense."""
    (folder / "whole.fits").unlink(missing_ok=True)
    out = folder / "t.ecsv"
    argv = ["classify", str(folder), "-o", str(out), "--model", str(model_path), "-q"]
    status = cli.main(argv)
    table = Table(Table.read(out), masked=True)
    assert len(table) == count
    assert table.colnames == [column.name for column in COLUMNS]
    failed = [bool(error) for error in table["ERROR"].filled("")]
    assert status == (2 if all(failed) else 1 if any(failed) else 0)
    assert np.isnan(table["PROB"].filled(np.nan)).tolist() == failed
    assert not any("mistake in huggins" in str(error) for error in table["ERROR"])
