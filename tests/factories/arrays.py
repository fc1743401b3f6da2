"""Spectra with known truth, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Truth:
    """What a factory wrote: pixels (single precision, as surveys store them) and identity."""

    loglam: np.ndarray  # (L,) float32
    flux: np.ndarray  # (L,) float32
    ivar: np.ndarray  # (L,) float32
    and_mask: np.ndarray  # (L,) int32
    plate: int = 7102
    mjd: int = 56666
    fiberid: int = 82
    run2d: str = "v5_7_0"
    ra: float = 123.456789
    dec: float = -1.25
    cls: str = "QSO"
    subclass: str = "BROADLINE"
    z: float = 2.25
    zwarning: int = 0

    @property
    def wavelength(self) -> np.ndarray:
        """Vacuum wavelength in Angstrom, (L,) float64."""
        return 10.0 ** self.loglam.astype(np.float64)


def make_truth(
    size: int = 800, *, seed: int = 0, start: float = 3.56, step: float = 5e-4, **identity
) -> Truth:
    """A continuum with an emission line, noise, and every tenth pixel or so masked."""
    rng = np.random.default_rng(seed)
    loglam = (start + step * np.arange(size)).astype(np.float32)
    x = np.linspace(0, 1, size)
    flux = 3 + 2 * x + 8 * np.exp(-(((x - 0.4) / 0.01) ** 2))
    ivar = rng.uniform(0.5, 4.0, size)
    flux = flux + rng.normal(size=size) / np.sqrt(ivar)
    ivar[rng.uniform(size=size) < 0.1] = 0
    and_mask = np.where(rng.uniform(size=size) < 0.05, 1 << 23, 0).astype(np.int32)
    return Truth(loglam, flux.astype(np.float32), ivar.astype(np.float32), and_mask, **identity)
