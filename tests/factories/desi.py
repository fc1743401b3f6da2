"""DESI files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

if TYPE_CHECKING:
    from pathlib import Path


def write_desi(
    path: Path,
    cameras: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    *,
    masks: dict[str, np.ndarray] | None = None,
    compress: bool = True,
    targetid: np.ndarray | None = None,
) -> Path:
    """Write ``{"B": (wavelength (L,), flux (N, L), ivar (N, L)), ...}``.

    Row i is target 39627866878511337 + i at ra = 10 + i, dec = -i / 2.
    """
    count = len(next(iter(cameras.values()))[1])
    row = np.arange(count)
    if targetid is None:
        targetid = 39627866878511337 + row
    hdus: list = [
        fits.PrimaryHDU(),
        fits.BinTableHDU.from_columns(
            [
                fits.Column("TARGETID", "K", array=targetid),
                fits.Column("TARGET_RA", "D", array=10.0 + row),
                fits.Column("TARGET_DEC", "D", array=-row / 2),
                fits.Column("OBJTYPE", "3A", array=["TGT"] * count),
                fits.Column("FIBER", "J", array=row),
            ],
            name="FIBERMAP",
        ),
    ]
    for band, (wavelength, flux, ivar) in cameras.items():
        mask = np.zeros(flux.shape, np.uint32)
        if masks and band in masks:
            mask = masks[band].astype(np.uint32)
        hdus += [
            fits.ImageHDU(wavelength.astype(">f8"), name=f"{band}_WAVELENGTH"),
            fits.ImageHDU(flux.astype(">f4"), name=f"{band}_FLUX"),
            fits.ImageHDU(ivar.astype(">f4"), name=f"{band}_IVAR"),
            (fits.CompImageHDU if compress else fits.ImageHDU)(mask, name=f"{band}_MASK"),
            fits.ImageHDU(
                np.zeros((count, 3, len(wavelength)), ">f4"), name=f"{band}_RESOLUTION"
            ),
        ]
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path


def write_redrock(
    path: Path, targetid: np.ndarray, z: np.ndarray, spectype: list[str], zwarn: np.ndarray
) -> Path:
    """Redshifts by TARGETID, in any order."""
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("TARGETID", "K", array=targetid),
            fits.Column("Z", "D", array=z),
            fits.Column("ZERR", "D", array=np.full(len(z), 1e-4)),
            fits.Column("ZWARN", "K", array=zwarn),
            fits.Column("SPECTYPE", "6A", array=spectype),
            fits.Column("SUBTYPE", "20A", array=[""] * len(z)),
        ],
        name="REDSHIFTS",
    )
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path, overwrite=True)
    return path
