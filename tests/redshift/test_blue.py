"""Pixels blueward of Lyman alpha count less where a redshift is fitted."""

import numpy as np
import pytest

from huggins.redshift.basis import load_basis
from huggins.redshift.blue import blue_pixels, lowered
from huggins.redshift.equations import LinearFit
from huggins.redshift.frames import SIZE, START
from huggins.redshift.minimise import Track

ALL = slice(0, SIZE)


def shift_of(z):
    return round(1e4 * np.log10(1.0 + z))


def test_which_pixels_lie_blueward():
    assert blue_pixels(shift_of(1.0), ALL) == 0
    count = blue_pixels(shift_of(3.0), ALL)
    assert (START + count) * 1e-4 == pytest.approx(np.log10(4.0 * 1230.0), abs=2e-4)
    assert blue_pixels(shift_of(3.0), slice(100, SIZE)) == count - 100
    assert blue_pixels(shift_of(3.0), slice(0, 50)) == 50
    assert blue_pixels(shift_of(3.0), slice(count, SIZE)) == 0


def test_bright_pixels_lose_most():
    fit = LinearFit(load_basis().quasar, terms=2, slack=0.3)
    shift, used = shift_of(3.0), slice(40, SIZE)
    coefficients = np.eye(len(load_basis().quasar.vectors) + 2)[0]
    ivar = np.full(SIZE - 40, 400.0)
    ivar[3] = 0.0
    found = lowered(fit, coefficients, ivar, shift, used)
    count = blue_pixels(shift, used)
    model = coefficients @ fit.vectors(shift, used)
    expected = 1.0 / (1.0 / 400.0 + (0.35 * model[:count]) ** 2)
    expected[3] = 0.0
    assert found[:count] == pytest.approx(expected)
    assert (found[count:] == 400.0).all()
    assert lowered(fit, coefficients, ivar, shift_of(1.0), used) is ivar


def test_a_forest_that_is_off_does_not_move_the_redshift():
    """The descent settles on weights that leave what is redward in charge."""
    fit = LinearFit(load_basis().quasar, terms=2, slack=0.3)
    shift = shift_of(3.0)
    coefficients = np.eye(len(load_basis().quasar.vectors) + 2)[0]
    flux = coefficients @ fit.vectors(shift, ALL)
    count = blue_pixels(shift, ALL)
    # The forest of a quasar 1,000 km/s away.
    flux[:count] = (coefficients @ fit.vectors(shift - 15, ALL))[:count]
    ivar = np.full(SIZE, 900.0)
    signal = total = float(ivar @ flux**2)
    solve = fit.on(flux, ivar, signal, ALL)
    track = Track("QSO", -1, solve, shift, 3, total)
    plain = track.minimise()
    track.settle = lambda _, at: fit.on(
        flux, lowered(fit, track.known[at][1], ivar, at, ALL), signal, ALL
    )
    settled = track.minimise()
    assert abs(settled.shift - shift) < 0.5 * abs(plain.shift - shift)
    assert settled.sigma > plain.sigma
    assert settled.chi2 == plain.chi2
