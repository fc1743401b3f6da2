"""CLASS, SUBCLASS and the bits of ZWARNING."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from huggins.inference.network import Prediction
from huggins.inference.verdict import decide, doubts
from huggins.quality import ZWarning
from huggins.taxonomy import BROAD_CLASSES, CLASSES, INDEX
from huggins.weights import RedshiftGrid

GRID = RedshiftGrid()


def probabilities(**values: float) -> np.ndarray:
    row = np.zeros((1, len(CLASSES)))
    for name, value in values.items():
        row[0, INDEX[name]] = value
    return row


def test_class_is_the_broad_class_with_the_largest_sum():
    # No star alone beats the galaxy, but together they do.
    broad, sub = decide(probabilities(GAL=0.4, G=0.3, K=0.29, QSO=0.01))
    assert BROAD_CLASSES[broad[0]] == "STAR"
    assert CLASSES[sub[0]] == "G"


def test_a_broad_absorption_line_quasar_is_a_quasar():
    broad, sub = decide(probabilities(BAL=0.35, QSO=0.2, GAL=0.45))
    assert BROAD_CLASSES[broad[0]] == "QSO"
    assert CLASSES[sub[0]] == "BAL"


def test_every_row_is_decided_by_itself():
    rows = np.eye(len(CLASSES))
    broad, sub = decide(rows)
    assert [CLASSES[i] for i in sub] == list(CLASSES)
    assert [BROAD_CLASSES[i] for i in broad[[0, 2, 12]]] == ["QSO", "STAR", "GALAXY"]


def bits(
    cls: str = "QSO",
    *,
    z: float = 1.5,
    peak: float = 0.9,
    none: float = 0.0,
    probability: float = 0.9,
    sn: float = 5.0,
    coverage: float = 1.0,
    redshift: RedshiftGrid | None = GRID,
    fit: SimpleNamespace | None = None,
) -> int:
    prediction = Prediction(
        probabilities(**{cls: probability}),
        np.array([none]),
        np.array([z]),
        np.array([0.001]),
        np.array([peak]),
        np.zeros((1, 0)),
    )
    broad, _ = decide(prediction.probabilities)
    value = doubts(
        prediction,
        broad,
        np.array([probability]),
        sn=np.array([sn]),
        coverage=np.array([coverage]),
        threshold=0.5,
        none_threshold=0.3,
        redshift=redshift,
        fit=fit,
    )
    assert value.dtype == np.int32
    return int(value[0])


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"cls": "F", "z": -0.001, "peak": 0.1},
        {"cls": "GAL", "z": 0.3, "none": 0.3, "coverage": 0.2, "probability": 0.5},
        {"sn": 0.1},
    ],
)
def test_no_doubt(kwargs):
    assert bits(**kwargs) == 0


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({"none": 0.31, "sn": 0.5}, ZWarning.SKY),
        ({"none": 0.31, "sn": np.nan}, ZWarning.SKY),
        ({"none": 0.31, "sn": 1.5}, ZWarning.NOT_A_CLASS),
        ({"probability": 0.49}, ZWarning.LOW_PROBABILITY),
        ({"coverage": 0.19}, ZWarning.LITTLE_COVERAGE),
        ({"peak": 0.49}, ZWarning.UNCERTAIN_Z),
        ({"cls": "F", "z": 1.5}, ZWarning.UNCERTAIN_Z),
        ({"cls": "F", "z": -0.0045}, ZWarning.Z_FITLIMIT),
        ({"z": np.expm1(GRID.start + GRID.size * GRID.step) - 0.005}, ZWarning.Z_FITLIMIT),
        (
            {"probability": 0.2, "coverage": 0.0},
            ZWarning.LOW_PROBABILITY | ZWarning.LITTLE_COVERAGE,
        ),
    ],
)
def test_doubts(kwargs, expected):
    assert bits(**kwargs) == expected


def test_nothing_is_said_of_redshifts_where_there_are_none():
    assert bits(z=np.nan, peak=np.nan, redshift=None) == 0


def test_a_fit_answers_for_the_redshift():
    fit = SimpleNamespace(zwarning=np.array([ZWarning.SMALL_DELTA_CHI2], np.int32))
    # The network's own doubts of its redshift no longer count; those of the class do.
    assert bits(peak=0.1, fit=fit) == ZWarning.SMALL_DELTA_CHI2
    assert bits("F", z=-0.0045, fit=fit) == ZWarning.SMALL_DELTA_CHI2
    both = ZWarning.SMALL_DELTA_CHI2 | ZWarning.LOW_PROBABILITY | ZWarning.NOT_A_CLASS
    assert bits(probability=0.4, none=0.9, fit=fit) == both
