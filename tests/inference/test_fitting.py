"""The fit of many batches: in this process, in others, and when something breaks."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from huggins.demo import mocks
from huggins.errors import HugginsError
from huggins.inference import fitting, load_model
from huggins.inference.fitting import FitPool, fit, load_fitter
from huggins.inference.runner import Settings, run_spectra
from huggins.inference.table import NUMBERS, Rows
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


@pytest.fixture
def worker(monkeypatch):
    """A context that fits in one other process from the first spectrum on."""
    monkeypatch.setattr(fitting, "FEW", 0)
    with FitPool(2) as fits:
        yield fits


def started(fits):
    return [w._process for w in fits._workers if w._process is not None]


@pytest.mark.slow
def test_another_process_gives_the_same_bit_for_bit(worker, spectra, prediction, model):
    grid = model.metadata.redshift
    here = fit(load_fitter(), spectra, prediction.probabilities, prediction.density, grid)
    there = worker.fit(spectra, prediction, grid)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(there, name), getattr(here, name), name)
    # Ctrl-C at the terminal reaches every process; it is for the parent to decide.
    (process,) = started(worker)
    process.send_signal(signal.SIGINT)
    again = worker.fit(spectra[:2], replace_rows(prediction, 2), grid)
    np.testing.assert_array_equal(again.z, here.z[:2])
    worker.close()
    assert process.returncode == -signal.SIGKILL


def replace_rows(prediction, count):
    return replace(
        prediction,
        probabilities=prediction.probabilities[:count],
        density=prediction.density[:count],
    )


def test_a_process_whose_parent_is_gone_ends(worker, spectra, prediction, model):
    worker.fit(spectra[:2], replace_rows(prediction, 2), model.metadata.redshift)
    (process,) = started(worker)
    process.stdin.close()
    assert process.wait(20) == 0


@pytest.mark.slow
def test_a_process_that_is_gone_is_reported(worker, spectra, prediction, model):
    few = replace_rows(prediction, 2)
    worker.fit(spectra[:2], few, model.metadata.redshift)
    (process,) = started(worker)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(20)
    # The other worker comes first in the queue.
    worker.fit(spectra[:2], few, model.metadata.redshift)
    with pytest.raises(HugginsError, match=r"status -9.*give fewer --jobs"):
        worker.fit(spectra[:2], few, model.metadata.redshift)


def test_few_spectra_start_no_process(spectra, prediction, model):
    with FitPool(4) as fits:
        fits.fit(spectra, prediction, model.metadata.redshift)
        assert started(fits) == []


@pytest.mark.slow
def test_jobs_and_batches_change_nothing(spectra, model, monkeypatch):
    def rows(**settings):
        return Rows.join(list(run_spectra(iter(spectra), model, Settings(**settings))))

    plain = rows(jobs=1)
    monkeypatch.setattr(fitting, "FEW", 2)
    shared = rows(jobs=2, batch_size=2)
    assert shared.texts == plain.texts
    for name in NUMBERS.names:
        # Network probabilities of batches of other sizes may differ in the last bit.
        np.testing.assert_allclose(shared.numbers[name], plain.numbers[name], rtol=1e-5)


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
        np.testing.assert_array_equal(getattr(found, name)[others], getattr(good, name)[others])
    assert "the fit failed: LinAlgError('Singular matrix')" in caplog.text


def test_a_network_without_redshifts_proposes_classes_alone(tmp_path, spectra):
    model = load_model(write_model(tmp_path / "m.onnx", redshift=None, favour="QSO"))
    rows = Rows.join(list(run_spectra(iter(spectra[:1]), model, Settings(jobs=1))))
    assert np.isnan(rows.numbers["Z_NET"][0])
    # The first mock is a quasar at z = 1.914.
    assert rows.numbers["Z"][0] == pytest.approx(1.914, abs=0.01)
