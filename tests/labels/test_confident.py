"""Confident learning: the definition on a small case, and planted errors found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.errors import InputError
from huggins.labels import confident_joint, doubted, fraction_wrong


def test_the_definition_on_a_case_worked_by_hand():
    labels = np.array([0, 0, 0, 1, 1])
    p = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.3, 0.7]])
    found = confident_joint(labels, p)
    # Mean self-confidence: (0.9 + 0.7 + 0.2) / 3 and (0.6 + 0.7) / 2.
    assert found.thresholds == pytest.approx([0.6, 0.65])
    assert found.guess.tolist() == [0, 0, 1, -1, 1]
    assert found.counts.tolist() == [[2, 1], [0, 1]]
    # Rows stretched to 3 and 2 labels: [2, 1] and [0, 2] of 5.
    assert found.joint == pytest.approx(np.array([[0.4, 0.2], [0.0, 0.4]]))
    assert found.apart == pytest.approx(0.2)
    rows, suggested, score = doubted(labels, p, found)
    assert (rows.tolist(), suggested.tolist()) == ([2], [1])
    assert score == pytest.approx([(1 - (0.2 - 0.8)) / 2])


def test_a_class_of_which_the_network_is_never_sure_has_its_own_standard():
    labels = np.array([0, 0, 1, 1, 0])
    p = np.array([[0.99, 0.01], [0.98, 0.02], [0.6, 0.4], [0.65, 0.35], [0.55, 0.45]])
    found = confident_joint(labels, p)
    rows, suggested, _ = doubted(labels, p, found)
    assert (rows.tolist(), suggested.tolist()) == ([4], [1])


def test_a_class_without_labels_is_never_suggested():
    labels = np.array([0, 0, 1])
    p = np.array([[0.5, 0.1, 0.4], [0.1, 0.0, 0.9], [0.1, 0.8, 0.1]])
    found = confident_joint(labels, p)
    assert found.thresholds[2] == np.inf
    assert 2 not in found.guess
    assert found.joint.sum() == pytest.approx(1.0)


def draws(rng, n, classes, wrong, sharp=4.0):
    """True classes, noisy labels and predictions that are mostly right."""
    truth = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), truth] += sharp
    p = np.exp(logits)
    p /= p.sum(axis=1, keepdims=True)
    labels = truth.copy()
    swapped = rng.choice(n, int(wrong * n), replace=False)
    labels[swapped] = (truth[swapped] + rng.integers(1, classes, len(swapped))) % classes
    return truth, labels, p


def test_planted_errors_come_first():
    rng = np.random.default_rng(0)
    truth, labels, p = draws(rng, 4000, 6, 0.05, sharp=6.0)
    found = confident_joint(labels, p)
    rows, suggested, score = doubted(labels, p, found)
    bad = np.flatnonzero(labels != truth)
    assert np.isin(bad, rows).mean() > 0.8
    top = rows[: len(bad)]
    assert np.isin(top, bad).mean() > 0.8
    assert (suggested == truth[rows])[score > 0.8].mean() > 0.9
    assert (np.diff(score) <= 0).all()


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("sure", [0.6, 3.0])
def test_share_of_wrong_labels_leaves_out_what_the_network_cannot_tell(share, sure):
    """Networks that are right in half and in nine tenths, and know it: truth drawn from p."""
    rng = np.random.default_rng(1)
    n, classes = 6000, 6
    p = np.exp(sure * rng.normal(size=(n, classes)))
    p /= p.sum(axis=1, keepdims=True)
    truth = (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    labels = truth.copy()
    swapped = rng.choice(n, int(share * n), replace=False)
    labels[swapped] = (truth[swapped] + rng.integers(1, classes, len(swapped))) % classes
    found = fraction_wrong(labels, p)
    assert found.low - 1e-9 <= share <= found.high
    assert found.low <= found.value <= found.high
    assert found.high - found.low < 0.2
    # What the confident joint says counts the network's own errors, whatever the labels are.
    assert confident_joint(labels, p).apart > share + 0.03


def test_share_of_wrong_labels_where_there_is_nothing_to_tell_it_from():
    assert fraction_wrong(np.array([1, 1]), np.array([[0.5, 0.5], [0.9, 0.1]])).high == 1.0
    sure = fraction_wrong(np.array([0, 1, 0, 1]), np.eye(2)[[0, 1, 0, 1]])
    assert sure.value == 0.0
    assert fraction_wrong(np.array([0, 1]), np.eye(2)[[1, 0]]).value == pytest.approx(1.0)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 40), classes=st.integers(2, 5))
def test_the_joint_is_a_distribution_with_the_labels_margins(seed, n, classes):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    p = rng.dirichlet(np.ones(classes), n)
    found = confident_joint(labels, p)
    share = np.bincount(labels, minlength=classes) / n
    assert found.joint.sum(axis=1) == pytest.approx(share)
    rows, suggested, score = doubted(labels, p, found)
    assert (suggested != labels[rows]).all()
    assert ((score >= 0) & (score <= 1)).all()


@pytest.mark.parametrize(
    ("labels", "p", "message"),
    [
        ([0, 1], [[0.5, 0.5]], "do not go together"),
        ([], np.zeros((0, 3)), "N above 0"),
        ([2], [[0.5, 0.5]], "between 0 and 1"),
        ([-1], [[0.5, 0.5]], "between 0 and 1"),
        ([0], [[np.nan, 0.5]], "finite"),
    ],
)
def test_senseless_input(labels, p, message):
    with pytest.raises(InputError, match=message):
        confident_joint(np.array(labels, int), np.array(p, float))
