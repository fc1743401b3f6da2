"""The C IV trough is what makes a BAL: cut into a quasar, and found again as the reason."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import huggins
from huggins.taxonomy import CLASSES
from huggins.view.explain import explain

C_IV = 1549.06
C = 299792.458


@pytest.fixture(scope="module")
def network():
    return huggins.load_model()


@pytest.fixture(scope="module")
def quasar(mocks):
    return next(e for e in mocks if e.cls == "QSO" and e.z > 2.3)


def trough(example):
    """The same quasar with half of its light gone from 3,000 to 13,000 km/s before C IV."""
    s = example.spectrum
    v = C * (1.0 - s.wavelength / (C_IV * (1.0 + example.z)))
    depth = np.where((v > 3000) & (v < 13000), 0.15, 1.0)
    return replace(s, flux=s.flux * depth)


def probability(network, spectrum, name):
    contract = network.metadata.contract
    p = network.run(contract.tensor(*contract.rebin([spectrum]))).probabilities
    return p[0, CLASSES.index(name)]


def test_the_trough_is_what_makes_a_bal(network, quasar):
    cut = trough(quasar)
    assert probability(network, quasar.spectrum, "BAL") < 0.5
    assert probability(network, cut, "BAL") > 0.5
    name, windows = explain(cut, network)
    assert name == "BAL"
    best = max(windows, key=lambda w: w.importance)
    ends = C_IV * (1 + quasar.z) * (1 - 13000 / C), C_IV * (1 + quasar.z)
    assert best.low < ends[1]
    assert best.high > ends[0]
    assert best.importance > 1.0
    elsewhere = [w.importance for w in windows if w.high < ends[0] or w.low > ends[1] * 1.02]
    assert max(elsewhere) < 0.7 * best.importance


def test_a_mock_bal_rests_on_its_trough(network, mocks):
    example = next(e for e in mocks if e.cls == "BAL" and e.z > 2.2)
    name, windows = explain(example.spectrum, network, "BAL")
    assert name == "BAL"
    best = max(windows, key=lambda w: w.importance)
    assert best.low / (1 + example.z) < C_IV
    assert best.high / (1 + example.z) > 1400


def test_windows_cover_the_data_only(network, quasar):
    s = quasar.spectrum
    ivar = np.where(s.wavelength > 6000, s.ivar, 0.0)
    _, windows = explain(replace(s, ivar=ivar), network)
    assert windows
    assert min(w.low for w in windows) > 5800
    assert all(b.low > a.low for a, b in pairwise(windows))
