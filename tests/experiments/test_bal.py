"""How P_BAL is fitted: troughs, noise, weights and the regression."""

import numpy as np
import pytest

from experiments.bal import (
    SHARES,
    Case,
    calibration_error,
    fit_share,
    weights,
)
from experiments.bal_page import _ROWS, as_markdown
from experiments.troughs import Trough, narrow, noisier
from huggins.redshift.absorbed import absorbed_share
from huggins.redshift.balnicity import Absorption, measure
from huggins.spectrum import Spectrum

WAVELENGTH = np.arange(3600.0, 10000.0, 2.0)


def test_a_trough_is_put_into_every_line_and_none_beyond():
    v = np.linspace(0.0, 25000.0, 500)
    trough = Trough(v, np.where((v > 5000.0) & (v < 12000.0), 0.3, 1.0), False)
    light = trough.at(WAVELENGTH, 2.2, np.random.default_rng(0))
    rest = WAVELENGTH / 3.2
    assert light[np.abs(rest - 1505.0).argmin()] == pytest.approx(0.3)
    assert 0.3 <= light[np.abs(rest - 1357.0).argmin()] < 1.0
    assert light[rest > 1560.0].min() == 1.0


def test_narrow_absorption_is_never_a_bal():
    rng = np.random.default_rng(1)
    one = np.ones(len(WAVELENGTH))
    for _ in range(20):
        light = narrow(rng).at(WAVELENGTH, 2.2, rng)
        assert measure(WAVELENGTH, light, 1e8 * one, one, 2.2).bi < 10.0


def test_noise_is_added_down_to_the_ratio_asked_for():
    rng = np.random.default_rng(2)
    flux = 10.0 + rng.normal(size=len(WAVELENGTH))
    spectrum = Spectrum(np.log10(WAVELENGTH), flux, np.ones(len(flux)))
    assert noisier(spectrum, 2.0, rng).median_sn() == pytest.approx(2.0, rel=0.1)
    assert noisier(spectrum, 20.0, rng) is spectrum


def _case(group, share, bi, sn=5.0):
    absorption = Absorption(bi=bi, bi_err=50.0, sn=sn, coverage=1.0)
    case = Case("a", 3, "QSO", group, -1, bi, 2.0, sn=sn)
    case.share, case.absorption = share, absorption
    return case


def test_weights_make_the_shares():
    known = [_case("none", 0.1, 0.0)] * 5 + [_case("bal", 0.9, 900.0)] * 3 + [
        _case("narrow", 0.1, 0.0), _case("", 0.5, 0.0)]  # fmt: skip
    weight = weights(known)
    assert weight[5:8].sum() / weight.sum() == pytest.approx(SHARES["bal"])
    assert weight[-1] == 0.0


def test_the_regression_finds_what_made_the_truth():
    rng = np.random.default_rng(3)
    known = []
    for _ in range(3000):
        bal = rng.random() < 0.5
        share = 1.0 / (1.0 + np.exp(-rng.normal(2.0 if bal else -2.0, 2.0)))
        found = rng.random() < (0.7 if bal else 0.05)
        known.append(_case("bal" if bal else "none", share, 900.0 * found))
    parameters, loss = fit_share(known, 0.5)
    assert parameters.network == pytest.approx(1.0, abs=0.25)  # Gaussians at +-2 of width 2
    assert parameters.index > 0.5
    assert 0.0 < loss < 0.3
    p = np.array([absorbed_share(c.share, c.absorption, c.sn, parameters) for c in known])
    truth = np.array([c.group == "bal" for c in known], float)
    assert calibration_error(p, truth, weights(known)) < 0.05


def test_calibration_error_of_a_coin():
    p = np.full(1000, 0.75)
    truth = np.arange(1000) % 2.0
    assert calibration_error(p, truth, np.ones(1000)) == pytest.approx(0.25)


def test_the_page_has_a_row_for_each_figure():
    rate = {"count": 9, "n": 10, "value": 0.9, "low": 0.6, "high": 0.98}
    names = [name for _, name, _ in _ROWS]
    combined = dict.fromkeys(names, rate) | {"calibration error": 0.0263}
    moved = {"bias": -3.4, "its error": 19.2, "scatter": 175.5}
    part = {"network alone": {"calibration error": 0.07}, "network and measurement": combined,
            "redshifts": {"S/N 1 to 3": moved}}  # fmt: skip
    epoch = {"rms of eight epochs, median": 73.1, "quasars": 16, "90 % below": 216.2}
    result = {"a": part, "b": part, "eight epochs of one quasar": {"folds 2 to 4": epoch}}
    text = as_markdown(result, ["a", "b"])
    assert text.startswith("| | a | b |\n|---|---|---|\n")
    cell = "90 % (60 to 98), 9 of 10"
    assert f"| BI of these within 20 % or 2 sigma | {cell} | {cell} |" in text
    assert f"| real BAL quasars (visual): called BAL | {cell} |  |" in text
    assert "| expected calibration error of P_BAL | 0.026 | 0.026 |" in text
    assert "| -3 (19), 176 | -3 (19), 176 |" in text
    assert "73 km/s in the median of 16 quasars, 90 % below 216." in text
