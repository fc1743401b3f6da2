"""SDSS files of all fibres of a plate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

if TYPE_CHECKING:
    from pathlib import Path


def write_spplate(
    path: Path,
    flux: np.ndarray,
    ivar: np.ndarray,
    *,
    and_mask: np.ndarray | None = None,
    start: float = 3.55,
    step: float = 1e-4,
    plate: int = 7102,
    mjd: int = 56666,
    run2d: str = "v5_7_0",
    unplugged: tuple[int, ...] = (),
    plugmap: bool = True,
) -> Path:
    """Images of shape (fibres, pixels); `unplugged` are row numbers.

    Fibre number f (from 1) lies at ra = f / 10, dec = -f / 100.
    """
    fibres = len(flux)
    number = np.arange(1, fibres + 1)
    primary = fits.PrimaryHDU(flux.astype(">f4"))
    primary.header["COEFF0"] = start
    primary.header["COEFF1"] = step
    primary.header["PLATEID"] = plate
    primary.header["MJD"] = mjd
    primary.header["RUN2D"] = run2d
    mask = np.zeros(flux.shape, ">i4") if and_mask is None else and_mask.astype(">i4")
    mask[list(unplugged)] |= 1
    images = [
        fits.ImageHDU(ivar.astype(">f4")),
        fits.ImageHDU(mask),
        fits.ImageHDU(mask),
        fits.ImageHDU(np.ones(flux.shape, ">f4")),
    ]
    hdus = [primary, *images]
    if plugmap:
        plugged = ~np.isin(number - 1, unplugged)
        hdus.append(
            fits.BinTableHDU.from_columns(
                [
                    fits.Column("OBJID", "5J", array=np.zeros((fibres, 5))),
                    fits.Column("HOLETYPE", "6A", array=["OBJECT"] * fibres),
                    fits.Column("RA", "D", array=np.where(plugged, number / 10, 0)),
                    fits.Column("DEC", "D", array=np.where(plugged, -number / 100, 0)),
                    fits.Column("OBJTYPE", "16A", array=["GALAXY"] * fibres),
                    fits.Column("FIBERID", "J", array=np.where(plugged, number, -1)),
                ]
            )
        )
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path


def write_spzbest(folder: Path, fibres: int, *, plate: int = 7102, mjd: int = 56666) -> Path:
    """Redshifts: fibre f is a QSO at z = f / 100 where f is odd, else a star of z = -0.001."""
    path = folder / f"spZbest-{plate:04d}-{mjd}.fits"
    number = np.arange(1, fibres + 1)
    odd = number % 2 == 1
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("PLATE", "J", array=np.full(fibres, plate)),
            fits.Column("MJD", "J", array=np.full(fibres, mjd)),
            fits.Column("FIBERID", "J", array=number),
            fits.Column("CLASS", "6A", array=np.where(odd, "QSO", "STAR")),
            fits.Column("SUBCLASS", "21A", array=np.where(odd, "", "F5")),
            fits.Column("Z", "E", array=np.where(odd, number / 100, -0.001)),
            fits.Column("ZWARNING", "J", array=np.where(odd, 0, 4)),
        ]
    )
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path, overwrite=True)
    return path
