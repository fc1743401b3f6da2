"""The best fit of a basis to one spectrum at one shift, on native pixels, in double precision.

The normal equations hold sums over pixels such as that of w_i T_k(i + d) T_l(i + d). The
products T_k T_l do not depend on the spectrum: they are made once, and a shift then costs one
product of a matrix and a vector, a third of the time of multiplying spectrum and basis anew.
The small systems of several spectra and shifts are then solved in one call (`solve_all`).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from huggins.forest import LYMAN_ALPHA, mean_transmission
from huggins.redshift.basis import STEP
from huggins.redshift.frames import SIZE, START
from huggins.redshift.stars import products

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from huggins.redshift.basis import Archetypes, Components

    Array = NDArray[np.float64]
    Solved = tuple[float, Array]
    Solve = Callable[[int], Solved]
    _Real = TypeVar("_Real", np.float32, np.float64)

# A row that is not 0 in less than this fraction of its pixels (an emission line alone) is
# summed only there.
_THIN: Final = 0.1
# More functions than this are kept by pixel, not one after the other.
_MANY: Final = 8
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
        self._poly = poly = np.polynomial.legendre.legvander(x, max(terms - 1, 0)).T[:terms]
        n, m = np.tril_indices(terms)
        self._poly_pairs = poly[n] * poly[m]
        self._poly_at = np.zeros((terms, terms), np.intp)
        self._poly_at[n, m] = self._poly_at[m, n] = np.arange(len(n))
        self._precision = 1.0 / components.spread**2
        self._forest = components.forest
        self.passed = mean_transmission((START + np.arange(SIZE)) * STEP)
        count = len(vectors)
        k, m = np.tril_indices(count)
        self._singles = _Rows(vectors)
        pairs = vectors[k] * vectors[m]
        # With polynomials the sums of the vectors are those with the first of them, which is 1.
        self._products = _Rows(pairs if terms else np.concatenate([pairs, vectors]))
        pair = np.empty((count, count), np.intp)
        pair[k, m] = pair[m, k] = np.arange(len(k))
        # Of two polynomials the second is linear, in rest-frame pixels too: the sums with both
        # are those of the vectors and of the vectors times pixel, which does not move.
        self._tilted: _Rows | None = None
        if terms == 2:
            place = np.arange(vectors.shape[1]) * (2.0 / (SIZE - 1))
            tilted = _Rows(np.concatenate([vectors, vectors * place]))
            self._tilted = tilted if tilted.width == tilted.dense else None
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
            rows[:, :blue] *= self.passed[used][:blue]
        if self._terms == 0:
            return rows
        return np.concatenate([rows, self._poly[:, used]])

    def model(self, coefficients: Array, shift: int, used: slice) -> Array:
        """Return the rows of `vectors` times coefficients, shape (P,)."""
        first, count = self._first(shift, used), len(self._vectors)
        out: Array = coefficients[:count] @ _cut(self._vectors, first, used.stop - used.start)
        blue = self._in_forest(first)
        if blue:
            out[:blue] *= self.passed[used][:blue]
        if self._terms:
            out += coefficients[count:] @ self._poly[:, used]
        return out

    def solve(self, flux: Array, ivar: Array, signal: float, shift: int, used: slice) -> Solved:
        """Gain and coefficients at one whole-pixel shift; gain 0 for a negative spectrum."""
        return self.on(flux, ivar, signal, used)(shift)

    def on(self, flux: Array, ivar: Array, signal: float, used: slice) -> LinearSolve:
        """Return what solves for one spectrum; arguments as in `solve`."""
        rows = np.empty((3 if self._terms else 2, len(ivar)))
        rows[0] = rows[-1] = ivar
        np.multiply(ivar, flux, out=rows[1])
        block = (self._poly_pairs[:, used] @ ivar)[self._poly_at]
        sums = block[0].copy() if self._terms else block.ravel()
        if self._terms:
            block.ravel()[:: self._terms + 1] += sums[0] / (signal * self._slack**2)
        right = self._poly[:, used] @ rows[1]
        return LinearSolve(self, rows, block, right, sums, signal, used)

    def many(self, asked: Sequence[tuple[LinearSolve, int]]) -> list[Solved]:
        """Solve for several spectra or shifts together."""
        # Double precision: at high signal-to-noise the fit lives on small differences.
        number, terms, count = len(asked), self._terms, len(self._precision)
        order = count + terms
        sums = np.empty((number, self._products.width))
        found = np.empty((number, self._singles.width))
        cross = np.empty((number, self._tilted.width if self._tilted else terms * count))
        matrix = np.empty((number, order, order))
        right = np.empty((number, order))
        total = np.empty((number, order))  # of each vector
        self._sum(asked, sums, found, cross)
        if terms:
            for n, (data, _) in enumerate(asked):
                matrix[n, count:, count:] = data.block
                right[n, count:] = data.right_of_poly
                total[n, count:] = data.sums_of_poly
        right[:, :count] = found[:, self._singles.place]
        matrix[:, :count, :count] = sums[:, self._pair_at]
        if terms:
            each = cross[:, : terms * count].reshape(number, terms, count)
            matrix[:, count:, :count] = each
            matrix[:, :count, count:] = each.swapaxes(1, 2)
            total[:, :count] = each[:, 0]
        else:
            total[:, :count] = sums[:, self._sum_at]
        level = matrix[:, :1, 0].copy()
        signal = np.array([[data.signal] for data, _ in asked])
        prior = self._precision * (level / signal)
        prior[:, 0] = 0.0
        diagonal = np.arange(order)
        matrix[:, diagonal[:count], diagonal[:count]] += prior
        matrix[:, diagonal, diagonal] += 1e-9 * level + 1e-30
        coefficients = np.linalg.solve(matrix, right[:, :, None])[:, :, 0]
        if self._lines:
            # Emission lines cannot be negative: solve again without those that are.
            dropped = np.zeros((number, order), bool)
            dropped[:, self._lines] = coefficients[:, self._lines] < 0.0
            rows = np.flatnonzero(dropped.any(axis=1))
            if len(rows):
                kept = ~dropped[rows]
                rest = matrix[rows] * (kept[:, :, None] & kept[:, None])
                rest[:, diagonal, diagonal] += ~kept
                answer = np.linalg.solve(rest, (right[rows] * kept)[:, :, None])
                coefficients[rows] = answer[:, :, 0]
        bright = np.einsum("nk,nk->n", coefficients, total) > 0.0
        gain = np.where(bright, np.einsum("nk,nk->n", coefficients, right), 0.0)
        return list(zip(gain.tolist(), coefficients, strict=True))

    def _sum(
        self, asked: Sequence[tuple[LinearSolve, int]], sums: Array, found: Array, cross: Array
    ) -> None:
        """Take the sums over N spectra: of products, of vectors times data.

        And, in `cross`, of the vectors times the first polynomial, the second and so on.
        """
        firsts = [self._first(shift, data.used) for data, shift in asked]
        # One matrix after the other, near shifts in a row: what is read is then at hand.
        order = [
            (n, asked[n][0], firsts[n], self._in_forest(firsts[n]))
            for n in sorted(range(len(asked)), key=firsts.__getitem__)
        ]
        products, singles, count = self._products, self._singles, len(self._vectors)
        for n, data, first, blue in order:
            products.sums(data.through(blue)[0], first, sums[n])
        for n, data, first, blue in order:
            singles.sums(data.through(blue)[1], first, found[n])
        if not self._terms:
            return
        tilted = self._tilted
        for n, data, first, blue in order:
            ivar = data.through(blue)[2]
            if tilted is not None and tilted.covers(first, len(ivar)):
                tilted.sums(ivar, first, cross[n])
                # From the vectors' pixels to the data's.
                apart = 1.0 + (first - data.used.start) * (2.0 / (SIZE - 1))
                cross[n, count : 2 * count] -= apart * cross[n, :count]
                continue
            out = np.empty(singles.width)
            parts = cross[n, : self._terms * count].reshape(self._terms, -1)
            for poly, part in zip(self._poly[:, data.used], parts, strict=True):
                singles.sums(ivar * poly, first, out)
                part[:] = out[singles.place]

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
        star = self._row(archetype, shift, used).astype(np.float64)
        rows: Array = self._poly[: self._terms, used] * star
        return rows

    def model(self, coefficients: Array, archetype: int, shift: int, used: slice) -> Array:
        """Return the rows of `vectors` times coefficients, shape (P,)."""
        out: Array = coefficients @ self._poly[: self._terms, used]
        out *= self._row(archetype, shift, used)
        return out

    def _row(self, archetype: int, shift: int, used: slice) -> NDArray[np.float32]:
        """Return an archetype on the data's pixels, shape (P,)."""
        first = START + int(used.start) - shift - self._archetypes.start
        row = self._archetypes.vectors[archetype : archetype + 1]
        star: NDArray[np.float32] = _cut(row, first, used.stop - used.start)[0]
        return star

    def solve(
        self,
        flux: Array,
        ivar: Array,
        archetype: int,
        shift: int,
        used: slice,
    ) -> Solved:
        """Gain and coefficients at one whole-pixel shift."""
        return self.on(flux, ivar, used)(archetype)(shift)

    def on(self, flux: Array, ivar: Array, used: slice) -> Callable[[int], StarSolve]:
        """Return what gives, for an archetype, what solves for one spectrum."""
        return partial(StarSolve, self, ivar, ivar * flux, used)

    def many(self, asked: Sequence[tuple[StarSolve, int]]) -> list[Solved]:
        """Solve for several spectra, archetypes or shifts together."""
        terms = self._terms
        squares = np.empty((len(asked), 2 * terms - 1))
        singles = np.empty((2, len(asked), terms))
        for n, (data, shift) in enumerate(asked):
            poly = self._poly[:, data.used]
            star = self._row(data.archetype, shift, data.used).astype(np.float64)
            np.dot(poly[:terms], data.weighted * star, out=singles[0, n])
            weight = data.ivar * star
            np.dot(poly[:terms], weight, out=singles[1, n])
            weight *= star
            np.dot(poly, weight, out=squares[n])
        matrix = squares @ self._products.T
        matrix[:, :: terms + 1] += 1e-5 * matrix[:, :1] + 1e-30
        right, total = singles
        matrix = matrix.reshape(-1, terms, terms)
        coefficients = np.linalg.solve(matrix, right[:, :, None])[:, :, 0]
        bright = np.einsum("nk,nk->n", coefficients, total) > 0.0
        gain = np.where(bright, np.einsum("nk,nk->n", coefficients, right), 0.0)
        return list(zip(gain.tolist(), coefficients, strict=True))


