"""The letters of stars, to which two networks add, and their subtypes in a batch."""

from __future__ import annotations

import numpy as np
import pytest

import huggins
from huggins.demo.mocks import load as load_mocks
from huggins.inference import subtypes as module
from huggins.inference.details import predict
from huggins.inference.network import load_model
from huggins.inference.subtypes import Subtypes, with_letters
from huggins.prepare import SEED, STANDARD
from huggins.taxonomy import INDEX, SEQUENCE

LETTERS = [INDEX[name] for name in SEQUENCE]


@pytest.fixture(scope="module")
def mocks():
    return [example.spectrum for example in load_mocks()]


@pytest.fixture(scope="module")
def asked(mocks):
    """The model, its prediction, and what the subtypes are read from."""
    model = load_model()
    contract = model.metadata.contract
    flux, ivar = contract.rebin(mocks)
    prediction = model.run(contract.tensor(flux, ivar))
    return model, prediction, (mocks, flux, ivar, contract)


def test_only_the_shares_of_letters_change(asked):
    _, prediction, inputs = asked
    found = with_letters(prediction, Subtypes(*inputs)).probabilities
    before = prediction.probabilities
    others = [n for n in range(13) if n not in LETTERS]
    assert np.array_equal(found[:, others], before[:, others])
    np.testing.assert_allclose(
        found[:, LETTERS].sum(axis=1), before[:, LETTERS].sum(axis=1), rtol=1e-12
    )
    stars = before[:, LETTERS].sum(axis=1) > 0.9
    assert (np.abs(found - before)[stars].max(axis=1) > 1e-4).any()


def test_what_is_no_star_is_not_looked_at(asked, monkeypatch):
    _, prediction, inputs = asked
    looked = []

    def run(layers, x):
        looked.append(len(x))
        return np.full((len(x), 80), 1.0 / 80.0)

    monkeypatch.setattr(module, "run", run)
    subtypes = Subtypes(*inputs)
    with_letters(prediction, subtypes)
    stars = np.flatnonzero(prediction.probabilities[:, LETTERS].sum(axis=1) > 0.01)
    assert looked == [len(stars)]
    subtypes.of(stars)
    assert len(looked) == 1  # once is enough
    assert len(stars) < len(inputs[0])


def test_the_table_and_the_details_say_the_same(mocks, asked):
    model, _, _ = asked
    table = huggins.classify(mocks, redshift=False)
    for row, spectrum in zip(table, mocks, strict=True):
        probabilities = predict(model, spectrum).probabilities[0]
        said = [row[f"P_{name}"] for name in SEQUENCE]
        assert probabilities[LETTERS] == pytest.approx(said, abs=2e-6)


def test_another_grid_gives_the_same(asked):
    _, _, inputs = asked
    spectra = inputs[0]
    assert SEED.grid != STANDARD.grid
    other = Subtypes(spectra, *SEED.rebin(spectra), SEED)
    every = np.arange(len(spectra))
    assert np.array_equal(other.of(every), Subtypes(*inputs).of(every))
