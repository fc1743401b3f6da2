"""Scan of stars: gains against a direct least-squares fit at every velocity."""

from __future__ import annotations

import numpy as np
import pytest

from huggins.redshift.basis import STEP, Archetypes
from huggins.redshift.frames import SIZE, START, bin_down
from huggins.redshift.stars import StarScanner, products

FACTOR = 6
TERMS = 4


def archetypes(velocity: float = 1500.0) -> Archetypes:
    """Two stars of flux near 1 with lines at different places."""
    first, size = START - 120, SIZE + 240
    x = np.arange(size)
    vectors = np.ones((2, size), np.float32)
    for n, step in enumerate((611, 457)):
        for centre in range(300 + 50 * n, size, step):
            vectors[n] -= 0.5 * np.exp(-0.5 * ((x - centre) / 15.0) ** 2)
    return Archetypes(first, vectors, np.array([5, 6]), ("F", "G"), velocity)


def data(known: Archetypes, archetype: int, shift: int, seed: int = 1):
    """Flux and ivar of an archetype at `shift` native pixels, with a slope and noise."""
    rng = np.random.default_rng(seed)
    at = START - known.start - shift + np.arange(SIZE)
    flux = known.vectors[archetype][at] * np.linspace(0.8, 1.3, SIZE)
    return flux + rng.normal(0.0, 0.1, SIZE), np.full(SIZE, 100.0)


def test_products_of_legendre_polynomials():
    x = np.linspace(-1.0, 1.0, 50)
    poly = np.polynomial.legendre.legvander(x, 2 * TERMS - 2).T
    expansion = np.einsum("mnk,kx->mnx", products(TERMS), poly)
    np.testing.assert_allclose(expansion, poly[:TERMS, None] * poly[None, :TERMS], atol=1e-6)


@pytest.mark.parametrize("velocity", [300.0, 1500.0])
def test_velocities_reach_the_limit_on_both_sides(velocity):
    shifts = StarScanner(archetypes(velocity), FACTOR).shifts
    reached = 299792.458 * (10.0 ** (shifts[-1] * FACTOR * STEP) - 1.0)
    assert (shifts == -shifts[::-1]).all()
    assert velocity <= reached < velocity + 1.01 * 6 * 69.03


@pytest.mark.parametrize(("archetype", "step"), [(0, 0), (1, 2), (0, -3)])
def test_the_gain_is_largest_at_the_true_star_and_velocity(archetype, step):
    known = archetypes()
    scanner = StarScanner(known, FACTOR)
    flux, ivar = data(known, archetype, step * FACTOR)
    gain = scanner.gain(bin_down(flux * ivar, FACTOR), bin_down(ivar, FACTOR), 1.0)
    row, column = np.unravel_index(gain.argmax(), gain.shape)
    assert (row, scanner.shifts[column]) == (archetype, step)


def test_the_gain_is_that_of_least_squares():
    known = archetypes()
    scanner = StarScanner(known, FACTOR, terms=TERMS)
    flux, ivar = data(known, 0, 0)
    ivar[1000:1300] = 0.0
    weighted, weight = bin_down(flux * ivar, FACTOR), bin_down(ivar, FACTOR)
    gain = scanner.gain(weighted, weight, 1.0)
    mean = np.divide(weighted, weight, out=np.zeros_like(weight), where=weight > 0)
    poly = np.polynomial.legendre.legvander(np.linspace(-1.0, 1.0, len(mean)), TERMS - 1)
    root = np.sqrt(weight)
    for shift in (-4, 0, 3):
        at = START - known.start - shift * FACTOR + np.arange(SIZE)
        star = known.vectors[0][at].reshape(-1, FACTOR).mean(axis=1)
        design = poly * (star * root)[:, None]
        residual = np.linalg.lstsq(design, mean * root, rcond=None)[1][0]
        expected = float((mean * root) @ (mean * root)) - float(residual)
        found = gain[0, np.flatnonzero(scanner.shifts == shift)[0]]
        assert found == pytest.approx(expected, rel=2e-4)  # a ridge of 1e-4
