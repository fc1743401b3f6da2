"""Training goes on from weights, whatever file they are in."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from huggins.errors import ModelError
from huggins.model.dilated import DilatedConfig
from huggins.model.linefinder import LineFinderConfig
from huggins.model.seed import SeedConfig
from huggins.model.standard import StandardConfig
from huggins.train.checkpoint import State, save
from huggins.train.config import NETWORKS, Config
from huggins.train.networks import build, description
from huggins.train.package import write_package
from huggins.train.starting import starting_weights

SMALL = Config(
    name="small",
    standard=StandardConfig(widths=(4, 6, 8, 8), kernels=(5, 3, 3, 3), blocks=1, hidden=8),
    network_seed=SeedConfig(filters=4),
    linefinder=LineFinderConfig(filters=4, hidden=8),
    dilated=DilatedConfig(width=4, last=4, hidden=8),
)


def trained(config):
    """A network whose normalisations are not those it was born with."""
    network = build(config)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                noise = torch.rand(value.shape, generator=generator)
                value.copy_(value + (0.3 * noise if "running" not in name else noise))
    return network.eval()


@pytest.fixture(scope="module", params=NETWORKS)
def package(request, tmp_path_factory):
    config = replace(SMALL, network=request.param)
    network = trained(config)
    metadata = replace(description(config), trained={"config": config.to_dict()})
    folder = tmp_path_factory.mktemp(request.param)
    return config, network, write_package(network, metadata, folder)


def same(network, config, weights):
    other = build(config)
    other.load_state_dict(weights)
    other.eval()
    pixels = 433 if config.network == "seed" else 960
    channels = 1 if config.network == "seed" else 4
    x = torch.randn(5, channels, pixels, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for mine, found in zip(network(x), other(x), strict=True):
            if mine is not None:
                np.testing.assert_allclose(found.numpy(), mine.numpy(), atol=2e-4, rtol=1e-3)


def test_safetensors_hold_the_network(package):
    config, network, path = package
    found, weights = starting_weights(Config(), path.with_suffix(".safetensors"))
    assert (found.network, found.standard) == (config.network, config.standard)
    same(network, found, weights)


def test_onnx_alone_holds_the_network(package, tmp_path):
    config, network, path = package
    alone = tmp_path / "alone.onnx"
    alone.write_bytes(path.read_bytes())
    found, weights = starting_weights(Config(), alone)
    assert found.network == config.network
    same(network, found, weights)


def test_a_checkpoint_holds_the_network(tmp_path):
    network = trained(SMALL)
    state = network.state_dict()
    save(tmp_path / "last.pt", State(SMALL, 3, state, state, {}))
    found, weights = starting_weights(Config(), tmp_path / "last.pt")
    assert found.standard == SMALL.standard
    same(network, found, weights)


def test_the_shipped_weights_can_be_trained_on():
    config, weights = starting_weights(Config(), "huggins")
    network = build(config)
    network.load_state_dict(weights)
    assert all(torch.isfinite(value).all() for value in weights.values())


def test_weights_of_another_network_are_refused(package, tmp_path):
    config, _, path = package
    model = onnx.load(path)
    entry = model.metadata_props[0]  # which says no longer what it is of
    entry.value = replace(description(config), trained={}).to_json()
    silent = tmp_path / "silent.onnx"
    onnx.save(model, silent)
    other = replace(
        SMALL,
        network="dilated" if config.network == "standard" else "standard",
        standard=StandardConfig(),
    )
    with pytest.raises(ModelError, match="weights of another network"):
        starting_weights(other, silent)
