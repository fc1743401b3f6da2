"""Removing what a spectrum has, and counting what is left of the answer."""

import numpy as np
import pytest
from astropy.table import Table

from experiments.limited_input import Sample, cut, measure, without_errors
from huggins.quality import ZWarning
from huggins.spectrum import Spectrum


def spectrum():
    wavelength = np.linspace(4000.0, 9000.0, 500)
    flux = np.arange(500.0) + np.random.default_rng(0).normal(size=500)
    ivar = np.ones(500)
    ivar[100] = 0.0
    flux[100] = 1e9
    return Spectrum(np.log10(wavelength), flux, ivar)


def test_bad_pixels_stay_bad_without_errors_and_do_not_spread():
    for width in (1, 9):
        changed = without_errors(spectrum(), width)
        assert changed.zwarning == ZWarning.NO_UNCERTAINTY
        assert np.flatnonzero(~changed.good).tolist() == [100]
        assert np.abs(changed.flux[110:490] - np.arange(110.0, 490.0)).max() < 5.0
    assert without_errors(spectrum()).flux[50] == spectrum().flux[50]


def test_cut_keeps_the_pixels_between():
    part = cut(spectrum(), 5000.0, 6000.0)
    assert part.wavelength.min() >= 5000.0
    assert part.wavelength.max() <= 6000.0
    assert len(part) == 100


def test_measure_counts_what_is_wrong_without_warning():
    rows = [
        {"class3": "QSO", "z": "1.0", "fold": "0"},
        {"class3": "QSO", "z": "1.0", "fold": "0"},
        {"class3": "STAR", "z": "", "fold": "1"},
        {"class3": "STAR", "z": "0.0", "fold": "2"},
    ]
    results = Table(
        {
            "CLASS": ["QSO", "QSO", "GALAXY", "STAR"],
            "Z": [1.001, 1.5, 0.1, 0.0],
            "ZWARNING": [0, int(ZWarning.NO_UNCERTAINTY), 4, 0],
            "ERROR": ["", "", "", ""],
        }
    )
    found = measure(results, Sample([], rows), (0, 1))
    assert found["n"] == 3
    assert found["class"]["value"] == pytest.approx(2 / 3)
    assert found["z"]["value"] == pytest.approx(1 / 2)
    assert found["without_warning"] == 2
    assert found["wrong_without_warning"]["count"] == 1
