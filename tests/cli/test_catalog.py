"""`huggins catalog` as a user calls it."""

import pytest
from matplotlib.image import imread

from factories import surveys
from factories.surveys import write_survey
from huggins.cli import main


@pytest.fixture
def table(tmp_path):
    return write_survey(
        tmp_path / "specObj.fits",
        surveys.SPECOBJ,
        FIBERID=[1, 2, 3, 4, 5],
        CLASS=["STAR", "STAR", "GALAXY", "QSO", "STAR"],
        SUBCLASS=["A0", "A5", "", "", "CV"],
        ZWARNING=[0, 4, 0, 0, 0],
        PLUG_RA=[1.0, 1.0, 2.0, 3.0, 4.0],
    )


def test_counts_are_printed_and_the_table_written(table, tmp_path, capsys):
    out = tmp_path / "targets.fits"
    assert main(["catalog", str(table), "-o", str(out)]) == 0
    printed = capsys.readouterr()
    lines = {tuple(line.split()[:2]): line.split()[2:] for line in printed.out.splitlines()}
    assert lines["STAR", "A"] == ["2", "0", "1", "1", "0"]
    assert lines["GALAXY", "GAL"] == ["1", "0", "1", "0", "0"]
    assert lines["STAR", "-"] == ["1", "0", "1", "0", "0"]
    assert "5 spectra of 4 objects" in printed.out
    assert "5 of 5 rows taken as specObj" in printed.err
    assert out.is_file()


def test_quiet_prints_nothing(table, tmp_path, capsys):
    assert main(["catalog", str(table), "-o", str(tmp_path / "t.csv"), "-q"]) == 0
    printed = capsys.readouterr()
    assert printed.out == printed.err == ""


def test_the_bar_chart_shows_what_is_counted(table, tmp_path, capsys):
    picture = tmp_path / "counts.png"
    assert main(["catalog", str(table), "--plot", str(picture)]) == 0
    image = imread(picture)
    assert image.shape[0] > 300
    assert len({tuple(pixel) for row in image[::5] for pixel in row[::5].tolist()}) > 3
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--map", "class"], "not of the form ROLE=NAME"),
        (["--map", "class=A", "--map", "class=B"], "given twice"),
        (["--map", "class=CLASS", "--recipe", "seed"], "leave out --kind, --recipe"),
        (["-o", "t.txt"], "unknown kind of table"),
        (["--plot", "t.txt"], "must end in .png"),
        (["--where", "Z > "], "not understood"),
        (["--radius", "-1"], "arcseconds"),
        (["--recipe", "seed"], "missing: DR14Q, DR12Q_Superset"),
    ],
)
def test_wrong_usage_writes_nothing(table, tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main(["catalog", str(table), *arguments]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out == ""
    assert sorted(tmp_path.iterdir()) == before


def test_mapping_from_the_command_line(tmp_path, capsys):
    path = tmp_path / "mine.csv"
    path.write_text("kind,zz\nF,0.0\nQSO,2.0\n")
    code = main(["catalog", str(path), "--map", "class=kind", "-m", "z=zz", "-m", "trust=3"])
    assert code == 0
    assert "2 spectra of 2 objects" in capsys.readouterr().out
