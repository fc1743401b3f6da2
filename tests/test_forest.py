"""The forest's mean transmission."""

import numpy as np
import pytest

from huggins.forest import LYMAN_ALPHA, in_forest, mean_transmission


def test_transmission_is_that_of_the_published_depth():
    z = np.array([2.0, 3.0, 4.0])
    found = mean_transmission(np.log10(LYMAN_ALPHA * (1.0 + z)))
    # -ln F = 5.54e-3 (1 + z)^3.182: 0.183, 0.456, 0.928.
    assert -np.log(found) == pytest.approx([0.1827, 0.4564, 0.9283], abs=1e-3)


def test_light_redward_of_lyman_alpha_passes():
    loglam = np.log10(LYMAN_ALPHA * 4.0) + np.array([-0.01, 0.01])
    found = in_forest(loglam, np.log10([4.0, 5.0]))
    assert found[0, 1] == 1.0
    assert found[0, 0] == pytest.approx(mean_transmission(loglam)[0])
    assert (found[1] < 0.7).all()


def test_only_gas_beyond_a_redshift_is_counted():
    loglam = np.log10(LYMAN_ALPHA * (1.0 + np.array([3.0, 3.8, 4.5])))
    whole, rest = mean_transmission(loglam), mean_transmission(loglam, least=3.8)
    assert rest[0] == 1.0
    assert rest[1] == pytest.approx(1.0)
    assert rest[2] == pytest.approx(whole[2] / whole[1])
