import json
from pathlib import Path

import numpy as np
import pytest

from huggins.errors import InputError
from huggins.evaluate import evaluate
from huggins.evaluate.comparison import compare
from huggins.evaluate.evaluation import SCHEMA
from huggins.taxonomy import BROAD
from made_up_table import Case, varied, write_results, write_truth

LAYOUT = Path(__file__).with_name("report_layout.txt")


@pytest.fixture(scope="module")
def whole(made):
    return evaluate(made / "new.fits", made / "truth.csv", old=made / "old.fits")


def test_figures_are_what_counting_gives(whole):
    cases = varied(seed=1, skill=0.9)
    known = [case for case in cases if case.true in BROAD]  # typed; one of them failed
    stars = [case for case in cases if case.true == "STAR"]
    figures = whole.figures
    right13 = sum(case.true == case.predicted for case in known)
    right3 = sum(BROAD[case.true] == BROAD.get(case.predicted) for case in known) + len(stars)
    assert (figures.subclasses.accuracy.count, figures.subclasses.accuracy.n) == (
        right13,
        len(known),
    )
    assert (figures.classes.accuracy.count, figures.classes.accuracy.n) == (
        right3,
        len(known) + len(stars),
    )
    assert (figures.n, figures.failed, figures.unknown) == (len(cases), 1, 1)
    assert (figures.sky.passed.count, figures.sky.passed.n) == (1, 10)
    assert figures.sky.taken_for == {"STAR": 1}
    passed = [case for case in [*known, *stars] if case.zwarning == 0]
    assert figures.doubts.passed.count == len(passed)
    assert figures.doubts.right_if_passed.n == len(passed)
    assert {bit.name for bit in figures.doubts.bits} == {"LOW_PROBABILITY", "NODATA"}
    assert figures.doubts.passed_and_right.n == figures.classes.accuracy.n


def test_a_spectrum_that_failed_counts_as_wrong(tmp_path):
    cases = [Case(), Case(predicted="", error="truncated", z=None)]
    results = write_results(tmp_path / "r.csv", cases)
    figures = evaluate(results, write_truth(tmp_path / "t.csv", cases)).figures
    assert (figures.classes.accuracy.count, figures.classes.accuracy.n) == (1, 2)
    assert figures.redshifts["QSO"].residuals.missing == 1
    assert figures.redshifts["QSO"].residuals.within_3000.count == 1
    assert figures.classes.calibration.error.n == 1


def test_groups_stand_apart_and_add_up(whole):
    assert sorted(whole.groups) == ["label_from", "survey"]
    for groups in whole.groups.values():
        assert sum(f.n for f in groups.values()) == whole.figures.n
        assert (
            sum(f.classes.accuracy.count for f in groups.values())
            == whole.figures.classes.accuracy.count
        )


def test_asked_for_groups(made):
    table, truth = made / "new.fits", made / "truth.csv"
    assert list(evaluate(table, truth, groups=["trust"]).groups["trust"]) == ["2", "3"]
    assert evaluate(table, truth, groups=[]).groups == {}
    with pytest.raises(InputError, match="has no column 'colour'"):
        evaluate(table, truth, groups=["colour"])
    with pytest.raises(InputError, match="has 73 values, more than 20"):
        evaluate(table, truth, groups=["path"])


def test_the_record_says_what_was_measured(whole, made):
    about = whole.about
    assert about["matched_by"] == "path"
    assert (about["matched"], about["unmatched_table"], about["unmatched_truth"]) == (73, 0, 0)
    assert about["model"]["hash"] == "00ff00ff00ff00ff"
    assert about["doubtful_truth"] == 0
    filtered = evaluate(made / "new.fits", made / "truth.csv", where="survey == 'SDSS'")
    assert filtered.about["filtered_out"] == 73 - filtered.figures.n > 0


