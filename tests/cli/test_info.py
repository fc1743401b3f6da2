"""`huggins info`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from factories import make_truth, write_boss_spec, write_spplate, write_text
from huggins import cli


@pytest.fixture
def info(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*argv: str) -> tuple[int, list[str], str]:
        status = cli.main(["info", *argv])
        out, err = capsys.readouterr()
        return status, out.splitlines(), err

    return call


def test_one_spectrum(info):
    write_boss_spec(Path("a.fits"), make_truth(subclass="BROADLINE"))
    status, lines, err = info("a.fits")
    assert (status, err) == (0, "")
    assert lines[0] == "a.fits"
    assert dict(line.split(maxsplit=1) for line in lines[1:]) == {
        "format": "spec",
        "spectra": "1",
        "survey": "BOSS",
        "object": lines[4].split(maxsplit=1)[1],
        "range": "3630.8 to 9109.6 A in vacuum",
        "pixels": lines[6].split(maxsplit=1)[1],
        "S/N": lines[7].split(maxsplit=1)[1],
        "pipeline": "QSO BROADLINE, z = 2.25000, ZWARNING 0",
    }
    assert "plate 7102, MJD 56666, fibre 82, SPECOBJID" in lines[4]
    assert "RA 123.456789, Dec -1.250000" in lines[4]
    assert lines[6].strip().startswith("pixels    800, of which 7")


def test_many_spectra(info):
    flux, ivar = np.full((5, 300), 2.0), np.full((5, 300), 9.0)
    ivar[2] = 0
    write_spplate(Path("p.fits"), flux, ivar)
    status, lines, _ = info("p.fits")
    assert status == 1
    assert "  spectra   4" in lines
    assert "  unusable  1 (no good pixel: " in "\n".join(lines)
    assert "  first     plate 7102, MJD 56666, fibre 1" in "\n".join(lines)
    assert "  S/N       6.00 to 6.00, median 6.00" in lines


def test_air(info):
    x = np.linspace(4000.0, 9000.0, 100)
    write_text(Path("a.txt"), [x, x, x])
    assert "  range     4000.0 to 9000.0 A in vacuum" in info("a.txt")[1]
    expected = "  range     4001.1 to 9002.5 A in air, converted to vacuum"
    assert expected in info("a.txt", "--air")[1]


def test_errors_are_lines(info):
    Path("empty.fits").touch()
    write_boss_spec(Path("a.fits"), make_truth())
    status, lines, err = info("empty.fits", "gone.fits", "a.fits")
    assert status == 1
    assert lines[0] == "a.fits"
    assert [line.split(":")[1] for line in err.splitlines()] == [" empty.fits", " gone.fits"]
    assert info("gone.fits")[0] == 2


def test_folders(info):
    write_boss_spec(Path("a.fits"), make_truth())
    assert info(".")[1][0] == "./a.fits"


def test_real_desi_files(info, desi_files):
    status, lines, _ = info(*map(str, desi_files))
    assert status == 1  # most of their fibres hold nothing
    assert lines.count("  format    desi") == len(desi_files)
    assert lines.count("  survey    DESI") == len(desi_files)
