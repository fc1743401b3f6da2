"""The seed's network is the seed's exactly."""

import pytest
import torch

from huggins.model.seed import Seed, SeedConfig


def test_parameter_count_is_that_of_the_published_weights():
    network = Seed(1, 433, 13, SeedConfig())
    assert sum(p.numel() for p in network.parameters()) == 327_813


def test_scores_and_no_redshift():
    scores, redshift = Seed(1, 433, 13, SeedConfig()).eval()(torch.zeros(3, 1, 433))
    assert scores.shape == (3, 13)
    assert redshift is None


@pytest.mark.slow
def test_convolutions_along_two_axes_are_those_along_one():
    torch.manual_seed(0)
    network = Seed(1, 433, 13, SeedConfig(dropout=0.0))
    x = torch.randn(5, 1, 433)
    training, plain = network.train()(x)[0], network.eval()(x)[0]
    torch.testing.assert_close(training, plain, rtol=1e-4, atol=1e-6)


def test_depth_is_a_setting():
    network = Seed(1, 433, 13, SeedConfig(kernels=(14, 12, 10, 8, 6)))
    assert network(torch.zeros(2, 1, 433))[0].shape == (2, 13)
