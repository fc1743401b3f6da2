"""Spectral subtypes of stars: a small network, and the lines of white dwarfs."""

from huggins.sptype.network import TENTHS, Calibration, features, load, run, save
from huggins.sptype.types import DWARF, MOST, TYPED, by_letter, lettered, types_of

__all__ = [
    "DWARF",
    "MOST",
    "TENTHS",
    "TYPED",
    "Calibration",
    "by_letter",
    "features",
    "lettered",
    "load",
    "run",
    "save",
    "types_of",
]
