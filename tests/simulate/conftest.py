"""A noise bank that needs no real data, and the templates where they are."""

import numpy as np
import pytest

from huggins import simulate
from huggins.prepare import STANDARD
from huggins.spectrum import Spectrum


def noisy(seed, level, sky=False):
    rng = np.random.default_rng(seed)
    loglam = np.arange(3.56, 3.99, 1e-4)
    sigma = 1.0 + 0.5 * np.sin(30.0 * loglam)
    flux = level * (not sky) + sigma * rng.standard_normal(len(loglam))
    return Spectrum(loglam, flux, sigma**-2.0)


@pytest.fixture(scope="session")
def bank():
    spectra = [noisy(i, 1.0 + i) for i in range(6)] + [noisy(9, 0.0, sky=True)]
    surveys = ["BOSS", "SDSS", "LAMOST"] * 2 + ["SDSS"]
    return simulate.NoiseBank.from_spectra(
        spectra, surveys, [False] * 6 + [True], STANDARD.grid
    )


@pytest.fixture(scope="session")
def library(shared_data):
    return simulate.load(shared_data / "templates")
