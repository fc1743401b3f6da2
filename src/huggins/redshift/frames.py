"""Spectra of any survey on one grid of native pixels, ivar scaled to the measured noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.noise import scatter
from huggins.prepare import LogGrid, clean, rebin
from huggins.quality import ZWarning
from huggins.redshift.basis import STEP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum

#: Index of the first pixel, log10(wavelength / A) / STEP: 3500 A. A multiple of 6, so that
#: groups of 2, 3 and 6 pixels begin with it.
START: Final = 35442
#: Two redshifts closer than this, in native pixels (1000 km/s), are the same one.
SAME: Final = 14.5
#: Pixels, up to 10759 A; a multiple of 6.
SIZE: Final = 4878
# A log-linear file whose pixels lie this close to the grid (in pixels, after a common shift)
# needs no resampling.
_ON_GRID = 0.1
# Largest ivar of fluxes near 1 (S/N of a million): sums must fit into single precision.
_MAX_IVAR = 1e12
# Spectra that are scaled at once: no more than fit into the cache of a core.
_ROWS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """N spectra on the grid of pixels ``(START + i + offset) * STEP``.

    Attributes
    ----------
    flux, ivar : ndarray of float64, shape (N, SIZE)
        Both 0 where there is no data. `flux` has been divided by `scale`, `ivar` multiplied by
        its square and divided by that of `noise`.
    scale : ndarray, shape (N,)
        Root mean square of each spectrum, so that sums fit single precision in any unit.
    offset : ndarray, shape (N,)
        Sub-pixel shift of each spectrum's grid, in pixels.
    noise : ndarray, shape (N,)
        Ratio of the measured scatter between pixels to that expected from ivar. An ivar that is
        wrong by a constant factor changes this number and nothing else.
    good : ndarray of int, shape (N,)
        Pixels with data.
    """

    flux: NDArray[np.float64]
    ivar: NDArray[np.float64]
    scale: NDArray[np.float64]
    offset: NDArray[np.float64]
    noise: NDArray[np.float64]
    good: NDArray[np.int64]


def to_native(spectra: Sequence[Spectrum]) -> Frames:
    """Put N spectra on the native grid, cleaned by `huggins.prepare.clean`.

    A spectrum in log-wavelength steps of 1e-4 (SDSS, BOSS, LAMOST) is moved, not resampled;
    any other (DESI, text) is rebinned by inverse variance.
    """
    count = len(spectra)
    flux = np.zeros((count, SIZE))
    ivar = np.zeros((count, SIZE))
    offset = np.zeros(count)
    for row, spectrum in enumerate(spectra):
        place = spectrum.loglam / STEP
        index = np.rint(place - (place[0] - np.rint(place[0])))
        apart = place - index
        shift = float(np.mean(apart))
        apart -= shift
        if max(float(apart.max()), -float(apart.min())) < _ON_GRID:
            f, w = clean(spectrum, mask_zeros=True)
            first, last = int(index[0]), int(index[-1])
            offset[row] = shift
            if last - first == len(index) - 1:  # no pixel is missing
                low, high = max(START, first), min(START + SIZE, last + 1)
                if low < high:
                    to, of = slice(low - START, high - START), slice(low - first, high - first)
                    flux[row, to], ivar[row, to] = f[of], w[of]
                continue
            at = index.astype(np.int64) - START
            inside = (at >= 0) & (at < SIZE)
            flux[row, at[inside]] = f[inside]
            ivar[row, at[inside]] = w[inside]
        else:
            grid = LogGrid(start=(START - 0.5) * STEP, step=STEP, size=SIZE)
            flux[row : row + 1], ivar[row : row + 1] = rebin([spectrum], grid, mask_zeros=True)
    measured = np.array([bool(s.zwarning & ZWarning.NO_UNCERTAINTY) for s in spectra], bool)
    scale, noise = np.ones(count), np.ones(count)
    for first in range(0, count, _ROWS):
        part = slice(first, first + _ROWS)
        scale[part], noise[part] = _to_unit(flux[part], ivar[part], measured[part])
    return Frames(flux, ivar, scale, offset, noise, np.count_nonzero(ivar, axis=1))


def _to_unit(
    flux: NDArray[np.float64], ivar: NDArray[np.float64], measured: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Divide some rows by their scale and measured noise, in place; return both."""
    scale = _scale(flux, ivar)
    flux /= scale[:, None]
    ivar *= scale[:, None] ** 2
    with np.errstate(divide="ignore", over="ignore"):
        noise = scatter(flux, 1.0 / ivar)
    noise = np.where(noise > 0.0, noise, 1.0)  # of too few pixels it is unknown
    noise[measured] = 1.0  # already measured, with the correlation of smoothed pixels
    ivar /= noise[:, None] ** 2
    np.minimum(ivar, _MAX_IVAR, out=ivar)
    return scale, noise


def _scale(flux: NDArray[np.float64], ivar: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted root mean square of each row, shape (N,); 1 where there is no data."""
    # In two steps, so that no square of a flux in erg/s/cm2/A falls out of range.
    largest = np.abs(flux).max(axis=1)
    largest[largest == 0.0] = 1.0
    top = ivar.max(axis=1)
    top[top == 0.0] = 1.0
    f, w = flux / largest[:, None], ivar / top[:, None]
    total = w.sum(axis=1)
    mean = np.einsum("np,np,np->n", w, f, f) / np.where(total > 0.0, total, 1.0)
    scale: NDArray[np.float64] = largest * np.sqrt(mean)
    return np.where(scale > 0.0, scale, 1.0)


def bin_down(values: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Sum groups of `factor` pixels along the last axis."""
    # One pixel of each group after the other: numpy is slow along a short axis.
    total: NDArray[np.float64] = values[..., ::factor] + values[..., 1::factor]
    for n in range(2, factor):
        total += values[..., n::factor]
    return total
