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

    Bad are those that are not `Spectrum.good`, and runs of a flux of exactly 0 at either end:
    there LAMOST has no data but gives a positive ivar.

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
    flux = spectrum.flux.astype(np.float64)
    ivar = spectrum.ivar.astype(np.float64)
    if not good.all():
        bad = ~good
        flux[bad] = 0.0
        ivar[bad] = 0.0
    if len(flux) and (flux[0] == 0.0 or flux[-1] == 0.0):
        seen = np.flatnonzero(flux)
        if len(seen):
            ivar[: seen[0]] = 0.0
            ivar[seen[-1] + 1 :] = 0.0
    return flux, ivar
