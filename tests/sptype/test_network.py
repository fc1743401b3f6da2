"""The network of subtypes: its input, and what it gives."""

from __future__ import annotations

import numpy as np
import pytest

from huggins.prepare import STANDARD
from huggins.sptype import features, load, run

SIZE = STANDARD.grid.size
WAVELENGTH = 10.0**STANDARD.grid.loglam


def spectra(count=3, seed=0):
    rng = np.random.default_rng(seed)
    flux = 1.0 + 0.3 * np.sin(WAVELENGTH / 800.0) + rng.normal(0.0, 0.05, (count, SIZE))
    return flux, np.full((count, SIZE), 400.0)


def test_input_does_not_depend_on_the_unit():
    flux, ivar = spectra()
    one = features(flux, ivar)
    assert one.shape == (3, SIZE + 48)
    assert np.isfinite(one).all()
    np.testing.assert_allclose(features(1e-17 * flux, 1e34 * ivar), one, atol=1e-4)


def test_what_is_missing_is_zero_and_told_of():
    flux, ivar = spectra()
    ivar[:, :400] = 0.0
    flux[:, :400] = np.nan
    found = features(flux, ivar)
    assert np.isfinite(found).all()
    assert (found[:, :400] == 0).all()
    assert (found[:, SIZE + 24 : SIZE + 24 + 9] == 0).all()
    assert (found[:, -5:] == 1).all()
    assert np.isfinite(features(flux, np.zeros_like(ivar))).all()


def test_noise_hides_lines():
    flux, ivar = spectra()
    line = (WAVELENGTH > 4850) & (WAVELENGTH < 4875)
    flux[:, line] -= 0.5
    noise = np.random.default_rng(1).normal(0.0, 0.5, flux.shape)
    deep, faint = (
        np.abs(features(f, ivar)[:, :SIZE][:, line].mean()) for f in (flux, flux + noise)
    )
    assert deep > 5 * faint


def test_a_factor_of_all_errors_does_not_count():
    flux, ivar = spectra()
    one = features(flux, ivar)
    for factor in (1e-6, 1e6):
        np.testing.assert_allclose(features(flux, ivar * factor), one, atol=1e-5)
    # That one part is noisier than another does.
    ivar[:, 500:] /= 100.0
    assert not np.allclose(features(flux, ivar), one, atol=0.1)


def test_absurd_values_count_as_missing():
    flux, ivar = spectra()
    gone, weight = flux.copy(), ivar.copy()
    weight[:2, 30:50] = 0.0
    flux[0, 30:40], flux[1, 30:50] = np.inf, np.nan
    ivar[0, 40:50] = np.inf
    np.testing.assert_array_equal(features(flux, ivar), features(gone, weight))
    with np.errstate(over="ignore"):
        found = features(np.full((1, SIZE), 1e308), np.full((1, SIZE), 1e308))
    assert np.isfinite(found).all()


def test_run_gives_probabilities_of_80_subtypes():
    layers, calibration = load()
    found = run(layers, features(*spectra()))
    assert found.shape == (3, 80)
    assert (found >= 0).all()
    assert found.sum(axis=1) == pytest.approx(1.0)
    assert 0.3 < calibration.scale < 3.0
    assert calibration.own > 0
    assert calibration.other > 0


def test_hot_and_cool_continua_are_told_apart():
    layers, _ = load()
    x = 1.43877688e8 / WAVELENGTH
    flux = np.stack(
        [WAVELENGTH**-5.0 / np.expm1(x / kelvin) * 1e20 for kelvin in (30000.0, 3500.0)]
    )
    subtype = run(layers, features(flux, 400.0 / flux**2)) @ (np.arange(80) + 0.5)
    assert subtype[0] < subtype[1] - 15.0
    assert subtype[1] == pytest.approx(60.0, abs=20.0)


def test_an_answer_does_not_depend_on_its_batch():
    layers, _ = load()
    x = np.random.default_rng(5).normal(size=(130, layers[0][0].shape[-1])).astype(np.float32)
    together = run(layers, x)
    for size in (1, 7, 128):
        parts = [run(layers, x[k : k + size]) for k in range(0, len(x), size)]
        assert np.array_equal(np.concatenate(parts), together)
    assert run(layers, x[:0]).shape == (0, 80)