@dataclass(slots=True, eq=False)
class LinearSolve:
    """Gives gain and coefficients of one spectrum at a shift; made by `LinearFit.on`.

    Attributes
    ----------
    fit
    rows : ndarray, shape (2 or 3, P)
        Inverse variance, that times flux, and it again where there are polynomials.
    block, right_of_poly, sums_of_poly : ndarray, shapes (M, M), (M,) and (M,)
        Of the normal equations what belongs to the polynomials, and sums of their rows.
    signal, used
        As in `LinearFit.solve`.
    blue
        How many pixels are now seen through the forest.
    seen : ndarray, shape (2 or 3, P)
        The rows with what it lets pass on the data's side: for products of two vectors, for
        vectors times flux, for vectors times polynomials.
    """

    fit: LinearFit
    rows: Array
    block: Array
    right_of_poly: Array
    sums_of_poly: Array
    signal: float
    used: slice
    blue: int = 0
    seen: Array = field(init=False)
    _passed: Array | None = None

    def __post_init__(self) -> None:
        self.seen = self.rows

    def __call__(self, shift: int) -> Solved:
        """Solve at one shift."""
        return self.fit.many([(self, shift)])[0]

    def through(self, blue: int) -> Array:
        """Return `seen` where the first pixels, so many, are those in the forest."""
        if blue == self.blue:
            return self.seen
        if self._passed is None:
            passed = self.fit.passed[self.used]
            self.seen = self.rows.copy()
            self._passed = self.rows * passed
            self._passed[0] *= passed
        # From one shift to the next only a few pixels change sides.
        if blue > self.blue:
            self.seen[:, self.blue : blue] = self._passed[:, self.blue : blue]
        else:
            self.seen[:, blue : self.blue] = self.rows[:, blue : self.blue]
        self.blue = blue
        return self.seen


