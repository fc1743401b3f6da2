"""`--resume` on a complete table: only the same options leave nothing to do."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from factories import make_truth, write_boss_spec
from huggins.errors import InputError
from huggins.inference import Inputs, Settings, classify_to_file
from huggins.inference.given import given_redshifts, were_given
from huggins.quality import ZWarning
from huggins.tables.read import read_columns


@pytest.fixture
def write(tmp_path, model_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_boss_spec(Path("0.fits"), make_truth(4600, start=3.55, step=1e-4))

    def write(output, options=None, *, resume=False, **more):
        settings = Settings(**(options or {}))
        return classify_to_file(
            Inputs(["0.fits"]),
            Path(output),
            model=model_path,
            settings=settings,
            resume=resume,
            **more,
        )

    return write


def given(z):
    Table({"FILE": ["0.fits"], "Z": [z]}).write("z.ecsv", overwrite=True)
    return {"given": given_redshifts("z.ecsv")}


@pytest.mark.parametrize("output", ["t.fits", "t.csv"])
def test_newly_asked_options_begin_anew(write, output, caplog):
    write(output)
    assert write(output, resume=True).finished
    assert write(output, {"threshold": 0.9}, resume=True).finished is False
    assert "another model or other options" in caplog.text
    for change in ({"settings": {"sets": 0.9}}, {"settings": given(0.5)}, {"desi": True}):
        write(output)
        options = change.pop("settings", {})
        assert not write(output, options, resume=True, **change).finished
    assert not write(output, resume=True).finished


def test_what_the_header_records_is_compared(write):
    write("t.fits", {"threshold": 0.9, **given(0.5)})
    assert write("t.fits", {"threshold": 0.9, **given(0.5)}, resume=True).finished
    assert not write("t.fits", {"threshold": 0.9, **given(0.6)}, resume=True).finished
    assert not write("t.fits", {"threshold": 0.8, **given(0.6)}, resume=True).finished
    assert not write("t.fits", {"threshold": 0.8}, resume=True).finished
    assert not write("t.fits", resume=True).finished
    assert write("t.fits", resume=True).finished


def test_a_table_without_a_header_shows_by_its_errors_that_redshifts_were_given(write):
    write("t.csv", given(0.5))
    assert were_given(read_columns("t.csv"))
    assert not write("t.csv", resume=True).finished
    assert not were_given(read_columns("t.csv"))
    assert write("t.csv", resume=True).finished
    # Of a redshift without a minimum there is no error, either.
    without = Table.read("t.csv")
    without["Z_ERR"] = np.nan
    without["ZWARNING"] = int(ZWarning.BAD_MINFIT)
    without.write("t.csv", overwrite=True)
    assert not were_given(read_columns("t.csv"))
    assert not were_given(read_columns("t.csv", ["FILE", "Z"]))


def test_models_must_be_there(write):
    write("t.fits")
    assert not write("t.fits", resume=True, models=Path("m.npz")).finished
    assert Path("m.npz").exists()
    assert write("t.fits", resume=True, models=Path("m.npz")).finished


def test_redrock_has_no_place_for_sets(write):
    with pytest.raises(InputError, match="no place for --sets"):
        write("t.fits", {"sets": 0.9}, form="redrock")


def test_candidates_of_the_table_before_go(write, caplog):
    caplog.set_level(logging.INFO)
    old = Path("t.candidates.csv")
    write("t.csv", {"candidates": 2})
    assert old.exists()
    write("t.csv")
    assert not old.exists()
    assert "t.candidates.csv: removed" in caplog.text
    old.write_text("my own notes\n")
    write("t.csv")
    assert old.exists()
    assert "t.candidates.csv: is of no candidates of the new table" in caplog.text
