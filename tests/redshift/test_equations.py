"""One fit at one shift against linear algebra done plainly."""

from __future__ import annotations

import numpy as np
import pytest

from huggins.redshift.basis import Archetypes, Components
from huggins.redshift.equations import LinearFit, StarFit
from huggins.redshift.frames import SIZE, START

FIRST, LENGTH = START - 300, SIZE + 500
USED = slice(100, SIZE - 50)


def data(seed: int = 3):
    rng = np.random.default_rng(seed)
    length = USED.stop - USED.start
    flux = 1.0 + 0.3 * np.sin(np.arange(length) / 300.0) + rng.normal(0.0, 0.1, length)
    ivar = rng.uniform(50.0, 150.0, length)
    ivar[400:420] = 0.0
    return flux, ivar


def components(sign: float = 1.0) -> Components:
    x = np.arange(LENGTH)
    vectors = np.ones((4, LENGTH), np.float32)
    vectors[1] = np.cos(x / 500.0)
    vectors[2:] = 0.0
    vectors[2, 2000:2030] = sign
    vectors[3, 2025:2100] = 1.0  # overlaps
    return Components(FIRST, vectors, np.array([1.0, 0.5, 2.0, 2.0]), (2, 3), 0.0, 0.02)


def solved(rows, flux, ivar, ridge):
    matrix = (rows * ivar) @ rows.T
    matrix += np.diag(ridge(matrix))
    return np.linalg.solve(matrix, rows @ (ivar * flux))


@pytest.mark.parametrize("terms", [0, 1, 3])
@pytest.mark.parametrize("shift", [0, 57, -60, 400])  # the last ones beyond the vectors
def test_a_linear_fit_is_that_of_least_squares_with_the_prior(terms, shift):
    part = components()
    fit = LinearFit(part, terms=terms, slack=0.3)
    flux, ivar = data()
    at = START + USED.start - shift - FIRST + np.arange(len(flux))
    flux = flux + 0.5 * part.vectors[2:].sum(axis=0)[at.clip(0, LENGTH - 1)]
    signal = 1e5

    def ridge(matrix):
        prior = matrix[0, 0] / signal / part.spread**2
        prior[0] = 0.0
        return np.r_[prior, np.full(terms, ivar.sum() / signal / 0.09)] + 1e-9 * matrix[0, 0]

    rows = fit.vectors(shift, USED)
    expected = solved(rows, flux, ivar, ridge)
    assert expected[2:4].min() > 0.0
    gain, coefficients = fit.solve(flux, ivar, signal, shift, USED)
    np.testing.assert_allclose(coefficients, expected, rtol=1e-6, atol=1e-9)
    assert gain == pytest.approx(float(expected @ (rows @ (ivar * flux))))


def test_lines_are_never_negative():
    fit = LinearFit(components(sign=-1.0), terms=0, slack=0.3)
    flux, ivar = data()
    flux[:] = 1.0
    at = 2000 - (START + USED.start - FIRST)
    flux[at : at + 30] += 3.0  # the first of the lines would have to be negative
    _, coefficients = fit.solve(flux, ivar, 1e5, 0, USED)
    assert coefficients[2] == 0.0
    assert coefficients[3] >= 0.0


def test_a_negative_spectrum_gains_nothing():
    flux, ivar = data()
    fit = LinearFit(components(), terms=0, slack=0.3)
    assert fit.solve(-flux, ivar, 1e5, 0, USED)[0] == 0.0


def test_a_star_is_fitted_by_least_squares():
    x = np.arange(LENGTH)
    vectors = np.stack([np.ones(LENGTH), 1.0 - 0.5 * (x % 400 < 30)]).astype(np.float32)
    fit = StarFit(Archetypes(FIRST, vectors, np.array([5, 6]), ("F", "G"), 500.0), terms=4)
    flux, ivar = data()
    rows = fit.vectors(1, 23, USED)
    expected = solved(rows, flux, ivar, lambda m: np.full(4, 1e-5 * m[0, 0]))
    gain, coefficients = fit.solve(flux, ivar, 1, 23, USED)
    np.testing.assert_allclose(coefficients, expected, rtol=1e-8)
    assert gain == pytest.approx(float(expected @ (rows @ (ivar * flux))))
