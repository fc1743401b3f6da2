"""A small linear basis of a class, and noisy mixtures of its vectors on native pixels."""

from __future__ import annotations

import numpy as np

from huggins.redshift.basis import Components
from huggins.redshift.frames import SIZE, START

FIRST, LENGTH = 34000, 7000


def components(z_max: float = 0.2) -> Components:
    x = np.arange(LENGTH)
    rng = np.random.default_rng(3)
    vectors = np.ones((3, LENGTH))
    for centre in rng.integers(500, LENGTH - 500, 25):
        vectors[0] += 0.5 * np.exp(-0.5 * ((x - centre) / 25.0) ** 2)
        vectors[1] += rng.normal() * np.exp(-0.5 * ((x - centre) / 60.0) ** 2)
    vectors[1] -= 1.0
    vectors[2] = np.sin(x / 400.0)
    return Components(
        FIRST, vectors.astype(np.float32), np.array([1.0, 0.5, 0.3]), (), -0.003, z_max
    )


def observed(part: Components, shift: int, sn: float, seed: int = 1):
    """Flux and ivar on the native grid of a mixture at a shift."""
    rng = np.random.default_rng(seed)
    first = START - shift - part.start
    flux = np.array([1.0, 0.3, -0.2]) @ part.vectors[:, first : first + SIZE]
    ivar = np.full(SIZE, sn**2)
    ivar[:300] = 0.0
    flux = flux + rng.normal(0.0, 1.0 / sn, SIZE)
    flux[:300] = 0.0
    return flux, ivar
