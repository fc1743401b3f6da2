"""Redshifts of quasars with broad absorption."""

import numpy as np
import pytest

from factories.quasars import quasar
from huggins.constants import SPEED_OF_LIGHT
from huggins.redshift import Fitter
from huggins.redshift.frames import to_native
from huggins.redshift.unabsorbed import LINES, hidden, refit
from huggins.spectrum import Spectrum

Z = 2.3


@pytest.fixture(scope="module")
def fitter():
    return Fitter()


def _spectrum(trough):
    wavelength, flux, error = quasar(np.random.default_rng(8), z=Z, error=0.05, trough=trough)
    return Spectrum.from_arrays(wavelength, flux, ivar=error**-2.0)


def test_every_line_of_the_outflow_is_hidden():
    wavelength = np.linspace(3600.0, 6000.0, 4000)
    masked = hidden(wavelength, Z, [(5000.0, 9000.0)])
    beta = 7000.0 / SPEED_OF_LIGHT
    for line in LINES:
        place = line * (1.0 + Z) * np.sqrt((1.0 - beta) / (1.0 + beta))
        if place > 3600.0:
            assert masked[np.abs(wavelength - place).argmin()]
    assert not masked[np.abs(wavelength - 1600.0 * (1.0 + Z)).argmin()]


def test_a_trough_on_the_blue_side_of_c_iv_does_not_move_the_redshift(fitter):
    plain, absorbed = fitter.fit([_spectrum(None)]), fitter.fit([_spectrum((500.0, 7000.0))])
    assert absorbed.measured[0].bi > 1000.0
    velocity = (absorbed.z[0] - plain.z[0]) / (1.0 + Z) * SPEED_OF_LIGHT
    assert abs(velocity) < 150.0
    best, _ = absorbed.solutions[0]
    frames = to_native([_spectrum((500.0, 7000.0))])
    wavelength = 10.0 ** ((35442 + np.arange(4878) + frames.offset[0]) * 1e-4)
    inside = hidden(wavelength, Z, [(1000.0, 6500.0)])
    assert best.absorbed[inside].all()


def test_too_little_left_changes_nothing(fitter):
    spectrum = _spectrum(None)
    best, _ = fitter.fit([spectrum]).solutions[0]
    frames = to_native([spectrum])
    everything = np.ones(frames.flux.shape[1], bool)
    fit = fitter.search.linear["QSO"]
    assert refit(fit, frames.flux[0], frames.ivar[0], best, everything) is best
