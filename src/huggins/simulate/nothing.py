"""Mocks of none of the classes: empty sky, cataclysmic variables, blends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.simulate import effects
from huggins.simulate.galaxies import galaxy
from huggins.simulate.stars import blackbody, star
from huggins.simulate.templates import choose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.prepare import LogGrid
    from huggins.simulate.templates import Library

    Flux = NDArray[np.float32]

_CV_LINES: Final = (
    (6564.63, 1.0), (4862.69, 0.75), (4341.69, 0.6), (4102.90, 0.45), (3971.2, 0.35),
    (5877.25, 0.25), (4472.73, 0.15), (4687.02, 0.2), (6679.99, 0.12),
)  # fmt: skip


def nothing(
    count: int, library: Library, grid: LogGrid, rng: np.random.Generator
) -> tuple[Flux, NDArray[np.bool_]]:
    """Draw what is none of the 13 classes.

    Returns
    -------
    flux : ndarray of float32, shape (N, G)
        Noiseless; for empty sky the small, smooth remainder of sky subtraction.
    empty : ndarray of bool, shape (N,)
        Whether there is no source: its signal-to-noise must be drawn below 1.
    """
    kind = choose(rng, (0.86, 0.1, 0.04), count)
    flux = np.zeros((count, grid.size), np.float32)
    sky = np.flatnonzero(kind == 0)
    shape = effects.warp(grid, rng, np.full(len(sky), 1.0), terms=7)
    flux[sky] = shape - rng.uniform(0.0, 2.0, (len(sky), 1)).astype(np.float32)
    some = np.flatnonzero(kind == 1)
    if len(some):
        flux[some] = _cataclysmic(len(some), grid, rng)
    some = np.flatnonzero(kind == 2)
    if len(some):
        red = star("M", len(some), library, grid, rng)[0]
        other = galaxy(len(some), library, grid, rng)[0]
        fraction = rng.uniform(0.4, 0.6, (len(some), 1)).astype(np.float32)
        flux[some] = fraction * red + (1.0 - fraction) * other
    return flux, kind == 0


def _cataclysmic(count: int, grid: LogGrid, rng: np.random.Generator) -> Flux:
    """Draw an accretion disc: blue, with broad hydrogen and helium emission at rest."""
    flux = blackbody(grid, 10.0 ** rng.uniform(3.9, 4.6, count))
    log1z = np.log10(1.0 + rng.normal(0.0, 200.0, count) / SPEED_OF_LIGHT)
    sigma = rng.uniform(300.0, 1000.0, count)
    strength = 10.0 ** rng.normal(0.3, 0.3, count)
    for wavelength, relative in _CV_LINES:
        height = strength * relative * 10.0 ** rng.normal(0.0, 0.1, count)
        line = effects.gaussian(grid, log1z, np.full(count, wavelength), sigma)
        flux += height[:, None].astype(np.float32) * line
    return flux
