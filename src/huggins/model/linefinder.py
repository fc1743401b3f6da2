"""A line finder after QuasarNET: it searches for each line in boxes of the spectrum.

The idea is Busca and Balland's (2018, arXiv:1808.09955): a trunk of convolutions, and for every
line and every box of the spectrum the confidence that the line lies there, with its place
inside the box. QuasarNET takes the redshift from the most confident line; here all lines
vote for every redshift, so that the output is a distribution as for the other networks, trained
with the same loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from huggins.constants import LN10
from huggins.lines import ABSORPTION, EMISSION
from huggins.model.layers import dense

if TYPE_CHECKING:
    from huggins.prepare import LogGrid
    from huggins.weights import RedshiftGrid

#: Vacuum rest wavelengths (A) of the lines: of quasars and galaxies in emission, of galaxies in
#: absorption.
LINES: Final = (
    *(EMISSION[n] for n in ("Ly α", "C IV", "C III]", "Mg II", "[O II]", "Hβ")),
    *(EMISSION[n] for n in ("[O III] 5008", "Hα")),
    *(ABSORPTION[n] for n in ("Ca K", "Ca H", "Mg b", "Na D")),
)
# How far from its place a line may lie and still vote for a redshift, in boxes of 25,000 km/s;
# a more confident line votes for a wider stretch.
_WIDTH: Final = 0.05
#: Largest |ln(1 + z)| that counts as "at rest", where a star may be.
_REST: Final = 0.005


@dataclass(frozen=True, slots=True)
class LineFinderConfig:
    """Size of the line finder.

    Attributes
    ----------
    filters, kernel, layers
        Of the trunk's convolutions, each of stride 2.
    hidden
        Units of the dense layer.
    boxes
        Boxes that the wavelength range is cut into.
    dropout
        Fraction of the dense layer's units left out in training.
    """

    filters: int = 64
    kernel: int = 9
    layers: int = 4
    hidden: int = 128
    boxes: int = 13
    dropout: float = 0.2


class LineFinder(nn.Module):
    """Class from a head of its own, redshift from the votes of the lines.

    Parameters
    ----------
    channels, classes
        Numbers of input channels and of class scores.
    grid
        Of the input, G pixels.
    redshift
        The B bins of the redshift scores.
    config
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        grid: LogGrid,
        redshift: RedshiftGrid,
        config: LineFinderConfig,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before, pixels = channels, grid.size
        for _ in range(config.layers):
            layers += [
                nn.Conv1d(
                    before,
                    config.filters,
                    config.kernel,
                    stride=2,
                    padding=config.kernel // 2,
                    bias=False,
                ),
                nn.BatchNorm1d(config.filters),
                nn.ReLU(),
            ]
            before = config.filters
            pixels = (pixels + 2 * (config.kernel // 2) - config.kernel) // 2 + 1
        self.trunk = nn.Sequential(
            *layers,
            *dense(before * pixels, config.hidden, config.dropout),
        )
        cells = len(LINES) * config.boxes
        self.confidence = nn.Linear(config.hidden, cells)
        self.offset = nn.Linear(config.hidden, cells)
        self.classes = nn.Linear(config.hidden + len(LINES), classes)
        self.rest = nn.Linear(config.hidden, 1)
        self.prior = nn.Parameter(torch.zeros(redshift.size))
        self.boxes = config.boxes
        cell, place, inside = _cells(grid, redshift, config.boxes)
        self.register_buffer("cell", torch.from_numpy(cell), persistent=False)
        self.register_buffer("place", torch.from_numpy(place), persistent=False)
        self.register_buffer("inside", torch.from_numpy(inside), persistent=False)
        near = np.abs(redshift.centres) < _REST
        self.register_buffer("near", torch.from_numpy(near.astype("f4")), persistent=False)

    cell: Tensor
    place: Tensor
    inside: Tensor
    near: Tensor

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of the classes (B, K) and of the redshift bins (B, Z) from x (B, C, G)."""
        hidden = self.trunk(x)
        confidence = self.confidence(hidden)  # (B, lines * boxes)
        offset = torch.sigmoid(self.offset(hidden))  # 0 to 1: from edge to edge of a box
        strength = confidence.unflatten(1, (len(LINES), self.boxes)).amax(dim=2)  # (B, lines)
        scores: Tensor = self.classes(torch.cat([hidden, torch.sigmoid(strength)], dim=1))
        # Were the spectrum at redshift bin z, line l would lie in box cell[l, z] at `place`.
        apart = (offset[:, self.cell] - self.place) * (1.0 / _WIDTH)
        vote = functional.softplus(confidence[:, self.cell] - 0.5 * apart * apart)
        votes = (vote * self.inside).sum(dim=1)  # (B, Z)
        return scores, votes + self.prior + self.rest(hidden) * self.near


def _cells(
    grid: LogGrid, redshift: RedshiftGrid, boxes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For every line and redshift bin: its cell, its place inside it, whether it is covered.

    All of shape (lines, Z).
    """
    log_line = np.log10(np.array(LINES))[:, None] + redshift.centres / LN10
    at = (log_line - grid.start) / (grid.step * grid.size) * boxes
    inside = (at >= 0.0) & (at < boxes)
    box = np.floor(at).clip(0, boxes - 1)
    cell = (box + boxes * np.arange(len(LINES))[:, None]).astype(np.int64)
    return cell, (at - box).astype(np.float32), inside.astype(np.float32)
