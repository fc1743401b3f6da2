"""The exported file is the network, with its description inside."""

import numpy as np
import pytest
import torch

from huggins.errors import ModelError
from huggins.inference import load_model
from huggins.model.seed import Seed, SeedConfig
from huggins.model.standard import Standard, StandardConfig
from huggins.prepare import SEED, STANDARD
from huggins.taxonomy import ALL_CLASSES, CLASSES
from huggins.train.export import export
from huggins.weights import Metadata, RedshiftGrid

SMALL = StandardConfig(widths=(4, 4, 4), kernels=(5, 3, 3), blocks=1, hidden=8)


def standard_metadata():
    return Metadata("test", "0", ALL_CLASSES, STANDARD, RedshiftGrid(), threshold=0.37)


def test_onnx_runtime_gives_the_networks_scores(tmp_path):
    network = Standard(4, 960, 14, 992, SMALL).eval()
    export(network, standard_metadata(), tmp_path / "a.onnx")
    model = load_model(tmp_path / "a.onnx")
    assert model.metadata == standard_metadata()
    rng = np.random.default_rng(0)
    flux = rng.normal(1.0, 0.2, (7, 960))
    found = model.predict(flux, np.full((7, 960), 25.0))
    tensor = STANDARD.tensor(flux, np.full((7, 960), 25.0))
    with torch.no_grad():
        scores = torch.softmax(network(torch.from_numpy(tensor))[0].double(), dim=1).numpy()
    assert found.none == pytest.approx(scores[:, 13], abs=1e-4)
    assert found.probabilities == pytest.approx(
        scores[:, :13] / scores[:, :13].sum(axis=1, keepdims=True), abs=1e-4
    )
    assert np.isfinite(found.z).all()


def test_the_seed_goes_without_redshift(tmp_path):
    network = Seed(1, 433, 13, SeedConfig(filters=4)).eval()
    export(network, Metadata("seed", "0", CLASSES, SEED), tmp_path / "s.onnx")
    found = load_model(tmp_path / "s.onnx").predict(np.ones((2, 433)))
    assert np.isnan(found.z).all()
    assert found.none.max() < 1e-9


def test_a_file_that_computes_something_else_is_not_kept(tmp_path):
    class Odd(Standard):
        calls = 0.0

        def forward(self, x):
            scores, redshift = super().forward(x)
            self.calls += 1.0  # tracing freezes the value of its own call
            return scores + self.calls, redshift

    with pytest.raises(ModelError, match="scores differ"):
        export(Odd(4, 960, 14, 992, SMALL).eval(), standard_metadata(), tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []
