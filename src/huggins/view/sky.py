"""The sky that was subtracted from a spectrum, where its file has it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]


def sky_of(spectrum: Spectrum) -> Array | None:
    """Return the sky at a spectrum's pixels, in its own unit; None where there is none.

    SDSS's spec files have a column ``sky`` in their first table (from SDSS-III on), spPlate
    files an image in HDU 6. Files that came through the page have no path and are not asked.
    """
    path = Path(spectrum.file)
    if not path.is_file():
        return None
    from astropy.io import fits

    try:
        with fits.open(path) as file:
            found = _column(file, len(spectrum))
            return _plate(file, spectrum) if found is None else found
    except (OSError, ValueError, IndexError, KeyError, TypeError):
        return None  # no FITS file, or a damaged one: the spectrum itself is read elsewhere


def _column(file: Any, length: int) -> Array | None:
    if len(file) < 2 or getattr(file[1], "columns", None) is None:
        return None
    names = {name.lower(): name for name in file[1].columns.names}
    if not {"sky", "loglam"} <= set(names) or len(file[1].data) != length:
        return None
    order = np.argsort(file[1].data[names["loglam"]], kind="stable")
    return np.asarray(file[1].data[names["sky"]], np.float64)[order]


def _plate(file: Any, spectrum: Spectrum) -> Array | None:
    if len(file) < 7 or file[6].header.get("NAXIS") != 2:
        return None
    image = file[6].data
    if image.shape != file[0].shape or image.shape[1] != len(spectrum):
        return None
    return np.asarray(image[spectrum.index], np.float64)
