"""Mean transmission of the Lyman-alpha forest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Vacuum wavelength of Lyman alpha, A.
LYMAN_ALPHA: Final = 1215.67
# Effective optical depth 5.54e-3 (1 + z)^3.182: Kamble et al. (2020, ApJ 892, 70, arXiv
# 1904.01110), from 40,035 quasars of BOSS with forests between z = 2 and 4.2.
_DEPTH: Final = 5.54e-3
_POWER: Final = 3.182


def mean_transmission(loglam: NDArray[np.floating], *, least: float = -1.0) -> Array:
    """Mean fraction of light that the forest lets pass, shape (G,).

    Parameters
    ----------
    loglam : ndarray, shape (G,)
        log10 of the observed vacuum wavelength, A.
    least
        Redshift of the gas beyond which the fraction is counted, 1 there and below.
    """
    stretch = np.maximum(10.0**loglam / LYMAN_ALPHA, 1.0 + least)
    depth = _DEPTH * (stretch**_POWER - max(1.0 + least, 0.0) ** _POWER)
    transmission: Array = np.exp(-depth)
    return transmission


def in_forest(
    loglam: NDArray[np.floating], log1z: NDArray[np.floating], *, least: float = -1.0
) -> Array:
    """`mean_transmission` blueward of Lyman alpha at `log1z` (N,), else 1; shape (N, G)."""
    blue = loglam[None] - log1z[:, None] < np.log10(LYMAN_ALPHA)
    return np.where(blue, mean_transmission(loglam, least=least)[None], 1.0)
