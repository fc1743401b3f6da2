"""The best fit of a basis to one spectrum at one shift, on native pixels, in double precision.

The normal equations hold sums over pixels such as that of w_i T_k(i + d) T_l(i + d). The
products T_k T_l do not depend on the spectrum: they are made once, and a shift then costs one
product of a matrix and a vector, a third of the time of multiplying spectrum and basis anew.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from huggins.forest import LYMAN_ALPHA, mean_transmission
from huggins.redshift.basis import STEP
from huggins.redshift.frames import SIZE, START
from huggins.redshift.stars import products

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from huggins.redshift.basis import Archetypes, Components

    Array = NDArray[np.float64]
    Solve = Callable[[int], tuple[float, Array]]
    _Real = TypeVar("_Real", np.float32, np.float64)

# A row that is not 0 in less than this fraction of its pixels (an emission line alone) is
# summed only there.
_THIN: Final = 0.1
# The first rest-frame pixel that is not in the Lyman-alpha forest.
_LYMAN_ALPHA: Final = int(np.ceil(np.log10(LYMAN_ALPHA) / STEP))


class LinearFit:
    """Fits of a linear basis to one spectrum at given shifts; arguments as in `Scanner`."""

    def __init__(self, components: Components, *, terms: int, slack: float) -> None:
        self._start = components.start
        self._lines = components.lines
        self._vectors = vectors = components.vectors.astype(np.float64)
        self._terms = terms
        self._slack = slack
        x = np.linspace(-1.0, 1.0, SIZE)
        self._poly = np.polynomial.legendre.legvander(x, max(terms - 1, 0)).T[:terms]
        self._precision = 1.0 / components.spread**2
        self._forest = components.forest
        self._passed = mean_transmission((START + np.arange(SIZE)) * STEP)
        count = len(vectors)
        k, m = np.tril_indices(count)
        self._singles = _Rows(vectors)
        self._products = _Rows(np.concatenate([vectors[k] * vectors[m], vectors]))
        pair = np.empty((count, count), np.intp)
        pair[k, m] = pair[m, k] = np.arange(len(k))
        # Where the sum of each product, and of each vector, stands among the sums.
        self._pair_at = self._products.place[pair]
        self._sum_at = self._products.place[len(k) :]

    def vectors(self, shift: int, used: slice) -> Array:
        """Rest-frame vectors and polynomials on the data's pixels, (K + M, P)."""
        first = self._first(shift, used)
        rows = _cut(self._vectors, first, used.stop - used.start)
        blue = self._in_forest(first)
        if blue:
            rows = rows.copy()
            rows[:, :blue] *= self._passed[used][:blue]
        if self._terms == 0:
            return rows
        return np.concatenate([rows, self._poly[:, used]])

    def solve(
        self, flux: Array, ivar: Array, signal: float, shift: int, used: slice
    ) -> tuple[float, Array]:
        """Gain and coefficients at one whole-pixel shift; gain 0 for a negative spectrum."""
        return self.on(flux, ivar, signal, used)(shift)

    def on(self, flux: Array, ivar: Array, signal: float, used: slice) -> Solve:
        """Return what solves for one spectrum; arguments as in `solve`."""
        # Double precision: at high signal-to-noise the fit lives on small differences.
        weighted = ivar * flux
        count, order = len(self._precision), len(self._precision) + self._terms
        poly = self._poly[:, used]
        poly_weights = poly * ivar  # (M, P)
        whole = np.empty((order, order))
        whole[count:, count:] = poly_weights @ poly.T
        right_of_poly = poly @ weighted
        diagonal = np.zeros(order)
        diagonal[count:] = float(ivar.sum()) / (signal * self._slack**2)
        sums_of_poly = poly_weights.sum(axis=1)
        lines = self._lines
        passed = self._passed[used]

        def solve(shift: int) -> tuple[float, Array]:
            first = self._first(shift, used)
            blue = self._in_forest(first)

            def seen(data: Array, passed: Array = passed) -> Array:
                """Give data the forest's share of a vector."""
                return np.concatenate([data[:blue] * passed[:blue], data[blue:]])

            if blue:
                sums = self._products.sums(seen(ivar, passed**2), first)
                singly = self._singles.sums(seen(ivar), first)[self._singles.place]
                found = self._singles.sums(seen(weighted), first)
            else:
                sums = self._products.sums(ivar, first)
                singly = sums[self._sum_at]
                found = self._singles.sums(weighted, first)
            right = np.concatenate([found[self._singles.place], right_of_poly])
            total = np.concatenate([singly, sums_of_poly])  # of each vector
            matrix = whole.copy()
            matrix[:count, :count] = sums[self._pair_at]
            for n in range(self._terms):
                # The first polynomial is 1.
                cross = (
                    total[:count]
                    if n == 0
                    else self._singles.sums(
                        seen(poly_weights[n]) if blue else poly_weights[n], first
                    )[self._singles.place]
                )
                matrix[:count, count + n] = matrix[count + n, :count] = cross
            level = float(matrix[0, 0])
            diagonal[:count] = self._precision * (level / signal)
            diagonal[0] = 0.0
            matrix.ravel()[:: order + 1] += diagonal + (1e-9 * level + 1e-30)
            coefficients: Array = np.asarray(np.linalg.solve(matrix, right), np.float64)
            if lines and coefficients[lines[0] : lines[-1] + 1].min() < 0.0:
                # Emission lines cannot be negative: solve again without those that are.
                keep = np.array(
                    [k for k in range(order) if k not in lines or coefficients[k] >= 0.0]
                )
                coefficients = np.zeros(order)
                coefficients[keep] = np.linalg.solve(matrix[keep[:, None], keep], right[keep])
            bright = coefficients @ total > 0.0
            return (float(coefficients @ right) if bright else 0.0), coefficients

        return solve

    def _in_forest(self, first: int) -> int:
        """How many pixels of data see the vectors through the forest, the first ones."""
        return max(_LYMAN_ALPHA - self._start - first, 0) if self._forest else 0

    def _first(self, shift: int, used: slice) -> int:
        """Return the pixel of the vectors that falls on the first of the data."""
        return START + int(used.start) - shift - self._start


