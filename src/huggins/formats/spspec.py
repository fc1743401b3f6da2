"""SDSS-I/II ``spSpec`` files of DR7 and before, one spectrum each.

The primary HDU is an image whose rows are flux (1e-17 erg/s/cm2/A), continuum-subtracted flux,
noise (1 sigma, 0 where bad) and mask; COEFF0 and COEFF1 give log10 of the vacuum wavelength.
Class and redshift are in the header. Data model:
https://classic.sdss.org/dr7/dm/flatFiles/spSpec.php
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from huggins.formats.identity import number, position, positive, whole
from huggins.formats.pixels import from_coefficients, inverse_variance, mask_bits
from huggins.specobjid import specobjid
from huggins.spectrum import Pipeline, Spectrum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggins.fits import Fits
    from huggins.formats.request import Request

NAME = "spSpec"

#: SPEC_CLN of the header: https://classic.sdss.org/dr7/dm/flatFiles/spSpec.php
_CLASSES: Final = {
    1: ("STAR", ""),
    2: ("GALAXY", ""),
    3: ("QSO", ""),
    4: ("QSO", "HIZ_QSO"),
    5: ("SKY", ""),
    6: ("STAR", "STAR_LATE"),
    7: ("GALAXY", "GAL_EM"),
}


def identify(fits: Fits) -> bool:
    """Whether the primary image has few rows on log-linear pixels and SDSS's class."""
    primary = fits.hdu(0)
    return (
        primary is not None
        and len(primary.shape) == 2
        and 3 <= primary.shape[0] <= 6
        and primary.get("COEFF0") is not None
        and primary.get("SPEC_CLN") is not None
    )


def read(fits: Fits, _request: Request) -> Iterator[Spectrum]:
    """Yield the one spectrum of the file."""
    primary = fits.hdu(0)
    assert primary is not None
    rows = primary.image()
    plate = positive(primary.get("PLATEID"))
    mjd = positive(primary.get("MJD"))
    fiberid = positive(primary.get("FIBERID"))
    run2d = primary.get("RUN2D") or primary.get("RERUN") or ""
    ra, dec = position(primary.get("RAOBJ"), primary.get("DECOBJ"))
    cls, subclass = _CLASSES.get(whole(primary.get("SPEC_CLN")) or 0, ("", ""))
    yield Spectrum(
        from_coefficients(primary, rows.shape[1]),
        rows[0],
        inverse_variance(rows[2]),
        mask_bits(rows[3]) if len(rows) > 3 else None,
        file=fits.source.path,
        format=NAME,
        survey="SDSS",
        plate=plate,
        mjd=mjd,
        fiberid=fiberid,
        specobjid=specobjid(plate, mjd, fiberid, str(run2d).strip()),
        ra=ra,
        dec=dec,
        pipeline=Pipeline(cls, subclass, number(primary.get("Z")) if cls else None),
    )
