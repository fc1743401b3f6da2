"""`huggins labels` as a user calls it, and the copy that --apply writes."""

import csv

import pytest
from arro3.core import Table as ArrowTable
from arro3.io import read_parquet
from astropy.table import Table

from factories import surveys
from factories.surveys import write_survey
from huggins.catalog import make_targets, write_targets
from huggins.cli import main


@pytest.fixture
def specobj(tmp_path):
    return write_survey(
        tmp_path / "specObj.fits",
        surveys.SPECOBJ,
        FIBERID=[1, 2, 3, 4],
        CLASS=["GALAXY", "STAR", "STAR", "QSO"],
        SUBCLASS=["", "F5", "M0V", ""],
        PLUG_RA=[10.0, 20.0, 20.0, 40.0],
    )


@pytest.fixture
def superset(tmp_path):
    return write_survey(
        tmp_path / "superset.fits",
        surveys.DR12Q_SUPERSET,
        FIBERID=[1, 4],
        CLASS_PERSON=[30, 3],
        Z_CONF_PERSON=[3, 3],
        Z_VI=[2.4, 2.4],
        RA=[10.0, 40.0],
    )


@pytest.fixture(params=["csv", "ecsv", "fits", "parquet"])
def table(request, specobj, tmp_path):
    path = tmp_path / f"targets.{request.param}"
    write_targets(path, make_targets([specobj]), "")
    return path


def read(path):
    if path.suffix == ".parquet":
        held = ArrowTable.from_arrow(read_parquet(str(path)))
        return {name: held.column(name).to_pylist() for name in held.column_names}
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        return {name: [row[name] for row in rows] for name in rows[0]}
    held = Table.read(path, format="ascii.ecsv" if path.suffix == ".ecsv" else "fits")
    held.convert_bytestring_to_unicode()
    return {name: held[name].tolist() for name in held.colnames}


@pytest.mark.slow
def test_suspects_and_a_corrected_copy_in_every_format(table, superset, tmp_path, capsys):
    before = table.read_bytes()
    suspects = tmp_path / f"suspects{table.suffix}"
    copy = tmp_path / f"corrected{table.suffix}"
    arguments = ["--visual", str(superset), "-o", str(suspects), "--apply", str(copy)]
    assert main(["labels", str(table), *arguments]) == 0
    printed = capsys.readouterr()
    assert "3 suspects" in printed.out
    assert "1 labels of 4 changed" in printed.err
    assert table.read_bytes() == before
    said = read(suspects)
    assert [int(row) for row in said["ROW"]] == [1, 2, 3]
    assert said["REASON"] == ["visual", "duplicate", "duplicate"]
    assert said["SUGGESTED_SUBCLASS"][0] == "BAL"
    assert [float(score) for score in said["SCORE"]] == [1.0, 0.5, 0.5]
    assert [int(fibre) for fibre in said["FIBERID"]] == [1, 2, 3]
    old, new = read(table), read(copy)
    assert new["SUBCLASS_NEW"] == ["BAL", "F", "M", "QSO"]
    assert new["CLASS_NEW"] == ["QSO", "STAR", "STAR", "QSO"]
    assert [word or "" for word in new["CHANGED_BY"]] == ["visual", "", "", ""]
    assert {name: new[name] for name in old} == old


def test_a_lower_score_changes_more_and_unknown_stays_unknown(specobj, tmp_path, capsys):
    table = tmp_path / "t.csv"
    write_targets(table, make_targets([specobj]), "")
    copy = tmp_path / "c.csv"
    code = main(["labels", str(table), "--apply", str(copy), "--at-least", "0.5", "-q"])
    assert code == 0
    assert read(copy)["SUBCLASS_NEW"] == ["GAL", "", "", "QSO"]
    again = tmp_path / "d.csv"
    assert main(["labels", str(copy), "--apply", str(again), "-q"]) == 0
    assert list(read(again)).count("SUBCLASS_NEW") == 1
    assert read(again)["SUBCLASS_NEW"] == ["GAL", "F", "M", "QSO"]
    assert capsys.readouterr().out == ""


def test_without_an_output_the_worst_are_printed(specobj, superset, tmp_path, capsys):
    table = tmp_path / "t.csv"
    write_targets(table, make_targets([specobj]), "")
    assert main(["labels", str(table), "--visual", str(superset), "--no-duplicates"]) == 0
    out = capsys.readouterr().out
    assert "row 1: GAL -> BAL  1.000  visual: a person says BAL of this spectrum" in out
    assert "duplicate" not in out


def test_no_suspects_make_an_empty_table(specobj, tmp_path, capsys):
    clean = write_survey(
        tmp_path / "c.fits", surveys.SPECOBJ, FIBERID=[1, 2], PLUG_RA=[1.0, 2.0]
    )
    table = tmp_path / "t.csv"
    write_targets(table, make_targets([clean]), "")
    for end in ("csv", "fits", "ecsv", "parquet"):
        out = tmp_path / f"none.{end}"
        assert main(["labels", str(table), "-o", str(out)]) == 0
        assert out.is_file()
    assert "0 suspects" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--apply", "x.fits"], "must end in .csv"),
        (["--apply", "t.csv"], "is an input too"),
        (["--apply", "t.csv", "--overwrite"], "is the table of labels itself"),
        (["--apply", "none/x.csv"], "no folder"),
        (["-o", "x.txt"], "must end in"),
        (["--column", "object"], "not of the form ROLE=NAME"),
        (["--predictions", "missing.csv"], "no such file"),
        (["--at-least", "2"], "--at-least"),
    ],
)
def test_wrong_usage(specobj, tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "t.csv"
    write_targets(table, make_targets([specobj]), "")
    before = sorted(tmp_path.iterdir())
    assert main(["labels", "t.csv", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before
