import csv
import json
import subprocess
import sys

import pytest

from huggins.cli import main
from made_up_table import Case, varied, write_results, write_truth


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder of the test: results, older results, the truth."""
    write_truth(tmp_path / "truth.csv", varied())
    write_results(tmp_path / "new.fits", varied(seed=1, skill=0.9))
    write_results(tmp_path / "old.parquet", varied(seed=2, skill=0.5))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys):
    def call(*arguments):
        status = main(["evaluate", *arguments])
        said = capsys.readouterr()
        return status, said.out.splitlines(), said.err.splitlines()

    return call


def test_main_figures_go_to_the_terminal_and_nothing_is_written(folder, run):
    status, out, err = run("new.fits", "--truth", "truth.csv")
    assert status == 0
    assert out[0].startswith("CLASS right")
    assert any(line.startswith("Sky with ZWARNING = 0    10.0 %") for line in squeezed(out))
    assert err == [
        "huggins: 73 of 73 rows matched by path, 0 without truth; 0 rows of the truth without "
        "a result"
    ]
    assert len(list(folder.iterdir())) == 3


def test_a_redshift_of_minus_nine_is_unknown(folder, run):
    lines = (folder / "truth.csv").read_text().splitlines()
    z = lines[0].split(",").index("z")
    rows = [line.split(",") for line in lines]
    for row in rows[1:10]:
        row[z] = "-9"
    (folder / "t.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    assert run("new.fits", "--truth", "t.csv", "-o", "out")[0] == 0


def squeezed(lines):
    """Lines with the width of their columns evened out."""
    return ["    ".join(part.strip() for part in line.split("  ") if part) for line in lines]


@pytest.mark.slow
def test_the_report_of_two_models(folder, run):
    status, out, err = run(
        "new.fits", "-t", "truth.csv", "--compare", "old.parquet", "-o", "out",
        "--where", "trust >= 2 and survey in ('BOSS', 'SDSS')", "--mistakes", "1",
        "--group", "survey",
    )  # fmt: skip
    assert status == 0
    assert out[-2] == "Against old.parquet, 73 spectra in common:"
    assert "SUBCLASS: the new is better" in out[-1]
    assert err[-1] == "huggins: wrote out/report.json"
    report = json.loads((folder / "out" / "report.json").read_text())
    assert report["about"]["where"].startswith("trust >= 2")
    assert report["about"]["old_table"] == "old.parquet"
    assert list(report["groups"]) == ["survey"]
    assert (folder / "out" / "report.html").stat().st_size > 10_000


def test_columns_of_other_names(folder, run):
    text = (folder / "truth.csv").read_text()
    names, rest = text.split("\n", 1)
    renamed = (
        names.replace("class3", "KIND").replace("path", "where_it_is").replace(",z,", ",Z_VI,")
    )
    (folder / "other.csv").write_text(f"{renamed}\n{rest}")
    given = [f"--column={pair}" for pair in ("class3=KIND", "path=where_it_is", "z=Z_VI")]
    status, out, _ = run("new.fits", "--truth", "other.csv", *given, "--quiet")
    assert status == 0
    assert out == run("new.fits", "--truth", "truth.csv", "--quiet")[1]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["gone.fits", "--truth", "truth.csv"], "gone.fits: there is no such file"),
        (["new.fits", "--truth", "gone.csv"], "gone.csv: there is no such file"),
        (["new.fits"], "Missing option '--truth'"),
        (["new.fits", "--truth", "truth.csv", "--where", "colour == 1"], "no column 'colour'"),
        (["new.fits", "--truth", "truth.csv", "--where", "open('x') == 1"], "neither a column"),
        (["new.fits", "--truth", "truth.csv", "--match", "name"], "is none of auto"),
        (["new.fits", "--truth", "truth.csv", "--column", "z"], "not of the form ROLE=NAME"),
        (["new.fits", "--truth", "truth.csv", "--group", "path"], "more than 20"),
        (["truth.csv", "--truth", "truth.csv"], "no row of truth.csv has its truth"),
        (
            ["new.fits", "--truth", "truth.csv", "-o", "truth.csv"],
            "truth.csv: is a file: name a folder",
        ),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_wrong_is_said_on_one_line(run, arguments, complaint):
    status, out, err = run(*arguments)
    assert status == 2
    errors = [line for line in err if complaint in line]
    assert len(errors) == 1
    assert "-o" in arguments or (out == [] and len(err) == 1)


@pytest.mark.usefixtures("folder")
def test_an_ambiguous_match_is_an_error(run, tmp_path):
    cases = [Case(path="a/x.fits"), Case(path="b/x.fits")]
    write_results(tmp_path / "r.csv", cases[:1], prefix="")
    (tmp_path / "r.csv").write_text(
        (tmp_path / "r.csv").read_text().replace("a/x.fits", "x.fits")
    )
    write_truth(tmp_path / "t.csv", cases)
    status, _, err = run("r.csv", "--truth", "t.csv")
    assert status == 2
    assert "ambiguous match by path" in err[0]


def test_help_and_import_load_nothing_heavy():
    code = (
        "import sys; from huggins.cli import main; main(['evaluate', '--help']);"
        "import huggins.evaluate;"
        "bad = {'astropy', 'matplotlib', 'onnxruntime', 'torch'} & set(sys.modules);"
        "assert not bad, bad"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "--compare OLD_TABLE" in done.stdout.replace("\n", " ")


@pytest.mark.slow
def test_every_real_label_is_matched(shared_data, folder, run):
    with (shared_data / "spectra" / "labels.csv").open() as file:
        labels = list(csv.DictReader(file))
    cases = [
        Case(
            predicted=row["class13"] if row["class13"] not in ("", "SKY") else "F",
            z=float(row["z"] or 0.0),
            path=row["path"],
            zwarning=int(row["class3"] == "SKY"),
        )
        for row in labels
    ]
    write_results(folder / "perfect.fits", cases, prefix="somewhere/spectra/")
    status, out, err = run(
        "perfect.fits", "--truth", str(shared_data / "spectra" / "labels.csv"),
        "--where", "trust >= 2 and fold in (0, 1)",
    )  # fmt: skip
    assert status == 0
    assert err[0].startswith(f"huggins: {len(labels)} of {len(labels)} rows matched by path")
    assert squeezed(out)[0].startswith("CLASS right    100.0 %")


def test_a_folder_that_is_a_file_is_said_before_the_work(folder, run):
    (folder / "out").write_text("mine")
    status, out, err = run("new.fits", "--truth", "truth.csv", "-o", "out")
    assert (status, out) == (2, [])
    assert err[0].startswith("huggins: out: is a file: name a folder")
