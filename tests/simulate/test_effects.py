"""Dust, lines and absorbers against what they are defined to be."""

import numpy as np
import pytest

from huggins.constants import LN10, SPEED_OF_LIGHT
from huggins.prepare import STANDARD, LogGrid
from huggins.simulate import effects

GRID = STANDARD.grid
FINE = LogGrid(3.55, 1e-4, 4800)


def at(values, wavelength, grid=GRID):
    return values[..., int((np.log10(wavelength) - grid.start) / grid.step)]


def test_extinction_is_one_in_v_and_as_tabulated_in_b():
    curve = effects.extinction_curve(GRID)
    assert at(curve, 5494.5) == pytest.approx(1.0, abs=0.01)
    assert at(curve, 4400.0) == pytest.approx(1.32, abs=0.03)  # A(B)/A(V) for R(V) = 3.1
    assert (np.diff(curve[curve < 1.5]) < 0).all()


def test_reddening_of_one_magnitude():
    factor = effects.redden(GRID, np.array([0.0, 1.0 / 3.1]))
    assert factor[0] == pytest.approx(1.0)
    assert at(factor[1], 5494.5) == pytest.approx(10**-0.4, rel=0.01)


def test_narrow_lines_conserve_their_flux_on_any_grid():
    area = np.array([[30.0, 10.0]])
    log1z = np.log10([1.1])
    for grid in (GRID, FINE):
        flux = effects.narrow_lines(grid, log1z, (5000.0, 6000.0), area, np.array([150.0]))
        width = 10.0 ** grid.edges[1:] - 10.0 ** grid.edges[:-1]
        # Flux density in rest Angstrom: the observed width of a pixel over 1 + z.
        assert (flux[0] * width).sum() / 1.1 == pytest.approx(40.0, rel=0.01)
        peak = 10.0 ** grid.loglam[flux[0].argmax()]
        assert peak == pytest.approx(5500.0, rel=grid.step * 2.4)


def test_lines_beyond_the_grid_leave_no_trace():
    flux = effects.narrow_lines(
        GRID, np.array([0.0]), (2000.0, 20000.0), np.ones((1, 2)), np.array([100.0])
    )
    assert not flux.any()


def test_gaussian_has_its_height_and_width():
    line = effects.gaussian(FINE, np.log10([1.5]), np.array([4000.0]), np.array([2000.0]))[0]
    assert line.max() == pytest.approx(1.0, abs=1e-3)
    assert FINE.loglam[line.argmax()] == pytest.approx(np.log10(6000.0), abs=1e-4)
    wide = (line > 0.5).sum() * FINE.step * LN10 * SPEED_OF_LIGHT
    assert wide == pytest.approx(2.3548 * 2000.0, rel=0.03)


def test_trough_lies_between_its_velocities():
    factor = effects.trough(
        FINE, np.log10([3.5]), 1549.06, np.array([12e3]), np.array([6e3]), np.array([0.8])
    )[0]
    velocity = -SPEED_OF_LIGHT * (LN10 * (FINE.loglam - np.log10(3.5 * 1549.06)))
    assert factor[(velocity > 7500) & (velocity < 10500)] == pytest.approx(0.2, abs=0.02)
    assert factor[(velocity < 3000) | (velocity > 15000)].min() > 0.99


def test_damped_absorber_has_the_equivalent_width_of_its_column():
    # W = 7.3 A (N / 1e20)^0.5 at rest: Draine, Physics of the ISM, eq. 9.24 for Lyman alpha.
    log1z = np.log10([3.2])
    factor = effects.damped(FINE, log1z, np.array([21.0]))[0]
    width = 10.0 ** FINE.edges[1:] - 10.0 ** FINE.edges[:-1]
    equivalent = ((1.0 - factor) * width).sum() / 3.2
    assert equivalent == pytest.approx(7.3 * 10**0.5, rel=0.1)


def test_limit_absorbs_blueward_only():
    factor = effects.lyman_limit(GRID, np.log10([4.6]), np.array([3.0]))[0]
    edge = 911.75 * 4.6
    assert at(factor, edge * 1.01) == 1.0
    assert at(factor, edge * 0.99) == pytest.approx(np.exp(-3.0 * 0.99**3), rel=0.02)


def test_forest_keeps_the_mean_and_leaves_the_red_alone():
    log1z = np.full(200, np.log10(3.6))
    factor = effects.forest(GRID, log1z, np.random.default_rng(3))
    blue = GRID.loglam < np.log10(3.6 * 1200.0)
    assert factor[:, blue].mean() == pytest.approx(1.0, abs=0.03)
    assert factor[:, blue].std() > 0.1
    assert (factor[:, GRID.loglam > np.log10(3.6 * 1220.0)] == 1.0).all()


def test_warp_is_smooth_and_as_large_as_asked():
    factor = effects.warp(GRID, np.random.default_rng(4), np.full(500, 0.2))
    assert np.abs(np.diff(np.log(factor), axis=1)).max() < 0.02
    assert 0.1 < np.log(factor).std() < 0.3
    flat = effects.warp(GRID, np.random.default_rng(4), np.zeros(3))
    assert (flat == 1.0).all()
