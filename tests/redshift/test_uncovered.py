"""The continuum beside broad absorption."""

import numpy as np
import pytest

from huggins.redshift.balnicity import measure, outflow_velocity
from huggins.redshift.basis import STEP, load_basis
from huggins.redshift.equations import LinearFit
from huggins.redshift.frames import SIZE, START
from huggins.redshift.minimise import Solution
from huggins.redshift.uncovered import uncovered

Z = 2.4
SHIFT = round(np.log10(1.0 + Z) / STEP)
WAVELENGTH = 10.0 ** ((START + np.arange(SIZE)) * STEP)
WHOLE = slice(0, SIZE)
IVAR = np.full(SIZE, 900.0)


@pytest.fixture(scope="module")
def fit():
    return LinearFit(load_basis().quasar, terms=2, slack=0.3)


@pytest.fixture(scope="module")
def quasar(fit):
    rng = np.random.default_rng(1)
    flux = np.eye(len(load_basis().quasar.vectors) + 2)[0] @ fit.vectors(SHIFT, WHOLE)
    return flux, flux + rng.normal(0.0, 1.0 / 30.0, SIZE)


def followed(fit, flux, ivar=IVAR):
    """The fit that is not told of a trough."""
    total = float((ivar * flux) @ flux)
    _, coefficients = fit.solve(flux, ivar, total, SHIFT, WHOLE)
    model = coefficients @ fit.vectors(SHIFT, WHOLE)
    return Solution("QSO", SHIFT, 0.0, 0.0, 1.0, coefficients), model


def trough(depth, low, high):
    v = outflow_velocity(WAVELENGTH, Z)
    return np.where((v > low) & (v < high), 1.0 - depth, 1.0)


def test_a_shallow_trough_is_not_followed(fit, quasar):
    true, seen = quasar
    behind = seen * trough(0.3, 4000.0, 15000.0)
    solution, plain = followed(fit, behind)
    found = uncovered(fit, solution, plain, behind, IVAR, WAVELENGTH, Z)
    v = outflow_velocity(WAVELENGTH, Z)
    inside = (v > 4500.0) & (v < 14500.0)
    off = [np.median((model / true)[inside]) - 1.0 for model in (plain, found.model)]
    assert abs(off[1]) < 0.04
    assert off[0] < off[1] - 0.02
    assert np.mean(found.masked[inside]) > 0.9
    exact, before, after = (
        measure(WAVELENGTH, behind, IVAR, model, Z).bi for model in (true, plain, found.model)
    )
    assert abs(after - exact) < 0.2 * exact
    assert abs(after - exact) < abs(before - exact)


def test_an_unabsorbed_quasar_is_left_alone(fit, quasar):
    _, seen = quasar
    solution, plain = followed(fit, seen)
    assert uncovered(fit, solution, plain, seen, IVAR, WAVELENGTH, Z) is None


@pytest.mark.parametrize("z", [0.5, 6.9])
def test_where_c_iv_is_out_of_range_nothing_is_done(fit, quasar, z):
    solution, plain = followed(fit, quasar[1])
    assert uncovered(fit, solution, plain, quasar[1], IVAR, WAVELENGTH, z) is None


def test_too_little_data_beside_the_trough_changes_nothing(fit, quasar):
    v = outflow_velocity(WAVELENGTH, Z)
    ivar = np.where((v > 3000.0) & (v < 26000.0), 900.0, 0.0)
    behind = quasar[1] * trough(0.5, 4000.0, 25000.0)
    solution, _ = followed(fit, quasar[1])
    model = quasar[0]
    assert uncovered(fit, solution, model, behind, ivar, WAVELENGTH, Z) is None
