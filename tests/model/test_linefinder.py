"""The line finder: shapes, and that a line found in its box speaks for the right redshift."""

import numpy as np
import torch

from huggins.lines import EMISSION
from huggins.model.linefinder import LINES, LineFinder, LineFinderConfig
from huggins.prepare import STANDARD
from huggins.weights import RedshiftGrid

SMALL = LineFinderConfig(filters=4, hidden=8)
GRID, BINS = STANDARD.grid, RedshiftGrid()


def network(config=SMALL):
    torch.manual_seed(0)
    return LineFinder(4, 14, GRID, BINS, config).eval()


def test_shapes_of_the_scores():
    scores, redshift = network()(torch.zeros(3, 4, GRID.size))
    assert scores.shape == (3, 14)
    assert redshift.shape == (3, BINS.size)


def test_it_is_smaller_than_the_shipped_limit():
    default = network(LineFinderConfig())
    assert sum(p.numel() for p in default.parameters()) * 4 < 8e6


def test_a_line_in_its_box_gives_its_redshift():
    z = 1.31
    line = list(LINES).index(EMISSION["Mg II"])
    at = (np.log10(EMISSION["Mg II"] * (1.0 + z)) - GRID.start) / (GRID.step * GRID.size)
    box, place = divmod(float(at) * SMALL.boxes, 1.0)
    net = network()
    with torch.no_grad():
        for layer in (net.confidence, net.offset, net.rest):
            layer.weight.zero_()
            layer.bias.fill_(-20.0 if layer is net.confidence else 0.0)
        cell = line * SMALL.boxes + int(box)
        net.confidence.bias[cell] = 20.0
        net.offset.bias[cell] = float(np.log(place / (1.0 - place)))
        redshift = net(torch.zeros(1, 4, GRID.size))[1][0]
    assert abs(np.expm1(BINS.centres[int(redshift.argmax())]) - z) < 0.003


def test_lines_outside_the_spectrum_say_nothing():
    net = network()
    far = int(np.abs(np.log1p(5.5) - BINS.centres).argmin())
    seen = {round(LINES[i], 2) for i in np.flatnonzero(net.inside[:, far].numpy())}
    assert seen == {1215.67, 1549.06}
