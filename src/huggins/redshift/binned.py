"""Fits at single shifts of a scan, in double precision, and what of them is absorption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.forest import LYMAN_ALPHA, mean_transmission
from huggins.redshift.basis import STEP
from huggins.redshift.frames import SIZE, START
from huggins.redshift.scan import binned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.redshift.basis import Components

    Array = NDArray[np.float64]

# log10 of the rest wavelength of Lyman alpha; least width of a broad trough in native pixels.
_LYMAN_ALPHA: Final = float(np.log10(LYMAN_ALPHA))
_TROUGH: Final = 30
#: chi2 of a native pixel that is taken for absorption: dearer than one that fits.
ABSORBED: Final = 2.5


class BinnedFit:
    """Fits on pixels `factor` times the native ones; arguments as in `Scanner`.

    Parameters
    ----------
    components, factor, terms, slack
    shifts : ndarray of int, shape (S,)
        Of the scanner.
    """

    def __init__(
        self,
        components: Components,
        factor: int,
        shifts: NDArray[np.int64],
        *,
        terms: int,
        slack: float,
    ) -> None:
        self.factor, self.shifts = factor, shifts
        self.step = factor * STEP
        self._size = size = SIZE // factor
        self._lowest = START // factor - int(shifts[-1])
        length = size + int(shifts[-1] - shifts[0])
        self._vectors = vectors = binned(components, self._lowest, length, factor)
        self._count, self._slack = len(vectors), slack
        self._precision = 1.0 / components.spread**2
        x = np.linspace(-1.0, 1.0, size)
        self._poly = np.polynomial.legendre.legvander(x, max(terms - 1, 0)).T[:terms]
        # The first pixels of the vectors, seen through the forest.
        rest = np.arange(length) + self._lowest
        blue = components.forest & ((rest + 0.5) * self.step < _LYMAN_ALPHA)
        self._blue = int(np.count_nonzero(blue))
        centre = (START + factor * np.arange(size) + 0.5 * (factor - 1)) * STEP
        self._passed = mean_transmission(centre)
        k, m = np.tril_indices(self._count)
        self._pair = np.empty((self._count, self._count), np.intp)
        self._pair[k, m] = self._pair[m, k] = np.arange(len(k))
        # Beside each other in memory, by fours, as in `huggins.redshift.equations`.
        products = np.pad(vectors[k] * vectors[m], ((0, -len(k) % 4), (0, 0)))
        self._products = np.ascontiguousarray(products.T)
        self._singles = np.ascontiguousarray(vectors.T)

    def troughs(self, masked: NDArray[np.bool_], index: int) -> NDArray[np.bool_]:
        """Keep of a mask what makes a quasar one of broad absorption, shape (P,).

        That is runs of more than 2000 km/s (Weymann et al. 1991, ApJ 373, 23) redward of Lyman
        alpha. Anything less moves the redshift more than it helps: narrow absorption is as
        common in the spectra that the basis was learned from.
        """
        rest = (START / self.factor + np.arange(self._size) - self.shifts[index]) * self.step
        possible = masked & (rest > _LYMAN_ALPHA)
        edges = np.flatnonzero(np.diff(np.r_[False, possible, False]))
        kept = np.zeros_like(masked)
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            if stop - start >= _TROUGH / self.factor:
                kept[start:stop] = True
        return kept

    def vectors(self, index: int) -> Array:
        """Return vectors and polynomials on the pixels of data at one shift, (K + M, P)."""
        first = int(self.shifts[-1] - self.shifts[index])
        rows = self._vectors[:, first : first + self._size]
        blue = max(self._blue - first, 0)
        if blue:
            rows = rows.copy()
            rows[:, :blue] *= self._passed[:blue]
        return np.concatenate([rows, self._poly])

    def plain(
        self, weighted: Array, weight: Array, signal: Array, at: Sequence[Sequence[int]]
    ) -> list[Array]:
        """chi2 of N spectra at some shifts each, with no pixel taken for absorption.

        Parameters
        ----------
        weighted, weight : ndarray, shape (N, P)
            Sums of ivar * flux and of ivar in each binned pixel.
        signal : ndarray, shape (N,)
            As in `Scanner.gains`.
        at
            Indices into `shifts`.

        Returns
        -------
        list of ndarray
            For each spectrum as many as it has shifts.
        """
        if not at:
            return []
        count, terms = self._count, len(self._poly)
        row = np.repeat(np.arange(len(at)), [len(some) for some in at])
        first = self.shifts[-1] - self.shifts[[i for some in at for i in some]]
        products = np.empty((len(row), self._products.shape[1]))
        singles = np.empty((len(row), 1 + terms, count))
        data = np.empty((len(at), 2 + terms, self._size))
        data[:, 0], data[:, 1] = weight, weighted
        np.multiply(weight[:, None], self._poly, out=data[:, 2:])
        passed = data * self._passed
        passed[:, 0] *= self._passed
        for n, (k, start) in enumerate(zip(row.tolist(), first.tolist(), strict=True)):
            blue = max(self._blue - start, 0)
            part = slice(start + blue, start + self._size)
            products[n] = data[k, 0, blue:] @ self._products[part]
            singles[n] = data[k, 1:, blue:] @ self._singles[part]
            if blue:
                part = slice(start, start + blue)
                products[n] += passed[k, 0, :blue] @ self._products[part]
                singles[n] += passed[k, 1:, :blue] @ self._singles[part]
        order = count + terms
        matrix = np.empty((len(row), order, order))
        matrix[:, :count, :count] = products[:, self._pair]
        matrix[:, count:, :count] = singles[:, 1:]
        matrix[:, :count, count:] = singles[:, 1:].swapaxes(1, 2)
        matrix[:, count:, count:] = (data[:, 2:] @ self._poly.T)[row]
        right = np.empty((len(row), order))
        right[:, :count] = singles[:, 0]
        right[:, count:] = (weighted @ self._poly.T)[row]
        level, bright = matrix[:, :1, 0], signal[row, None]
        held = np.empty((len(row), order))
        held[:, :count] = self._precision * level / bright
        held[:, 0] = 0.0
        held[:, count:] = (weight.sum(axis=1) / (signal * self._slack**2))[row, None]
        held += 1e-9 * level + 1e-30
        each = np.arange(order)
        matrix[:, each, each] += held
        found = np.linalg.solve(matrix, right[:, :, None])[:, :, 0]
        # What the priors cost is no part of chi2.
        gain = np.einsum("nk,nk->n", found, right) + np.einsum(
            "nk,nk,nk->n", found, held, found
        )
        mean = np.divide(weighted, weight, out=np.zeros_like(weight), where=weight > 0.0)
        chi2 = np.einsum("np,np->n", weighted, mean)[row] - gain
        return np.split(chi2, np.cumsum([len(some) for some in at])[:-1])

    def robust(
        self, flux: Array, weight: Array, signal: float, at: Sequence[int], *, rounds: int = 4
    ) -> tuple[Array, NDArray[np.bool_]]:
        """chi2 at some shifts when pixels far below the model are taken for absorption.

        Broad absorption is no part of the basis. A pixel (with its neighbours) that lies more
        than 4 sigma and 12 % below the model is masked and counts as chi2 of `ABSORBED` for
        each native pixel in it; then the fit is done again.

        Parameters
        ----------
        flux, weight : ndarray, shape (P,)
            Mean flux and sum of ivar in each (binned) pixel.
        signal
            As in `gain`.
        at
            N indices into `shifts`.

        Returns
        -------
        chi2 : ndarray, shape (N,)
            Of the binned pixels, masked ones at their fixed price.
        masked : ndarray of bool, shape (N, P)
        """
        every = np.stack([self.vectors(index) for index in at])  # (N, K + M, P)
        covered, root = weight > 0, np.sqrt(weight)
        most = 0.4 * np.count_nonzero(covered)
        chi2, masked = np.empty(len(at)), np.zeros((len(at), self._size), bool)
        diagonal = np.arange(every.shape[1])
        left = np.arange(len(at))  # those whose mask is not found yet
        for turn in range(rounds):
            x, mask = (every if len(left) == len(at) else every[left]), masked[left]
            w = np.where(mask, 0.0, weight)
            weighted = x * w[:, None]
            matrix = weighted @ x.swapaxes(1, 2)
            level = matrix[:, :1, 0]
            held = np.empty((len(left), len(diagonal)))
            held[:, : self._count] = self._precision * level / signal
            held[:, 0] = 0.0
            held[:, self._count :] = w.sum(axis=1)[:, None] / (signal * self._slack**2)
            matrix[:, diagonal, diagonal] += held + (1e-9 * level + 1e-30)
            found = np.linalg.solve(matrix, (weighted @ flux)[:, :, None])
            model = (found.swapaxes(1, 2) @ x)[:, 0]
            residual = (flux - model) * root
            hidden = mask & covered
            price = ABSORBED * self.factor * np.count_nonzero(hidden, axis=1)
            # Where there is no data a residual is 0.
            kept = np.where(hidden, 0.0, residual)
            chi2[left] = np.einsum("np,np->n", kept, kept) + price
            if turn == rounds - 1:
                break
            low = (residual < -4.0) & (flux < 0.88 * model)
            grown = low.copy()
            grown[:, 1:] |= low[:, :-1]
            grown[:, :-1] |= low[:, 1:]
            more = (np.count_nonzero(grown, axis=1) <= most) & (grown != mask).any(axis=1)
            left = left[more]
            if not len(left):
                break
            masked[left] = grown[more]
        return chi2, masked
