"""SDSS and BOSS ``spPlate`` files: all fibres of a plate (500, 640 or 1000).

HDU 0 is the flux (1e-17 erg/s/cm2/A), one row per fibre, on log-linear pixels of vacuum
wavelength (COEFF0, COEFF1); HDU 1 ivar, 2 and-mask, 5 plug map. Class and redshift are in
``spZbest-PLATE-MJD.fits``, read where it is in the same folder. Data model:
https://data.sdss.org/datamodel/files/BOSS_SPECTRO_REDUX/RUN2D/PLATE4/spPlate.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.identity import (
    fibre_bits,
    pipeline_result,
    position,
    positive,
    sdss_survey,
    whole,
)
from huggins.formats.neighbours import rows_beside
from huggins.formats.pixels import from_coefficients
from huggins.formats.request import blocks
from huggins.quality import ZWarning
from huggins.specobjid import specobjid
from huggins.spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggins.fits import Fits
    from huggins.fits.hdu import Hdu
    from huggins.formats.request import Request

NAME = "spPlate"

# Fibres read at a time: 10 MB of pixels.
_CHUNK: Final = 128
#: Bit of SDSS and_mask: the fibre is not in the plug map.
_NOPLUG: Final = 1 << 0
_FIBRE: Final = ("FIBERID", "RA", "DEC", "OBJTYPE")
_BEST: Final = ("FIBERID", "CLASS", "SUBCLASS", "Z", "ZWARNING", "PLUG_RA", "PLUG_DEC")


def identify(fits: Fits) -> bool:
    """Whether HDU 0 is an image on log-linear pixels, and of a plate or like HDU 1."""
    flux = fits.hdu(0)
    if flux is None or len(flux.shape) != 2 or flux.get("COEFF0") is None:
        return False
    return flux.get("PLATEID") is not None or _ivar(fits, flux) is not None


def _ivar(fits: Fits, flux: Hdu) -> Hdu | None:
    second = fits.hdu(1)
    if second is None or second.layout.kind != "image" or second.shape != flux.shape:
        return None
    return second


def read(fits: Fits, request: Request) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of all fibres, in order."""
    flux = fits.hdu(0)
    assert flux is not None
    ivar = _ivar(fits, flux)
    if ivar is None:
        raise ReadError(
            "HDU 1, the inverse variance, is missing: fetch the file again", fits.source.path
        )
    fibres, pixels = flux.shape
    if fibres == 0 or pixels == 0:
        raise ReadError("the plate has no fibre: fetch the file again", fits.source.path)
    loglam = from_coefficients(flux, pixels)
    loglam.flags.writeable = False  # all fibres share it
    mask = fits.hdu(2)
    if mask is not None and (mask.layout.kind != "image" or mask.shape != flux.shape):
        mask = None
    plugs = _plugs(fits, fibres)
    best = _best(fits, flux)
    for first, count in blocks(request.chosen(fibres, None, range(1, fibres + 1)), _CHUNK):
        fluxes = flux.image(first=first, count=count)
        ivars = ivar.image(first=first, count=count)
        masks = None if mask is None else mask.image(np.int32, first=first, count=count)
        for i in range(count):
            spectrum = Spectrum(
                loglam,
                fluxes[i],
                ivars[i],
                None if masks is None else masks[i].view(np.uint32),
                file=fits.source.path,
                index=first + i,
                format=NAME,
            )
            _describe(spectrum, flux, plugs[first + i], best.get(first + i + 1, {}))
            yield spectrum


def _describe(
    spectrum: Spectrum, header: Hdu, plug: dict[str, Any], best: dict[str, Any]
) -> None:
    """Fill in the identity of a fibre and the pipeline's result."""
    spectrum.plate = positive(header.get("PLATEID"))
    spectrum.mjd = positive(header.get("MJD"))
    spectrum.fiberid = spectrum.index + 1  # rows are fibres, in order
    run2d = str(header.get("RUN2D") or "").strip()
    spectrum.survey = sdss_survey(run2d, spectrum.mjd)
    spectrum.specobjid = specobjid(spectrum.plate, spectrum.mjd, spectrum.fiberid, run2d)
    spectrum.ra, spectrum.dec = position(plug.get("RA"), plug.get("DEC"))
    mask = spectrum.and_mask
    unplugged = plug.get("FIBERID", 1) <= 0 or (mask is not None and (mask & _NOPLUG).all())
    if unplugged:
        spectrum.zwarning |= ZWarning.UNPLUGGED
        spectrum.ra = spectrum.dec = None
    if best:
        spectrum.pipeline = pipeline_result(best.get)
        spectrum.zwarning |= fibre_bits(spectrum.pipeline.zwarning)
        if spectrum.ra is None and not unplugged:
            spectrum.ra, spectrum.dec = position(best.get("PLUG_RA"), best.get("PLUG_DEC"))


def _plugs(fits: Fits, fibres: int) -> list[dict[str, Any]]:
    """Return the plug map's rows, empty ones where there is no plug map."""
    for hdu in fits:
        if {"RA", "DEC", "FIBERID"} <= hdu.columns.keys() and hdu.rows == fibres:
            return [hdu.record(_FIBRE, row) for row in range(fibres)]
    return [{}] * fibres


def _best(fits: Fits, header: Hdu) -> dict[int, dict[str, Any]]:
    """Return the rows of the plate's spZbest file, by fibre."""
    plate, mjd = whole(header.get("PLATEID")), whole(header.get("MJD"))
    if plate is None or mjd is None:
        return {}
    name = f"spZbest-{plate:04d}-{mjd}.fits"
    return rows_beside(fits.source.path, name, _BEST, ("FIBERID", "CLASS", "Z"))
