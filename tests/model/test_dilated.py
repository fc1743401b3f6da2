"""The dilated network: shapes, size, and how far it sees."""

import torch

from huggins.model.dilated import Dilated, DilatedConfig

SMALL = DilatedConfig(width=4, last=4, hidden=8)


def test_shapes_of_the_scores():
    scores, redshift = Dilated(4, 960, 14, 992, SMALL).eval()(torch.zeros(3, 4, 960))
    assert scores.shape == (3, 14)
    assert redshift.shape == (3, 992)


def test_an_input_of_another_length_fits_too():
    assert Dilated(4, 937, 14, 992, SMALL).eval()(torch.zeros(2, 4, 937))[0].shape == (2, 14)


def test_the_default_fits_its_budget():
    network = Dilated(4, 960, 14, 992, DilatedConfig())
    assert sum(p.numel() for p in network.parameters()) * 4 < 8e6


def test_blocks_put_distant_pixels_together():
    torch.manual_seed(0)
    blocks = Dilated(4, 960, 14, 992, SMALL).eval().features[:8]
    with torch.no_grad():
        for value in blocks.parameters():
            value.abs_()  # no unit is silent
    x = torch.ones(1, 4, 960, requires_grad=True)
    blocks(x)[0, :, 120].sum().backward()
    seen = x.grad.abs().sum(dim=1)[0].nonzero()[:, 0]
    # 1 + 2 + 4 + 8 + 16 pixels of a quarter's resolution to either side, and the stem's own.
    assert int(seen.max() - seen.min()) > 200
