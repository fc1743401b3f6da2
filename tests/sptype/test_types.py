"""SPTYPE: within its letter, with an error, or masked."""

from __future__ import annotations

import numpy as np
import pytest

import huggins
from huggins.demo.mocks import load as load_mocks
from huggins.prepare import SEED, STANDARD
from huggins.sptype import MOST, TYPED, types, types_of, within
from huggins.taxonomy import SEQUENCE

WAVELENGTH = 10.0**STANDARD.grid.loglam


def test_beyond_the_letter_is_its_end_and_counts_as_error():
    number, error = within(
        np.array([45.5, 49.9, 52.5, 38.5]), np.ones(4), np.array([4, 4, 4, 4])
    )
    assert number.tolist() == [5.0, 9.5, 9.5, 0.0]
    assert error == pytest.approx([1.0, 1.0, np.hypot(1.0, 2.5), np.hypot(1.0, 2.0)])


def test_zero_has_no_sign():
    number, _ = within(np.array([40.4]), np.array([1.0]), np.array([4]))
    assert not np.signbit(number).any()


def test_half_subtypes_are_the_finest():
    exact = np.linspace(40.0, 49.99, 500)
    number, _ = within(exact, np.ones(500), np.full(500, 4))
    assert set(number.tolist()) <= {0.5 * n for n in range(20)}
    inside = (exact > 40.5) & (exact < 50.0)
    assert np.abs(number - (exact - 40.5))[inside].max() <= 0.251


def test_an_error_that_helps_nobody_is_masked(monkeypatch):
    flux, ivar = np.ones((2, 960)), np.ones((2, 960))

    def made_up(layers, x):
        return np.array([45.0, 45.0]), np.array([0.5, 1.5 * MOST])

    monkeypatch.setattr(types, "run", made_up)
    monkeypatch.setattr(types, "load", lambda: ([], 1.0))
    names, errors = types_of(["G", "G"], WAVELENGTH, flux, ivar, np.zeros(2))
    assert names == ["G4.5", ""]
    assert errors[0] == pytest.approx(0.5)
    assert np.isnan(errors[1])


def test_what_is_no_star_has_none():
    flux, ivar = np.ones((3, 960)), np.ones((3, 960))
    names, errors = types_of(["QSO", "C", ""], WAVELENGTH, flux, ivar, np.zeros(3))
    assert names == ["", "", ""]
    assert np.isnan(errors).all()


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
                assert 0 <= float(row["SPTYPE"][1:]) <= 9.5
                assert 0 < row["SPTYPE_ERR"] <= MOST
    assert typed >= 6


def test_another_grid_and_no_fit_give_the_same(mocks):
    one = huggins.classify(mocks, redshift=False)
    two = huggins.classify(mocks, redshift=False, batch_size=1)
    assert one["SPTYPE"].tolist() == two["SPTYPE"].tolist()
    assert SEED.grid != STANDARD.grid
    other = huggins.classify(mocks, model="seed", redshift=False)
    same = (one["SUBCLASS"] == other["SUBCLASS"]) & ~one["SPTYPE"].mask & ~other["SPTYPE"].mask
    assert same.sum() > 3
    assert one["SPTYPE"][same].tolist() == other["SPTYPE"][same].tolist()
