"""Galaxy or quasar at one redshift, by the width of the lines."""

import numpy as np
import pytest

from huggins.lines import EMISSION
from huggins.redshift.basis import STEP
from huggins.redshift.border import CONSTANTS, LINES, BroadLines, features, log_odds
from huggins.redshift.frames import SIZE, START

SHIFT = float(np.log10(1.3) / STEP)
WAVELENGTH = 10.0 ** ((START + np.arange(SIZE)) * STEP)
ERROR = 0.05
IVAR = np.full(SIZE, ERROR**-2.0)
SURE = np.array([0.001, 0.998, 0.001])


def spectrum(lines, seed=1):
    """A flat continuum and lines: name, height, standard deviation in km/s; z = 0.3."""
    flux = 1.0 + ERROR * np.random.default_rng(seed).standard_normal(SIZE)
    for name, height, width in lines:
        v = (WAVELENGTH / (1.3 * EMISSION[name]) - 1.0) * 299792.458
        flux += height * np.exp(-0.5 * (v / width) ** 2)
    return flux


NARROW = [(name, 1.5, 180.0) for name in ("Hβ", "Hα", "[O III] 5008", "[N II] 6585")]


def test_broad_lines_are_told_from_narrow_ones():
    measure = BroadLines()
    narrow = measure(spectrum(NARROW), IVAR, SHIFT)
    broad = measure(
        spectrum([*NARROW, ("Hβ", 0.2, 1500.0), ("Hα", 0.3, 1500.0), ("Mg II", 0.3, 1500.0)]),
        IVAR,
        SHIFT,
    )
    assert narrow.max() < 4.0
    assert (broad > 7.0).all()
    absorbed = measure(spectrum([("Hβ", -0.4, 900.0)]), IVAR, SHIFT)
    assert list(LINES) == ["Hβ", "Hα", "Mg II"]
    assert absorbed[0] < -10.0


def test_a_line_that_was_not_observed_says_nothing():
    measure = BroadLines()
    flux = spectrum([("Hβ", 1.0, 1500.0)])
    seen = np.where(np.abs(WAVELENGTH / 1.3 - EMISSION["Hβ"]) < 60.0, 0.0, IVAR)
    assert measure(flux, seen, SHIFT)[0] == 0.0
    assert measure(flux, np.zeros(SIZE), SHIFT).tolist() == [0.0, 0.0, 0.0]
    # At z = 0.8 H alpha lies beyond the end.
    assert measure(flux, IVAR, float(np.log10(1.8) / STEP))[1] == 0.0


def test_no_part_of_the_evidence_is_unlimited():
    nothing = np.zeros(3)
    assert log_odds(SURE, 0.0, nothing) < -3.0
    assert log_odds(SURE, 1e6, np.full(3, 1e3)) > 0.0
    one = features(SURE, 1e6, np.full(3, 1e3))
    assert one == pytest.approx([1.0, one[1], 1.0, 6.0, 6.0, 6.0])
    assert abs(one[1]) < 6.0
    assert features(SURE[[0, 2, 1]], 0.0, nothing)[1] == pytest.approx(-one[1])
    assert all(constant > 0.0 for constant in CONSTANTS[1:])
