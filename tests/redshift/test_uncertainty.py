"""Z_ERR against its formula in km/s."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huggins.constants import LN10, SPEED_OF_LIGHT
from huggins.redshift.parameters import DecisionParameters
from huggins.redshift.uncertainty import fit_error, floor_of, network_error
from huggins.taxonomy import CLASSES

PIXEL = SPEED_OF_LIGHT * LN10 * 1e-4  # km/s
COUNT = len(CLASSES)
PARAMETERS = DecisionParameters(error_factor=(2.0,) * COUNT, error_floor=(30.0,) * COUNT)


@pytest.mark.parametrize(
    ("sigma", "reduced", "expected"),
    [
        (0.2, 1.0, np.hypot(2.0 * 0.2 * PIXEL, 30.0)),
        (0.2, 4.0, np.hypot(4.0 * 0.2 * PIXEL, 30.0)),
        (0.2, 0.5, np.hypot(2.0 * 0.2 * PIXEL, 30.0)),  # a lucky chi2 makes no error smaller
        (np.inf, 1.0, np.hypot(2.0 * 14.5 * PIXEL, 30.0)),  # at most 1000 km/s
    ],
)
def test_error_in_velocity(sigma, reduced, expected):
    velocity = fit_error(0.0, sigma, reduced, 0, PARAMETERS) * SPEED_OF_LIGHT
    assert velocity == pytest.approx(expected)


def test_error_grows_with_one_plus_z():
    at_zero, at_nine = (fit_error(s, 0.2, 1.0, 0, PARAMETERS) for s in (0.0, 1e4))
    assert at_nine == pytest.approx(10.0 * at_zero)


def test_error_of_the_network():
    np.testing.assert_allclose(
        network_error(np.array([0.0, 2.0]), np.array([0.01, 0.01]), 1.5), [0.015, 0.045]
    )


@pytest.mark.parametrize(
    ("name", "z", "floor"),
    [("QSO", 2.5, 200.0), ("BAL", 2.5, 200.0), ("QSO", 1.0, 30.0), ("GAL", 2.5, 30.0)],
)
def test_distant_quasars_have_a_floor_of_their_own(name, z, floor):
    parameters = replace(PARAMETERS, error_floor_far=200.0)
    found = fit_error(1e4 * np.log10(1.0 + z), 0.0, 1.0, CLASSES.index(name), parameters)
    assert found / (1.0 + z) * SPEED_OF_LIGHT == pytest.approx(floor)


def test_the_floor_of_quasars_grows_where_narrow_lines_leave():
    parameters = replace(PARAMETERS, error_floor=(40.0,) * len(CLASSES), error_floor_far=200.0)
    quasar, star = CLASSES.index("QSO"), CLASSES.index("F")
    at = [floor_of(quasar, z, parameters) for z in (0.5, 1.2, 1.5, 1.8, 4.0)]
    assert at == pytest.approx([40.0, 40.0, 120.0, 200.0, 200.0])
    assert floor_of(star, 2.0, parameters) == 40.0
    assert floor_of(quasar, 2.0, replace(parameters, error_floor_far=10.0)) == 40.0
