"""FITS files of no survey: every table and image in them that holds spectra, in order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from huggins.errors import ReadError
from huggins.formats import fits_images, fits_tables
from huggins.formats.fields import Context
from huggins.formats.request import ALL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggins.fits import Fits
    from huggins.fits.hdu import Hdu
    from huggins.formats.request import Request
    from huggins.spectrum import Spectrum

NAME = "fits"


def identify(fits: Fits) -> bool:
    """Whether there is a table of wavelength and flux, or an image with a spectral axis."""
    if _is_manga(fits):
        return False
    return bool(_tables(fits)) or bool(fits_images.groups(fits))


def _named(fits: Fits, request: Request) -> list[Hdu]:
    """Return the tables with the columns that the user names.

    Raises
    ------
    ReadError
        If there are none.
    """
    names = [own.upper() for own, _ in request.columns]
    found = [hdu for hdu in fits if hdu.layout.kind == "table" and all(n in hdu for n in names)]
    if not found:
        every = [name for hdu in fits if hdu.layout.kind == "table" for name in hdu.columns]
        request.require(every, fits.source.path)
        raise ReadError(f"no table has all of the columns {', '.join(names)}", fits.source.path)
    return found


def _tables(fits: Fits) -> list[Hdu]:
    """Return the tables of spectra; those of the sky or of models only where all are such."""
    found = [
        hdu for hdu in fits if fits_tables.holds_spectra(hdu) and fits_tables.is_of_pixels(hdu)
    ]
    objects = [hdu for hdu in found if not fits_tables.NOT_THE_OBJECT.search(hdu.name)]
    return objects or found


def read(fits: Fits, request: Request) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of all HDUs: none is left out because another came first.

    INDEX goes on from one HDU to the next.
    """
    path = fits.source.path
    tables = _named(fits, request) if request.columns else _tables(fits)
    images = fits_images.groups(fits)
    if tables:
        # Beside tables, images are mostly those from which the spectra were extracted.
        images = [group for group in images if fits_images.is_one_spectrum(group)]
    parts = len(tables) + len(images)
    at = 0
    every: list[Hdu | fits_images.Group] = [*tables, *images]
    for part in sorted(every, key=_place):
        context = Context(path=path, index=at, air=request.air)
        # Where a file has several parts, rows can only be counted by reading them.
        own = replace(request, selection=ALL) if parts > 1 else request
        try:
            if isinstance(part, fits_images.Group):
                items = fits_images.read(fits, part, context, own)
            else:
                items = fits_tables.read(fits, part, context, own)
            for item in items:
                at = max(at, item.index + 1)
                yield item
        except ReadError as error:
            if parts == 1:
                raise
            error.index = at
            at += 1
            yield error


def _place(part: Hdu | fits_images.Group) -> int:
    return part.flux.index if isinstance(part, fits_images.Group) else part.index


def refusal(fits: Fits) -> str:
    """Return why a file with spectra of many places in one object is refused, or nothing."""
    if _is_manga(fits):
        return (
            "a file of MaNGA, with spectra of many places in one galaxy: write the spectrum of "
            "one place, or their sum, as a table of wavelength, flux and ivar"
        )
    if fits_images.holds_cube(fits):
        return (
            "a cube of spectra of many places: write the spectrum of one place, or their sum, "
            "as a table of wavelength, flux and error"
        )
    return ""


def _is_manga(fits: Fits) -> bool:
    return any(
        hdu is not None and (hdu.get("MANGAID") or hdu.get("PLATEIFU")) is not None
        for hdu in (fits.hdu(0), fits.hdu(1))
    )
