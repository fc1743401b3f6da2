"""Widths of pulls, on redshifts of known scatter."""

import numpy as np
import pytest

from experiments.pulls import labels, lines, offsets, page, pull, repeats, width
from huggins.constants import SPEED_OF_LIGHT


def test_the_width_of_a_gaussian_is_its_sigma():
    found = width(np.random.default_rng(0).normal(0.0, 1.4, 4000))
    assert found["width"] == pytest.approx(1.4, abs=0.1)
    assert found["error"] == pytest.approx(1.4 * 1.17 / 4000**0.5, abs=0.01)
    assert width([1.0, 2.0]) == {}


def test_another_redshift_is_no_pull():
    assert pull(1.001, 1.0, 0.001, "QSO") == pytest.approx(1.0)
    assert pull(1.1, 1.0, 0.001, "QSO") is None
    assert pull(700.0 / SPEED_OF_LIGHT, 0.0, 0.001, "STAR") is None


def _row(name, z, *, kind="QSO", survey="BOSS", fold="0", truth=1.0, error=0.001):
    return {"object": name, "class3": kind, "survey": survey, "fold": fold,
            "Z": z, "Z_ERR": error, "NOISE": error / 2.0, "z": truth,
            "stated": 300.0}  # fmt: skip


def test_repeats_are_pairs_of_one_object_and_class():
    rng = np.random.default_rng(1)
    rows = []
    for n in range(300):
        shared = rng.normal(1.0, 0.003)
        rows += [
            _row(f"o{n}", shared + rng.normal(0.0, 0.001), survey=s) for s in ("BOSS", "SDSS")
        ]
    rows += [_row("o0", 1.0, kind="GALAXY"), _row("alone", 1.0)]
    found = repeats(rows)
    assert list(found) == ["QSO, BOSS and SDSS"]
    assert found["QSO, BOSS and SDSS"]["n"] == 300
    assert found["QSO, BOSS and SDSS"]["width"] == pytest.approx(1.0, abs=0.15)
    assert found["QSO, BOSS and SDSS"]["noise"] == pytest.approx(2.0, abs=0.3)


def test_labels_are_told_apart_by_folds():
    rng = np.random.default_rng(2)
    rows = [_row("a", 1.0 + rng.normal(0.0, 0.002), fold=str(n % 5)) for n in range(1000)]
    found = labels(rows)
    assert set(found) == {"QSO, BOSS, folds 0 and 1", "QSO, BOSS, folds 2 to 4"}
    assert found["QSO, BOSS, folds 2 to 4"]["width"] == pytest.approx(2.0, abs=0.25)


def test_labels_that_err_are_allowed_for():
    rng = np.random.default_rng(3)
    unit = 2.0 / SPEED_OF_LIGHT
    rows = []
    for n in range(2000):
        # Z and the narrow lines are right, the label is low by 60 km/s and scatters by 80.
        row = _row("a", 1.0 + 30.0 * unit * rng.normal(), fold=str(n % 5), error=30.0 * unit,
                   truth=1.0 + unit * (-60.0 + 80.0 * rng.normal()))  # fmt: skip
        true = (1.0 - row["Z"]) / (1.0 + row["Z"]) * SPEED_OF_LIGHT
        rows.append(row | {"narrow": (true + 10.0 * rng.normal(), 10.0)})
    moved = offsets(rows)
    assert moved["BOSS"]["median"] == pytest.approx(-60.0, abs=10.0)
    assert moved["BOSS"]["scatter"] == pytest.approx(80.0, abs=8.0)
    name = "QSO, BOSS, folds 0 and 1"
    assert labels(rows)[name]["width"] > 2.5
    assert labels(rows, moved)[name]["width"] == pytest.approx(1.0, abs=0.15)
    assert lines(rows)["BOSS, folds 0 and 1"]["width"] == pytest.approx(1.0, abs=0.15)
    stars = [row | {"class3": "STAR", "Z_ERR": 1e-9, "Z": 1e-3 * rng.normal(), "z": 0.0}
             for row in rows]  # fmt: skip
    found = labels(stars, moved)["STAR, BOSS, folds 0 and 1"]
    assert found["width"] == pytest.approx(1.0, abs=0.15)


def test_the_page_names_every_group():
    got = {"n": 9, "width": 1.234, "error": 0.2}
    result = {
        "repeats": {"STAR, LAMOST": got | {"noise": 2.0}},
        "halves": {"all, halves": got | {"noise": 0.5}},
        "mocks": {"GAL": got, "BAL, S/N to 3": got},
        "lines": {"SDSS, folds 0 and 1": got},
        "label offsets": {"SDSS": {"n": 51, "median": -42.0, "scatter": 79.0}},
        "labels as they are": {"QSO, SDSS, folds 0 and 1": got},
        "labels, their errors allowed for": {},
    }
    text = page(result)
    assert "| mocks: galaxies | 9 | 1.23 ± 0.20 |" in text
    assert "| mocks: BAL quasars, S/N to 3 |" in text
    assert "| labels as they are: quasars, SDSS, folds 0 and 1 |" in text
    assert "| stars, LAMOST | 9 | 1.23 ± 0.20 | 2.00 |" in text
    assert "| all, odd against even exposures |" in text
    assert "SDSS: -42 and 79 km/s (n = 51)" in text