def test_many_redshifts_of_exactly_zero_are_placeholders(tmp_path):
    """Six stars at 0 and four measured ones, all found 150 km/s off: n is 4."""
    off = 150.0 / 299792.458
    zeros = [Case(true="F", predicted="F", z=off, z_true=0.0) for _ in range(6)]
    measured = [Case(true="F", predicted="F", z=1e-4 + off, z_true=1e-4) for _ in range(4)]
    write_truth(tmp_path / "truth.csv", [*zeros, *measured])
    write_results(tmp_path / "table.fits", [*zeros, *measured])
    found = evaluate(tmp_path / "table.fits", tmp_path / "truth.csv")
    assert found.figures.redshifts["STAR"].residuals.within_100.n == 4
    assert found.figures.classes.accuracy.n == 10
    files = found.about["placeholder_redshifts"]
    assert [file.rpartition("/")[2] for file in files] == [
        f"spec-{i:04d}.fits" for i in range(6)
    ]
    # A few may be chance or rounding, and count.
    write_truth(tmp_path / "truth.csv", [*zeros[:4], *measured])
    write_results(tmp_path / "table.fits", [*zeros[:4], *measured])
    few = evaluate(tmp_path / "table.fits", tmp_path / "truth.csv")
    assert few.about["placeholder_redshifts"] == []
    assert few.figures.redshifts["STAR"].residuals.within_100.n == 8


def test_rows_without_truth_are_named(tmp_path):
    cases = [Case() for _ in range(4)]
    write_truth(tmp_path / "truth.csv", cases[:3])
    write_results(tmp_path / "table.fits", cases)
    about = evaluate(tmp_path / "table.fits", tmp_path / "truth.csv", match_by="path").about
    assert len(about["without_truth"]) == about["unmatched_table"] == 1
    assert "INDEX" not in about["without_truth"][0]
    several = [*cases[:3], *(Case(path="many.fits", index=i) for i in (0, 7))]
    write_results(tmp_path / "table.fits", several)
    about = evaluate(tmp_path / "table.fits", tmp_path / "truth.csv", match_by="path").about
    ends = [name.rpartition("/")[2] for name in about["without_truth"]]
    assert ends == ["many.fits, INDEX 0", "many.fits, INDEX 7"]


@pytest.mark.slow
def test_every_way_of_matching_gives_the_same_figures(whole, made):
    for way in ("plate", "targetid", "sky"):
        found = evaluate(made / "new.fits", made / "truth.csv", match_by=way)
        assert found.about["matched_by"] == way
        assert found.to_json()["figures"] == whole.to_json()["figures"]


def test_mistakes_come_by_confidence(tmp_path):
    cases = [
        Case(true="QSO", predicted="F", prob=0.6),
        Case(true="QSO", predicted="G", prob=0.99),
        Case(true="F", predicted="G", prob=0.8, z=0.0, z_true=0.0),
        Case(true="QSO", predicted="QSO", prob=0.7, z=2.0),
        Case(true="QSO", predicted="QSO", prob=0.9, z=2.0, zwarning=4),
        Case(true="QSO", predicted=""),
        Case(true="SKY", predicted="QSO"),
    ]
    results = write_results(tmp_path / "r.fits", cases)
    truth = write_truth(tmp_path / "t.csv", cases)
    listed = evaluate(results, truth).mistakes
    # The sure G is a star by all of its probability, and so is the unsure F.
    assert [(m.kind, m.truth, m.said, m.row) for m in listed] == [
        ("CLASS", "QSO", "F", 0),
        ("CLASS", "QSO", "G", 1),
        ("SUBCLASS", "F", "G", 2),
        ("Z", "QSO", "QSO", 3),
        ("Z", "QSO", "QSO", 4),
    ]
    assert listed[3].dv == pytest.approx(299792.458 / 2.0)
    assert [m.kind for m in evaluate(results, truth, mistakes=1).mistakes] == [
        "CLASS", "SUBCLASS", "Z",
    ]  # fmt: skip


