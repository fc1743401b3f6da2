import math

import matplotlib as mpl
import pytest

from huggins.evaluate import drawings, evaluate


@pytest.fixture(scope="module")
def whole(made):
    return evaluate(made / "new.fits", made / "truth.csv", old=made / "old.fits")


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_scores_show_every_class_and_its_numbers(whole):
    figure = drawings.draw_scores(whole.figures.subclasses.scores)
    recall, precision = figure.axes
    assert len(recall.get_yticks()) == 13
    score = whole.figures.subclasses.scores[0]
    assert f"{score.recall.count}/{score.recall.n}" in [t.get_text() for t in recall.texts]
    assert precision.get_title(loc="left") == "Precision (purity)"


def test_quasar_curves_are_the_figures(whole):
    figure = drawings.draw_quasars(whole.figures.quasars, whole.comparison.old.quasars)
    assert labels(figure.axes[0]) == [
        "completeness, old", "completeness", "purity, old", "purity",
    ]  # fmt: skip
    drawn = {line.get_label(): line for line in figure.axes[1].lines}
    assert list(drawn["purity"].get_ydata()) == pytest.approx(
        list(whole.figures.quasars.passed.purity), nan_ok=True
    )


def test_bins_without_spectra_are_left_out(whole):
    series = {"CLASS": whole.figures.classes.by_sn}
    occupied = [one for one in series["CLASS"] if one.rate.n]
    (axes,) = drawings.draw_bins([("S/N", "median S/N", series)]).axes
    assert [t.get_text() for t in axes.get_xticklabels()] == [
        drawings.label_of(one.low, one.high) for one in occupied
    ]
    assert [t.get_text() for t in axes.texts] == [str(one.rate.n) for one in occupied]


def test_the_ends_of_bins_in_words():
    assert drawings.label_of(-math.inf, 1.0) == "< 1"
    assert drawings.label_of(0.1, 0.3) == "0.1–0.3"
    assert drawings.label_of(50.0, math.inf) == "≥ 50"


def test_the_diagrams_leave_the_users_settings_alone(whole):
    before = dict(mpl.rcParams)
    drawings.draw_reliability({"CLASS": whole.figures.classes})
    drawings.draw_coverage(whole.figures.classes, whole.figures.subclasses)
    drawings.draw_residuals(whole.sample, whole.figures.redshifts)
    assert dict(mpl.rcParams) == before


def test_residuals_count_what_lies_outside(whole):
    figure = drawings.draw_residuals(whole.sample, whole.figures.redshifts)
    dv = figure.axes[0]
    name, found = next(iter(whole.figures.redshifts.items()))
    outside = int(dv.get_title(loc="left").split(", ")[1].split()[0])
    heights = dv.patches[0].get_path().vertices[:, 1]
    bins = heights[1:-1:2][:40]  # each top of the outline occurs twice
    assert dv.get_title(loc="left").startswith(f"{name}: {found.residuals.n} spectra")
    assert bins.sum() == found.residuals.n - found.residuals.missing - outside
    assert "median |dv|" in dv.texts[0].get_text()
