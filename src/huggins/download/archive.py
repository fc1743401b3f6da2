"""Where the surveys' archives keep their files."""

from __future__ import annotations

from typing import Final

#: The Science Archive Server of SDSS.
SDSS: Final = "https://data.sdss.org/sas"
_RELEASE: Final = "dr17"  # the last with every spectrum of SDSS-I to SDSS-IV


def sdss_spec_url(
    plate: int, mjd: int, fiber: int, run2d: str, *, base: str = SDSS, lite: bool = True
) -> str:
    """Return the address of a spectrum of SDSS-I to SDSS-IV in data release 17.

    Parameters
    ----------
    plate, mjd, fiber
        The spectrum.
    run2d
        Version of the reduction: ``26``, ``103`` or ``104`` for SDSS-I and II, ``v5_...`` for
        BOSS and eBOSS.
    base
        Root of the archive.
    lite
        The file without the single exposures, a tenth of the size.

    >>> sdss_spec_url(266, 51630, 38, "26")[-70:]
    'dr17/sdss/spectro/redux/26/spectra/lite/0266/spec-0266-51630-0038.fits'
    """
    survey = "eboss" if run2d.startswith("v") else "sdss"
    # The older files without their exposures lie in lite/, those with them in no folder.
    kind = "lite/" if lite else "full/" if survey == "eboss" else ""
    return (
        f"{base}/{_RELEASE}/{survey}/spectro/redux/{run2d}/spectra/{kind}{plate:04d}/"
        f"spec-{plate:04d}-{mjd}-{fiber:04d}.fits"
    )
