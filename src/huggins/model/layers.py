"""Common parts of the networks: dense layer, residual block, class and redshift heads."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def dense(size: int, hidden: int, dropout: float) -> list[nn.Module]:
    """Return the modules from convolutional output of `size` values to (B, hidden).

    The output is flattened, not pooled: the redshift depends on the position of the lines.
    `dropout` is the fraction of units left out in training.
    """
    return [
        nn.Flatten(),
        nn.Linear(size, hidden, bias=False),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
    ]


class Residual(nn.Module):
    """Two convolutions around which the input passes; the second of kernel size `last`."""

    def __init__(self, width: int, dilation: int = 1, last: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, last, padding=last // 2, bias=False),
            nn.BatchNorm1d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return an array of the shape of x (B, width, L)."""
        return torch.relu(x + self.body(x))


class TwoHeads(nn.Module):
    """Convolutions, one dense layer, and linear heads for class and redshift.

    Parameters
    ----------
    features
        The convolutions.
    size
        Number of values in their output, per spectrum.
    hidden, dropout
        As in `dense`.
    classes, bins
        Numbers of scores of the two heads.
    """

    def __init__(
        self,
        features: nn.Module,
        size: int,
        hidden: int,
        dropout: float,
        classes: int,
        bins: int,
    ) -> None:
        super().__init__()
        self.features = features
        self.dense = nn.Sequential(*dense(size, hidden, dropout))
        self.classes = nn.Linear(hidden, classes)
        self.redshift = nn.Linear(hidden, bins)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of the classes (B, K) and of the redshift bins (B, Z) from x (B, C, G)."""
        hidden = self.dense(self.features(x))
        return self.classes(hidden), self.redshift(hidden)
