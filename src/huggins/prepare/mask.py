"""The one cleaning of a spectrum: which pixels hold data, for the network and for the fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.prepare.outliers import outliers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum

#: Bit of SDSS and_mask: the sky level is far above the flux and its scatter.
BRIGHTSKY: Final = 1 << 23
# An ivar this many times the median is no measurement (an error 10,000 times smaller); it can
# only be there if the largest is this many times the mean.
_EXTREME: Final = 1e8
_PEAK: Final = 20.0


def clean(
    spectrum: Spectrum, *, mask_brightsky: bool = False, mask_zeros: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return flux and ivar with both 0 in every bad pixel.

    Bad pixels are those outside `Spectrum.good`; runs of exactly zero flux at either end,
    where LAMOST has no data but a positive ivar; and cosmic rays that the file does not mask:
    one or two pixels more than 40 s above or below their surroundings, where s is the scatter
    measured around them, and 8 times as far as their neighbours. Lines, as wide as the
    instrument makes them, never are (`huggins.prepare.outliers`). Also pixels whose ivar is so
    far above all others that it is no measurement: one would outweigh the whole spectrum.

    Parameters
    ----------
    spectrum
        Of L pixels.
    mask_brightsky
        Also reject pixels with BRIGHTSKY in and_mask, unless that leaves less than half of the
        good pixels. or_mask and NODATA are never used: they would reject good spectra.
    mask_zeros
        Also reject single pixels of exactly zero flux: fill values of the survey, each of which
        would count in chi2 with its full weight. The shipped networks were trained with these
        pixels (at most 17 of 3900 in 2 % of LAMOST spectra) and therefore leave it off.

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
        bad = np.flatnonzero(~good)
        flux[bad] = 0.0
        ivar[bad] = 0.0
    with np.errstate(over="ignore"):
        suspicious = len(ivar) > 0 and ivar.max() * len(ivar) > _PEAK * ivar.sum()
    if suspicious:
        extreme = ivar > _EXTREME * np.median(ivar[ivar > 0])
        flux[extreme] = 0.0
        ivar[extreme] = 0.0
    if mask_zeros:
        ivar[flux == 0.0] = 0.0
    elif len(flux) and (flux[0] == 0.0 or flux[-1] == 0.0):
        seen = np.flatnonzero(flux)
        if len(seen):
            ivar[: seen[0]] = 0.0
            ivar[seen[-1] + 1 :] = 0.0
    hit = outliers(flux, ivar)
    if len(hit):
        hit = hit[flux[hit] != 0.0]  # fill values are the business of `mask_zeros`
        flux[hit] = 0.0
        ivar[hit] = 0.0
    return flux, ivar
