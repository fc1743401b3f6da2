"""From an experiment's configuration to its network, weights drawn from its seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

import huggins
from huggins.model.dilated import Dilated
from huggins.model.linefinder import LineFinder
from huggins.model.seed import Seed
from huggins.model.standard import Standard
from huggins.prepare import SEED, STANDARD
from huggins.taxonomy import ALL_CLASSES
from huggins.weights import Metadata, RedshiftGrid

if TYPE_CHECKING:
    from torch import nn

    from huggins.prepare import InputContract
    from huggins.train.config import Config


def contract_of(config: Config) -> InputContract:
    """Input contract of the experiment's network."""
    return SEED if config.network == "seed" else STANDARD


def build(config: Config) -> nn.Module:
    """Make the experiment's network, its weights drawn from the experiment's seed."""
    torch.manual_seed(config.seed)
    contract, redshift = contract_of(config), RedshiftGrid()
    channels, pixels = len(contract.channels), contract.grid.size
    if config.network == "seed":
        return Seed(channels, pixels, len(ALL_CLASSES) - 1, config.network_seed)
    if config.network == "linefinder":
        return LineFinder(
            channels, len(ALL_CLASSES), contract.grid, redshift, config.linefinder
        )
    if config.network == "dilated":
        return Dilated(channels, pixels, len(ALL_CLASSES), redshift.size, config.dilated)
    return Standard(channels, pixels, len(ALL_CLASSES), redshift.size, config.standard)


def description(config: Config) -> Metadata:
    """Return the metadata of an experiment before its calibration."""
    plain = config.network == "seed"
    return Metadata(
        name=config.name,
        version=huggins.__version__,
        classes=ALL_CLASSES[:-1] if plain else ALL_CLASSES,
        contract=contract_of(config),
        redshift=None if plain else RedshiftGrid(),
    )
