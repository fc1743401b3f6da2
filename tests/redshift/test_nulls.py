"""Nulls of a fit, one at a time."""

import numpy as np
import pytest

from huggins.redshift.basis import STEP
from huggins.redshift.frames import SIZE, START
from huggins.redshift.nulls import cubic, doubt, gains, power_law, spikes

WAVELENGTH = 10.0 ** ((START + np.arange(SIZE)) * STEP)
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=SIZE)
IVAR = np.full(SIZE, 25.0)


def _line(at, sigma=1.3, height=12.0):
    """Return a line as an instrument makes it, height in sigma of the noise."""
    return height * 0.2 * np.exp(-0.5 * ((np.arange(SIZE) - at) / sigma) ** 2)


def test_cubics_and_power_laws_are_fitted():
    x = np.linspace(-1.0, 1.0, SIZE)
    curve = 3.0 + x - 0.5 * x**2 + 0.2 * x**3
    np.testing.assert_allclose(cubic(curve, IVAR), curve, rtol=1e-6)
    steep = (WAVELENGTH / 6000.0) ** -3.7
    np.testing.assert_allclose(power_law(steep, IVAR), steep, rtol=2e-3)
    assert not power_law(-np.ones(SIZE), IVAR).any()


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_sharp_pixels_are_spikes(width, sign):
    flux = 1.0 + 0.01 * NOISE
    flux[1000 : 1000 + width] += sign * 3.0
    assert np.flatnonzero(spikes(flux, IVAR)).tolist() == list(range(1000, 1000 + width))


@pytest.mark.parametrize("at", [1000.0, 1000.5])
@pytest.mark.parametrize("sigma", [0.8, 1.3, 3.0])
def test_lines_are_none(at, sigma):
    for height in (8.0, 20.0, 100.0):
        flux = 1.0 + 0.2 * NOISE + _line(at, sigma, height)
        assert not spikes(flux, IVAR)[990:1011].any()


def test_a_model_of_lines_is_believed_and_one_of_spikes_is_not():
    lines = sum(_line(at) for at in (900, 1500, 2600))
    believed = 1.0 + lines
    gain = float((IVAR * lines**2).sum())
    assert doubt(believed + 0.2 * NOISE, IVAR, believed, gain, 28.0) == ""
    sharp = np.ones(SIZE)
    sharp[[900, 1500, 2600]] += 4.0
    said = doubt(sharp + 0.2 * NOISE, IVAR, sharp, 1200.0, 28.0)
    assert "sharp pixels" in said


def test_light_among_badly_subtracted_sky_lines_alone_is_not_believed():
    red = WAVELENGTH > 8600.0
    model = 1.0 + np.where(red, 0.1, 0.0)
    flux = model + 0.2 * NOISE
    clean = gains(flux, IVAR, model)
    assert len(clean) == 1
    flux[red] += 0.2 * RNG.normal(size=np.count_nonzero(red))
    said = doubt(flux, IVAR, model, 300.0, 28.0)
    assert "8500" in said or "smooth" in said
    assert any("8500" in why for why in gains(flux, IVAR, model))


@pytest.mark.parametrize("dip", [False, True])
def test_a_quasar_that_rests_on_the_join_of_the_arms_is_not_believed(dip):
    near = np.exp(-0.5 * ((WAVELENGTH - 5900.0) / 60.0) ** 2)
    model = 1.0 - 0.4 * near if dip else np.where(WAVELENGTH < 5900.0, 0.8, 1.0)
    flux = model + 0.2 * NOISE
    gain = float((IVAR * (model - cubic(model, IVAR)) ** 2).sum())
    assert gain > 28.0
    assert doubt(flux, IVAR, model, gain, 28.0) == ""
    assert "arms" in doubt(flux, IVAR, model, gain, 28.0, quasar=True)
    line = model + _line(3600, 10.0, 8.0)
    assert doubt(line + 0.2 * NOISE, IVAR, line, gain, 28.0, quasar=True) == ""


def test_what_gains_too_little_or_very_much_is_not_asked():
    flat = np.ones(SIZE)
    assert doubt(flat, IVAR, flat, 20.0, 28.0) == ""
    assert doubt(flat, IVAR, flat, 1e6, 28.0) == ""
    assert "smooth curve" in doubt(flat, IVAR, flat, 100.0, 28.0)
