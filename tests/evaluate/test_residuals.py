import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.errors import InputError
from huggins.evaluate import nmad, redshift_residuals, velocity


def test_velocity_is_c_dz_over_one_plus_z():
    assert velocity([0.001, 1.001], [0.0, 1.0]).tolist() == pytest.approx(
        [299.792458, 149.896229]
    )


@given(st.floats(-0.01, 7.0), st.floats(-0.5, 0.5))
def test_velocity_has_the_sign_of_the_difference(z, shift):
    dv = velocity([z + shift], [z])[0]
    assert math.copysign(1.0, dv) == math.copysign(1.0, (z + shift) - z) or dv == 0.0


def test_shares_count_a_missing_redshift_as_wrong():
    c = 299792.458
    truth = np.zeros(6)
    z = np.array([50.0, 100.0, -250.0, 2900.0, 5000.0, math.nan]) / c
    found = redshift_residuals(z, truth)
    assert (found.n, found.missing) == (6, 1)
    assert [r.count for r in (found.within_100, found.within_300, found.within_3000)] == [
        2,
        3,
        4,
    ]
    assert {r.n for r in (found.within_100, found.within_300, found.within_002)} == {6}
    assert found.within_002.count == 5  # 0.02 c is 5996 km/s
    assert found.median_abs_dv.value == pytest.approx(250.0)
    assert found.median_dv.value == pytest.approx(100.0)


def test_nmad_is_sigma_and_deaf_to_catastrophes():
    rng = np.random.default_rng(1)
    values = rng.normal(5.0, 3.0, size=20_000)
    values[:200] = 1e6
    assert nmad(values).value == pytest.approx(3.0, rel=0.03)


@pytest.mark.slow
def test_honest_errors_have_a_pull_of_one():
    rng = np.random.default_rng(2)
    z_true = rng.uniform(0.5, 3.0, size=5000)
    z_err = rng.uniform(1e-4, 1e-3, size=5000)
    z = z_true + z_err * rng.normal(size=5000)
    honest = redshift_residuals(z, z_true, z_err)
    assert honest.pull_width.low < 1.0 < honest.pull_width.high
    assert honest.pull_median.low < 0.0 < honest.pull_median.high
    boastful = redshift_residuals(z, z_true, z_err / 2.0)
    assert boastful.pull_width.value == pytest.approx(2.0 * honest.pull_width.value)


def test_pulls_leave_out_catastrophes_and_missing_errors():
    z_true = np.ones(4)
    z = np.array([1.001, 1.0, 1.5, 1.0])
    found = redshift_residuals(z, z_true, [0.001, 0.001, 0.001, math.nan])
    assert found.pull_width.n == 2
    assert redshift_residuals(z, z_true).pull_width.n == 0


def test_nothing_to_compare_is_not_a_number():
    found = redshift_residuals([], [])
    assert found.n == 0
    assert math.isnan(found.median_abs_dv.value)
    assert math.isnan(redshift_residuals([math.nan], [1.0]).nmad.value)


def test_bad_truth_is_refused():
    with pytest.raises(InputError, match="above -1"):
        redshift_residuals([0.0], [math.nan])
    with pytest.raises(InputError, match="above -1"):
        redshift_residuals([0.0], [-1.0])
    with pytest.raises(InputError, match="one length"):
        redshift_residuals([0.0], [0.0, 1.0])
