"""The factorisation finds what was mixed, where spectra have holes and noise."""

import numpy as np
import pytest

from experiments.lowrank import blur, coefficients, factorise

SIZE, COUNT = 400, 300


@pytest.fixture(scope="module")
def planted():
    """Mixtures of three smooth vectors, each seen over six tenths or less, with noise."""
    rng = np.random.default_rng(4)
    x = np.linspace(0.0, 1.0, SIZE)
    vectors = np.stack([1.0 + 0.5 * x, np.sin(9.0 * x), np.cos(5.0 * x)])
    relative = rng.normal(size=(COUNT, 2)) * [0.4, 0.15]
    level = rng.uniform(0.5, 2.0, (COUNT, 1))
    clean = level * (vectors[0] + relative @ vectors[1:])
    flux = clean + 0.02 * rng.normal(size=clean.shape)
    weight = np.zeros((COUNT, SIZE), np.float32)
    for row, first in enumerate(rng.integers(-120, SIZE - 120, COUNT)):
        weight[row, max(first, 0) : first + 240] = 1.0
    flux[weight == 0] = 1e3  # what has no weight must not matter
    return flux.astype(np.float32), weight, vectors, clean


def test_a_planted_basis_is_recovered_through_holes_and_noise(planted):
    flux, weight, vectors, clean = planted
    found, spread = factorise(flux, weight, 3, np.random.default_rng(0), rounds=100)
    assert found.shape == (3, SIZE)
    # Each true vector is a mixture of the found ones.
    mixed = np.linalg.lstsq(found.T, vectors.T, rcond=None)[0].T @ found
    assert np.sqrt(np.mean((mixed - vectors) ** 2, axis=1)).max() < 0.02
    # And spectra are restored where they were not seen.
    c = coefficients(flux, weight, found)
    left = (c @ found - clean)[weight == 0]
    assert np.sqrt(np.mean(left**2)) < 0.03
    # Strongest variation first, each as large as it was planted.
    size = spread[1:] * np.sqrt(np.mean(found[1:] ** 2, axis=1) / np.mean(found[0] ** 2))
    assert spread[0] == 1.0
    assert size[0] > 2.0 * size[1] > 0.0


def test_few_rounds_come_near_and_more_come_nearer(planted):
    flux, weight, _, clean = planted
    left = []
    for rounds in (1, 12, 30):
        found, _ = factorise(flux, weight, 3, np.random.default_rng(0), rounds=rounds)
        model = coefficients(flux, weight, found) @ found
        left.append(np.sqrt(np.mean((model - clean)[weight > 0] ** 2)))
    assert left[0] > left[1] > left[2]
    assert left[2] < 0.02


def test_the_first_vector_is_the_mean(planted):
    flux, weight, vectors, _ = planted
    found, _ = factorise(flux, weight, 3, np.random.default_rng(0))
    shape = found[0] / np.mean(found[0])
    assert shape == pytest.approx(vectors[0] / np.mean(vectors[0]), abs=0.05)


def test_fewer_vectors_than_were_mixed_leave_the_weakest(planted):
    flux, weight, vectors, _ = planted
    found, _ = factorise(flux, weight, 2, np.random.default_rng(0))
    mixed = np.linalg.lstsq(found.T, vectors.T, rcond=None)[0].T @ found
    left = np.sqrt(np.mean((mixed - vectors) ** 2, axis=1))
    assert left[1] < 0.3 * left[2]


def test_weight_decides_between_spectra():
    x = np.linspace(0.0, 1.0, SIZE)
    flux = np.stack([1.0 + x, 2.0 - x]).astype(np.float32).repeat(50, axis=0)
    weight = np.ones_like(flux)
    weight[50:] = 1e-4
    found, _ = factorise(flux, weight, 1, np.random.default_rng(0))
    assert found[0] / found[0].mean() == pytest.approx((1.0 + x) / 1.5, abs=0.02)


def test_coefficients_of_known_vectors_come_back(planted):
    _, weight, vectors, _ = planted
    rng = np.random.default_rng(1)
    true = rng.normal(size=(COUNT, 3))
    flux = (true @ vectors).astype(np.float32)
    found = coefficients(flux, weight, vectors.astype(np.float32))
    assert found == pytest.approx(true, abs=0.02)


@pytest.mark.parametrize("sigma", [1.5, 6.0])
def test_blur_keeps_levels_and_widens_lines(sigma):
    x = np.arange(SIZE)
    line = np.exp(-0.5 * ((x - 200) / 3.0) ** 2)
    out = blur(np.stack([np.ones(SIZE), line]), sigma)
    assert out[0] == pytest.approx(1.0, abs=1e-5)
    assert out[1].sum() == pytest.approx(line.sum(), rel=1e-4)
    width = np.sqrt((out[1] * (x - 200.0) ** 2).sum() / out[1].sum())
    assert width == pytest.approx(np.hypot(3.0, sigma), rel=0.01)
