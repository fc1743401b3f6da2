"""Wavelengths, inverse variances and masks, from what the files store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
        If they are missing or no log-linear grid.
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


def inverse_variance(values: NDArray[Any], kind: str = "error") -> NDArray[Any]:
    """Return the inverse variance; 0 where `values` are not positive or not finite.

    Parameters
    ----------
    values
        Of any shape.
    kind
        What they are: ``error`` (1 sigma), ``variance`` or ``ivar``.
    """
    with np.errstate(all="ignore"):
        if kind == "ivar":
            ivar = values
        else:
            ivar = 1.0 / (np.square(values) if kind == "error" else values)
        usable = (values > 0) & np.isfinite(ivar)
    return np.where(usable, ivar, 0).astype(values.dtype, copy=False)


def mask_bits(mask: NDArray[np.floating]) -> NDArray[np.uint32]:
    """Return mask bits that are stored as floating-point numbers."""
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(mask) & (mask >= 0) & (mask < 2.0**32)
    return np.where(usable, mask, 0).astype(np.uint32)
