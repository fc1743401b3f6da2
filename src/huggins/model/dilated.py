"""A deep network with a wide field of view: residual blocks of dilated convolutions."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from huggins.model.layers import Residual, TwoHeads


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
        Dilation of each residual block, at a quarter of the resolution of the input.
    last
        Filters of the last convolution, of stride 4, before all is flattened.
    hidden
        Units of the dense layer.
    dropout
        Fraction of its units left out in training.
    """

    width: int = 40
    stem: int = 15
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16)
    last: int = 48
    hidden: int = 320
    dropout: float = 0.2


class Dilated(TwoHeads):
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
        width = config.width
        features = nn.Sequential(
            nn.Conv1d(
                channels, width, config.stem, stride=4, padding=config.stem // 2, bias=False
            ),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            *(Residual(width, dilation, last=1) for dilation in config.dilations),
            nn.Conv1d(width, config.last, 4, stride=4, bias=False),
            nn.BatchNorm1d(config.last),
            nn.ReLU(),
        )
        after_stem = (pixels + 2 * (config.stem // 2) - config.stem) // 4 + 1
        size = config.last * (after_stem // 4)
        super().__init__(features, size, config.hidden, config.dropout, classes, bins)