class StarFit:
    """Fits of an archetype times a polynomial to one spectrum; see `StarScanner`."""

    def __init__(self, archetypes: Archetypes, *, terms: int) -> None:
        self._archetypes = archetypes
        self._terms = terms
        x = np.linspace(-1.0, 1.0, SIZE)
        self._poly = np.polynomial.legendre.legvander(x, 2 * terms - 2).T  # (2M - 1, P)
        # Of the sums with each polynomial, those of the products of two.
        self._products = products(terms).reshape(terms * terms, -1)

    def vectors(self, archetype: int, shift: int, used: slice) -> Array:
        """Return the archetype times each polynomial on the data's pixels, (M, P)."""
        first = START + int(used.start) - shift - self._archetypes.start
        star = self._archetypes.vectors[archetype : archetype + 1].astype(np.float64)
        rows: Array = self._poly[: self._terms, used] * _cut(
            star, first, used.stop - used.start
        )
        return rows

    def solve(
        self,
        flux: Array,
        ivar: Array,
        archetype: int,
        shift: int,
        used: slice,
    ) -> tuple[float, Array]:
        """Gain and coefficients at one whole-pixel shift."""
        return self.on(flux, ivar, used)(archetype, shift)

    def on(
        self, flux: Array, ivar: Array, used: slice
    ) -> Callable[[int, int], tuple[float, Array]]:
        """Return what solves for one spectrum, given archetype and shift."""
        terms, part = self._terms, self._archetypes
        length = used.stop - used.start
        weights = self._poly[:, used] * ivar  # (2M - 1, P)
        right_weights = weights[:terms] * flux

        def solve(archetype: int, shift: int) -> tuple[float, Array]:
            first = START + int(used.start) - shift - part.start
            star = _cut(part.vectors[archetype : archetype + 1], first, length)[0]
            star = star.astype(np.float64)
            right = right_weights @ star
            matrix = (self._products @ (weights @ (star * star))).reshape(terms, terms)
            matrix.ravel()[:: terms + 1] += 1e-5 * matrix[0, 0] + 1e-30
            coefficients: Array = np.asarray(np.linalg.solve(matrix, right), np.float64)
            bright = coefficients @ (weights[:terms] @ star) > 0.0
            return (float(coefficients @ right) if bright else 0.0), coefficients

        return solve


class _Rows:
    """Functions of rest wavelength, of whose products with data sums are taken.

    Parameters
    ----------
    rows : ndarray, shape (N, R)

    Attributes
    ----------
    place : ndarray of int, shape (N,)
        Where each of them stands in what `sums` gives.
    """

    def __init__(self, rows: Array) -> None:
        thin = np.count_nonzero(rows, axis=1) < _THIN * rows.shape[1]
        self._dense = np.ascontiguousarray(rows[~thin])
        at = np.flatnonzero(rows[thin].any(axis=0))
        self._at, self._pixels = at, at.tolist()
        self._sparse = np.ascontiguousarray(rows[thin][:, at])
        self.place = np.argsort(np.argsort(thin, kind="stable"))

    def sums(self, data: Array, first: int) -> Array:
        """Sum over data (P,) whose first pixel is pixel `first` of the rows, shape (N,)."""
        length = len(data)
        total: Array = _cut(self._dense, first, length) @ data
        if len(self._sparse) == 0:
            return total
        some = slice(
            bisect_left(self._pixels, first), bisect_left(self._pixels, first + length)
        )
        return np.concatenate([total, self._sparse[:, some] @ data[self._at[some] - first]])


def _cut(rows: NDArray[_Real], first: int, length: int) -> NDArray[_Real]:
    """Return `length` pixels of rows; beyond their edges these go on."""
    if first >= 0 and first + length <= rows.shape[1]:
        return rows[:, first : first + length]
    return rows[:, np.arange(first, first + length).clip(0, rows.shape[1] - 1)]
