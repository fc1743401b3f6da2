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

    from huggins.fits.source import Source

# Values that a byte may stand for, at the best compression.
_PACKED_MAX: Final = 4000
_lock = threading.Lock()


def read(
    source: Source,
    index: int,
    size: int,
    shape: tuple[int, ...],
    column: str | None,
    rows: tuple[int, int] | None = None,
) -> NDArray[Any]:
    """Return an image, or a column of a binary table, unpacked and scaled.

    Parameters
    ----------
    source, index, size
        The file, the HDU in it and the bytes of its data.
    shape
        What its header promises.
    column
        Its name; None for an image.
    rows
        Of an image only these, of which only the tiles are unpacked: the first, and how many.
    """
    from astropy.io import fits

    if math.prod(shape) > _PACKED_MAX * max(size, 1):
        raise ReadError(
            f"HDU {index} is damaged: it promises {math.prod(shape)} values in {size} "
            "bytes; fetch the file again",
            source.path,
        )
    try:
        # Warning filters are global: two threads at a time would undo each other's.
        with _lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(source.handle(), memmap=False) as file:
                hdu = file[index]
                if rows is not None:
                    values = np.array(hdu.section[rows[0] : rows[0] + rows[1]])
                    shape = (rows[1], *shape[1:])
                else:
                    values = np.array(hdu.data if column is None else hdu.data[column])
    except Exception as error:  # see above: anything may come
        raise ReadError(
            f"HDU {index} cannot be read ({type(error).__name__}: {error!s:.300}); fetch the "
            "file again",
            source.path,
        ) from error
    if values.shape != shape or values.dtype.kind not in "biuf":
        raise ReadError(
            f"HDU {index} does not hold what its header says: {values.dtype} of shape "
            f"{values.shape} instead of numbers of shape {shape}; fetch the file again",
            source.path,
        )
    return values
