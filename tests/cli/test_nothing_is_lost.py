"""Every verb that writes, on its own inputs and on files that huggins did not write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from factories import make_truth, surveys, write_boss_spec
from factories.surveys import write_survey
from huggins.cli import main
from made_up_table import varied, write_results, write_truth

MINE = b"my own notes, a week of work\n"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Three spectra, a survey's table, results and truth, and files of the user's own."""
    monkeypatch.chdir(tmp_path)
    for i, name in enumerate("abc"):
        write_boss_spec(tmp_path / f"{name}.fits", make_truth(seed=i, fiberid=i + 1))
    survey = {"FIBERID": [1, 2], "CLASS": ["STAR"] * 2, "SUBCLASS": ["A0"] * 2}
    write_survey(tmp_path / "specObj.fits", surveys.SPECOBJ, **survey)
    write_truth(tmp_path / "truth.csv", varied())
    write_results(tmp_path / "new.csv", varied(seed=1))
    write_survey(tmp_path / "mine.fits", surveys.SPECOBJ, **survey)
    for name in ("a.png", "mine.h5", "mine.csv", "mine.ecsv", "mine.parquet", "mine.jsonl"):
        (tmp_path / name).write_bytes(MINE)
    (tmp_path / "out").mkdir()
    for name in ("report.json", "report.html", "labels.csv", "a.png", "missing.csv"):
        (tmp_path / "out" / name).write_bytes(MINE)
    np.savez(tmp_path / "mine.npz", x=np.arange(9))
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


CALLS = [
    "classify -o a.fits b.fits c.fits",  # huggins classify -o *.fits
    "classify a.fits -o a.fits",
    "classify a.fits b.fits -o mine.fits",
    "classify a.fits -o mine.csv",
    "classify a.fits -o mine.ecsv",
    "classify a.fits -o mine.parquet",
    "classify a.fits -o mine.jsonl",
    "classify a.fits -o new.fits --log b.fits",
    "build a.fits -o mine.h5",
    "build mine.h5 -o mine.h5",
    "catalog specObj.fits -o specObj.fits",
    "catalog specObj.fits -o mine.csv",
    "catalog specObj.fits --plot a.png",
    "labels truth.csv -o truth.csv",
    "labels truth.csv -o mine.fits",
    "labels truth.csv --apply truth.csv",
    "labels truth.csv --apply mine.csv",
    "labels truth.csv --predictions new.csv -o new.csv",
    "plot a.fits",
    "plot a.fits -o a.png",
    "plot a.fits -o out",
    "plot b.fits a.fits -o out",
    "plot a.fits -o mine.fits",
    "evaluate new.csv --truth truth.csv -o out",
    "simulate -o mine.h5",
    "simulate -o mine.npz",
    "simulate -o out",
    "simulate --page a.html --real .",
    "shrink a.fits -o .",
    "download 3586-55181-1 -o out --base http://127.0.0.1:9",
]


@pytest.mark.parametrize("call", CALLS)
def test_nothing_is_changed(folder, capsys, call):
    if "a.html" in call:
        (folder / "a.html").write_bytes(MINE)
    before = contents(folder)
    status = main(call.split())
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert contents(folder) == before
    assert "Traceback" not in err
    assert any(
        said in err
        for said in (
            "is no output of huggins: name another output, or add --overwrite to replace it",
            "is an input too: name another output, or add --overwrite to replace it",
            "is no log of huggins",
            "is the file itself: name another folder",
            "unknown kind of picture",
        )
    )


@pytest.mark.slow
def test_outputs_of_huggins_are_replaced(folder, capsys, model_path):
    model = ["--model", str(model_path)]
    calls = [
        *(["classify", "b.fits", "-o", f"t{kind}", *model]
          for kind in (".fits", ".csv", ".ecsv", ".parquet", ".jsonl", ".csv.gz")),
        ["classify", "b.fits", "-o", "desi.csv", "--desi-columns", *model],
        ["build", "b.fits", "-o", "t.h5"],
        ["build", "b.fits", "-o", "seed.h5", "--layout", "seed"],
        *(["catalog", "specObj.fits", "-o", f"targets{kind}", "--plot", f"counts{picture}"]
          for kind, picture in ((".csv", ".png"), (".fits", ".pdf"), (".ecsv", ".svg"))),
        *(["labels", f"targets{kind}", "-o", f"suspects{kind}", "--apply", f"copy{kind}"]
          for kind in (".csv", ".fits", ".ecsv")),
        *(["plot", "b.fits", "-o", name, *model]
          for name in ("p.png", "p.pdf", "p.svg", "pictures")),
        ["evaluate", "new.csv", "--truth", "truth.csv", "-o", "report"],
    ]  # fmt: skip
    for call in calls * 2:
        assert main([*call, "-q"]) in (0, 1), capsys.readouterr().err
    capsys.readouterr()


def test_overwrite_replaces(folder, capsys, model_path):
    rest = ["--model", str(model_path), "--overwrite"]
    assert main(["classify", "a.fits", "-o", "mine.csv", *rest]) == 0
    assert Path("mine.csv").read_text().startswith("FILE,INDEX")
    assert main(["classify", "a.fits", "-o", "a.fits", *rest]) == 0
    assert b"CREATOR = 'huggins" in Path("a.fits").read_bytes()
    capsys.readouterr()


def test_a_table_stays_where_nothing_could_be_classified(folder, capsys, model_path):
    rest = ["--model", str(model_path)]
    assert main(["classify", "a.fits", "-o", "t.fits", *rest]) == 0
    before = contents(folder)
    assert main(["classify", "notthere", "-o", "t.fits", *rest]) == 2
    assert "nothing could be classified: t.fits stays as it was" in capsys.readouterr().err
    assert contents(folder) == before
