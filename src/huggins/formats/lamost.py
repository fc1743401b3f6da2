"""LAMOST low-resolution ``spec`` files, one spectrum each, in two layouts.

Up to DR8 the primary HDU is an image whose rows are flux, ivar, wavelength (A), and-mask and
or-mask, as EXTEN0 of the header says; in the first release the third row is the flux over its
continuum, and COEFF0 and COEFF1 give the wavelengths. Since DR9 HDU 1 (COADD) is a table of one
row with a vector for each. Class, subclass and redshift are in the primary header. Wavelengths
are in vacuum, as VACUUM of the header confirms. Spectra of the medium-resolution survey are
recognised and refused. Data model:
https://www.lamost.org/dr8/v2.0/doc/lr-data-production-description
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.identity import identifier, pipeline_result, position, positive
from huggins.formats.pixels import from_coefficients, mask_bits
from huggins.spectrum import Pipeline, Spectrum, air_to_vacuum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from huggins.fits import Fits
    from huggins.fits.hdu import Hdu
    from huggins.formats.request import Request

NAME = "lamost"

_ARMS: Final = ("COADD_B", "COADD_R")


def identify(fits: Fits) -> bool:
    """Whether this is a LAMOST spectrum of either layout."""
    primary = fits.hdu(0)
    if primary is None:
        return False
    if primary.shape and primary.size:
        return len(primary.shape) == 2 and 3 <= primary.shape[0] <= 6 and _lamost(primary)
    return _table(fits) is not None or _medium(fits)


def _medium(fits: Fits) -> bool:
    """Whether this is of the medium-resolution survey: its arms are COADD_B and COADD_R."""
    first = fits.hdu(1)
    if first is None or first.name not in ("INFORMATION", *_ARMS):
        return False
    return any(hdu.name in _ARMS and "FLUX" in hdu for hdu in fits)


def _lamost(primary: Hdu) -> bool:
    return str(primary.get("TELESCOP") or "").upper() == "LAMOST" or str(
        primary.get("DATA_V") or ""
    ).upper().startswith("LAMOST")


def _table(fits: Fits) -> Hdu | None:
    for hdu in fits:
        columns = hdu.columns
        if {"FLUX", "WAVELENGTH"} <= columns.keys() and hdu.rows == 1 and hdu.name == "COADD":
            return hdu
    return None


def read(fits: Fits, _request: Request) -> Iterator[Spectrum]:
    """Yield the one spectrum of the file."""
    primary = fits.hdu(0)
    assert primary is not None
    path = fits.source.path
    if _medium(fits):
        raise ReadError(
            "a medium-resolution spectrum of LAMOST (R = 7500, 4950 to 5350 and 6300 to "
            "6800 A): classes and redshifts are those of low-resolution spectra and would be "
            "wrong; use the low-resolution spectrum of the object",
            path,
        )
    mask: NDArray[np.floating] | None
    wavelength: NDArray[np.float64]
    if primary.shape and primary.size:
        # Wavelengths are single precision in the file, as all rows of the image.
        rows = primary.image()
        flux, ivar = rows[0], rows[1]
        mask = rows[3] if len(rows) > 3 else None
        wavelength = rows[2].astype(np.float64)
        if not _is_wavelength(primary, wavelength):
            wavelength = np.power(10.0, from_coefficients(primary, len(flux)))
    else:
        table = _table(fits)
        if table is None:
            raise ReadError("no table of flux and wavelength in this file", path)
        flux = table.column("FLUX", row=0)
        ivar = table.column("IVAR", row=0)
        wavelength = table.column("WAVELENGTH", np.float64, row=0)
        mask = table.column("ANDMASK", row=0) if "ANDMASK" in table else None
    if not (wavelength > 0).all():
        raise ReadError("wavelengths are not positive: fetch the file again", path)
    air = primary.get("VACUUM") is False
    ra, dec = position(primary.get("RA"), primary.get("DEC"))
    yield Spectrum(
        np.log10(air_to_vacuum(wavelength) if air else wavelength),
        flux,
        ivar,
        None if mask is None else mask_bits(mask),
        file=path,
        format=NAME,
        survey="LAMOST",
        mjd=positive(primary.get("MJD")),
        fiberid=positive(primary.get("FIBERID")),
        targetid=identifier(primary.get("OBSID")),
        ra=ra,
        dec=dec,
        air=air,
        pipeline=_pipeline(primary),
    )


def _is_wavelength(primary: Hdu, row: NDArray[np.float64]) -> bool:
    """Whether the third row is the wavelength, as in most releases."""
    named = str(primary.get("EXTEN0") or "").lower()
    return "wavelength" in named or (not named and bool((np.diff(row) > 0).all()))


def _pipeline(primary: Hdu) -> Pipeline:
    """Return class, subclass and redshift, which is -9999 where there is none."""
    result = pipeline_result(primary.get, ("CLASS", "SUBCLASS", "Z"))
    if result.z is not None and result.z <= -1.0:
        result.z = None
    return result
