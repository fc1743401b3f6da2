"""FITS through astropy: compressed, scaled and unusual data.

A damaged file can make astropy raise nearly anything, and warn before it does; here that
becomes a `ReadError`.
"""

from __future__ import annotations

import math
import threading
import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.formats.hdu import Hdu

# Values that a byte may stand for, at the best compression.
_PACKED_MAX: Final = 4000
_lock = threading.Lock()


def column(hdu: Hdu, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a column of a binary table as astropy reads it, scaling applied."""
    return _data(hdu, name, shape)


def image(hdu: Hdu, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return an image as astropy reads it, unpacked and scaled."""
    return _data(hdu, None, shape)


def _data(hdu: Hdu, name: str | None, shape: tuple[int, ...]) -> NDArray[Any]:
    from astropy.io import fits

    if math.prod(shape) > _PACKED_MAX * max(hdu.size, 1):
        raise ReadError(
            f"HDU {hdu.index} is damaged: it promises {math.prod(shape)} values in {hdu.size} "
            "bytes; fetch the file again",
            hdu.source.path,
        )
    try:
        # Silencing warnings is no matter of one thread: two at a time would undo each other.
        with _lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(hdu.source.handle(), memmap=False) as file:
                found = file[hdu.index]
                values = np.array(found.data if name is None else found.data[name])
    except Exception as error:  # see above: anything may come
        raise ReadError(
            f"HDU {hdu.index} cannot be read ({type(error).__name__}: {error}); fetch the "
            "file again",
            hdu.source.path,
        ) from error
    if values.shape != shape or values.dtype.kind not in "biuf":
        raise ReadError(
            f"HDU {hdu.index} does not hold what its header says: {values.dtype} of shape "
            f"{values.shape} instead of numbers of shape {shape}; fetch the file again",
            hdu.source.path,
        )
    return values
