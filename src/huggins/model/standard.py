"""huggins' own network: strided convolutions, one dense layer, class and redshift heads."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from huggins.model.layers import Residual, TwoHeads


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
        Fraction of its units left out in training.
    """

    widths: tuple[int, ...] = (24, 48, 64, 96, 96)
    kernels: tuple[int, ...] = (9, 7, 5, 5, 3)
    blocks: int = 1
    hidden: int = 384
    dropout: float = 0.2


class Standard(TwoHeads):
    """Class and redshift from flux, error, signal-to-noise and coverage.

    Strides keep the positions of lines, which give the redshift; pooling would lose them. So
    the output of the last convolution is flattened, not averaged.

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
        layers += [Residual(before) for _ in range(config.blocks)]
        features = nn.Sequential(*layers)
        super().__init__(
            features, before * pixels, config.hidden, config.dropout, classes, bins
        )
