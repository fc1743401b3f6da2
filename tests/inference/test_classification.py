"""CLASS and SUBCLASS from probabilities."""

from __future__ import annotations

import numpy as np

from huggins.inference.classification import decide
from huggins.taxonomy import BROAD_CLASSES, CLASSES, INDEX


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
