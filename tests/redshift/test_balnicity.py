"""C IV absorption, against integrals done by hand."""

import numpy as np
import pytest

import huggins
from huggins.constants import SPEED_OF_LIGHT
from huggins.redshift import load_basis
from huggins.redshift.balnicity import COLUMNS, measure, outflow_velocity
from huggins.taxonomy import INDEX

Z = 2.0
WAVELENGTH = 10.0 ** (np.arange(35600, 40000) * 1e-4)
VELOCITY = outflow_velocity(WAVELENGTH, Z)
ONE = np.ones(len(WAVELENGTH))


def _box(low, high, depth, wavelength=WAVELENGTH):
    v = outflow_velocity(wavelength, Z)
    return np.where((v > low) & (v < high), 1.0 - depth, 1.0)


def _measure(flux, *, error=0.01, continuum=ONE, bad=None):
    ivar = np.full(len(flux), error**-2.0)
    if bad is not None:
        ivar[bad] = 0.0
    return measure(WAVELENGTH, flux * continuum, ivar, continuum, Z)


def test_velocities_are_relativistic_and_positive_for_outflow():
    # Doppler: wavelength / rest = sqrt((1 - beta) / (1 + beta)) at the quasar.
    beta = 0.05
    wavelength = 1549.06 * 3.0 * np.sqrt((1.0 - beta) / (1.0 + beta))
    assert outflow_velocity(np.array([wavelength]), Z)[0] == pytest.approx(
        beta * SPEED_OF_LIGHT
    )
    assert outflow_velocity(np.array([1560.0 * 3.0]), Z)[0] < 0


def test_a_box_has_the_indices_of_the_definition():
    absorption = _measure(_box(5000.0, 12000.0, 0.6))
    inside = 1.0 - 0.4 / 0.9
    assert absorption.bi == pytest.approx(inside * (7000.0 - 2000.0), rel=0.06)
    assert absorption.ai == pytest.approx(inside * (7000.0 - 450.0), rel=0.06)
    assert absorption.troughs == 1
    assert absorption.v_min == pytest.approx(5000.0, abs=150.0)
    assert absorption.v_max == pytest.approx(12000.0, abs=150.0)


@pytest.mark.parametrize(
    ("low", "high", "bi", "ai"),
    [
        (5000.0, 6600.0, False, True),  # too narrow for BI
        (1000.0, 4500.0, False, True),  # only 1,500 km/s of it beyond 3,000
        (1000.0, 6000.0, True, True),
        (-2000.0, -500.0, False, False),  # inflow
        (26000.0, 29000.0, False, False),
        (5000.0, 5070.0, False, False),
    ],
)
def test_what_counts(low, high, bi, ai):
    absorption = _measure(_box(low, high, 0.8))
    assert (absorption.bi > 0) is bi
    assert (absorption.ai > 0) is ai


def test_what_noise_breaks_or_hides_is_in_the_error():
    flux = _box(5000.0, 12000.0, 0.4)
    exact = _measure(flux, error=1e-6).bi
    rng = np.random.default_rng(3)
    found = []
    for _ in range(60):
        noisy = flux + rng.normal(0.0, 0.7, len(flux))
        one = _measure(noisy, error=0.7)
        found.append((one.bi, one.bi_err))
    value, error = np.array(found).T
    assert np.median(value) < 0.7 * exact
    assert np.mean(np.abs(value - exact) < 2.0 * error) > 0.8
    hidden = value == 0.0
    assert (error[hidden] > 0.0).all()


def test_without_noise_an_index_of_0_has_no_error():
    assert _measure(ONE).bi_err == 0.0
    # A continuum 5 % brighter makes a trough of what lies 7 % low.
    assert _measure(_box(5000.0, 12000.0, 0.07)).bi_err > 0.0


def test_shallow_troughs_do_not_count():
    assert _measure(_box(5000.0, 12000.0, 0.08)).ai == 0.0


def test_errors_are_noise_and_continuum():
    flux = _box(5000.0, 12000.0, 0.6)
    quiet, loud = _measure(flux, error=1e-6), _measure(flux, error=0.3)
    # 5 % of the light left in it; it lies clear of 3,000 km/s, so z does not matter.
    continuum = 0.05 * 0.4 / 0.9 * 5140.0
    assert quiet.bi_err == pytest.approx(continuum, rel=0.3)
    noise = 0.3 / 0.9 * 69.0 * np.sqrt(5140.0 / 69.0)
    assert loud.bi_err == pytest.approx(np.hypot(noise, continuum), rel=0.1)


def test_a_trough_across_3000_km_s_depends_on_the_redshift():
    flux = _box(1000.0, 9000.0, 0.9)
    depth = 1.0 - 0.1 / 0.9
    assert _measure(flux, error=1e-6).bi_err == pytest.approx(300.0 * depth, rel=0.1)
    far = measure(WAVELENGTH, flux, 1e12 * ONE, ONE, Z, 0.01)
    assert far.bi_err == pytest.approx(SPEED_OF_LIGHT * 0.01 / 3.0 * depth, rel=0.1)


