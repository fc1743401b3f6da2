"""The comparison with peers counts rightly, and its page is that of its data."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import page
from benchmarks.peers.answers import Answers, of_pipeline, of_redrock, of_trees
from benchmarks.peers.inputs import Truth, redrock_templates
from benchmarks.peers.score import figures
from made_up_table import Case, write_results

ALL = {"subclass", "bal", "z", "warning"}
TRUTHS = [
    Truth("a", "real", "visual", "QSO", "QSO", 1.0),
    Truth("b", "real", "pipeline", "QSO", "QSO", 2.0),
    Truth("c", "real", "pipeline", "STAR", "F", 0.0),
    Truth("d", "real", "target", "SKY", "", float("nan")),
    Truth("e", "mock", "mock", "QSO", "BAL", 2.5),
    Truth("f", "mock", "mock", "GALAXY", "GAL", 0.3),
]


def answers(**changed):
    given = {
        "cls": np.array(["QSO", "GALAXY", "QSO", "", "QSO", "GALAXY"]),
        "subclass": np.array(["QSO", "GAL", "QSO", "", "BAL", "GAL"]),
        "z": np.array([1.0, 2.0, 0.5, np.nan, 2.5, 0.31]),
        "warned": np.array([False, True, False, False, False, False]),
        "says": ALL,
    }
    return Answers(**(given | changed))


def count(found, key):
    return found[key]["count"], found[key]["n"]


def test_figures_are_counted():
    found = figures(TRUTHS, answers(), "real")
    assert found["n"] == 4
    assert count(found, "class") == (1, 3)
    assert count(found, "found") == (1, 2)
    assert count(found, "pure") == (1, 2)
    assert count(found, "z_qso") == (2, 2)
    assert "z_star" not in found  # exactly 0 stands for none
    assert count(found, "reliable") == (2, 3)
    assert count(found, "class_reliable") == (1, 2)
    assert count(found, "right_reliable") == (1, 2)
    assert count(found, "sky") == (1, 1)
    assert figures(TRUTHS, answers(), "visual")["n"] == 1
    mock = figures(TRUTHS, answers(), "mock")
    assert count(mock, "bal") == (1, 1)
    assert count(mock, "z_gal") == (0, 1)


def test_a_peer_is_not_measured_by_what_it_does_not_tell():
    found = figures(TRUTHS, answers(says={"subclass"}), "mock")
    assert not {"bal", "z_qso", "reliable"} & set(found)
    assert count(found, "subclass") == (1, 1)  # its QSO may be a BAL quasar


def test_spectra_that_were_not_given_do_not_count():
    given = np.array([True, False, False, False, False, False])
    assert figures(TRUTHS, answers(given=given), "real")["class"]["n"] == 1


def test_rows_of_others_are_read(tmp_path):
    with (tmp_path / "redrock.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["QSO", "HIZ", 2.0, 0.001, 0.0, 50.0], ["STAR", "F", 0, 0, 4, 1]]
        )
    found = of_redrock(tmp_path / "redrock.csv", 3)
    assert found.subclass.tolist() == ["QSO", "F", ""]
    assert found.asked.tolist() == [True, True, False]
    assert found.warned.tolist() == [False, True, True]
    (tmp_path / "trees.csv").write_text("BAL,0.9,2.1,0\n")
    (tmp_path / "trees.json").write_text('{"processor_seconds": 0.01, "memory_mb": 5}')
    trees = of_trees(tmp_path / "trees.csv")
    assert (trees.cls[0], trees.cost["memory_mb"]) == ("QSO", 5)


def test_files_without_values_of_a_pipeline_are_not_asked(tmp_path):
    write_results(tmp_path / "t.fits", [Case(), Case()])
    assert not of_pipeline(tmp_path / "t.fits").asked.any()


def test_templates_of_redrock_are_on_its_grids(shared_data):
    given = redrock_templates(shared_data)
    assert {"GALAXY", "QSO_HIZ", "QSO_LOZ", "STAR_F", "start_STAR_F"} <= set(given)
    assert given["STAR_F"].shape == (5, 5400)
    assert np.isfinite(given["STAR_M"]).all()


@pytest.mark.parametrize("name", ["peers", "disagreements"])
def test_pages_have_what_they_name(name):
    text = (page.RESULTS / f"{name}.md").read_text(encoding="utf-8")
    for target in [part.partition(")")[0] for part in text.split("](")[1:]]:
        if target.endswith(".png"):
            assert (page.RESULTS / target).is_file(), target


def test_the_tables_are_those_of_the_data():
    result = json.loads(Path(page.RESULTS / "peers.json").read_text(encoding="utf-8"))
    assert page.tables(result) in (page.RESULTS / "peers.md").read_text(encoding="utf-8")
