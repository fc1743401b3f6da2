"""`huggins classify` in process and as a process."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from astropy.table import Table

import huggins
from factories import make_truth, write_boss_spec, write_spplate, write_text
from huggins import cli
from huggins.cli.classify import _decimal, _fitting
from huggins.inference import journal_path, load_model
from huggins.inference.table import COLUMNS
from huggins.quality import ZWarning
from huggins.runs.journal import Journal
from huggins.tables.write import WRITERS
from tiny_model import write_model

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder to work in: three BOSS spectra in data/."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for i in range(3):
        write_boss_spec(tmp_path / "data" / f"{i}.fits", make_truth(seed=i, fiberid=i + 1))
    return tmp_path


@pytest.fixture
def run(capsys, model_path):
    """Call the command; give its exit status, standard output and standard error."""

    def call(*argv: object) -> tuple[int, str, str]:
        status = cli.main(["classify", *map(str, argv), "--model", str(model_path)])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return status, out, err

    return call


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_a_table(folder, run, model_path):
    status, out, err = run("data", "-o", "t.fits")
    assert (status, out) == (0, "")
    assert "3 spectra in" in err
    table = Table.read("t.fits")
    assert table.colnames == [column.name for column in COLUMNS]
    assert [str(file) for file in table["FILE"]] == [f"data/{i}.fits" for i in range(3)]
    assert table["FIBERID"].tolist() == [1, 2, 3]
    assert table["PIPE_CLASS"].tolist() == ["QSO"] * 3
    assert table.meta["CREATOR"] == f"huggins {huggins.__version__}"
    assert table.meta["MODEL"] == "tiny"
    assert table.meta["MODELSHA"] == load_model(model_path).hash
    assert table.meta["COMMAND"].startswith("huggins classify data -o t.fits --model ")
    assert table.meta["DATE"].startswith("20")
    assert names() == ["data", "t.fits"]


@pytest.mark.parametrize("extension", WRITERS)
def test_every_format(folder, run, extension):
    assert run("data", "-o", f"t{extension}")[0] == 0
    assert Path(f"t{extension}").stat().st_size > 0


def test_desi_columns(folder, run):
    assert run("data", "-o", "t.ecsv", "--desi-columns")[0] == 0
    assert {"SPECTYPE", "SUBTYPE", "Z", "ZERR", "ZWARN"} <= set(Table.read("t.ecsv").colnames)


def test_the_short_table(folder, run):
    status, out, err = run("data", "data/gone.fits")
    assert status == 1
    assert err.splitlines()[0] == "huggins: classes: 3 STAR"
    assert err.splitlines()[-1] == "huggins: 1 failed: there is no such file: check the path"
    lines = out.splitlines()
    assert lines[0].split()[:4] == ["CLASS", "PROB", "SUBCLASS", "PROB"]
    assert [line.split()[-1] for line in lines[1:4]] == [f"data/{i}.fits" for i in range(3)]
    assert "NODATA" in lines[4]
    assert "data/gone.fits: there is no such file" in lines[4]


def test_the_short_table_keeps_its_columns():
    assert _decimal(-1e-7, 5) == "0.00000"
    assert _fitting([], 25) == ""
    assert _fitting(["SKY"], 25) == "SKY"
    assert _fitting(["LITTLE_COVERAGE", "BAD_MINFIT"], 25) == "LITTLE_COVERAGE,+1"
    every = [bit.name for bit in ZWarning]
    assert all(len(_fitting(every[n:], 25)) <= 25 for n in range(len(every)))


def test_some_failed(folder, run):
    Path("data/1.fits").write_bytes(b"")
    status, _, err = run("data", "-o", "t.fits")
    assert status == 1
    assert "huggins: data/1.fits: the file is empty" in err
    assert "1 failed" in err
    table = Table.read("t.fits")
    assert len(table) == 3
    assert table["ZWARNING"][1] == ZWarning.NODATA


def test_all_failed_and_the_table_is_there(folder, run):
    status, _, _ = run("gone.fits", "lost.fits", "-o", "t.fits")
    assert status == 2
    errors = Table.read("t.fits")["ERROR"]
    assert all("there is no such file" in str(error) for error in errors)


def test_quiet(folder, run):
    assert run("data", "-o", "t.fits", "--quiet") == (0, "", "")
    assert run("data", "gone.fits", "-o", "t.fits", "-q") == (1, "", "")


def test_log(folder, run):
    run("data", "gone.fits", "-o", "t.fits", "-q", "--log", "log.txt")
    log = Path("log.txt").read_text()
    assert "gone.fits: there is no such file" in log
    assert "4 spectra in" in log
    status, _, err = run("data", "-o", "t.fits", "--log", "no/log.txt")
    assert (status, err.count("\n")) == (2, 1)
    assert "cannot write the log: No such file" in err


def test_many_failures_are_not_all_listed(folder, run):
    Path("list.txt").write_text("".join(f"gone{i}.fits\n" for i in range(50)))
    status, _, err = run("@list.txt", "data", "-o", "t.fits")
    assert status == 1
    assert err.count("fits: there is no such file") == 20
    assert "huggins: 50 failed: there is no such file" in err
    assert "50 inputs failed; the column ERROR says why for each" in err


def test_a_list_on_standard_input(folder, run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("data/2.fits\ngone.fits\ndata/0.fits\n"))
    assert run("-", "-o", "t.csv")[0] == 1
    files = [line.split(",")[0] for line in Path("t.csv").read_text().splitlines()]
    assert files == ["FILE", "data/2.fits", "gone.fits", "data/0.fits"]


def test_many_spectra_in_a_file(folder, run):
    rng = np.random.default_rng(0)
    flux = rng.normal(3, 1, (12, 500))
    write_spplate(folder / "plate.fits", flux, np.ones((12, 500)), start=3.6, step=5e-4)
    assert run("plate.fits", "-o", "t.ecsv", "--batch-size", "5")[0] == 0
    table = Table.read("t.ecsv")
    assert table["INDEX"].tolist() == list(range(12))
    assert table["FIBERID"].tolist() == list(range(1, 13))


def test_jobs_and_batch_size_change_nothing(folder, run):
    run("data", "-o", "a.ecsv", "--jobs", "1")
    run("data", "-o", "b.ecsv", "--jobs", "4", "--batch-size", "1")
    a, b = (Table(Table.read(name), masked=True).filled(9) for name in ("a.ecsv", "b.ecsv"))
    for name in a.colnames:
        if a[name].dtype.kind == "f":
            np.testing.assert_allclose(a[name], b[name], rtol=1e-4)
        else:
            assert a[name].tolist() == b[name].tolist()


def test_air(folder, run):
    x = np.linspace(4000.0, 9000.0, 1000)
    write_text(folder / "t.txt", [x, 2 + np.sin(x / 9), np.full(1000, 0.1)])
    for name, options in (("vacuum", []), ("air", ["--air"])):
        assert run("t.txt", "-o", f"{name}.csv", *options)[0] == 0
    assert Path("vacuum.csv").read_text() != Path("air.csv").read_text()


def test_threshold(folder, run):
    run("data", "-o", "t.fits", "--threshold", "1")
    assert all(Table.read("t.fits")["ZWARNING"] & int(ZWarning.LOW_PROBABILITY))


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["data", "-o", "t.xls"], "t.xls: unknown kind of table '.xls': the name must end in"),
        (["data", "-o", "no/t.fits"], "no/t.fits: there is no folder no: make it first"),
        (["data", "-o", "data"], "data: is a folder: name a file in it"),
        (["data", "-o", "."], ".: is a folder: name a file in it"),
        (["data", "-o", "/"], "/: is a folder: name a file in it"),
        (["data", "-o", "t"], "t: the ending is missing: the name must end in .fits, .csv"),
        (["data", "-o", "t.csv", "--format", "fits"], "t.csv: its name says .csv and --format"),
        (["data", "-o", "t.csv", "--format", "redrock"], "t.csv: its name says .csv and"),
        (["data", "-o", "t.tsv", "--format", "csv"], "t.tsv: its name says .tsv and"),
        (["data", "-o", "t.fits", "--models", "m"], "m: the ending is missing: the name must"),
        (["data", "-o", "t.fits", "--models", "m.csv"], "m.csv: unknown kind of file of best"),
        (["data", "-o", "t.fits", "--rows", "data"], "data: is a folder: name a table in it"),
        (["empty", "-o", "t.fits"], "empty: no spectra in this folder"),
        (["*.xyz", "-o", "t.fits"], "*.xyz: nothing matches this pattern"),
        (["@no.txt", "-o", "t.fits"], "no.txt: cannot read this list"),
        (["empty"], "empty: no spectra in this folder"),
    ],
)
def test_wrong_calls_fail_before_any_work(folder, run, argv, said):
    Path("empty").mkdir()
    status, out, err = run(*argv)
    assert (status, out) == (2, "")
    assert err.startswith(f"huggins: {said}")
    assert err.count("\n") == 1
    assert not Path("t.fits").exists()
    assert not Path("t.fits.part").exists()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["-o", "t.fits", "--models", "t.fits"], "-o and --models name the same file"),
        (["-o", "t.fits", "--models", "../w/t.fits"], "-o and --models name the same file"),
        (["-o", "t.parquet", "--features", "t.parquet"], "-o and --features name the same"),
        (
            ["-o", "t.fits", "--models", "m.npz", "--features", "m.npz"],
            "--models and --features name the same file",
        ),
        (["-o", "t.csv", "--log", "t.csv"], "-o and --log name the same file"),
    ],
)
def test_two_outputs_are_two_files(folder, run, monkeypatch, argv, said):
    work = folder / "w"
    work.mkdir()
    monkeypatch.chdir(work)
    status, out, err = run("../data", *argv)
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert not list(work.iterdir())


@pytest.mark.parametrize("extension", [".fits", ".npz"])
def test_models_replace_only_models(folder, run, extension):
    assert run("data", "-o", "t.fits")[0] == 0
    table = Path("t.fits").read_bytes()
    status, _, err = run("data", "-o", "u.csv", "--models", "t.fits")
    assert status == 2
    assert "t.fits: exists and is another output of huggins, no file of best-fit models" in err
    assert Path("t.fits").read_bytes() == table
    for _ in range(2):
        assert run("data", "-o", "u.csv", "--models", f"m{extension}")[0] == 0
    assert run("data", "-o", "u.csv", "--models", "t.fits", "--overwrite")[0] == 0
    assert Path("t.fits").read_bytes() != table


def test_features_replace_only_features(folder, run):
    assert run("data", "-o", "t.parquet")[0] == 0
    table = Path("t.parquet").read_bytes()
    status, _, err = run("data", "-o", "u.csv", "--features", "t.parquet")
    assert status == 2
    assert "t.parquet: exists and is another output of huggins, no file of features" in err
    assert Path("t.parquet").read_bytes() == table


def test_a_wrong_model(folder, capsys):
    assert cli.main(["classify", "data", "-o", "t.fits", "--model", "nonsense"]) == 2
    assert "no model 'nonsense': shipped models are" in capsys.readouterr().err


# --- what is done is never lost ---------------------------------------------------------


@contextmanager
def interrupt_after(count: int) -> Iterator[None]:
    """Let the journal take some blocks, and then let the user press Ctrl-C."""
    real = Journal.append
    taken = []

    def append(self, content, state):
        if len(taken) == count:
            raise KeyboardInterrupt
        taken.append(state)
        real(self, content, state)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "append", append)
        yield


def test_interrupt_and_resume(folder, run):
    run("data", "gone.fits", "-o", "whole.csv")
    argv = ["data", "gone.fits", "-o", "t.csv", "--batch-size", "1"]
    with interrupt_after(2):
        status, out, err = run(*argv)
    assert (status, out) == (130, "")
    assert "interrupted: results are kept in t.csv.part, and --resume goes on" in err
    assert not Path("t.csv").exists()
    status, _, err = run(*argv, "--resume")
    assert status == 1
    assert "2 spectra of the interrupted run are kept" in err
    assert "2 spectra in" in err
    assert Path("t.csv").read_text() == Path("whole.csv").read_text()
    assert not Path("t.csv.part").exists()


def test_a_left_journal_is_told_of_and_moved_aside(folder, run):
    with interrupt_after(1):
        assert run("data", "-o", "t.csv", "--batch-size", "1")[0] == 130
    status, _, err = run("data", "-o", "t.csv")
    assert status == 0
    assert "an interrupted run had left results, now in t.csv.part.old: --resume would" in err
    assert Path("t.csv.part.old").exists()


def test_nothing_that_was_kept_is_replaced_and_quiet_says_so(folder, run):
    kept = []
    for name in ("t.csv.part.old", "t.csv.part.old2", "t.csv.part.old3"):
        with interrupt_after(len(kept) % 2 + 1):
            assert run("data", "-o", "t.csv", "--batch-size", "1")[0] == 130
        kept.append(Path("t.csv.part").read_bytes())
        with interrupt_after(1):
            _, _, err = run("data", "-o", "t.csv", "-q", "--batch-size", "1")
        assert f"now in {name}: --resume would" in err
        kept.append(Path("t.csv.part").read_bytes())
        Path("t.csv.part").unlink()
        assert Path(name).read_bytes() == kept[-2]
    assert Path("t.csv.part.old").read_bytes() == kept[0]
    assert Path("t.csv.part.old2").read_bytes() == kept[2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["data", "--threshold", "0.9"], "because --threshold was not given and is 0.9 now"),
        (["data", "--no-redshift"], "--no-redshift was not given and is given now"),
        (["data", "--air"], "because --air was not given and is given now"),
        (["data", "--models", "m.fits"], "--models or --format redrock was not given and is"),
        (["data", "--fiber", "1"], "--targetid, --fiber or --rows was not given and is given"),
        (["data", "--columns", "flux=f"], "because --columns was not given and is given now"),
        (["data/1.fits"], "inputs are not those of the interrupted run"),
    ],
)
def test_resume_of_another_run_is_refused(folder, run, change, said):
    with interrupt_after(1):
        assert run("data", "-o", "t.csv", "--batch-size", "1")[0] == 130
    kept = Path("t.csv.part").read_bytes()
    status, _, err = run(*change, "-o", "t.csv", "--resume")
    assert status == 2
    assert said in err
    assert Path("t.csv.part").read_bytes() == kept


def test_resume_with_another_model_is_refused(folder, run, capsys):
    with interrupt_after(1):
        run("data", "-o", "t.csv", "--batch-size", "1")
    other = write_model(folder / "tiny.onnx", seed=5)
    argv = ["classify", "data", "-o", "t.csv", "--resume", "--model", str(other)]
    assert cli.main(argv) == 2
    assert "because --model was tiny " in capsys.readouterr().err


def test_an_old_table_stays_until_the_new_one_is_complete(folder, run):
    run("data/0.fits", "-o", "t.csv")
    old = Path("t.csv").read_text()
    with interrupt_after(1):
        run("data", "-o", "t.csv", "--batch-size", "1")
    assert Path("t.csv").read_text() == old
    run("data", "-o", "t.csv", "--resume")
    assert Path("t.csv").read_text().startswith(old)
    assert len(Path("t.csv").read_text().splitlines()) == 4


def test_a_full_disk_in_the_end(folder, run):
    def full(file, result):
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(WRITERS, ".csv", full)
        status, _, err = run("data", "-o", "t.csv")
    assert status == 2
    last = err.splitlines()[-1]
    assert last.startswith(
        "huggins: t.csv: cannot be written: No space left on device; free space"
    )
    assert names() == ["data", "t.csv.part"]
    status, _, err = run("data", "-o", "t.csv", "--resume")
    assert status == 0
    assert "3 spectra of the interrupted run are kept" in err
    assert len(Path("t.csv").read_text().splitlines()) == 4


def test_a_full_disk_on_the_way(folder, run, monkeypatch):
    real = Journal.append

    def full(self, content, state):
        pages = self.execute("PRAGMA page_count").fetchone()[0]
        self.execute(f"PRAGMA max_page_count={pages}")
        real(self, content * 1000, state)

    monkeypatch.setattr(Journal, "append", full)
    status, _, err = run("data", "-o", "t.csv")
    assert status == 2
    assert "t.csv.part: cannot be written: database or disk is full; free space" in err
    assert "--resume goes on" in err


def test_a_read_only_folder(folder, run, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *args: False)
    status, _, err = run("data", "-o", "t.csv")
    assert status == 2
    assert "read-only: name another output" in err


def test_an_output_that_cannot_be_opened(folder, run, monkeypatch):
    real = Path.open

    def refuse(self, *args, **kwargs):
        if self.suffix == ".part":
            raise PermissionError(30, "Read-only file system")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    status, _, err = run("data", "-o", "t.csv")
    assert status == 2
    assert err == (
        "huggins: t.csv.part: cannot be written: Read-only file system; name another output\n"
    )


# --- as a process -------------------------------------------------------------------------


def command(*argv: object, **kwargs) -> subprocess.Popen:
    code = "import sys; from huggins.cli import main; sys.exit(main())"
    kwargs = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **kwargs}
    return subprocess.Popen([sys.executable, "-c", code, "classify", *map(str, argv)], **kwargs)


def long_list(folder: Path, count: int) -> Path:
    path = folder / "long.txt"
    path.write_text("".join(f"data/{i % 3}.fits\n" for i in range(count)))
    return path


def wait_for_rows(process: subprocess.Popen, part: Path) -> None:
    end = time.monotonic() + 60
    log = part.with_name(f"{part.name}-wal")  # grows first
    while not (log.exists() and log.stat().st_size > 150_000):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sign", "count", "options"),
    [
        (signal.SIGKILL, 4000, ["--no-redshift"]),
        (signal.SIGINT, 4000, ["--no-redshift"]),
        (signal.SIGKILL, 300, ["--jobs", "2"]),
        (signal.SIGINT, 300, ["--jobs", "2"]),
    ],
)
def test_killed_and_resumed(folder, model_path, sign, count, options):
    argv = [f"@{long_list(folder, count)}", "--model", model_path, "--batch-size", "16"]
    argv += options
    process = command(*argv, "-o", "t.csv")
    wait_for_rows(process, journal_path(Path("t.csv")))
    process.send_signal(sign)
    _, err = process.communicate(timeout=60)
    if sign == signal.SIGINT:
        assert process.returncode == 130
        assert err == (
            "huggins: interrupted: results are kept in t.csv.part, and --resume goes on\n"
        )
    assert not Path("t.csv").exists()
    process = command(*argv, "-o", "t.csv", "--resume")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert " spectra of the interrupted run are kept" in err
    assert " 0 rows" not in err
    lines = Path("t.csv").read_text().splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == [
        f"data/{i % 3}.fits" for i in range(count)
    ]


@pytest.mark.slow
def test_a_reader_that_goes_away(folder, model_path):
    process = command(f"@{long_list(folder, 3000)}", "--model", model_path, "--no-redshift")
    assert process.stdout.readline().startswith("CLASS")
    process.stdout.close()
    with process.stderr as err:
        assert err.read() == ""
    assert process.wait(timeout=60) == 0


def test_standard_output_that_is_full(folder, model_path):
    with Path("/dev/full").open("w") as full:
        process = command("data", "--model", model_path, stdout=full)
    with process.stderr as err:
        assert err.read() == "huggins: cannot write to standard output: no space left\n"
    assert process.wait(timeout=60) == 2


def test_names_that_a_terminal_cannot_show(folder, model_path):
    (folder / "data" / "0.fits").rename(folder / "data" / "ä.fits")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    process = command("data", "-q", "--model", model_path, env=environment)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert r"data/\xe4.fits" in out


def test_an_empty_folder_among_others_is_named_and_counts(folder, run):
    Path("empty").mkdir()
    status, _, err = run("empty", "data", "data/*.none", "-o", "t.csv")
    assert status == 1
    assert "huggins: empty: no spectra in this folder" in err
    assert "huggins: data/*.none: nothing matches this pattern" in err
    assert len(Table.read("t.csv")) == 3


def test_left_out_files_are_named_and_counted_where_they_look_like_spectra(folder, run):
    Path("data/README").write_text("In 2019 we took 3 spectra.\n")
    status, _, err = run("data", "-o", "t.csv")
    assert status == 0
    assert "huggins: left out: data/README: no line of numbers" in err
    rows = "".join(f"{4000 + i}, 1.0, x\n" for i in range(50))
    Path("data/bad.csv").write_text("wavelength, sky, note\n" + rows)
    status, _, err = run("data", "-o", "t2.csv")
    assert status == 1
    assert "2 files in folders hold no spectra that can be read and were left out" in err
    assert "huggins: left out: data/bad.csv (looks like a spectrum): " in err
    status, _, err = run("data", "-o", "t3.csv", "--left-out")
    assert status == 1
    table = Table.read("t3.csv")
    assert table["FILE"][3:].tolist() == ["data/README", "data/bad.csv"]
    assert all(table["ERROR"][3:])
    assert "left out:" not in err


def test_what_huggins_wrote_into_the_folder_is_no_input(folder, run):
    for name in ("t.fits", "t.csv", "t.ecsv", "t.parquet", "t.jsonl"):
        assert run("data", "-o", f"data/{name}")[0] == 0
    status, _, err = run("data", "-o", "all.csv")
    assert (status, len(Table.read("all.csv"))) == (0, 3)
    assert "left out" not in err


def test_a_summary_follows(folder, run):
    _, _, err = run("data", "gone.fits", "-o", "t.csv")
    said = err.splitlines()[-3:]
    assert said[0] == "huggins: classes: 3 STAR"
    assert re.fullmatch(r"huggins: ZWARNING: 0 without a warning; 3 [A-Z_0-9]+(, .*)?", said[1])
    assert said[2] == "huggins: 1 failed: there is no such file: check the path"
    assert run("data", "-o", "t2.csv", "-q")[2] == ""


def test_an_address_is_answered(folder, run):
    status, out, _ = run("https://data.sdss.org/sas/spec.fits")
    assert status == 2
    assert "huggins reads files, not addresses" in out


@pytest.mark.parametrize("extension", [".fits", ".csv", ".parquet"])
def test_a_finished_run_has_nothing_to_resume(folder, run, extension):
    out = Path(f"t{extension}")
    assert run("data", "gone.fits", "-o", out)[0] == 1
    before = out.read_bytes()
    status, _, err = run("data", "gone.fits", "-o", out, "--resume")
    assert (status, out.read_bytes()) == (1, before)
    assert f"{out} is complete with 4 spectra: there is nothing to resume" in err
    status, _, err = run("data", "-o", out, "--resume")
    assert status == 0
    assert f"{out} is a table of other inputs" in err
    assert "3 spectra in" in err


@pytest.mark.slow
def test_real_spectra(shared_data, run, tmp_path):
    path = tmp_path / "all.fits"
    status, _, _ = run(shared_data / "spectra", "-o", path)
    table = Table.read(path)
    assert len(table) > 700
    # The fibre of one file was unplugged, so that it has no good pixel; others may be damaged.
    assert status == 1
    failed = table[table["ZWARNING"] & int(ZWarning.NODATA) != 0]
    errors = {Path(str(row["FILE"])).name: str(row["ERROR"]) for row in failed}
    assert errors["spec-7582-56960-0968.fits"].startswith("no good pixel")
    assert all(errors.values())
    assert len(errors) < 0.01 * len(table)


def test_standard_output(folder, model_path):
    """As bytes of another process: a table, and nothing else."""
    command = [sys.executable, "-m", "huggins", "classify", "data", "--model", str(model_path)]
    for form in (None, "jsonl", "fits"):
        options = [] if form is None else ["--format", form]
        done = subprocess.run([*command, "-o", "-", *options], capture_output=True, check=True)
        assert b"0 failed: written to standard output" in done.stderr
        Path(f"out.{form or 'csv'}").write_bytes(done.stdout)
    assert Path("out.csv").read_text().startswith("FILE,INDEX,")
    assert len(Path("out.csv").read_text().splitlines()) == 4
    assert len(Path("out.jsonl").read_text().splitlines()) == 3
    assert len(Table.read("out.fits")) == 3
    assert names() == ["data", "out.csv", "out.fits", "out.jsonl"]


def test_format_where_the_name_does_not_tell_it(folder, run):
    assert run("data", "-o", "t.txt", "--format", "csv")[0] == 0
    assert Path("t.txt").read_text().startswith("FILE,INDEX,")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["-o", "t.csv", "--format", "xls"], "unknown format 'xls': known are fits, csv, tsv"),
        (["--format", "csv"], "go with a table: name it with -o, or -o -"),
        (["--models", "m.fits"], "go with a table: name it with -o, or -o -"),
        (["-o", "-", "--resume"], "standard output cannot be resumed"),
        (["--candidates", "3"], "go with a table: name it with -o, or -o -"),
        (["-o", "-", "--candidates", "3"], "--candidates needs a file, named with -o, or"),
        (["-o", "t.csv", "--candidates", "0"], "Invalid value for '--candidates'"),
        (["-o", "t.csv", "--candidates", "2", "--no-redshift"], "leave out --no-redshift"),
        (
            ["-o", "data.csv", "--candidates", "2", "--models", "data.candidates.csv"],
            "same file",
        ),
        (["-o", "t.csv", "--models", "m.txt"], "must end in .fits, .npz"),
        (["-o", "t.csv", "--models", "data/0.fits"], "is no output of huggins"),
        (["-o", "t.fits", "--models", "m.fits", "--no-redshift"], "need the redshift fit"),
    ],
)
def test_outputs_that_cannot_be(folder, run, argv, said):
    status, out, err = run("data", *argv)
    assert (status, out) == (2, "")
    assert said in err
    assert names() == ["data"]


def test_candidates_beside_and_inside(folder, run):
    assert run("data", "-o", "t.csv", "--candidates", "3", "--jobs", "2")[0] == 0
    assert run("data", "-o", "t.fits", "--candidates", "3")[0] == 0
    assert names() == ["data", "t.candidates.csv", "t.csv", "t.fits"]
    lines = Path("t.candidates.csv").read_text().splitlines()
    assert lines[0] == "FILE,INDEX,RANK,CLASS,SUBCLASS,Z,CHI2,PROB"
    assert len(Table.read("t.fits", "CANDIDATES")) == len(lines) - 1
    # A folder with them is classified without them.
    assert run(".", "-o", "u.csv", "--no-redshift")[0] == 0
    assert len(Path("u.csv").read_text().splitlines()) == 4


def test_a_model_that_is_not_there_is_said_without_a_table(tmp_path, capsys):
    path = write_boss_spec(tmp_path / "a.fits", make_truth(300, seed=1))
    assert cli.main(["classify", str(path), "--model", "nope"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "nope" in said.err
