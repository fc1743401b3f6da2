"""SDSS-V ``mwmStar`` and ``mwmVisit`` files of Astra: the spectra of one star.

HDUs BOSS/APO and BOSS/LCO hold optical spectra, one row each (the coadd, or the visits):
vectors ``flux``, ``ivar``, ``pixel_flags``, and ``wavelength``, or CRVAL, CDELT and NPIXELS
(log10 of vacuum wavelength) in the header. HDUs of APOGEE are infrared and left out. Spectra in
the stack (``in_stack``) are at rest in the frame of the star, by its velocity ``xcsao_v_rad``;
here that is undone, so that redshifts are those of the sky. Data model:
https://data.sdss.org/datamodel/files/MWM_ASTRA/V_ASTRA/spectra/
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.fields import Context
from huggins.formats.fits_tables import columns
from huggins.formats.stacks import in_memory, sort, spectra
from huggins.spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggins.fits import Fits
    from huggins.fits.hdu import Hdu
    from huggins.formats.request import Request

NAME: Final = "mwm"

_OPTICAL: Final = ("BOSS/APO", "BOSS/LCO")
_INFRARED: Final = ("APOGEE/APO", "APOGEE/LCO")
_LIGHT: Final = 299792.458  # km/s


def identify(fits: Fits) -> bool:
    """Whether HDU 1 has one of Astra's names."""
    first = fits.hdu(1)
    return first is not None and first.name in (*_OPTICAL, *_INFRARED)


def read(fits: Fits, request: Request) -> Iterator[Spectrum | ReadError]:
    """Yield the optical spectra, INDEX going on from one telescope to the other."""
    path = fits.source.path
    at = 0
    for hdu in fits:
        if hdu.name not in _OPTICAL or not hdu.rows or "FLUX" not in hdu:
            continue
        primary = fits.hdu(0)
        identity = {"survey": "SDSS-V"}
        context = Context(path, NAME, at, said_air=False, identity=identity)
        own = replace(request, selection=type(request.selection)())
        velocities = _velocities(hdu)
        for item in _spectra(hdu, primary, context, own):
            row = item.index - at
            if isinstance(item, Spectrum) and 0 <= row < len(velocities) and velocities[row]:
                item.loglam = item.loglam + np.log10(1.0 + velocities[row] / _LIGHT)
                item.notes = (
                    *item.notes,
                    f"Astra's shift to rest by {velocities[row]:.1f} km/s is undone",
                )
            yield item
        at += hdu.rows
    if not at:
        raise ReadError(
            "only infrared spectra of APOGEE, and huggins needs optical ones: use the spec "
            "file of BOSS, where the object has one",
            path,
        )


def _spectra(
    hdu: Hdu, primary: Hdu | None, context: Context, request: Request
) -> Iterator[Spectrum | ReadError]:
    arrays = columns(hdu)
    if "WAVELENGTH" not in hdu:
        start, step = hdu.get("CRVAL"), hdu.get("CDELT")
        size = hdu.columns["FLUX"].repeat
        if not isinstance(start, float | int) or not isinstance(step, float | int):
            raise ReadError(
                f"HDU {hdu.index} has no wavelengths: fetch the file again", context.path
            )
        arrays.append(in_memory("loglam", start + step * np.arange(size)))
    stack = sort(arrays, {} if primary is None else _identity(primary))
    if stack is None:
        raise ReadError(f"HDU {hdu.index} holds no spectra: fetch the file again", context.path)
    yield from spectra(stack, context, request)


def _identity(primary: Hdu) -> dict[str, Any]:
    names = {"sdssid": "SDSS_ID", "ra": "RA", "dec": "DEC", "catalogid": "CATALOGID"}
    values = {name: primary.get(key) for name, key in names.items()}
    return {name: value for name, value in values.items() if value is not None}


def _velocities(hdu: Hdu) -> list[float]:
    """Return the velocity of each row by which Astra has shifted it; 0 where it has not."""
    name = next((n for n in ("XCSAO_V_RAD", "V_RAD") if n in hdu), None)
    if name is None:
        return [0.0] * hdu.rows
    values = hdu.column(name, np.float64)
    if values.ndim != 1:
        return [0.0] * hdu.rows
    shifted = np.isfinite(values) & (np.abs(values) < 0.5 * _LIGHT)
    if "IN_STACK" in hdu:
        shifted &= hdu.column("IN_STACK", np.float64) != 0
    found: list[float] = np.where(shifted, values, 0.0).tolist()
    return found
