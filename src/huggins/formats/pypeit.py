"""PypeIt's ``coadd1d`` and ``spec1d`` files.

``coadd1d``: a table of pixels: ``wave`` (vacuum A), ``flux``, ``ivar`` and ``mask`` (1 where
good), of the data model OneSpec. ``spec1d``: one HDU per object (SpecObj), with columns
``OPT_WAVE``, ``OPT_FLAM``, ``OPT_FLAM_IVAR``, ``OPT_MASK`` of the optimal extraction, ``BOX_*``
of the boxcar; ``*_COUNTS`` where it is not flux-calibrated. Data models:
https://pypeit.readthedocs.io/en/release/out_onespec.html and out_spec1D.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.columns import one_spectrum
from huggins.formats.fields import Context, Field
from huggins.formats.identity import described, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggins.fits import Fits
    from huggins.fits.hdu import Hdu
    from huggins.formats.request import Request
    from huggins.spectrum import Spectrum

NAME: Final = "pypeit"

_OBJECT: Final = re.compile(r"(?:SPAT|OBJ)\d+-(?:SLIT|ORDER|SPEC|MSC|DET)\w*", re.IGNORECASE)
# Flux and inverse variance, best first: calibrated before counts, optimal before boxcar.
_FLUXES: Final = (
    ("OPT_FLAM", "OPT_FLAM_IVAR"),
    ("BOX_FLAM", "BOX_FLAM_IVAR"),
    ("OPT_COUNTS", "OPT_COUNTS_IVAR"),
    ("BOX_COUNTS", "BOX_COUNTS_IVAR"),
)


def identify(fits: Fits) -> bool:
    """Whether HDU 1 is of one of PypeIt's data models."""
    first = fits.hdu(1)
    if first is None or first.layout.kind != "table":
        return False
    if {"WAVE", "FLUX", "IVAR", "MASK"} <= first.columns.keys():
        return "WAVE_GRID_MID" in first or first.get("DMODCLS") == "OneSpec"
    return any(_is_object(hdu) for hdu in (first, fits.hdu(2)) if hdu is not None)


def _is_object(hdu: Hdu) -> bool:
    return any(f"{kind}_WAVE" in hdu for kind in ("OPT", "BOX")) and any(
        flux in hdu for flux, _ in _FLUXES
    )


def read(fits: Fits, _request: Request) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of all objects, in order."""
    path = fits.source.path
    primary = fits.hdu(0)
    at = 0
    for hdu in fits:
        fields = _fields(hdu)
        if not fields:
            continue
        identity = described(_cards(hdu, primary).get)
        # RA and DEC of the primary header are the telescope's where there are many objects.
        if _is_object(hdu) and hdu.get("RA") is None:
            identity.pop("ra", None)
            identity.pop("dec", None)
        if _OBJECT.match(hdu.name) and _is_object(hdu):
            identity["targetid"] = hdu.name
        context = Context(
            path, NAME, at, said_air=hdu.get("VAC_WAVE") is False, identity=identity
        )
        at += 1
        try:
            yield one_spectrum(fields, context)
        except ReadError as error:
            error.index = context.index
            yield error
    if not at:
        raise ReadError("no object in this file of PypeIt has a spectrum", path)


def _fields(hdu: Hdu) -> list[Field]:
    """Return wavelengths, flux, ivar and mask of an object; nothing of another HDU."""
    if hdu.layout.kind != "table" or not hdu.rows:
        return []
    names = ("WAVE", "FLUX", "IVAR", "MASK")
    if not {"WAVE", "FLUX", "IVAR"} <= hdu.columns.keys():
        flux, ivar = next((pair for pair in _FLUXES if pair[0] in hdu), ("", ""))
        kind = flux[:3]
        names = (f"{kind}_WAVE", flux, ivar, f"{kind}_MASK")
        if f"{kind}_WAVE" not in hdu or not flux:
            return []
    fields = []
    for name, role in zip(names, ("wavelength", "flux", "ivar", "good"), strict=True):
        if name in hdu:
            values = hdu.column(name, np.float64).reshape(-1)
            if role == "wavelength":  # 0 outside of the wavelength solution
                fields.append(Field(role, np.where(values > 0, values, np.nan), "Angstrom"))
            else:
                fields.append(Field(role, values))
    return fields


def _cards(hdu: Hdu, primary: Hdu | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for source in (hdu, primary):
        for name in ("TARGET", "OBJECT", "RA", "DEC", "MJD", "MASKDEF_OBJNAME"):
            value = None if source is None else source.get(name)
            if value is not None:
                found.setdefault(plain(name), value)
    return found
