"""huggins' network: shapes, and that position is kept."""

import torch

from huggins.model.standard import Standard, StandardConfig

SMALL = StandardConfig(widths=(4, 8), kernels=(5, 3), blocks=1, hidden=16)


def test_shapes_of_the_scores():
    scores, redshift = Standard(4, 961, 14, 992, SMALL).eval()(torch.zeros(3, 4, 961))
    assert scores.shape == (3, 14)
    assert redshift.shape == (3, 992)


def test_the_default_fits_its_budget():
    network = Standard(4, 960, 14, 992, StandardConfig())
    assert sum(p.numel() for p in network.parameters()) * 4 < 8e6


def test_a_line_moved_by_one_pixel_changes_the_redshift_scores():
    torch.manual_seed(0)
    network = Standard(4, 960, 14, 992, SMALL).eval()
    x = torch.zeros(2, 4, 960)
    x[0, :, 400] = 5.0
    x[1, :, 401] = 5.0
    with torch.no_grad():
        redshift = network(x)[1]
    assert (redshift[0] - redshift[1]).abs().max() > 1e-4
