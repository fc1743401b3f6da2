"""Mock spectra with known truth, from templates and the noise of real spectra."""

from huggins.simulate.mocks import KINDS, ODDS, Mocks, draw, noiseless
from huggins.simulate.noise import NoiseBank, observe
from huggins.simulate.templates import Library, load

__all__ = [
    "KINDS",
    "ODDS",
    "Library",
    "Mocks",
    "NoiseBank",
    "draw",
    "load",
    "noiseless",
    "observe",
]
