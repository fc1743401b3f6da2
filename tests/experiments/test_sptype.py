"""What is counted of subtypes, and how their error is scaled."""

import numpy as np
import pytest

from experiments.sptype import Stars, measure, scale_of
from huggins import sptype


def stars(place, sn=10.0):
    place = np.asarray(place, float)
    count = len(place)
    features = np.zeros((count, 4), np.float32)
    return Stars(features, place, np.full(count, sn), np.full(count, "miles"), [])


def test_within_two_subtypes_is_counted_by_letter():
    some = stars([3.55, 3.55, 4.05, 5.25])  # F5, F5, G0, K2
    said = np.array([36.0, 38.5, 41.9, np.nan])
    found = measure(some, said, np.array([1.0, 1.0, 1.0, np.nan]))
    assert (found["all"]["stars"], found["all"]["given"], found["all"]["within_2"]) == (4, 3, 2)
    assert found["F"]["within_2"] == 1
    assert found["G"]["within_2"] == 1
    assert "K" not in found
    assert found["all"]["within_3"] == 3
    assert found["all"]["inside_1_sigma"] == 1
    assert found["error 1 to 1.5"]["given"] == 3


def test_the_scale_puts_68_percent_inside(monkeypatch):
    rng = np.random.default_rng(1)
    some = stars(rng.uniform(1.0, 7.0, 4000))
    error = rng.normal(0.0, 3.0, 4000)
    monkeypatch.setattr(
        sptype, "run", lambda layers, x: (10.0 * some.place + error, np.full(4000, 1.5))
    )
    assert scale_of([], some) == pytest.approx(2.0, rel=0.06)


def test_parts_keep_what_belongs_together():
    some = stars([1.05, 2.05, 3.05]).of(np.array([True, False, True]))
    assert some.place.tolist() == [1.05, 3.05]
    assert len(some.source) == len(some.features) == 2
