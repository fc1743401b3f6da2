"""Accuracy by class and bins is counted rightly, and the page is that of the data file."""

import csv
import io

import numpy as np
import pytest

from experiments.accuracy_bins import COLUMNS, DATA, PAGE, as_csv, as_markdown, draw, rows_of
from huggins.evaluate import evaluate
from made_up_table import Case, write_results, write_truth


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Four quasars, one faint and called a galaxy, one BAL called QSO; one far off in z."""
    folder = tmp_path_factory.mktemp("bins")
    cases = [
        Case(true="QSO", predicted="QSO", z=1.0, z_true=1.0, sn=6.0),
        Case(true="QSO", predicted="GAL", z=1.0, z_true=1.0, sn=1.0, zwarning=4),
        Case(true="BAL", predicted="QSO", z=2.5, z_true=2.5, sn=6.0),
        Case(true="QSO", predicted="QSO", z=1.2, z_true=2.5, sn=30.0),
        Case(true="F", predicted="G", z=1e-4, z_true=1e-4, sn=30.0),
    ]
    write_results(folder / "r.fits", cases)
    write_truth(folder / "t.csv", cases)
    return rows_of("mock", evaluate(folder / "r.fits", folder / "t.csv").sample)


def find(rows, quantity, of, cls, bin_of="all", low=-np.inf):
    (row,) = [
        row
        for row in rows
        if [row[key] for key in COLUMNS[1:6]] == [quantity, of, cls, bin_of, low]
    ]
    return row["count"], row["n"]


def test_rates_are_counted(rows):
    assert find(rows, "CLASS", "CLASS", "QSO") == (3, 4)
    assert find(rows, "CLASS", "CLASS", "QSO", "sn", 5.0) == (2, 2)
    assert find(rows, "CLASS", "CLASS", "QSO", "z", 0.8) == (1, 2)
    assert find(rows, "SUBCLASS", "SUBCLASS", "QSO") == (2, 3)
    assert find(rows, "SUBCLASS", "SUBCLASS", "BAL") == (0, 1)
    assert find(rows, "PURITY", "SUBCLASS", "QSO") == (2, 3)
    assert find(rows, "PURITY", "CLASS", "GALAXY") == (0, 1)
    assert find(rows, "Z", "CLASS", "QSO") == (3, 4)
    assert find(rows, "RELIABLE", "CLASS", "QSO") == (3, 4)
    assert find(rows, "CLASS where ZWARNING is 0", "CLASS", "QSO") == (3, 3)


def test_empty_bins_have_no_row(rows):
    assert not [row for row in rows if row["class"] == "WD" and row["quantity"] != "PURITY"]
    assert all(row["n"] for row in rows)


def test_page_and_picture_can_be_made(rows):
    page = as_markdown(rows)
    assert "| CLASS QSO | 75.0 %" in page
    assert draw(rows).axes


def test_the_page_is_that_of_the_data_file():
    text = DATA.read_text(encoding="utf-8")
    rows = []
    for row in csv.DictReader(io.StringIO(text)):
        low, high = float(row["low"] or "-inf"), float(row["high"] or "inf")
        numbers = {key: float(row[key]) for key in ("value", "value_low", "value_high")}
        counts = {key: int(row[key]) for key in ("count", "n")}
        rows.append(row | {"low": low, "high": high} | numbers | counts)
    assert as_csv(rows) == text
    assert as_markdown(rows) in PAGE.read_text(encoding="utf-8")
    assert {row["sample"] for row in rows} == {"real", "mock"}
