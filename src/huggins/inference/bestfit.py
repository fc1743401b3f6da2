"""The best fit of each spectrum beyond its row: chi2, coefficients and model, on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.redshift.basis import STEP
from huggins.redshift.frames import SIZE, START, to_native

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.redshift import Fit, Fitter
    from huggins.spectrum import Spectrum

#: Places for coefficients: more than the basis has vectors and polynomials of any class.
COEFFICIENTS: Final = 32
#: log10 of the vacuum wavelengths, in A, of the models: the pixels of the fit.
LOGLAM: Final = (START + np.arange(SIZE)) * STEP
#: What is kept of the best fit of one spectrum; without one everything is NaN or 0.
BEST_FIT: Final = np.dtype(
    [
        ("chi2", "<f8"),  # in units of the noise that the spectrum shows
        ("pixels", "<i4"),  # that were fitted
        ("count", "<i4"),  # of coefficients
        ("coefficients", "<f8", (COEFFICIENTS,)),
        ("model", "<f4", (SIZE,)),  # in the unit of the spectrum's flux
    ]
)


def blank(count: int) -> NDArray[np.void]:
    """Return N best fits of spectra that were not fitted."""
    kept = np.zeros(count, BEST_FIT)
    kept["chi2"] = np.nan
    kept["model"] = np.nan
    return kept


def best_fits(fitter: Fitter, spectra: Sequence[Spectrum], found: Fit) -> NDArray[np.void]:
    """Return the best fits of N spectra, with their models on the pixels of `LOGLAM`.

    Parameters
    ----------
    fitter
        That found them.
    spectra
        N spectra.
    found
        Their fit, with its solutions.

    Returns
    -------
    ndarray of `BEST_FIT`, shape (N,)
        A model is NaN beyond the ends of its spectrum.
    """
    kept = blank(len(spectra))
    frames = to_native(spectra)
    for i, (spectrum, (best, _)) in enumerate(zip(spectra, found.solutions, strict=True)):
        if best is None:
            continue
        count = len(best.coefficients)
        kept["chi2"][i] = best.chi2
        kept["pixels"][i] = frames.good[i]
        kept["count"][i] = count
        kept["coefficients"][i, :count] = best.coefficients
        # The model is stored at a whole-pixel shift; the fraction left moves it on the grid.
        moved = (best.shift - round(best.shift) + frames.offset[i]) * STEP
        model = np.interp(LOGLAM, LOGLAM + moved, fitter.model(best))
        ends = spectrum.loglam.min() - STEP / 2, spectrum.loglam.max() + STEP / 2
        model[(ends[0] > LOGLAM) | (ends[1] < LOGLAM)] = np.nan
        kept["model"][i] = model * frames.scale[i]
    return kept
