"""P_BAL from the network and the measured absorption."""

import numpy as np
import pytest

import huggins
from factories.quasars import quasar
from huggins.redshift.absorbed import PARAMETERS, absorbed_share
from huggins.redshift.balnicity import Absorption
from huggins.spectrum import Spectrum
from huggins.taxonomy import CLASSES

CLEAR = 20.0


def _measured(bi, sn=CLEAR, coverage=1.0):
    return Absorption(bi=bi, bi_err=50.0, ai=bi, sn=sn, coverage=coverage)


def test_without_signal_it_is_the_prior_whatever_the_network_says():
    for share in (0.0, 0.92, 1.0):
        assert absorbed_share(share, _measured(0.0, sn=1e-6), 0.3) == pytest.approx(
            PARAMETERS.prior, abs=1e-6
        )


def test_a_network_that_is_sure_of_noise_is_not_believed():
    # The case that was reported: S/N 0.3, 0.92.
    assert absorbed_share(0.92, _measured(0.0, sn=0.3), 0.3) < 0.3


def test_network_and_measurement_each_move_it():
    neither = absorbed_share(0.01, _measured(0.0), CLEAR)
    measured = absorbed_share(0.01, _measured(2000.0), CLEAR)
    said = absorbed_share(0.99, _measured(0.0), CLEAR)
    both = absorbed_share(0.99, _measured(2000.0), CLEAR)
    assert neither < 0.2 * min(measured, said)
    assert max(measured, said) < both
    assert both > 0.97


def test_without_c_iv_it_is_the_prior_of_low_ionisation_absorption():
    out_of_range = Absorption()
    assert absorbed_share(0.5, out_of_range, 1e-6) == pytest.approx(PARAMETERS.unseen, abs=1e-6)
    assert absorbed_share(0.001, out_of_range, CLEAR) < 0.001


def test_part_of_the_range_lies_between_the_priors():
    half = absorbed_share(0.5, _measured(np.nan, sn=1e-6, coverage=0.5), 1.0)
    assert PARAMETERS.unseen < half < PARAMETERS.prior


def test_the_table_has_it_and_its_columns_sum_to_one():
    rng = np.random.default_rng(5)
    spectra = [quasar(rng, z=2.2, error=error, trough=trough)
               for error in (0.05, 3.0) for trough in (None, (5000.0, 13000.0))]  # fmt: skip
    rows = huggins.classify(spectra)
    total = sum(np.asarray(rows[f"P_{name}"], np.float64) for name in CLASSES)
    np.testing.assert_allclose(total, 1.0, atol=1e-5)
    assert list(rows["SUBCLASS"][:2]) == ["QSO", "BAL"]
    plain, bal, *faint = rows["P_BAL"] / (rows["P_QSO"] + rows["P_BAL"])
    assert plain < 0.1
    assert bal > 0.95
    assert all(0.02 < share < 0.6 for share in faint)


def test_without_the_fit_the_network_is_left_alone():
    spectrum = quasar(np.random.default_rng(5), z=2.2, error=0.05, trough=(5000.0, 13000.0))
    model = huggins.load_model()
    row = huggins.classify(spectrum, redshift=False, model=model)[0]
    contract = model.metadata.contract
    said = model.run(
        contract.tensor(
            *contract.rebin([Spectrum.from_arrays(*spectrum[:2], ivar=spectrum[2] ** -2.0)])
        )
    )
    assert row["P_BAL"] == pytest.approx(
        float(said.probabilities[0, CLASSES.index("BAL")]), abs=1e-5
    )
