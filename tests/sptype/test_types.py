"""SPTYPE: within its letter, with an error, or masked."""

from __future__ import annotations

import numpy as np
import pytest

import huggins
from huggins.demo.mocks import load as load_mocks
from huggins.sptype import MOST, TYPED, Calibration, by_letter, lettered, types_of
from huggins.taxonomy import CLASSES, INDEX, SEQUENCE

LETTERS = [INDEX[name] for name in SEQUENCE]
EVEN = Calibration(0.5, 0.5, 1.0, 1.0)
TWICE = Calibration(0.5, 0.5, 2.0, 1.0)


def peaked(*places, width=1.0):
    """Probabilities of the subtypes, (N, 80), of Laplace distributions about places."""
    middle = np.arange(80) + 0.5
    odds = np.exp(-np.abs(middle - np.array(places)[:, None]) / width)
    return odds / odds.sum(axis=1, keepdims=True)


def classes(**shares):
    row = np.zeros((1, len(CLASSES)))
    for name, share in shares.items():
        row[0, INDEX[name]] = share
    return row


def test_letters_are_a_product_of_both_networks():
    said = classes(G=0.5, K=0.3, QSO=0.15, WD=0.05)
    subtypes = peaked(51.5)
    found = lettered(said, subtypes, EVEN)
    own = by_letter(subtypes)[0]
    g, k = np.sqrt(0.5 / 0.8 * own[4]), np.sqrt(0.3 / 0.8 * own[5])
    assert found[0, INDEX["K"]] / found[0, INDEX["G"]] == pytest.approx(k / g)
    assert k > g
    assert found[0, [INDEX["QSO"], INDEX["WD"]]].tolist() == [0.15, 0.05]
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert said[0, INDEX["G"]] == 0.5  # not changed in place


def test_one_network_alone_can_decide():
    said, subtypes = classes(G=0.6, K=0.4), peaked(55.5)
    assert lettered(said, subtypes, Calibration(0.0, 1.0, 1.0, 1.0)) == pytest.approx(
        said, abs=1e-5
    )
    own = lettered(said, subtypes, Calibration(1.0, 0.0, 1.0, 1.0))
    assert own[0, LETTERS] == pytest.approx(by_letter(subtypes)[0], abs=1e-5)


def test_no_star_stays_no_star():
    said = classes(QSO=1.0)
    assert lettered(said, peaked(35.5), EVEN) == pytest.approx(said)


def test_the_subtype_is_the_middle_of_the_likeliest_neighbours():
    subtypes = peaked(45.5)
    tenths, errors = types_of(subtypes_as_classes(subtypes), subtypes, np.array([4]), TWICE)
    assert tenths.tolist() == [5]
    # Half of 1 minus exp(-x) on either side: 68 % within some 1.14 widths.
    assert errors[0] == pytest.approx(2 * 1.14, rel=0.1)


def subtypes_as_classes(subtypes):
    result = np.zeros((len(subtypes), len(CLASSES)))
    result[:, LETTERS] = by_letter(subtypes)
    return result


def test_within_the_letter_though_the_next_is_likely():
    subtypes = peaked(50.5, 39.5, 55.5)
    tenths, errors = types_of(
        subtypes_as_classes(subtypes), subtypes, np.array([4, 4, 4]), EVEN
    )
    assert tenths.tolist() == [9, 0, 9]
    assert errors[2] > errors[0] > 0


def test_a_wider_distribution_has_a_larger_error():
    subtypes = np.concatenate([peaked(45.5, width=w) for w in (0.2, 0.5, 1.0, 3.0)])
    _, errors = types_of(subtypes_as_classes(subtypes), subtypes, np.full(4, 4), EVEN)
    assert (np.diff(errors) > 0).all()
    assert (errors > 0.3).all()


def test_the_ends_of_the_sequence():
    subtypes = peaked(0.5, 79.5)
    tenths, errors = types_of(subtypes_as_classes(subtypes), subtypes, np.array([0, 7]), EVEN)
    # The five that are most probable together begin at the end.
    assert tenths.tolist() == [2, 7]
    assert np.isfinite(errors).all()


@pytest.fixture(scope="module")
def mocks():
    return [example.spectrum for example in load_mocks()]


def test_the_letter_is_that_of_subclass(mocks):
    table = huggins.classify(mocks)
    typed = 0
    for row in table:
        if row["SUBCLASS"] not in TYPED:
            assert np.ma.is_masked(row["SPTYPE"])
            assert np.ma.is_masked(row["SPTYPE_ERR"])
        elif not np.ma.is_masked(row["SPTYPE"]):
            typed += 1
            letter = "D" if row["SUBCLASS"] == "WD" else row["SUBCLASS"]
            assert row["SPTYPE"].startswith(letter)
            assert np.ma.is_masked(row["SPTYPE_ERR"]) == (letter == "D")
            if letter in SEQUENCE:
                assert row["SPTYPE"][1:] in set("0123456789")
                assert 0 < row["SPTYPE_ERR"] <= MOST
    assert typed >= 6


def test_an_answer_does_not_depend_on_its_batch(mocks):
    one = huggins.classify(mocks, redshift=False)
    two = huggins.classify(mocks, redshift=False, batch_size=1)
    for name in ("SPTYPE", "SPTYPE_ERR", "PROB"):
        assert one[name].tolist() == two[name].tolist()


def test_a_power_stretches_errors():
    subtypes = np.concatenate([peaked(45.5, width=w) for w in (1.0, 3.0)])
    told = subtypes_as_classes(subtypes)
    one, two = (
        types_of(told, subtypes, np.full(2, 4), Calibration(0.5, 0.5, 1.0, power))[1]
        for power in (1.0, 1.5)
    )
    assert two == pytest.approx(one**1.5)


def test_an_error_has_a_largest_value():
    flat = np.full((1, 80), 1.0 / 80.0)
    _, errors = types_of(subtypes_as_classes(flat), flat, np.array([4]), EVEN)
    assert MOST < errors[0] < 16