@dataclass(frozen=True, slots=True, eq=False)
class StarSolve:
    """Gives gain and coefficients of an archetype at a shift; made by `StarFit.on`.

    Attributes
    ----------
    fit
    ivar, weighted : ndarray, shape (P,)
        Inverse variance, and that times flux.
    used
        As in `StarFit.solve`.
    archetype
    """

    fit: StarFit
    ivar: Array
    weighted: Array
    used: slice
    archetype: int

    def __call__(self, shift: int) -> Solved:
        """Solve at one shift."""
        return self.fit.many([(self, shift)])[0]


def solve_all(asked: Sequence[tuple[Solve, int]]) -> list[Solved]:
    """Return what each of several functions gives at a shift, those of one basis in one go."""
    found: list[Any] = [None] * len(asked)
    together: dict[int, list[int]] = {}
    for n, (solve, shift) in enumerate(asked):
        if isinstance(solve, LinearSolve | StarSolve):
            together.setdefault(id(solve.fit), []).append(n)
        else:
            found[n] = solve(shift)
    for places in together.values():
        some: Any = [asked[n] for n in places]
        for n, answer in zip(places, some[0][0].fit.many(some), strict=True):
            found[n] = answer
    return found


class _Rows:
    """Functions of rest wavelength, of whose products with data sums are taken.

    Parameters
    ----------
    rows : ndarray, shape (N, R)

    Attributes
    ----------
    place : ndarray of int, shape (N,)
        Where each of them stands in what `sums` gives.
    width, dense
        Numbers that `sums` gives, W, which is at least N; how many of them are sums over all
        pixels.
    """

    def __init__(self, rows: Array) -> None:
        thin = np.count_nonzero(rows, axis=1) < _THIN * rows.shape[1]
        dense = rows[~thin]
        self._tall = len(dense) > _MANY
        if self._tall:
            # Beside each other in memory, by fours: a sum of 20 then reads it in half the time.
            dense = np.pad(dense, ((0, -len(dense) % 4), (0, 0))).T
        self._dense = np.ascontiguousarray(dense)
        self.dense = self._dense.shape[1 if self._tall else 0]
        at = np.flatnonzero(rows[thin].any(axis=0))
        self._at, self._pixels = at, at.tolist()
        self._sparse = np.ascontiguousarray(rows[thin][:, at])
        self._length = rows.shape[1]
        self.width = self.dense + int(np.count_nonzero(thin))
        self.place = np.empty(len(rows), np.intp)
        self.place[~thin] = np.arange(len(rows) - np.count_nonzero(thin))
        self.place[thin] = np.arange(self.dense, self.width)

    def covers(self, first: int, length: int) -> bool:
        """Whether all of these pixels are there, so that none is at an edge that goes on."""
        return first >= 0 and first + length <= self._length

    def sums(self, data: Array, first: int, out: Array) -> None:
        """Sum over data (P,) whose first pixel is pixel `first` of the rows, into out (W,)."""
        dense, last = self.dense, first + len(data)
        if self._tall:
            # Without a call where it can be: this is done forty times for each spectrum.
            inside = first >= 0 and last <= self._length
            rows = self._dense[first:last] if inside else _cut(self._dense, first, len(data), 0)
            np.dot(data, rows, out[:dense])
        else:
            np.dot(_cut(self._dense, first, len(data)), data, out[:dense])
        if dense < self.width:
            start = bisect_left(self._pixels, first)
            some = slice(start, bisect_left(self._pixels, last, start))
            np.dot(self._sparse[:, some], data[self._at[some] - first], out=out[dense:])


def _cut(rows: NDArray[_Real], first: int, length: int, axis: int = 1) -> NDArray[_Real]:
    """Return `length` pixels of rows; beyond their edges these go on."""
    if first >= 0 and first + length <= rows.shape[axis]:
        part = slice(first, first + length)
        return rows[part] if axis == 0 else rows[:, part]
    at = np.arange(first, first + length).clip(0, rows.shape[axis] - 1)
    return rows.take(at, axis=axis)
