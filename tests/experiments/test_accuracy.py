"""The tables of accuracy in the documents are the recorded ones, and are counted rightly."""

import json
import re

import pytest

from experiments.accuracy import (
    PAGE,
    README,
    RESULT,
    ROOT,
    SHORT,
    as_markdown,
    as_short_markdown,
    measure,
)
from made_up_table import Case, write_results, write_truth


@pytest.fixture(scope="module")
def recorded():
    return json.loads(RESULT.read_text(encoding="utf-8"))


def test_the_tables_of_the_documents_are_the_recorded_ones(recorded):
    assert as_markdown(recorded) in PAGE.read_text(encoding="utf-8")
    short = as_short_markdown(recorded)
    assert short in README.read_text(encoding="utf-8")
    assert len(short.splitlines()) == len(SHORT) + 2


def test_the_rates_of_zwarning_are_the_recorded_ones(recorded):
    page = (ROOT / "docs" / "reference" / "zwarning.md").read_text(encoding="utf-8")
    top = " ".join(page.partition("| bit |")[0].split())
    rates = re.findall(r"([\d.]+) % \(([\d.]+) to ([\d.]+)\)", top)
    reliable = [row for row in recorded["rows"] if row["set"] == "reliable"]
    known = {
        tuple(f"{100 * row[key]:.1f}" for key in ("value", "low", "high")) for row in reliable
    }
    assert len(rates) == len(reliable)
    assert set(rates) == known


def test_fractions_are_counts(recorded):
    for row in recorded["rows"]:
        assert row["value"] == pytest.approx(row["count"] / row["n"], abs=1e-5)
        assert row["low"] <= row["value"] <= row["high"]


def test_rows_are_counted_where_zwarning_is_zero(tmp_path):
    """Eight stars; two with the wrong letter, one of which has a warning; one a quasar."""
    cases = [Case(true="F", predicted="F", z=1e-4, z_true=1e-4) for _ in range(5)]
    cases.append(Case(true="F", predicted="G", z=1e-4, z_true=1e-4))
    cases.append(Case(true="F", predicted="G", z=1e-4, z_true=1e-4, zwarning=4))
    cases.append(Case(true="F", predicted="QSO", z=1.0, z_true=1e-4, zwarning=4))
    write_truth(tmp_path / "labels.csv", cases)
    text = (tmp_path / "labels.csv").read_text(encoding="utf-8").splitlines()
    folded = [text[0] + ",fold", *(line + ",1" for line in text[1:])]
    (tmp_path / "labels.csv").write_text("\n".join(folded) + "\n", encoding="utf-8")
    write_results(tmp_path / "table.fits", cases)
    rows = measure(tmp_path / "table.fits", tmp_path / "labels.csv")["rows"]
    counts = {(row["label"], row["set"]): (row["count"], row["n"]) for row in rows}
    assert counts["CLASS", "all"] == (7, 8)
    assert counts["**where ZWARNING is 0:** CLASS", "reliable"] == (6, 6)
    assert counts["SUBCLASS, one of 13", "reliable"] == (5, 6)
    assert counts["letter of a star, exact or next", "reliable"] == (6, 6)
    assert counts["ZWARNING is 0", "all"] == (6, 8)
