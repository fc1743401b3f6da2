"""Spectral subtypes of stars: a small network, and the lines of white dwarfs."""

from huggins.sptype.network import MIDDLE, RANGE, features, load, run, save
from huggins.sptype.types import MOST, TYPED, types_of, within

__all__ = [
    "MIDDLE",
    "MOST",
    "RANGE",
    "TYPED",
    "features",
    "load",
    "run",
    "save",
    "types_of",
    "within",
]