def test_two_troughs_and_the_widest():
    flux = _box(3500.0, 6500.0, 0.5) * _box(10000.0, 16000.0, 0.5)
    absorption = _measure(flux)
    assert absorption.troughs == 2
    assert (absorption.v_min, absorption.v_max) == pytest.approx((10000.0, 16000.0), abs=200.0)


def test_bad_pixels_inside_a_trough_change_little():
    flux = _box(5000.0, 12000.0, 0.6)
    place = int(np.abs(VELOCITY - 8000.0).argmin())
    damaged = flux.copy()
    damaged[place : place + 6] = 1e6
    absorption = _measure(damaged, bad=slice(place, place + 6))
    assert absorption.bi == pytest.approx(_measure(flux).bi, rel=0.02)


def test_a_wide_gap_ends_a_trough():
    flux = _box(5000.0, 12000.0, 0.6)
    place = int(np.abs(VELOCITY - 8000.0).argmin())
    absorption = _measure(flux, bad=slice(place, place + 20))
    assert absorption.troughs == 2
    assert absorption.bi < 0.8 * _measure(flux).bi


def test_nothing_is_said_where_too_little_was_observed():
    flux = _box(5000.0, 12000.0, 0.6)
    assert np.isnan(_measure(flux, bad=VELOCITY > 12000.0).bi)
    assert np.isnan(_measure(flux, continuum=-ONE).bi)
    assert np.isnan(measure(WAVELENGTH, ONE, ONE, ONE, 0.3).ai)


def test_why_nothing_is_said_is_said():
    flux = _box(5000.0, 12000.0, 0.6)
    part = _measure(flux, bad=VELOCITY > 12000.0)
    assert "48 % of 0 to 25,000 km/s was observed" in part.note
    assert part.coverage == pytest.approx(0.48, abs=0.01)
    assert "continuum" in _measure(flux, continuum=-ONE).note
    assert "outside the spectrum" in measure(WAVELENGTH, ONE, ONE, ONE, 0.3).note
    assert "outside the spectrum" in _measure(flux, bad=VELOCITY > -1e6).note
    assert _measure(flux).note == ""


@pytest.mark.parametrize(
    ("bad", "v_min", "v_max"),
    [
        (VELOCITY > 20000.0, True, False),
        (VELOCITY < 5000.0, False, True),
        (np.abs(VELOCITY - 21000.0) < 1000.0, True, False),
    ],
)
def test_a_trough_at_the_edge_of_the_data_has_no_end_there(bad, v_min, v_max):
    absorption = _measure(_box(4000.0, 24000.0, 0.6), bad=bad)
    assert absorption.bi > 0
    assert np.isfinite(absorption.v_min) == v_min
    assert np.isfinite(absorption.v_max) == v_max
    assert "edge of the data" in absorption.note


def test_the_limits_of_the_definition_are_no_edge_of_the_data():
    absorption = _measure(_box(-1000.0, 30000.0, 0.6))
    assert absorption.v_min == pytest.approx(0.0, abs=100.0)
    assert absorption.v_max == pytest.approx(25000.0, abs=100.0)
    assert absorption.note == ""


def test_noise_of_an_unabsorbed_quasar_is_no_bal():
    rng = np.random.default_rng(1)
    found = [_measure(1.0 + 0.2 * rng.normal(size=len(ONE)), error=0.2).bi for _ in range(50)]
    assert max(found) == 0.0


def test_the_table_has_them_for_quasars_with_c_iv():
    mean = load_basis().quasar
    rest = (mean.start + np.arange(mean.vectors.shape[1])) * 1e-4
    wavelength = 10.0 ** (3.56 + 1e-4 * np.arange(4400))
    flux = 10.0 * np.interp(np.log10(wavelength / 3.0), rest, mean.vectors[0])
    v = outflow_velocity(wavelength, Z)
    absorbed = np.where((v > 6000) & (v < 14000), 0.3 * flux, flux)
    error = 0.05 * np.full(len(flux), np.median(flux))
    noise = error * np.random.default_rng(2).normal(size=len(flux))
    plain, bal = huggins.classify(
        [(wavelength, flux + noise, error), (wavelength, absorbed + noise, error)]
    )
    assert plain["BI_CIV"] == 0
    expected = (1.0 - 0.3 / 0.9) * 6000.0
    assert bal["BI_CIV"] == pytest.approx(
        expected, abs=max(0.2 * expected, 2 * bal["BI_CIV_ERR"])
    )
    assert bal["VMIN_CIV"] == pytest.approx(6000.0, abs=800.0)
    assert bal["VMAX_CIV"] == pytest.approx(14000.0, abs=800.0)


def test_what_is_no_quasar_has_none():
    shape, star = load_basis().star, 10.0 ** (3.56 + 1e-4 * np.arange(4000))
    flux = np.interp(
        np.log10(star),
        (shape.start + np.arange(shape.vectors.shape[1])) * 1e-4,
        shape.vectors[list(shape.classes).index(INDEX["K"])],
    )
    row = huggins.classify((star, flux, 0.02 * flux))[0]
    assert row["CLASS"] == "STAR"
    for name in COLUMNS:
        assert np.ma.is_masked(row[name])
