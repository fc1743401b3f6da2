import numpy as np
import pytest

import huggins
from huggins.errors import ModelError
from huggins.view.features import (
    FeatureNetwork,
    hidden_layer,
    nearest,
    of_rows,
    principal_plane,
    with_output,
)
from huggins.weights import find


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


def test_features_of_the_shipped_network_tell_the_classes(results):
    told = []
    found = of_rows(results, len(results), "huggins", told.append)
    assert found.shape[0] == len(results)
    assert np.isfinite(found).all()
    assert told == [len(results)]
    rows, distance = nearest(found, 0, 3)
    assert rows[0] == 0
    assert distance[0] == 0.0
    assert results.value("SUBCLASS", rows[1]) in ("QSO", "BAL")


def test_a_spectrum_that_cannot_be_read_has_none(results):
    results.table.values["FILE"][2] = "gone.fits"
    found = of_rows(results, 4, "huggins", lambda done: None)
    assert np.isnan(found[2]).all()
    assert np.isfinite(found[[0, 1, 3]]).all()
    rows, _ = nearest(found, 0, 10)
    assert 2 not in rows
    plane = principal_plane(found)
    assert np.isnan(plane[2]).all()
    assert np.isfinite(plane[[0, 1, 3]]).all()


def test_the_plane_is_that_of_largest_spread():
    rng = np.random.default_rng(0)
    x = np.zeros((200, 5), np.float32)
    x[:, 1] = x[:, 2] = x[:, 3] = rng.normal(size=200)
    x[:, 4] = rng.normal(size=200)
    plane = principal_plane(x)
    assert abs(np.corrcoef(plane[:, 0], x[:, 1])[0, 1]) > 0.999
    assert abs(np.corrcoef(plane[:, 1], x[:, 4])[0, 1]) > 0.99


def test_too_few_points_have_no_plane():
    np.testing.assert_array_equal(principal_plane(np.ones((2, 4), np.float32)), 0.0)


def test_the_shipped_network_is_what_is_used():
    assert FeatureNetwork(find("huggins"))
    assert huggins.load_model().name == "huggins"
