"""What is counted of subtypes, and how their error is scaled."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.sptype import Stars, _varied
from experiments.sptype_figures import LETTERS, Said, Unseen, calibrate, far_off, measure
from huggins.prepare import STANDARD


def stars(place, sn=10.0):
    place = np.asarray(place, float)
    count = len(place)
    features = np.zeros((count, 4), np.float32)
    return Stars(
        features, place, np.full(count, sn), np.full(count, "miles"), np.full(count, "A"), []
    )


def test_within_two_subtypes_is_counted_by_letter():
    some = stars([3.55, 3.55, 4.05, 5.25])  # F5, F5, G0, K2
    said = np.array([36.0, 38.5, 41.9, np.nan])
    letters = np.array(["F", "F", "G", "G"])
    found = measure(some, Said(said, np.array([1.0, 1.0, 1.0, np.nan]), letters))
    assert (found["all"]["stars"], found["all"]["given"], found["all"]["within_2"]) == (4, 3, 2)
    assert found["F"]["within_2"] == 1
    assert found["G"]["within_2"] == 1
    assert "K" not in found
    assert found["all"]["within_3"] == 3
    assert found["all"]["letters"] == 3
    assert found["all"]["inside_1_sigma"] == 1
    assert found["error 1 to 1.5"]["given"] == 3


def test_templates_that_are_far_off_are_named():
    some = stars([3.55] * 20 + [4.05] * 20)
    some = replace(some, name=np.repeat(["good", "bad"], 20))
    subtype = np.repeat([36.0, 51.0], 20)
    subtype[0] = 51.0
    found = far_off(some, Said(subtype, np.ones(40), np.full(40, "F")))
    assert found == {
        "bad": {"within_2": 0, "given": 20},
        "all others": {"within_2": 19, "given": 20},
    }


def unseen(count=4000, seed=1):
    """Stars whose place one network knows within 1 to 4, and the other not at all."""
    rng = np.random.default_rng(seed)
    place = rng.integers(10, 70, count) / 10.0 + 0.05
    middle = np.arange(80) + 0.5
    sigma = rng.uniform(1.0, 4.0, count)
    seen = 10.0 * place + rng.normal(0.0, sigma)
    odds = np.exp(-0.5 * ((middle - seen[:, None]) / sigma[:, None]) ** 2)
    classes = np.zeros((count, 13))
    classes[:, LETTERS] = 1.0 / 8.0
    letter = place.astype(int)
    subtypes = odds / odds.sum(axis=1, keepdims=True)
    return Unseen(place, np.full(count, 10.0), letter, classes, subtypes)


def test_calibration_finds_what_is_true():
    found, report = calibrate([unseen(), unseen(seed=2)])
    # The letters of the first are as sure as they should be, the other says nothing.
    assert found.own == pytest.approx(1.0, abs=0.25)
    assert found.scale == pytest.approx(1.0, abs=0.25)
    assert report["inside"] == pytest.approx([0.68, 0.68], abs=0.06)
    both, alone = report["both"], report["classes alone"]
    assert both["cross_entropy"][0] < 0.5 * alone["cross_entropy"][0]
    assert both["letters"][0]["right"] > 3 * alone["letters"][0]["right"]


def test_varied_spectra_keep_what_is_missing():
    rng = np.random.default_rng(1)
    flux, ivar = np.ones((20, STANDARD.grid.size)), np.full((20, STANDARD.grid.size), 100.0)
    ivar[:, :100] = 0.0
    other, weight = _varied(flux, ivar, rng)
    assert (weight[:, :100] == 0).all()
    assert (weight[:, 100:] > 0).all()
    assert (weight <= ivar).all()
    assert 0.05 < np.abs(other[:, 100:] - 1.0).mean() < 0.4


def test_parts_keep_what_belongs_together():
    some = stars([1.05, 2.05, 3.05]).of(np.array([True, False, True]))
    assert some.place.tolist() == [1.05, 3.05]
    assert len(some.source) == len(some.features) == 2
