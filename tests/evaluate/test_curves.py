import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.errors import InputError
from huggins.evaluate import accuracy_coverage, binned_accuracy, quasar_purity_completeness

# Few values, so that ties are common.
scored = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0, math.nan]), st.booleans()), min_size=1
)


def test_purity_and_completeness_by_hand():
    curve = quasar_purity_completeness(
        [True, True, False, False, True],
        [0.9, 0.8, 0.7, 0.1, math.nan],
        thresholds=[0.0, 0.5, 0.75, 0.95],
    )
    assert curve.selected.tolist() == [4, 3, 2, 0]
    assert curve.purity[:3].tolist() == pytest.approx([0.5, 2 / 3, 1.0])
    assert math.isnan(curve.purity[3])
    assert curve.completeness.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 0.0])


@given(scored, st.sampled_from([0.0, 0.2, 0.35, 0.9, 1.0]))
def test_purity_and_completeness_are_what_counting_gives(pairs, threshold):
    chance, quasar = map(np.array, zip(*pairs, strict=True))
    curve = quasar_purity_completeness(quasar, chance, thresholds=[threshold])
    selected = np.nan_to_num(chance, nan=-1.0) >= threshold
    hits = (selected & quasar).sum()
    assert curve.selected[0] == selected.sum()
    if selected.any():
        assert curve.purity[0] == pytest.approx(hits / selected.sum())
        assert curve.purity_low[0] <= curve.purity[0] <= curve.purity_high[0]
    if quasar.any():
        assert curve.completeness[0] == pytest.approx(hits / quasar.sum())


def test_bins_hold_their_lower_edge_and_nothing_unknown():
    bins = binned_accuracy(
        [0.0, 1.0, 1.5, 2.0, math.nan, -3.0, 99.0],
        [True, True, False, True, True, False, True],
        edges=(0.0, 1.0, 2.0, math.inf),
    )
    assert [(b.low, b.high) for b in bins] == [(0, 1), (1, 2), (2, math.inf)]
    assert [(b.rate.count, b.rate.n) for b in bins] == [(1, 1), (1, 2), (2, 2)]


@pytest.mark.parametrize("edges", [(1.0,), (1.0, 1.0), (2.0, 1.0)])
def test_edges_that_do_not_rise_are_refused(edges):
    with pytest.raises(InputError, match="rise"):
        binned_accuracy([1.0], [True], edges=edges)


def test_coverage_keeps_the_surest_first_and_ties_together():
    curve = accuracy_coverage([0.9, 0.8, 0.8, 0.1, math.nan], [1, 1, 0, 0, 1])
    assert curve.coverage.tolist() == pytest.approx([0.2, 0.6, 0.8, 1.0])
    assert curve.accuracy.tolist() == pytest.approx([1.0, 2 / 3, 0.5, 0.6])
    assert curve.threshold[:3].tolist() == [0.9, 0.8, 0.1]
    assert math.isnan(curve.threshold[3])


@given(scored)
def test_all_of_them_are_as_right_as_all_of_them(pairs):
    chance, right = map(np.array, zip(*pairs, strict=True))
    curve = accuracy_coverage(chance, right, points=7)
    assert (np.diff(curve.coverage) > 0).all()
    assert curve.coverage[-1] == 1.0
    assert curve.accuracy[-1] == pytest.approx(right.mean())
    for coverage, threshold, fraction in zip(
        curve.coverage, curve.threshold, curve.accuracy, strict=True
    ):
        if np.isfinite(threshold):
            kept = np.nan_to_num(chance, nan=-1.0) >= threshold
            assert (kept.mean(), right[kept].mean()) == pytest.approx((coverage, fraction))


def test_a_curve_has_no_more_points_than_asked_for():
    rng = np.random.default_rng(0)
    curve = accuracy_coverage(rng.random(1000), rng.random(1000) < 0.5, points=25)
    assert len(curve.coverage) == 25
    assert len(accuracy_coverage([], []).coverage) == 0
