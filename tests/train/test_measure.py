"""Figures on hand-made results."""

import numpy as np
import pytest

from huggins.taxonomy import ALL_CLASSES
from huggins.train.measure import (
    Classification,
    good_redshift,
    mock_figures,
    real_figures,
    redshift_figures,
)


def label(survey, source, trust, broad, kind, z):
    return {
        "survey": survey,
        "label_from": source,
        "trust": str(trust),
        "class3": broad,
        "class13": kind,
        "z": z,
    }


LABELS = [
    label("BOSS", "visual", 3, "QSO", "QSO", "2.0"),
    label("BOSS", "visual", 3, "QSO", "BAL", "2.2"),
    label("BOSS", "visual", 3, "STAR", "", "0.0"),
    label("BOSS", "visual", 3, "GALAXY", "GAL", "0.5"),
    label("LAMOST", "pipeline", 2, "STAR", "G", "0.0"),
    label("LAMOST", "pipeline", 2, "STAR", "G", "0.0"),
    label("SDSS", "target", 3, "SKY", "SKY", ""),
    label("BOSS", "pipeline", 1, "GALAXY", "GAL", "0.7"),
]
SAID = Classification(
    broad=np.array(["QSO", "QSO", "STAR", "QSO", "STAR", "STAR", "STAR", "STAR"]),
    name=np.array(["QSO", "BAL", "F", "QSO", "F", "M", "M", "M"]),
    probability=np.full(8, 0.9),
    z=np.array([2.01, 1.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0]),
    zwarning=np.array([0, 0, 0, 4, 0, 0, 1, 0], np.int32),
)


def counts(figures, key):
    return figures[key].count, figures[key].n


def test_every_figure_counts_its_own_spectra():
    figures = real_figures(LABELS, SAID)
    assert counts(figures, "CLASS, visual BOSS") == (3, 4)
    assert counts(figures, "quasars found, visual BOSS") == (2, 2)
    assert counts(figures, "quasars pure, visual BOSS") == (2, 3)
    assert counts(figures, "quasar z within 0.02 (1 + z)") == (1, 2)
    assert counts(figures, "galaxies found") == (0, 1)  # trust 1 is no truth
    assert counts(figures, "LAMOST star letter") == (0, 2)
    assert counts(figures, "LAMOST star letter or neighbour") == (1, 2)
    assert counts(figures, "BAL found") == (1, 1)
    assert counts(figures, "sky fibres with no warning") == (0, 1)
    assert counts(figures, "real spectra with no warning") == (5, 6)
    assert counts(figures, "real spectra with no warning and right") == (5, 6)


def test_recall_of_mocks_by_signal_to_noise():
    kind = np.array([ALL_CLASSES.index(n) for n in ("QSO", "QSO", "BAL", "GAL", "NONE")])
    said = Classification(
        np.array(["QSO"] * 5),
        np.array(["QSO", "QSO", "QSO", "GAL", "QSO"]),
        np.ones(5),
        np.array([1.0, 1.0, 2.0, 0.3, 1.0]),
        np.zeros(5, np.int32),
    )
    z = np.array([1.0, 1.5, 2.0, 0.3, np.nan])
    found = mock_figures(kind, z, np.array([3.0, 3.0, 3.0, 20.0, 3.0]), said)
    assert found["2-5"]["recall"]["QSO"].value == 1.0
    assert found["2-5"]["macro recall"] == pytest.approx(0.5)  # QSO 1, BAL 0
    assert (found["2-5"]["quasar z"].count, found["2-5"]["quasar z"].n) == (2, 3)
    assert found["10-40"]["galaxy z"].value == 1.0


def test_redshift_figures_leave_out_what_is_wrong():
    z = np.array([float(row["z"] or "nan") for row in LABELS])
    found = redshift_figures(LABELS, z, SAID, np.full(8, 0.02))
    # 0.01 off at z = 2: 999 km/s; the BAL quasar's redshift is wrong and does not count.
    assert found["QSO"]["median |dv|"] == pytest.approx(999.3, abs=0.5)
    assert found["QSO"]["within one error"].n == 1
    assert found["QSO"]["within one error"].value == 1.0
    assert found["STAR"]["median dv"] == 0.0


def test_redshift_tolerance_scales_with_one_plus_z():
    assert good_redshift(np.array([3.07, 0.03]), np.array([3.0, 0.0])).tolist() == [True, False]
    assert not good_redshift(np.array([np.nan]), np.array([1.0]))[0]