def test_two_models_on_the_same_spectra(whole):
    against = whole.comparison
    assert (against.n, against.only_new, against.only_old) == (73, 0, 0)
    paired = against.subclasses
    new, old = against.new.subclasses.accuracy, against.old.subclasses.accuracy
    assert paired.only_new - paired.only_old == new.count - old.count
    assert paired.both + paired.only_new == new.count
    assert paired.p_value < 0.05
    assert "SUBCLASS: the new is better" in against.verdict
    assert sum(c.gained for c in against.changes) == against.classes.only_new
    assert len(against.changes) == against.classes.only_new + against.classes.only_old
    assert against.macro_recall.value == pytest.approx(
        against.new.subclasses.macro_recall.value - against.old.subclasses.macro_recall.value
    )


def test_only_common_spectra_are_compared(tmp_path, made):
    write_results(tmp_path / "few.fits", varied(seed=2, skill=0.5)[:20])
    found = evaluate(made / "new.fits", made / "truth.csv", old=tmp_path / "few.fits")
    assert (found.comparison.n, found.comparison.only_new) == (20, 53)
    assert found.comparison.new.n == found.comparison.old.n == 20
    assert found.figures.n == 73


def test_a_table_against_itself_shows_no_difference(made):
    found = evaluate(made / "new.fits", made / "truth.csv", old=made / "new.fits")
    assert found.comparison.classes.p_value == 1.0
    assert found.comparison.changes == ()
    assert found.comparison.verdict.count("no significant difference") == 2


def test_samples_without_common_spectra_cannot_be_compared(whole):
    sample = whole.sample
    half = np.arange(len(sample)) < 20
    with pytest.raises(InputError, match="no spectrum with a truth in common"):
        compare(sample.take(half), sample.take(~half))
    twice = sample.take(np.array([0, 0, 1]))
    with pytest.raises(InputError, match="a spectrum twice"):
        compare(twice, sample)


def test_a_model_without_redshifts(tmp_path):
    cases = [Case(z=None), Case(true="F", predicted="F", z=None, z_true=0.0)]
    results = write_results(tmp_path / "r.fits", cases)
    truth = write_truth(tmp_path / "t.csv", cases)
    found = evaluate(results, truth, old=results)
    assert found.figures.redshifts == {}
    assert found.comparison.redshifts == {}


def test_a_truth_that_knows_nothing_is_refused(tmp_path):
    cases = [Case(true="UNKNOWN")]
    results = write_results(tmp_path / "r.fits", cases)
    with pytest.raises(InputError, match="nothing to measure"):
        evaluate(results, write_truth(tmp_path / "t.csv", cases))


def test_the_report_is_strict_json_and_the_same_every_time(made, whole):
    text = json.dumps(whole.to_json(), allow_nan=False)
    again = evaluate(made / "new.fits", made / "truth.csv", old=made / "old.fits").to_json()
    again["about"]["date"] = whole.about["date"]
    assert json.dumps(again, allow_nan=False) == text


def layout(value, path=""):
    """Every place of a JSON value with its kind; lists by their first item, groups by one."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from layout(item, f"{path}.{key}")
    elif isinstance(value, list):
        yield f"{path}: list"
        if value:
            yield from layout(value[0], f"{path}[]")
    else:
        kind = "number" if isinstance(value, int | float) else type(value).__name__
        yield f"{path}: {'bool' if isinstance(value, bool) else kind}"


def test_the_layout_of_the_report_is_the_published_one(whole):
    report = whole.to_json()
    # Sets of figures are all alike; the layout of one is enough.
    for same in (*report["groups"]["survey"].values(), report["comparison"]["new"]):
        assert same.keys() == report["figures"].keys()
    report["groups"] = report["comparison"]["old"] = report["comparison"]["new"] = {}
    found = [SCHEMA, *sorted(set(layout(report)))]
    expected = LAYOUT.read_text().splitlines()
    assert found == expected, (
        "programs read this file: if the change is meant, raise the number in SCHEMA and write "
        f"{LAYOUT.name} anew"
    )
