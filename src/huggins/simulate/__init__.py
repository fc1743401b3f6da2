"""Mock spectra with known truth, from templates and the noise of real spectra."""

from huggins.simulate.mocks import ODDS, Mocks, draw, noiseless
from huggins.simulate.noise import NoiseBank, observe
from huggins.simulate.quasars import broad_absorption
from huggins.simulate.template_set import SHIPPED, load, shipped_noise, template_files
from huggins.simulate.templates import Library

__all__ = [
    "ODDS",
    "SHIPPED",
    "Library",
    "Mocks",
    "NoiseBank",
    "broad_absorption",
    "draw",
    "load",
    "noiseless",
    "observe",
    "shipped_noise",
    "template_files",
]
