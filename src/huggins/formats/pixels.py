"""From what files store to what a Spectrum holds: wavelengths, inverse variances, masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from huggins.errors import ReadError
from huggins.formats.identity import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.fits.hdu import Hdu


def from_coefficients(hdu: Hdu, size: int) -> NDArray[np.float64]:
    """Return log10 wavelength of log-linear pixels, from COEFF0 and COEFF1 of the header.

    Raises
    ------
    ReadError
        If they are missing or make no sense.
    """
    start, step = number(hdu.get("COEFF0")), number(hdu.get("COEFF1"))
    if start is None or step is None or not 0 < start < 10 or not 0 < step < 1:
        raise ReadError(
            f"no wavelengths: COEFF0 and COEFF1 of the header are {hdu.get('COEFF0')!r} and "
            f"{hdu.get('COEFF1')!r}; fetch the file again",
            hdu.source.path,
        )
    loglam: NDArray[np.float64] = start + step * np.arange(size, dtype=np.float64)
    return loglam


def inverse_variance(noise: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return ivar of 1-sigma errors; 0 where they are not positive or not finite."""
    with np.errstate(all="ignore"):
        ivar = np.where(noise > 0, 1 / np.square(noise), 0)
    return np.where(np.isfinite(ivar), ivar, 0).astype(noise.dtype)


def mask_bits(mask: NDArray[np.floating]) -> NDArray[np.uint32]:
    """Return mask bits that were written as floating-point numbers."""
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(mask) & (mask >= 0) & (mask < 2.0**32)
    return np.where(usable, mask, 0).astype(np.uint32)
