"""Lines taken for others, on redshifts made by exchanging two lines."""

import numpy as np
import pytest

from experiments.line_confusions import STRONG, chance, line_confusion
from huggins.lines import ABSORPTION, EMISSION

WHOLE = (3600.0, 10400.0)


def exchanged(true_z, seen, taken):
    lines = ABSORPTION | EMISSION
    return (1.0 + true_z) * lines[seen] / lines[taken] - 1.0


@pytest.mark.parametrize(
    ("true_class", "true_z", "said", "pair"),
    [
        ("QSO", 0.8, "QSO", ("Mg II", "Ly α")),
        ("QSO", 2.5, "QSO", ("C IV", "Mg II")),
        ("GALAXY", 0.3, "GALAXY", ("Hα", "[O III] 5008")),
        ("STAR", 0.0, "GALAXY", ("Na D", "Hβ")),
    ],
)
def test_a_line_taken_for_another_is_named(true_class, true_z, said, pair):
    z = exchanged(true_z, *pair)
    assert line_confusion(true_class, true_z, said, z, WHOLE) == pair
    near = (1.0 + z) * np.exp(0.008) - 1.0
    assert line_confusion(true_class, true_z, said, near, WHOLE) == pair


def test_the_right_redshift_is_no_confusion():
    assert line_confusion("QSO", 2.0, "QSO", 2.02, WHOLE) is None
    # H beta and [O III] 5008 lie 3 % apart, [O III] and a redshift right to 900 km/s do not.
    assert line_confusion("GALAXY", 0.3, "GALAXY", 0.304, WHOLE) is None


def test_a_line_that_was_not_seen_explains_nothing():
    z = exchanged(0.8, "Mg II", "Ly α")
    assert line_confusion("QSO", 0.8, "QSO", z, (5200.0, 9000.0)) is None
    assert line_confusion("QSO", 0.8, "QSO", z, (4900.0, 9000.0)) == ("Mg II", "Ly α")


def test_a_redshift_between_pairs_is_not_explained():
    z = (1.0 + exchanged(0.8, "Mg II", "Ly α")) * np.exp(0.03) - 1.0
    assert line_confusion("QSO", 0.8, "QSO", z, WHOLE) is None


def test_chance_is_the_share_of_redshifts_that_would_be_explained():
    rng = np.random.default_rng(0)
    searched = (0.0, 6.0)
    drawn = np.expm1(rng.uniform(*np.log1p(searched), 3000))
    hits = [line_confusion("QSO", 1.1, "QSO", z, WHOLE) is not None for z in drawn]
    expected = chance("QSO", 1.1, "QSO", searched, WHOLE)
    assert 0.05 < expected < 0.3
    assert np.mean(hits) == pytest.approx(expected, abs=0.02)
    assert chance("QSO", 1.1, "QSO", searched, (3000.0, 3100.0)) == 0.0


def test_strong_lines_have_wavelengths():
    for names in STRONG.values():
        assert all(name in EMISSION or name in ABSORPTION for name in names)
