"""From a spectrum to a network's input: mask, rebin, normalise."""

from huggins.prepare.contract import SEED, STANDARD, InputContract
from huggins.prepare.grid import LogGrid, rebin
from huggins.prepare.mask import clean

__all__ = ["SEED", "STANDARD", "InputContract", "LogGrid", "clean", "rebin"]
