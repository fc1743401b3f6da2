"""FITS through astropy: compressed, scaled and unusual data.

A damaged file can make astropy raise nearly anything, and warn before it does; here that
becomes a `ReadError`.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.errors import ReadError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.formats.fits import Hdu


def column(hdu: Hdu, name: str) -> NDArray[Any]:
    """Return a column of a binary table as astropy reads it, scaling applied."""
    return _data(hdu, name)


def image(hdu: Hdu) -> NDArray[Any]:
    """Return an image as astropy reads it, unpacked and scaled."""
    return _data(hdu, None)


def _data(hdu: Hdu, name: str | None) -> NDArray[Any]:
    from astropy.io import fits

    try:
        # Warnings are not thread-safe to silence, but here is no common case.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(hdu.source.handle(), memmap=False) as file:
                found = file[hdu.index]
                return np.array(found.data if name is None else found.data[name])
    except Exception as error:  # see above: anything may come
        raise ReadError(
            f"HDU {hdu.index} cannot be read ({type(error).__name__}: {error}); fetch the "
            "file again",
            hdu.source.path,
        ) from error
