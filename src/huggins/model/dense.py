"""The dense layer that networks of this package end their convolutions with."""

from __future__ import annotations

from torch import nn


def dense(size: int, hidden: int, dropout: float) -> list[nn.Module]:
    """Return the modules that make (B, hidden) of convolutions' output of `size` values.

    All of it is flattened, not pooled: where a line lies is what the redshift is told by.
    `dropout` is the share of units that training leaves out.
    """
    return [
        nn.Flatten(),
        nn.Linear(size, hidden, bias=False),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
    ]
