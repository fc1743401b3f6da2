"""Stars: every archetype at every radial velocity.

The model is an archetype times a polynomial of log wavelength, which takes up reddening and
errors of the flux calibration; lines keep their depth. Velocities are few, so the sums over
pixels are one matrix product: archetypes by pixels, times pixels by shifted data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

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
        self._vectors = np.ascontiguousarray(vectors.T, np.float32)  # (P', A)
        self._squares = self._vectors**2
        self._terms = terms
        x = np.linspace(-1.0, 1.0, size)
        self._poly = np.polynomial.legendre.legvander(x, 2 * terms - 2).T  # (2M - 1, P)
        # Of the sums with each polynomial, those of the products of two below the diagonal. The
        # mean level comes last, as in Scanner.
        self._at = np.tril_indices(terms)
        rows, columns = self._at
        self._product = products(terms)[terms - 1 - columns, terms - 1 - rows].astype(
            np.float32
        )

    def gain(
        self, weighted: NDArray[np.floating], weight: NDArray[np.floating], signal: float
    ) -> NDArray[np.float32]:
        """chi2 of nothing minus chi2 of the best fit; see `Scanner.gain`.

        Returns
        -------
        ndarray of float32, shape (A, S)
        """
        gain: NDArray[np.float32]
        [gain] = self.gains(weighted[None], weight[None])
        return gain

    def gains(
        self, weighted: NDArray[np.floating], weight: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Return `gain` of N spectra (N, P) together, shape (N, A, S)."""
        terms, shifts, stars = self._terms, len(self.shifts), self._vectors.shape[1]
        matrix = np.empty((terms + 1, terms + 1, len(weight), shifts * stars), np.float32)
        # Each alone: products of matrices of another shape are rounded differently, and what
        # comes out must not depend on what else is in a batch.
        for n in range(len(weight)):
            rows = np.concatenate([self._poly[:terms] * weighted[n], self._poly * weight[n]])
            shifted = self._shifted(rows)
            right = shifted[: terms * shifts] @ self._vectors
            left = (shifted[terms * shifts :] @ self._squares)[: (2 * terms - 1) * shifts]
            matrix[(*self._at, n)] = self._product @ left.reshape(2 * terms - 1, -1)
            matrix[terms, :terms, n] = right.reshape(terms, -1)[::-1]
        matrix = matrix.reshape(terms + 1, terms + 1, -1)
        ridge = matrix[terms - 1, terms - 1] * np.float32(1e-4)
        for m in range(terms):
            matrix[m, m] += ridge
        found = solve(matrix, spectra=len(weight)).reshape(-1, shifts, stars)
        gains: NDArray[np.float32] = found.swapaxes(1, 2)
        return gains

    def _shifted(self, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return copies of `rows` (M, P) at every shift, shape (M * S, P + S - 1).

        Rows of zeros follow, up to a multiple of four, as products of matrices like it.
        """
        beside = len(self.shifts) - 1
        padded = np.zeros((len(rows), rows.shape[1] + 2 * beside), np.float32)
        padded[:, beside : beside + rows.shape[1]] = rows
        # Highest velocity last: the bluest template pixel falls on the first data pixel.
        copies = sliding_window_view(padded, rows.shape[1] + beside, axis=1)
        count = len(rows) * len(self.shifts)
        out = np.empty((count + -count % 4, copies.shape[-1]), np.float32)
        out[count:] = 0.0
        out[:count].reshape(copies.shape)[:] = copies
        return out


def products(terms: int) -> NDArray[np.float64]:
    """Expansion of P_m P_n in Legendre polynomials, shape (terms, terms, 2 terms - 1)."""
    out = np.zeros((terms, terms, 2 * terms - 1))
    for m in range(terms):
        for n in range(terms):
            c = np.polynomial.legendre.legmul(np.eye(terms)[m], np.eye(terms)[n])
            out[m, n, : len(c)] = c
    return out
