"""Which pixels count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum

#: Bit of SDSS and_mask: the sky level is far above the flux and its scatter.
BRIGHTSKY: Final = 1 << 23


def clean(
    spectrum: Spectrum, *, mask_brightsky: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return flux and ivar with both 0 in every bad pixel.

    Parameters
    ----------
    spectrum
        Of L pixels.
    mask_brightsky
        Take BRIGHTSKY of and_mask for bad too, unless that leaves less than half of the good
        pixels. or_mask and NODATA are never used: they throw away good spectra.

    Returns
    -------
    flux, ivar : ndarray of float64, shape (L,)
    """
    good = spectrum.good
    if mask_brightsky and spectrum.and_mask is not None:
        kept = good & ((spectrum.and_mask & BRIGHTSKY) == 0)
        if 2 * np.count_nonzero(kept) >= np.count_nonzero(good):
            good = kept
    flux = np.where(good, spectrum.flux, 0.0).astype(np.float64)
    ivar = np.where(good, spectrum.ivar, 0.0).astype(np.float64)
    return flux, ivar


def median_sn(spectrum: Spectrum) -> float:
    """Median of flux times sqrt(ivar) over good pixels; NaN where there is none."""
    good = spectrum.good
    if not good.any():
        return float("nan")
    return float(np.median(spectrum.flux[good] * np.sqrt(spectrum.ivar[good])))
