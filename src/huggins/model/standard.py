"""huggins' own network: strided convolutions, one dense layer, class and redshift heads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from huggins.model.dense import dense


@dataclass(frozen=True, slots=True)
class StandardConfig:
    """Size of the network.

    Attributes
    ----------
    widths, kernels
        Filters and kernel size of each convolution; each halves the number of pixels.
    blocks
        Residual blocks of two convolutions after the last, at its width.
    hidden
        Units of the dense layer.
    dropout
        Share of its units that training leaves out.
    """

    widths: tuple[int, ...] = (24, 48, 64, 96, 96)
    kernels: tuple[int, ...] = (9, 7, 5, 5, 3)
    blocks: int = 1
    hidden: int = 384
    dropout: float = 0.2


class Standard(nn.Module):
    """Class and redshift from flux, error, signal-to-noise and coverage.

    Strides keep the position of every line, pooling would lose it, and the redshift is
    a position: so the last convolution is flattened, not averaged.

    Parameters
    ----------
    channels, pixels
        Shape of the input, (B, C, G).
    classes, bins
        Numbers of scores of the two heads.
    config
    """

    def __init__(
        self, channels: int, pixels: int, classes: int, bins: int, config: StandardConfig
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = channels
        for width, kernel in zip(config.widths, config.kernels, strict=True):
            layers += [
                nn.Conv1d(before, width, kernel, stride=2, padding=kernel // 2, bias=False),
                nn.BatchNorm1d(width),
                nn.ReLU(),
            ]
            before = width
            pixels = (pixels + 1) // 2
        layers += [_Residual(before) for _ in range(config.blocks)]
        self.features = nn.Sequential(*layers)
        self.dense = nn.Sequential(*dense(before * pixels, config.hidden, config.dropout))
        self.classes = nn.Linear(config.hidden, classes)
        self.redshift = nn.Linear(config.hidden, bins)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of the classes (B, K) and of the redshift bins (B, Z) from x (B, C, G)."""
        hidden = self.dense(self.features(x))
        return self.classes(hidden), self.redshift(hidden)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm1d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.body(x))
