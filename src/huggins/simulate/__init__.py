"""Mock spectra with known truth, from templates and the noise of real spectra."""

from huggins.simulate.mocks import ODDS, Mocks, draw, noiseless
from huggins.simulate.noise import NoiseBank, observe
from huggins.simulate.quasars import broad_absorption
from huggins.simulate.templates import Library, load

__all__ = [
    "ODDS",
    "Library",
    "Mocks",
    "NoiseBank",
    "broad_absorption",
    "draw",
    "load",
    "noiseless",
    "observe",
]
