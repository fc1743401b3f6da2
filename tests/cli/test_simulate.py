"""`huggins simulate`."""

import csv

import h5py
import numpy as np
import pytest

from huggins.cli import main


@pytest.fixture
def templates(shared_data):
    return str(shared_data / "templates")


@pytest.mark.slow
def test_mocks_of_the_classes_asked_for_with_the_shipped_noise(templates, tmp_path, capsys):
    out = tmp_path / "m.h5"
    arguments = ["simulate", "-o", str(out), "-n", "60", "--templates", templates]
    assert main([*arguments, "--odds", "M=2", "--odds", "gal=1", "--sn", "5", "9"]) == 0
    with h5py.File(out) as file:
        assert set(file["class_index"][:]) == {8, 12}
        sn = file["sn"][:]
        assert (sn >= 5).all()
        assert (sn <= 9).all()
    captured = capsys.readouterr()
    assert "26 mocks that ship" in captured.err
    assert "mocks/s" in captured.err
    assert captured.out == ""


@pytest.mark.slow
def test_noise_of_a_folder_and_what_is_left_out(
    templates, shared_data, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("huggins.cli.simulate._TO_CHOOSE_FROM", 40)
    some = tmp_path / "real"
    some.mkdir()
    with (shared_data / "spectra/labels.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["survey"] == "SDSS"][:8]
    with (some / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        for i, row in enumerate(rows):
            name = f"{i}.fits"
            (some / name).symlink_to(shared_data / "spectra" / row["path"])
            writer.writerow(row | {"path": name, "fold": 1 if i < 3 else 2})
    (some / "bad.fits").write_bytes(b"SIMPLE  = nonsense")
    out = tmp_path / "m.npz"
    base = ["simulate", "-o", str(out), "-n", "20", "--templates", templates]
    assert main([*base, "--noise", str(some), "--folds", "2,3"]) == 0
    error = capsys.readouterr().err
    assert "noise: that of 5 real spectra" in error
    assert "left out: 4 spectra of other folds" in error
    assert main([*base, "--noise", str(some), "--survey", "lamost"]) == 2
    assert "no noise of survey 'LAMOST': there is SDSS" in capsys.readouterr().err
    page = tmp_path / "page.html"
    arguments = ["simulate", "--page", str(page), "--real", str(some), "--templates", templates]
    assert main(arguments) == 0
    text = page.read_text()
    assert "data:image/png;base64," in text
    assert "<h2>" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--odds", "T=1"], "T: no such class"),
        (["--odds", "QSO"], "of the form ROLE=NAME, such as QSO=2"),
        (["--odds", "QSO=0"], "all are 0"),
        (["--sn", "5", "2"], "the lower first"),
        (["--templates", "nowhere"], "huggins templates fetch"),
        (["--page", "a.html"], "--page needs --real"),
        (["--noise", "nowhere", "--folds", "x"], "write numbers with commas"),
    ],
)
def test_slips_are_one_line(templates, tmp_path, capsys, more, message):
    arguments = ["simulate", "-o", str(tmp_path / "m.h5"), "--templates", templates, *more]
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_nothing_to_do(capsys):
    assert main(["simulate", "-n", "3", "-o", "."]) == 2
    assert "no output: name one with -o" in capsys.readouterr().err


@pytest.mark.slow
def test_spec_files_can_be_classified(templates, tmp_path, capsys):
    specs = tmp_path / "specs"
    arguments = ["simulate", "-o", str(specs), "-n", "12", "--templates", templates]
    assert main(arguments) == 0
    assert main(["classify", str(specs), "-o", str(tmp_path / "t.csv")]) == 0
    with (tmp_path / "t.csv").open(newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    assert len(rows) == 12
    assert not any(row["ERROR"] for row in rows)
    assert np.isfinite([float(row["SN_MEDIAN"]) for row in rows]).all()
