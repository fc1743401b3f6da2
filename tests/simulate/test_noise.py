"""Noise, coverage and flaws of observed mocks."""

import numpy as np
import pytest

from huggins.errors import InputError
from huggins.prepare import STANDARD
from huggins.simulate import NoiseBank, observe

from .conftest import noisy


def test_bank_knows_coverage_and_shape_of_the_noise(bank):
    loglam = STANDARD.grid.loglam
    inside = (loglam > 3.561) & (loglam < 3.989)
    assert (bank.sigma[:, inside] > 0).all()
    assert (bank.sigma[:, loglam > 3.9905] == 0).all()
    assert np.median(bank.sigma[:, inside], axis=1) == pytest.approx(1.0, abs=0.01)
    shape = 1.0 + 0.5 * np.sin(30.0 * loglam[inside])
    assert np.corrcoef(bank.sigma[0, inside], shape)[0, 1] > 0.99


def test_residuals_are_noise_of_about_one_sigma(bank):
    spread = bank.residual[6][bank.sigma[6] > 0].std()
    assert 0.7 < spread < 1.2


def test_a_bank_knows_its_surveys():
    bank = NoiseBank.from_spectra(
        [noisy(0, 1.0), noisy(1, 1.0)], ["BOSS", "elsewhere"], [False, False], STANDARD.grid
    )
    assert bank.sources == {"BOSS": "BOSS", "DESI": "BOSS"}
    clean = np.ones((5, STANDARD.grid.size), np.float32)
    empty = np.zeros(5, bool)
    observe(clean, empty, bank, np.random.default_rng(0))
    with pytest.raises(InputError, match="no noise of survey 'LAMOST': there is BOSS, DESI"):
        observe(clean, empty, bank, np.random.default_rng(0), survey="LAMOST")
    with pytest.raises(InputError, match="no real spectra"):
        NoiseBank.from_spectra([], [], [], STANDARD.grid)


def test_signal_to_noise_is_as_asked_and_errors_are_honest(bank):
    clean = np.ones((400, STANDARD.grid.size), np.float32)
    wanted = np.full(400, 7.0)
    flux, ivar, sn = observe(
        clean, np.zeros(400, bool), bank, np.random.default_rng(0), wanted, "BOSS", flaws=False
    )
    assert (sn == 7.0).all()
    good = ivar > 0
    pixel = np.sqrt(ivar[good]) / np.sqrt(5.0)
    assert np.median(pixel) == pytest.approx(7.0, rel=0.15)
    pull = ((flux - 1.0) * np.sqrt(ivar))[good]
    assert pull.std() == pytest.approx(1.0, abs=0.12)
    assert abs(pull.mean()) < 0.05


def test_flaws_take_away_coverage_but_leave_numbers_finite(bank):
    clean = np.ones((500, STANDARD.grid.size), np.float32)
    flux, ivar, _ = observe(clean, np.zeros(500, bool), bank, np.random.default_rng(1))
    assert np.isfinite(flux).all()
    assert np.isfinite(ivar).all()
    assert (ivar >= 0).all()
    assert (flux[ivar == 0] == 0).all()
    covered = (ivar > 0).mean(axis=1)
    assert covered.min() < 0.7 * np.median(covered)


def test_an_empty_fibre_has_no_signal(bank):
    clean = np.zeros((100, STANDARD.grid.size), np.float32)
    flux, ivar, sn = observe(
        clean, np.ones(100, bool), bank, np.random.default_rng(2), flaws=False
    )
    assert sn.max() <= 0.5
    pull = (flux * np.sqrt(ivar))[ivar > 0]
    assert abs(pull.mean()) < 0.1
    assert 0.7 < pull.std() < 1.4
