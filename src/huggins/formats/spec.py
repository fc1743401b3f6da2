"""SDSS ``spec`` files, one spectrum each: SDSS-I to SDSS-V, full and lite.

HDU 1 (COADD) is a table of pixels: flux (1e-17 erg/s/cm2/A), loglam (log10 of the vacuum
wavelength in A), ivar, and_mask. HDU 2 (SPALL or SPECOBJ) is the pipeline's row. "Full" files
have the exposures after it. Data model:
https://data.sdss.org/datamodel/files/BOSS_SPECTRO_REDUX/RUN2D/spectra/PLATE4/spec.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.identity import (
    fibre_bits,
    identifier,
    pipeline_result,
    position,
    positive,
    sdss_survey,
)
from huggins.specobjid import specobjid
from huggins.spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggins.fits import Fits
    from huggins.fits.hdu import Hdu
    from huggins.formats.request import Request

NAME = "spec"

#: Columns of the pipeline's row, with the names of all generations.
ROW: Final = (
    *("CLASS", "SUBCLASS", "Z", "ZWARNING", "RUN2D"),
    *("PLATE", "FIELD", "MJD", "FIBERID", "CATALOGID", "SDSS_ID", "SPECOBJID"),
    *("PLUG_RA", "PLUG_DEC", "FIBER_RA", "FIBER_DEC", "RACAT", "DECCAT", "RA", "DEC"),
)
# The fibre's position first: RA and DEC are those of the matched image, 0 without a match.
_POSITIONS: Final = (
    ("PLUG_RA", "PLUG_DEC"),
    ("FIBER_RA", "FIBER_DEC"),
    ("RACAT", "DECCAT"),
    ("RA", "DEC"),
)
# Columns that only SDSS-V has.
_FIFTH: Final = ("FIELD", "CATALOGID", "SDSS_ID")


def identify(fits: Fits) -> bool:
    """Whether this is a spec file: a table with flux and loglam among its HDUs."""
    return find_coadd(fits) is not None


def find_coadd(fits: Fits) -> Hdu | None:
    """Return the table of pixels; None if there is none."""
    first = fits.hdu(1)
    if first is None:
        return None
    if _has_pixels(first) and _is_own(first):
        return first
    # Elsewhere: by name, else the first of these columns (exposures come after the coadd).
    candidates = [hdu for hdu in fits if _has_pixels(hdu)]
    named = [hdu for hdu in candidates if hdu.name == "COADD"]
    own = [hdu for hdu in candidates if _is_own(hdu)]
    if not own and any(_is_pipeline(hdu) for hdu in fits):
        own = candidates
    return next(iter(named or own), None)


def _has_pixels(hdu: Hdu) -> bool:
    columns = hdu.columns
    two = ("FLUX" in columns) + ("LOGLAM" in columns) + ("IVAR" in columns) >= 2
    return two and "WAVELENGTH" not in columns


def _is_own(hdu: Hdu) -> bool:
    """Whether a table is of SDSS: flux, loglam and ivar are names that others use too."""
    columns = hdu.columns
    if "WDISP" in columns or "WRESL" in columns:
        return True
    name = hdu.name
    if name.startswith("COADD_"):
        return False  # an arm of LAMOST
    return name == "COADD" or "AND_MASK" in columns or "OR_MASK" in columns


def find_pipeline(fits: Fits, coadd: Hdu) -> Hdu | None:
    """Return the pipeline's table, usually HDU 2; None if there is none."""
    second = fits.hdu(2)
    if second is None or not _is_pipeline(second):
        second = next((hdu for hdu in fits if _is_pipeline(hdu)), None)
    return None if second is coadd else second


def _is_pipeline(hdu: Hdu) -> bool:
    columns = hdu.columns
    return "CLASS" in columns and "Z" in columns and hdu.rows == 1


def read(fits: Fits, _request: Request) -> Iterator[Spectrum]:
    """Yield the one spectrum of the file."""
    coadd = find_coadd(fits)
    if coadd is None:
        raise ReadError("no table of flux, loglam and ivar in this file", fits.source.path)
    loglam = coadd.column("LOGLAM", np.float64)
    flux = coadd.column("FLUX")
    ivar = coadd.column("IVAR")
    mask = coadd.column("AND_MASK", np.int32) if "AND_MASK" in coadd else None
    if not loglam.ndim == flux.ndim == ivar.ndim == 1:
        raise ReadError(
            "LOGLAM, FLUX and IVAR must hold one number per row: fetch the file again",
            fits.source.path,
        )
    table = find_pipeline(fits, coadd)
    row = table.record(ROW) if table is not None else {}
    header = fits.hdu(0)
    run2d = row.get("RUN2D") or (header.get("RUN2D") if header else None) or ""
    spectrum = Spectrum(
        loglam,
        flux,
        ivar,
        None if mask is None else mask.view(np.uint32),
        file=fits.source.path,
        format=NAME,
    )
    identify_object(spectrum, row, str(run2d).strip())
    yield spectrum


def identify_object(spectrum: Spectrum, row: dict[str, Any], run2d: str) -> None:
    """Fill in identity and result from the pipeline's row."""
    spectrum.mjd = positive(row.get("MJD"))
    spectrum.survey = sdss_survey(run2d, spectrum.mjd)
    if not spectrum.survey and any(name in row for name in _FIFTH):
        spectrum.survey = "SDSS-V"  # reductions under way are called master, trunk or daily
    if spectrum.survey == "SDSS-V":
        # FIELD has replaced PLATE, also in the names of the files.
        spectrum.plate = positive(row.get("FIELD")) or positive(row.get("PLATE"))
        spectrum.targetid = identifier(row.get("CATALOGID")) or identifier(row.get("SDSS_ID"))
    else:
        spectrum.plate = positive(row.get("PLATE"))
    spectrum.fiberid = positive(row.get("FIBERID"))
    spectrum.specobjid = _own_specobjid(row.get("SPECOBJID")) or specobjid(
        spectrum.plate, spectrum.mjd, spectrum.fiberid, run2d
    )
    for ra, dec in _POSITIONS:
        if ra in row and dec in row:
            spectrum.ra, spectrum.dec = position(row[ra], row[dec])
            if spectrum.ra is not None:
                break
    if row:
        spectrum.pipeline = pipeline_result(row.get)
        spectrum.zwarning = fibre_bits(spectrum.pipeline.zwarning)


def _own_specobjid(value: Any) -> str | None:
    """Return the file's SPECOBJID: a string, or 64 bits, signed in some files."""
    if isinstance(value, int) and value < 0:
        value += 1 << 64
    return identifier(value)
