import numpy as np
import pytest

from huggins.errors import ModelError
from huggins.inference.features import FeatureNetwork, hidden_layer, with_output


def test_the_last_hidden_layer_is_found(model_path):
    assert hidden_layer(model_path.read_bytes()) == "features"
    with pytest.raises(ModelError, match="no layer"):
        hidden_layer(b"")


def test_one_more_output_is_what_the_network_computes_from(model_path, model):
    contract = model.metadata.contract
    rng = np.random.default_rng(1)
    tensor = rng.normal(size=(3, len(contract.channels), contract.grid.size)).astype(np.float32)
    found = FeatureNetwork(model_path)(tensor)
    # The tiny network's features are the means of its channels.
    np.testing.assert_allclose(found, tensor.mean(axis=2), rtol=1e-4, atol=1e-6)


def test_the_appended_output_is_one_more_output(model_path):
    import onnx

    content = with_output(model_path.read_bytes(), "features")
    graph = onnx.load_from_string(content).graph
    assert [o.name for o in graph.output] == ["class", "redshift", "features"]
