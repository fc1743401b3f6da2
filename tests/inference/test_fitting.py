"""The fit of a batch, and when something breaks."""

from __future__ import annotations

import numpy as np
import pytest

from huggins.demo import mocks
from huggins.inference import Settings, load_model
from huggins.inference.fitting import fit, load_fitter
from huggins.inference.runner import run_spectra
from huggins.inference.table import Rows
from huggins.quality import ZWarning
from huggins.redshift import Fit
from tiny_model import write_model

ARRAYS = [name for name in Fit.__slots__ if name not in ("solutions", "causes", "measured")]


@pytest.fixture(scope="module")
def spectra():
    return [example.spectrum for example in mocks.load()[::4]]


@pytest.fixture(scope="module")
def prediction(spectra, model):
    contract = model.metadata.contract
    return model.run(contract.tensor(*contract.rebin(spectra)))


class Fragile:
    """A fitter that fails at one spectrum."""

    def __init__(self, bad):
        self.bad = bad

    def fit(self, spectra, *args, **kwargs):
        if any(spectrum is self.bad for spectrum in spectra):
            raise np.linalg.LinAlgError("Singular matrix")
        return load_fitter().fit(spectra, *args, **kwargs)


@pytest.mark.slow
def test_one_failure_spoils_no_other(spectra, prediction, model, caplog):
    grid = model.metadata.redshift
    given = (spectra, prediction.probabilities, prediction.density, grid)
    good = fit(load_fitter(), *given)
    found = fit(Fragile(spectra[1]), *given)
    assert found.zwarning[1] == ZWarning.BAD_MINFIT
    assert np.isnan(found.z[1])
    assert found.solutions[1] == (None, None)
    assert found.causes[1] == {ZWarning.BAD_MINFIT: "the fit failed"}
    assert len(found.causes) == len(spectra)
    np.testing.assert_array_equal(found.probabilities[1], prediction.probabilities[1])
    others = np.arange(len(spectra)) != 1
    for name in ARRAYS:
        # Sums over several spectra at once are rounded otherwise.
        mine, other = getattr(found, name)[others], getattr(good, name)[others]
        if mine.dtype.names:
            np.testing.assert_array_equal(mine, other)
        else:
            np.testing.assert_allclose(mine, other, rtol=1e-9)
    assert "the fit failed: LinAlgError('Singular matrix')" in caplog.text


def test_a_network_without_redshifts_proposes_classes_alone(tmp_path, spectra):
    model = load_model(write_model(tmp_path / "m.onnx", redshift=None, favour="QSO"))
    rows = Rows.join(list(run_spectra(iter(spectra[:1]), model, Settings(jobs=1))))
    assert np.isnan(rows.numbers["Z_NET"][0])
    # The first mock is a quasar at z = 1.914.
    assert rows.numbers["Z"][0] == pytest.approx(1.914, abs=0.01)
