"""The scan gives what a plain least-squares fit at every redshift gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from factories import make_truth
from factories.mixtures import FIRST, LENGTH, components, observed
from huggins.forest import LYMAN_ALPHA, mean_transmission
from huggins.redshift.basis import Components, load_basis
from huggins.redshift.binned import BinnedFit
from huggins.redshift.equations import LinearFit
from huggins.redshift.frames import SIZE, START, bin_down, to_native
from huggins.redshift.scan import Scanner, _fast_length, solve
from huggins.spectrum import Spectrum


def brute(scanner: Scanner, part: Components, u, w, signal, shift, terms, slack) -> float:
    """Gain at one shift of the scanner, by linear algebra in double precision."""
    factor = scanner.factor
    at = np.arange(SIZE) + START - shift * factor - part.start
    t = part.vectors[:, at.clip(0, LENGTH - 1)].astype(float)
    t = t.reshape(len(t), -1, factor).mean(axis=2)
    x = np.linspace(-1.0, 1.0, SIZE // factor)
    poly = np.polynomial.legendre.legvander(x, max(terms - 1, 0)).T[:terms]
    rows = np.concatenate([t, poly])
    matrix = (rows * w) @ rows.T
    prior = np.r_[0.0, matrix[0, 0] / signal / part.spread[1:] ** 2]
    matrix += np.diag(np.r_[prior, np.full(terms, w.sum() / signal / slack**2)])
    right = rows @ u
    return float(right @ np.linalg.solve(matrix, right))


@pytest.mark.parametrize("factor", [3, 6])
def test_gain_is_that_of_a_direct_fit(factor):
    part = components()
    scanner = Scanner(part, factor, terms=2, slack=0.3)
    flux, ivar = observed(part, 420, sn=5.0)
    u, w = bin_down(flux * ivar, factor), bin_down(ivar, factor)
    signal = float(ivar @ flux**2)
    gain = scanner.gain(u, w, signal)
    assert len(gain) == len(scanner.shifts)
    for index in (0, 17, len(gain) // 2, len(gain) - 1):
        direct = brute(scanner, part, u, w, signal, int(scanner.shifts[index]), 2, 0.3)
        assert gain[index] == pytest.approx(direct, rel=2e-4)


def through_the_forest(part: Components, flux, ivar, shift: int):
    """What the mean forest leaves of a spectrum, the same relative to its noise."""
    rest = (START + np.arange(SIZE) - shift) * 1e-4
    passed = np.where(
        rest < np.log10(LYMAN_ALPHA),
        mean_transmission((START + np.arange(SIZE)) * 1e-4),
        1.0,
    )
    return flux * passed, ivar


def distant() -> Components:
    """Vectors from 600 to 3,200 A, to be seen through the forest."""
    part = components()
    return replace(part, start=27900, z_min=2.0, z_max=3.6, forest=True)


def test_the_forest_is_part_of_the_model():
    part, shift = distant(), 6000
    scanner = Scanner(part, 6, terms=0, slack=0.3)
    flux, ivar = observed(part, shift, sn=1e4)
    flux, ivar = through_the_forest(part, flux, ivar, shift)
    u, w, signal = bin_down(flux * ivar, 6), bin_down(ivar, 6), float(ivar @ flux**2)
    gain = scanner.gain(u, w, signal)
    assert scanner.shifts[gain.argmax()] == shift // 6
    mean = np.divide(u, w, out=np.zeros_like(u), where=w > 0)
    left = 1.0 - gain.max() / (u @ mean)
    assert left < 1e-4
    without = Scanner(replace(part, forest=False), 6, terms=0, slack=0.3)
    assert 1.0 - without.gain(u, w, signal).max() / (u @ mean) > 10.0 * left
    # On the native pixels too, and where absorption is looked for.
    fit = LinearFit(part, terms=0, slack=0.3)
    exact, _ = fit.solve(flux, ivar, signal, shift, slice(0, SIZE))
    assert exact == pytest.approx(signal, rel=1e-5)
    binned = BinnedFit(part, 6, scanner.shifts, terms=0, slack=0.3)
    [chi2], [masked] = binned.robust(mean, w, signal, [int(gain.argmax())])
    # But for the bin that Lyman alpha parts, and its neighbours.
    assert np.count_nonzero(masked) <= 3
    assert chi2 < 1e-4 * signal


def test_the_highest_gain_is_at_the_true_redshift():
    part = components()
    scanner = Scanner(part, 3, terms=2, slack=0.3)
    flux, ivar = observed(part, 420, sn=3.0)
    gain = scanner.gain(bin_down(flux * ivar, 3), bin_down(ivar, 3), float(ivar @ flux**2))
    assert scanner.shifts[gain.argmax()] == 140


def test_without_polynomials():
    part = components()
    scanner = Scanner(part, 3, terms=0, slack=0.3)
    flux, ivar = observed(part, 420, sn=3.0)
    gain = scanner.gain(bin_down(flux * ivar, 3), bin_down(ivar, 3), float(ivar @ flux**2))
    assert scanner.shifts[gain.argmax()] == 140


def test_solve_agrees_with_numpy():
    rng = np.random.default_rng(5)
    n, count = 4, 7
    a = rng.normal(size=(count, n, n))
    a = a @ a.transpose(0, 2, 1) + np.eye(n)
    b = rng.normal(size=(count, n))
    packed = np.zeros((n + 1, n + 1, count), np.float32)
    packed[:n, :n] = a.transpose(1, 2, 0)
    packed[n, :n] = b.T
    expected = np.einsum("si,si->s", b, np.linalg.solve(a, b[:, :, None])[:, :, 0])
    np.testing.assert_allclose(solve(packed), expected, rtol=1e-4)


def test_what_rounding_leaves_of_nothing_is_not_solved_for():
    packed = np.zeros((3, 3, 4), np.float32)
    packed[0, 0] = [4.0, -1e-8, 1e-9, 0.0]  # sums of squares, of which only the first has data
    packed[1, 1] = [2.0, 2.0, 2.0, -1e-8]
    packed[1, 0] = [0.0, 1e-8, 1e-8, 0.0]
    packed[2, :2] = [[2.0, 1e-8, -1e-8, 0.0], [2.0, 2.0, 2.0, 1e-9]]
    np.testing.assert_allclose(solve(packed), [3.0, 2.0, 2.0, 0.0], atol=1e-4)


@pytest.mark.parametrize("least", [5, 97, 2320, 3090])
def test_fast_lengths_have_small_factors(least):
    length = _fast_length(least)
    assert least <= length < 1.15 * least + 8
    assert length % 2 == 0
    for prime in (2, 3, 5):
        while length % prime == 0:
            length //= prime
    assert length == 1


def with_lines() -> Components:
    """The same class with three emission lines, of which two overlap."""
    part = components()
    x = np.arange(LENGTH)
    lines = np.zeros((3, LENGTH), np.float32)
    for row, centres in zip(lines, ([3000, 5000], [1500], [5040, 6000]), strict=True):
        for centre in centres:
            near = np.abs(x - centre) < 40
            row[near] += np.exp(-0.5 * ((x[near] - centre) / 12.0) ** 2)
    vectors = np.concatenate([part.vectors, lines])
    spread = np.r_[part.spread, 2.0, 2.0, 2.0]
    return Components(FIRST, vectors, spread, (3, 4, 5), part.z_min, part.z_max)


@pytest.mark.parametrize("terms", [0, 2])
def test_lines_that_are_zero_nearly_everywhere_are_fitted_like_the_rest(terms):
    part = with_lines()
    scanner = Scanner(part, 3, terms=terms, slack=0.3)
    flux, ivar = observed(components(), 420, sn=5.0)
    flux += 2.0 * part.vectors[5, START - 420 - FIRST :][:SIZE]
    u, w = bin_down(flux * ivar, 3), bin_down(ivar, 3)
    signal = float(ivar @ flux**2)
    gain = scanner.gain(u, w, signal)
    for index in (0, 17, 142, len(gain) // 2, len(gain) - 1):
        direct = brute(scanner, part, u, w, signal, int(scanner.shifts[index]), terms, 0.3)
        assert gain[index] == pytest.approx(direct, rel=2e-4)


def test_spectra_scanned_together_come_out_as_alone():
    part = with_lines()
    scanner = Scanner(part, 3, terms=2, slack=0.3)
    # The bright one must not decide what counts as rounding in the others.
    data = [observed(components(), 420 + 30 * n, sn=sn) for n, sn in enumerate((3.0, 1e5, 1.0))]
    u = np.array([bin_down(flux * ivar, 3) for flux, ivar in data])
    w = np.array([bin_down(ivar, 3) for _, ivar in data])
    signal = np.array([float(ivar @ flux**2) for flux, ivar in data])
    together = scanner.gains(u, w, signal)
    for n in range(3):
        np.testing.assert_allclose(together[n], scanner.gain(u[n], w[n], signal[n]), rtol=1e-5)


def test_a_gain_is_never_more_than_there_is_to_gain():
    """Short spectra at the end of the range meet next to nothing of the basis."""
    scanner = Scanner(load_basis().quasar, 6, terms=2, slack=0.3)
    truths = [make_truth(300, seed=seed) for seed in range(12)]
    loglam = 3.55 + 1e-4 * np.arange(300)
    frames = to_native([Spectrum(loglam, truth.flux, truth.ivar) for truth in truths])
    signal = (frames.ivar * frames.flux**2).sum(axis=1)
    sums = (frames.flux * frames.ivar, frames.ivar)
    gains = scanner.gains(
        *(np.stack([bin_down(one, 6) for one in part]) for part in sums), signal
    )
    assert gains.min() >= 0.0
    assert (gains <= 1.01 * signal[:, None]).all()
