"""Stars: every archetype at every radial velocity.

The model is an archetype times a polynomial of log wavelength, which takes up reddening and
errors of the flux calibration; lines keep their depth. Velocities are few, so the sums over
pixels are one matrix product: archetypes by pixels, times pixels by shifted data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.redshift.basis import STEP
from huggins.redshift.frames import SIZE, START
from huggins.redshift.scan import solve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.redshift.basis import Archetypes


class StarScanner:
    """All archetypes and velocities, on pixels `factor` times the native ones.

    Parameters
    ----------
    archetypes
        A stars.
    factor
        Native pixels in one.
    terms
        Number of Legendre polynomials, M.

    Attributes
    ----------
    shifts : ndarray of int, shape (S,)
        log10(1 + v / c) / (factor * STEP), increasing.
    """

    def __init__(self, archetypes: Archetypes, factor: int, *, terms: int = 4) -> None:
        self.factor = factor
        self.step = factor * STEP
        reach = int(np.ceil(np.log10(1.0 + archetypes.velocity / SPEED_OF_LIGHT) / self.step))
        self.shifts = np.arange(-reach, reach + 1)
        size = SIZE // factor
        first = (START // factor - reach) * factor
        at = np.arange(first, first + (size + 2 * reach) * factor) - archetypes.start
        vectors = archetypes.vectors[:, at.clip(0, archetypes.vectors.shape[1] - 1)]
        vectors = vectors.reshape(len(vectors), -1, factor).mean(axis=2)
        self._vectors = np.ascontiguousarray(vectors, np.float32)
        self._squares = self._vectors**2
        self._terms = terms
        x = np.linspace(-1.0, 1.0, size)
        self._poly = np.polynomial.legendre.legvander(x, 2 * terms - 2).T  # (2M - 1, P)
        self._product = products(terms).astype(np.float32)

    def gain(
        self, weighted: NDArray[np.floating], weight: NDArray[np.floating], signal: float
    ) -> NDArray[np.float32]:
        """chi2 of nothing minus chi2 of the best fit; see `Scanner.gain`.

        Returns
        -------
        ndarray of float32, shape (A, S)
        """
        terms = self._terms
        count = len(self.shifts)
        right = self._shifted(self._poly[:terms] * weighted)  # (S, M, P')
        left = self._shifted(self._poly * weight)
        b = self._vectors @ right.reshape(count * terms, -1).T  # (A, S * M)
        h = self._squares @ left.reshape(count * (2 * terms - 1), -1).T
        b = b.reshape(-1, terms).T  # (M, A * S)
        h = h.reshape(-1, 2 * terms - 1).T
        matrix = np.empty((terms + 1, terms + 1, b.shape[1]), np.float32)
        for m in range(terms):
            for n in range(m + 1):
                # The mean level comes last, as in Scanner.
                i, j = terms - 1 - n, terms - 1 - m
                matrix[i, j] = self._product[m, n] @ h
            matrix[terms, terms - 1 - m] = b[m]
        ridge = matrix[terms - 1, terms - 1] * np.float32(1e-4)
        for m in range(terms):
            matrix[m, m] += ridge

        return solve(matrix).reshape(len(self._vectors), count)

    def _shifted(self, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return copies of `rows` (M, P) at every shift, shape (S, M, P + S - 1)."""
        count, size = len(self.shifts), rows.shape[1]
        out = np.zeros((count, len(rows), size + count - 1), np.float32)
        for n in range(count):
            # Highest velocity: the bluest template pixel falls on the first data pixel.
            start = count - 1 - n
            out[n, :, start : start + size] = rows
        return out


def products(terms: int) -> NDArray[np.float64]:
    """Expansion of P_m P_n in Legendre polynomials, shape (terms, terms, 2 terms - 1)."""
    out = np.zeros((terms, terms, 2 * terms - 1))
    for m in range(terms):
        for n in range(terms):
            c = np.polynomial.legendre.legmul(np.eye(terms)[m], np.eye(terms)[n])
            out[m, n, : len(c)] = c
    return out
