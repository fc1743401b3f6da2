"""The sky that was subtracted from a spectrum, where its file has it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from huggins.errors import ReadError
from huggins.fits.file import Fits
from huggins.fits.source import Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]

# The HDU of spPlate files that holds the sky.
_SKY = 6


def sky_of(spectrum: Spectrum) -> Array | None:
    """Return the sky at a spectrum's pixels, in its own unit; None where there is none.

    SDSS's spec files have a column ``sky`` in their first table (from SDSS-III on), spPlate
    files an image in HDU 6. Files that came through the page have no path and are not asked.
    """
    path = Path(spectrum.file)
    try:
        if not path.is_file():
            return None
    except (OSError, ValueError):  # no name that the system knows, of a file from the page
        return None
    try:
        with closing(Source(path)) as source:
            if not source.fits:
                return None
            file = Fits(source)
            found = _column(file, len(spectrum))
            return _plate(file, spectrum) if found is None else found
    except ReadError:
        return None  # a damaged file: the spectrum itself is read elsewhere


def _column(file: Fits, length: int) -> Array | None:
    table = file.hdu(1)
    if table is None or table.layout.kind != "table":
        return None
    if not {"SKY", "LOGLAM"} <= set(table.columns) or table.rows != length:
        return None
    order = np.argsort(table.column("LOGLAM"), kind="stable")
    return np.asarray(table.column("SKY"), np.float64)[order]


def _plate(file: Fits, spectrum: Spectrum) -> Array | None:
    first, sky = file.hdu(0), file.hdu(_SKY)
    if first is None or sky is None or sky.layout.kind != "image" or len(sky.shape) != 2:
        return None
    if sky.shape != first.shape or sky.shape[1] != len(spectrum):
        return None
    [row] = sky.image(np.float64, first=spectrum.index, count=1)
    return np.asarray(row, np.float64)
