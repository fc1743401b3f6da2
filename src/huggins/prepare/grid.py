"""The common log-wavelength grid, and the rebinning of a spectrum onto it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from huggins.prepare.mask import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]

# Neighbouring pixels this many times the usual distance apart have a hole between them.
_GAP = 3.0


@dataclass(frozen=True, slots=True)
class LogGrid:
    """Pixels of equal width in log10 of the vacuum wavelength.

    Attributes
    ----------
    start
        log10(wavelength / A) of the left edge of the first pixel.
    step
        Width of a pixel in dex.
    size
        Number of pixels.
    """

    start: float
    step: float
    size: int

    @property
    def edges(self) -> Array:
        """Pixel borders, log10(wavelength / A), shape (size + 1,)."""
        return self.start + self.step * np.arange(self.size + 1, dtype=np.float64)

    @property
    def loglam(self) -> Array:
        """Pixel centres, log10(wavelength / A), shape (size,)."""
        return self.start + self.step * (np.arange(self.size, dtype=np.float64) + 0.5)


def rebin(
    spectra: Sequence[Spectrum],
    grid: LogGrid,
    *,
    mask_brightsky: bool = False,
    mask_zeros: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rebin spectra onto a grid with inverse-variance weights.

    A native pixel gives each grid pixel the fraction of its inverse variance that lies inside,
    measured in log wavelength; the flux of a grid pixel is the mean with these weights and
    its inverse variance their sum. So the sum of ivar and the sum of flux times ivar are
    conserved wherever the grid covers the spectrum.

    Parameters
    ----------
    spectra
        N spectra of any lengths and wavelengths.
    grid
        The grid, of G pixels.
    mask_brightsky, mask_zeros
        Which pixels to reject, as in `huggins.prepare.mask.clean`.

    Returns
    -------
    flux, ivar : ndarray, shape (N, G)
        Both 0 where a spectrum has no good pixel.
    """
    count = len(spectra)
    if count == 0:
        return np.zeros((0, grid.size)), np.zeros((0, grid.size))
    borders = grid.edges
    position = np.empty((count, grid.size + 1))  # of grid borders, in native pixels
    offset = np.empty(count, dtype=np.int64)
    weights: list[Array] = []
    products: list[Array] = []
    total = 0
    pad = np.zeros(1)  # a pixel of no weight behind each spectrum: borders may lie on its end
    for row, spectrum in enumerate(spectra):
        flux, ivar = clean(spectrum, mask_brightsky=mask_brightsky, mask_zeros=mask_zeros)
        edges, flux, ivar = _pixel_edges(spectrum.loglam, flux, ivar, grid.step)
        position[row] = np.interp(borders, edges, np.arange(len(edges), dtype=np.float64))
        offset[row] = total
        weights += (ivar, pad)
        products += (ivar * flux, pad)
        total += len(ivar) + 1
    whole = position.astype(np.int64)
    part = position - whole
    whole += offset[:, None]
    sum_w = _sum_between(np.concatenate(weights), whole, part)
    sum_wf = _sum_between(np.concatenate(products), whole, part)
    # Rounding leaves crumbs where there is nothing; they must not turn into flux.
    covered = sum_w > 1e-12 * sum_w.max(axis=1, keepdims=True)
    sum_w[~covered] = 0.0
    flux = np.divide(sum_wf, sum_w, out=np.zeros_like(sum_w), where=covered)
    return flux, sum_w


def _sum_between(values: Array, whole: NDArray[np.int64], part: Array) -> Array:
    """Sum `values` between borders at `whole + part`; (N, G + 1) borders give (N, G) sums.

    The sums are local on purpose: with a running total over the spectrum, one cosmic ray of
    1e20 would leave its rounding error in every pixel behind it.
    """
    rows, columns = whole.shape
    sums = np.add.reduceat(values, whole.ravel()).reshape(rows, columns)[:, :-1]
    # reduceat gives the element itself, not nothing, for an empty stretch.
    sums = np.where(whole[:, 1:] > whole[:, :-1], sums, 0.0)
    cut = part * values[whole]
    result: Array = sums - cut[:, :-1] + cut[:, 1:]
    return result


def _pixel_edges(
    loglam: Array, flux: Array, ivar: Array, lone_width: float
) -> tuple[Array, Array, Array]:
    """Borders of the pixels, half-way between centres; holes become pixels of no weight."""
    if len(loglam) == 1:
        return loglam[0] + lone_width * np.array([-0.5, 0.5]), flux, ivar
    edges = np.empty(len(loglam) + 1)
    np.add(loglam[:-1], loglam[1:], out=edges[1:-1])
    edges[1:-1] *= 0.5
    edges[0] = 1.5 * loglam[0] - 0.5 * loglam[1]
    edges[-1] = 1.5 * loglam[-1] - 0.5 * loglam[-2]
    step = loglam[1:] - loglam[:-1]
    if step.max() <= _GAP * step.min():
        return edges, flux, ivar
    usual = float(np.median(step))
    gaps = np.flatnonzero(step > _GAP * usual)
    if len(gaps) == 0:
        return edges, flux, ivar
    # The pixel before a hole ends, and the one behind it starts, half a usual step away.
    edges = np.insert(edges, gaps + 2, loglam[gaps + 1] - 0.5 * usual)
    edges[gaps + 1 + np.arange(len(gaps))] = loglam[gaps] + 0.5 * usual
    if 0 in gaps:
        edges[0] = loglam[0] - 0.5 * usual
    if len(step) - 1 in gaps:
        edges[-1] = loglam[-1] + 0.5 * usual
    return edges, np.insert(flux, gaps + 1, 0.0), np.insert(ivar, gaps + 1, 0.0)
