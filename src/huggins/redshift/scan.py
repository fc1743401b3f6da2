"""chi2 at every redshift at once.

On a grid of log wavelength a redshift is a shift by whole pixels, so each sum of the normal
equations, say over i of w_i T_k(i + d) T_l(i + d), is a correlation: one Fourier transform
gives it for all shifts d. The small systems of equations are then solved for all shifts
together, by a Cholesky factorisation written over arrays.

The coefficients carry a Gaussian prior from the spread they have among real objects, scaled by
the brightness of the spectrum. It keeps a basis from fitting noise or the wrong object with
mixtures that do not exist, and makes the equations solvable where the data say little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from huggins.forest import LYMAN_ALPHA, mean_transmission
from huggins.redshift.basis import STEP
from huggins.redshift.frames import SIZE, START

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.redshift.basis import Components

    Array = NDArray[np.float64]
    _Places = tuple[NDArray[np.intp], NDArray[np.intp]]

# Added to the diagonal, relative to it: rounding in single precision would else make vectors
# look independent that are not, where the signal-to-noise is high.
_RIDGE: Final = 1e-5
# Spectra whose equations are solved together: as many as fit into the processor's cache.
_TOGETHER: Final = 8
# Rounding of a sum in single precision, relative to the largest one.
_EPSILON: Final = np.finfo(np.float32).eps
# A vector that is not 0 in at most this fraction of its pixels is summed only there.
_THIN: Final = 0.1
# log10 of the rest wavelength of Lyman alpha.
_LYMAN_ALPHA: Final = float(np.log10(LYMAN_ALPHA))


class Scanner:
    """All redshifts of one class, on pixels `factor` times the native ones.

    Parameters
    ----------
    components
        The class, K vectors.
    factor
        2, 3 or 6 native pixels in one.
    terms
        Number of Legendre polynomials of log wavelength added to the model, M, against errors
        of the flux calibration.
    slack
        Standard deviation of their coefficients, relative to the spectrum's brightness.

    Attributes
    ----------
    shifts : ndarray of int, shape (S,)
        log10(1 + z) / (factor * STEP), increasing.
    """

    def __init__(
        self, components: Components, factor: int, *, terms: int, slack: float
    ) -> None:
        self.factor = factor
        self.step = factor * STEP
        lowest = int(np.ceil(np.log10(1.0 + components.z_min) / self.step))
        highest = int(np.floor(np.log10(1.0 + components.z_max) / self.step))
        self.shifts = np.arange(lowest, highest + 1)
        self._size = size = SIZE // factor
        # The template from the bluest rest wavelength that any redshift brings into view.
        length = size + highest - lowest
        self._vectors = binned(components, START // factor - highest, length, factor)
        count = len(self._vectors)
        self._count, self._terms, self._slack = count, terms, slack
        self._precision = 1.0 / components.spread**2
        x = np.linspace(-1.0, 1.0, size)
        self._poly = np.polynomial.legendre.legvander(x, max(terms - 1, 0)).T[:terms]
        self._length = _fast_length(length)
        k, m = np.tril_indices(count)
        products = self._vectors[k] * self._vectors[m]
        filled = np.count_nonzero(products, axis=1)
        # Emission lines alone are 0 nearly everywhere: no need of Fourier for their products.
        is_thin = np.count_nonzero(self._vectors, axis=1) <= _THIN * length
        is_thin[0] = False
        thick = ~is_thin[k] & ~is_thin[m] & (filled > 0)
        spectra = np.concatenate([self._vectors, products[thick]]).astype(np.float32)
        # Blueward of Lyman alpha a model is a vector times the transmission of the forest. That
        # belongs to the observed pixel, so it goes to the data's side of the correlation.
        rest = np.arange(length) + START // factor - highest
        blue = components.forest & ((rest + 0.5) * self.step < _LYMAN_ALPHA)
        centre = (START + factor * np.arange(size) + 0.5 * (factor - 1)) * STEP
        self._passed = mean_transmission(centre)
        # Times the length, by which the transforms of the data are divided.
        whole = np.fft.rfft(np.where(blue, np.float32(0.0), spectra), self._length, axis=1)
        self._spectra = whole * np.float32(self._length)
        self._forest = None
        if blue.any():
            self._forest = np.fft.rfft(spectra * blue, self._length, axis=1)
            self._forest *= np.float32(self._length)
        # Unknowns: lines, those with no pixel in common first, vectors 2..K, polynomials, and
        # the mean spectrum last: the least certain first, for the sake of rounding.
        common = np.zeros((count, count), np.intp)
        common[k, m] = common[m, k] = filled
        thin = np.flatnonzero(is_thin)
        met = np.count_nonzero(common[np.ix_(thin, thin)], axis=1)
        thin = thin[np.argsort(met, kind="stable")]
        others = np.setdiff1d(np.arange(1, count), thin)
        order = count + terms
        self._place = place = np.empty(count, np.intp)
        place[np.r_[thin, others, 0]] = np.r_[: count - 1, order - 1]
        high, low = np.maximum(place[k], place[m]), np.minimum(place[k], place[m])
        self._thick_at = high[thick], low[thick]
        self._empty = list(zip(high[filled == 0], low[filled == 0], strict=True))
        # Of each line: pixels, products with other vectors there, and their places.
        self._thin: list[tuple[NDArray[np.intp], NDArray[np.float32], _Places]] = []
        for vector in thin:
            mine = ((k == vector) | ((m == vector) & ~is_thin[k])) & (filled > 0)
            at = np.flatnonzero(products[mine].any(axis=0))
            rows = products[mine][:, at].astype(np.float32)
            self._thin.append((at, rows, (high[mine], low[mine])))
        if self._thin:
            pixels = np.concatenate([at for at, _, _ in self._thin])
            self._seen_by_lines = size + len(self.shifts) - 2 - pixels
        # The first unknown with which each one has to do.
        self._first = np.zeros(order, np.intp)
        for n, vector in enumerate(thin):
            meets = np.flatnonzero(common[thin[: n + 1], vector])
            self._first[n] = meets[0]

    def gain(
        self, weighted: NDArray[np.floating], weight: NDArray[np.floating], signal: float
    ) -> NDArray[np.float32]:
        """chi2 of nothing minus chi2 of the best fit of one spectrum, at every shift.

        Parameters
        ----------
        weighted, weight : ndarray, shape (P,)
            Sums of ivar * flux and of ivar in each (binned) pixel.
        signal
            Sum of ivar * flux**2 beyond that of noise: the brightness that scales the prior.

        Returns
        -------
        ndarray of float32, shape (S,)
        """
        gain: NDArray[np.float32]
        [gain] = self.gains(weighted[None], weight[None], np.array([signal]))
        return gain

    def gains(
        self, weighted: NDArray[np.floating], weight: NDArray[np.floating], signal: Array
    ) -> NDArray[np.float32]:
        """Return `gain` of N spectra together, shape (N, S).

        Parameters
        ----------
        weighted, weight : ndarray, shape (N, P)
        signal : ndarray, shape (N,)
        """
        out = np.empty((len(weight), len(self.shifts)), np.float32)
        for first in range(0, len(weight), _TOGETHER):
            some = slice(first, first + _TOGETHER)
            # The bluest template pixels come first: at high redshift.
            out[some, ::-1] = self._reversed(weighted[some], weight[some], signal[some])
        # More than there is to gain is what rounding made where a spectrum meets next to no
        # vector, as a short one does at the end of the range.
        out[~(out <= 1.01 * signal[:, None])] = 0.0
        return out

    def _reversed(
        self, weighted: NDArray[np.floating], weight: NDArray[np.floating], signal: Array
    ) -> NDArray[np.float32]:
        """Return the gains of a few spectra, from the highest shift to the lowest."""
        count, terms = self._count, self._terms
        order, shifts = count + terms, len(self.shifts)
        # By place, place, spectrum and shift; what is above the diagonal is not used.
        matrix = np.empty((order + 1, order + 1, len(weight), shifts), np.float32)
        for i, j in self._empty:
            matrix[i, j] = 0.0
        transforms = self._transforms(weighted, weight)
        # One spectrum at a time, whose sums fit into the cache of a core.
        for n in range(len(weight)):
            self._correlate(matrix[:, :, n], transforms[n])
            self._at_lines(matrix[:, :, n], weight[n])
        if terms:
            matrix[order, count - 1 : order - 1] = (self._poly @ weighted.T)[:, :, None]
            level = weight.sum(axis=1) / (signal * self._slack**2)
            for n in range(terms):
                for m in range(n + 1):
                    block = weight @ (self._poly[n] * self._poly[m])
                    matrix[count - 1 + n, count - 1 + m] = (block + level * (n == m))[:, None]
        level = matrix[order - 1, order - 1] / signal.astype(np.float32)[:, None]
        for k in range(1, count):
            diagonal = matrix[self._place[k], self._place[k]]
            diagonal += level * np.float32(self._precision[k])
        for k in range(order):
            matrix[k, k] *= np.float32(1.0 + _RIDGE)
        found = solve(
            matrix.reshape(order + 1, order + 1, -1), self._first, spectra=len(weight)
        )
        return found.reshape(len(weight), shifts)

    def _transforms(
        self, weighted: NDArray[np.floating], weight: NDArray[np.floating]
    ) -> NDArray[np.complex64]:
        """Return Fourier transforms of the data of N spectra, shape (N, D, F).

        They are those of weighted and of weight times each polynomial, the first of which is 1;
        and, with a forest, of all these times its transmission, and of weight times the square
        of that. All are conjugate, as correlations need.
        """
        row = 1 + max(self._terms, 1)
        rows = row if self._forest is None else 2 * row + 1
        count = len(weight)
        # numpy transforms rows by fours; padded here, as numpy takes longer for that.
        padded = np.zeros((count * rows + -count * rows % 4, self._length), np.float32)
        data = padded[: count * rows].reshape(count, rows, -1)[:, :, : self._size]
        data[:, 0], data[:, 1] = weighted, weight
        if self._terms:
            np.multiply(self._poly[1:], weight[:, None], out=data[:, 2:row])
        if self._forest is not None:
            np.multiply(data[:, :row], self._passed, out=data[:, row:-1])
            np.multiply(data[:, row + 1], self._passed, out=data[:, -1])
        # Without a norm numpy would do it in double precision, in twice the time.
        transforms = np.fft.rfft(padded, axis=1, norm="forward")
        found: NDArray[np.complex64] = np.conjugate(transforms, out=transforms)
        return found[: count * rows].reshape(count, rows, -1)

    def _correlate(
        self, matrix: NDArray[np.float32], transforms: NDArray[np.complex64]
    ) -> None:
        """Fill in the sums of one spectrum that Fourier transforms give."""
        count, terms = self._count, self._terms
        order, products = count + terms, len(self._spectra) - count
        row = 1 + max(terms, 1)
        mixed = self._mixed(self._spectra, transforms[:row], transforms[1])
        if self._forest is not None:
            mixed += self._mixed(self._forest, transforms[row:-1], transforms[-1])
        sums = np.fft.irfft(mixed, self._length, axis=1)[:, : len(self.shifts)]
        matrix[self._thick_at] = sums[:products]
        matrix[order, self._place] = sums[products : products + count]
        for m in range(terms):
            row = count - 1 + m
            mine = sums[products + (m + 1) * count : products + (m + 2) * count]
            matrix[row, self._place[1:]] = mine[1:]
            matrix[order - 1, row] = mine[0]

    def _mixed(
        self,
        whole: NDArray[np.complexfloating],
        data: NDArray[np.complex64],
        weight: NDArray[np.complex64],
    ) -> NDArray[np.complex64]:
        """Return transforms of the correlations of a spectrum with templates.

        Parameters
        ----------
        whole : ndarray, shape (K + T, F)
            Transforms of vectors and of T products.
        data : ndarray, shape (1 + M, F) or more
            Those of weighted, and of weight times each polynomial, as vectors see them.
        weight : ndarray, shape (F,)
            That of weight, as products of two vectors see it.

        Returns
        -------
        ndarray, shape (T + (M + 1) K, F)
            Of products with weight; of vectors with each row of `data`.
        """
        count, products, rows = self._count, len(whole) - self._count, 1 + self._terms
        mixed = np.empty((products + rows * count, whole.shape[1]), np.complex64)
        np.multiply(whole[count:], weight, out=mixed[:products])
        each = mixed[products:].reshape(rows, count, -1)
        np.multiply(whole[:count], data[:rows, None], out=each)
        return mixed

    def _at_lines(self, matrix: NDArray[np.float32], weight: NDArray[np.floating]) -> None:
        """Fill in the sums of one spectrum with products of lines, 0 but in a few pixels."""
        if not self._thin:
            return
        # At every shift the pixels around each line; reversed, as are the shifts.
        beside = len(self.shifts) - 1
        padded = np.zeros(self._size + 2 * beside, np.float32)
        padded[beside : beside + self._size] = weight[::-1]
        seen = sliding_window_view(padded, len(self.shifts))[self._seen_by_lines]
        start = 0
        for at, rows, (i, j) in self._thin:
            matrix[i, j] = rows @ seen[start : start + len(at)]
            start += len(at)


def solve(
    matrix: NDArray[np.float32],
    first: Sequence[int] | NDArray[np.intp] | None = None,
    *,
    spectra: int = 1,
) -> NDArray[np.float32]:
    """Solve S systems by Cholesky; `matrix` (n + 1, n + 1, S) holds them below the diagonal.

    The last row is the right-hand side. Returns b' M^-1 b, shape (S,). The matrix is lost.

    Parameters
    ----------
    matrix
    first
        Of each row the first column that need not be 0 in every system; all 0 by default.
    spectra
        Of how many spectra these are the systems, equally many of each, one after the other.
    """
    order = len(matrix) - 1
    start = [0] * order if first is None else [int(n) for n in first]
    # Where a vector meets no data its sum of squares is what rounding makes of 0, and may be
    # negative: what lies below the rounding of the spectrum's largest sum counts as that.
    size = np.abs(matrix[range(order), range(order)]).reshape(order, spectra, -1)
    least = np.float32(_RIDGE) * size
    least += _EPSILON * size.max(axis=2, keepdims=True) + np.float32(1e-20)
    least = least.reshape(order, -1)
    for j in range(order):
        column = matrix[j:, j]
        if start[j] < j:
            before = slice(start[j], j)
            column -= np.einsum("iks,ks->is", matrix[j:, before], matrix[j, before])
        pivot = column[0]
        # What rounding leaves of a vector that depends on those before it must not be used.
        np.maximum(pivot, least[j], out=pivot)
        np.sqrt(pivot, out=pivot)
        column[1:] /= pivot
    y = matrix[order, :order]
    total: NDArray[np.float32] = np.einsum("js,js->s", y, y)
    return total


def binned(components: Components, first: int, length: int, factor: int) -> Array:
    """Mean of the vectors in groups of `factor` pixels, from group `first`; edges go on."""
    at = np.arange(first * factor, (first + length) * factor) - components.start
    vectors = components.vectors[:, at.clip(0, components.vectors.shape[1] - 1)]
    mean: Array = vectors.reshape(len(vectors), length, factor).mean(axis=2, dtype=np.float64)
    return mean


def _fast_length(least: int) -> int:
    """Return the smallest even 2^a 3^b 5^c that is at least `least`: quick to transform."""
    best = 1 << (least - 1).bit_length()
    for fives in (1, 5, 25):
        for threes in (1, 3, 9, 27):
            odd = fives * threes
            power = max(1, int(np.ceil(np.log2(max(least / odd, 1)))))
            best = min(best, odd << power)
    return best
