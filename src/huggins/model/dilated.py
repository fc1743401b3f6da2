"""A deep network that sees far: residual blocks of dilated convolutions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from huggins.model.dense import dense


@dataclass(frozen=True, slots=True)
class DilatedConfig:
    """Size of the network.

    Attributes
    ----------
    width
        Filters of every convolution.
    stem
        Kernel of the first convolution, of stride 4.
    dilations
        Distance of the pixels that each residual block puts together, at a quarter of the
        input's resolution.
    last
        Filters of the last convolution, of stride 4, before all is flattened.
    hidden
        Units of the dense layer.
    dropout
        Share of its units that training leaves out.
    """

    width: int = 40
    stem: int = 15
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16)
    last: int = 48
    hidden: int = 320
    dropout: float = 0.2


class Dilated(nn.Module):
    """Class and redshift; the blocks keep the resolution while their field of view doubles.

    Parameters
    ----------
    channels, pixels
        Shape of the input, (B, C, G).
    classes, bins
        Numbers of scores of the two heads.
    config
    """

    def __init__(
        self, channels: int, pixels: int, classes: int, bins: int, config: DilatedConfig
    ) -> None:
        super().__init__()
        width = config.width
        self.features = nn.Sequential(
            nn.Conv1d(
                channels, width, config.stem, stride=4, padding=config.stem // 2, bias=False
            ),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            *(_Block(width, dilation) for dilation in config.dilations),
            nn.Conv1d(width, config.last, 4, stride=4, bias=False),
            nn.BatchNorm1d(config.last),
            nn.ReLU(),
        )
        after_stem = (pixels + 2 * (config.stem // 2) - config.stem) // 4 + 1
        size = config.last * (after_stem // 4)
        self.dense = nn.Sequential(*dense(size, config.hidden, config.dropout))
        self.classes = nn.Linear(config.hidden, classes)
        self.redshift = nn.Linear(config.hidden, bins)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of the classes (B, K) and of the redshift bins (B, Z) from x (B, C, G)."""
        hidden = self.dense(self.features(x))
        return self.classes(hidden), self.redshift(hidden)


class _Block(nn.Module):
    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 1, bias=False),
            nn.BatchNorm1d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.body(x))
