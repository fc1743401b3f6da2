import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.errors import InputError
from huggins.evaluate import (
    accuracy,
    broad,
    confusion_matrix,
    letter_score,
    macro_recall,
    macro_recall_difference,
    precision_recall,
)
from huggins.taxonomy import CLASSES

TRUE = ["A", "A", "F", "F", "F", "QSO", "SKY"]
SAID = ["A", "F", "F", "F", "", "QSO", "A"]
names = st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1)


def test_confusion_counts_every_pair():
    matrix = confusion_matrix(TRUE, SAID, columns=("A", "F", "QSO"))
    assert matrix.counts.tolist() == [[1, 1, 0, 0], [0, 2, 0, 1], [0, 0, 1, 0]]
    assert matrix.by_row()[1].tolist() == pytest.approx([0, 2 / 3, 0, 1 / 3])


def test_rows_of_a_confusion_may_differ_from_its_columns():
    matrix = confusion_matrix(TRUE, SAID, columns=("A", "F"), rows=("SKY", "G"))
    assert matrix.counts.tolist() == [[1, 0, 0], [0, 0, 0]]
    assert np.isnan(matrix.by_row()[1]).all()


@given(names)
def test_a_confusion_holds_everything_once(pairs):
    true, said = zip(*pairs, strict=True)
    matrix = confusion_matrix(true, said)
    assert matrix.counts.sum() == len(pairs)
    right = sum(t == s for t, s in pairs)
    assert matrix.counts.diagonal().sum() == right == accuracy(true, said).count


def test_precision_and_recall():
    scores = {s.name: s for s in precision_recall(TRUE, SAID, classes=("A", "F", "QSO", "L"))}
    a, f, none = scores["A"], scores["F"], scores["L"]
    assert (a.recall.count, a.recall.n) == (1, 2)
    assert (a.precision.count, a.precision.n) == (1, 2)  # the sky counts against it
    assert (f.recall.count, f.recall.n) == (2, 3)
    assert (f.precision.count, f.precision.n) == (2, 3)
    assert none.recall.n == none.precision.n == 0
    assert math.isnan(none.recall.value)


def test_macro_recall_is_the_mean_over_classes_that_are_there():
    found = macro_recall(["A", "A", "F", "F", "F", "F"], ["A", "A", "F", "G", "G", ""])
    assert found.value == pytest.approx((1.0 + 0.25) / 2)
    assert found.n == 6
    assert found.low < found.value < found.high


def test_macro_recall_has_the_spread_of_its_binomials():
    true = np.repeat(["A", "F"], 400)
    said = np.where(np.arange(800) % 4 == 0, "G", true)
    found = macro_recall(true, said)
    sigma = math.sqrt(0.75 * 0.25 / 400 / 2)
    assert found.value == pytest.approx(0.75)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * sigma, rel=0.12)


def test_one_right_of_one_is_no_certainty():
    found = macro_recall(["A", "F"], ["A", "F"])
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low < 0.6
    worst = macro_recall(["A", "F"], ["G", "G"])
    assert (worst.value, worst.low) == (0.0, 0.0)
    assert worst.high > 0.4


def test_macro_recall_of_no_class_is_not_a_number():
    assert math.isnan(macro_recall(["SKY"], ["A"]).value)


def test_macro_recall_difference():
    true = ["A"] * 4 + ["F"] * 2
    new = ["A", "A", "A", "G", "F", "F"]
    old = ["A", "G", "G", "G", "F", "A"]
    found = macro_recall_difference(true, new, old)
    assert found.value == pytest.approx((2 / 4 + 1 / 2) / 2)
    assert found.value == pytest.approx(
        macro_recall(true, new).value - macro_recall(true, old).value
    )
    same = macro_recall_difference(true, new, new)
    assert (same.value, same.n) == (0.0, 6)
    assert same.low < 0.0 < same.high
    assert math.isnan(macro_recall_difference(["SKY"], ["A"], ["F"]).value)


def test_letters_count_the_neighbour_on_the_sequence():
    true = ["G", "G", "G", "M", "QSO", "WD", "O"]
    said = ["G", "K", "A", "L", "QSO", "WD", "GAL"]
    found = letter_score(true, said)
    assert (found.right.count, found.right.n) == (1, 5)
    assert (found.within_one.count, found.within_one.n) == (3, 5)


def test_what_is_no_letter_is_no_neighbour_of_the_last_one():
    assert letter_score(["L", "L"], ["QSO", ""]).within_one.count == 0


def test_broad_classes():
    assert broad(["BAL", "QSO", "GAL", "WD", "", "SKY"]).tolist() == [
        "QSO", "QSO", "GALAXY", "STAR", "", "",
    ]  # fmt: skip


def test_arrays_must_belong_together():
    with pytest.raises(InputError, match="one length"):
        accuracy(["A"], ["A", "F"])
