"""LAMOST files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

if TYPE_CHECKING:
    from pathlib import Path

    from factories.arrays import Truth


def _header(header: fits.Header, truth: Truth, vacuum: bool) -> None:
    header["TELESCOP"] = "LAMOST"
    header["DATA_V"] = "LAMOST DR7"
    header["OBSID"] = 101001
    header["MJD"] = truth.mjd
    header["FIBERID"] = truth.fiberid
    header["RA"] = truth.ra
    header["DEC"] = truth.dec
    header["VACUUM"] = vacuum
    header["COEFF0"] = 3.5682
    header["COEFF1"] = 0.0001
    header["CLASS"] = truth.cls
    header["SUBCLASS"] = truth.subclass
    header["Z"] = truth.z


def write_lamost_image(
    path: Path, truth: Truth, *, wavelengths: bool = True, vacuum: bool = True
) -> Path:
    """The layout up to DR8; without `wavelengths` that of DR1, whose third row is another."""
    third = truth.wavelength if wavelengths else np.ones_like(truth.flux)
    mask = truth.and_mask.astype(np.float32)
    primary = fits.PrimaryHDU(np.array([truth.flux, truth.ivar, third, mask, mask], ">f4"))
    name = "Wavelength" if wavelengths else "Subcontinuum"
    primary.header["EXTEN0"] = f"Flux, Inverse, {name}, Andmask, Ormask"
    _header(primary.header, truth, vacuum)
    primary.writeto(path, overwrite=True)
    return path


def write_lamost_table(path: Path, truth: Truth, *, vacuum: bool = True) -> Path:
    """The layout from DR9 on: one row of vectors."""
    form = f"{len(truth.flux)}E"
    columns = {
        "FLUX": truth.flux,
        "IVAR": truth.ivar,
        "WAVELENGTH": truth.wavelength,
        "ANDMASK": truth.and_mask,
        "ORMASK": truth.and_mask,
    }
    table = fits.BinTableHDU.from_columns(
        [fits.Column(name, form, array=[values]) for name, values in columns.items()],
        name="COADD",
    )
    primary = fits.PrimaryHDU()
    _header(primary.header, truth, vacuum)
    fits.HDUList([primary, table]).writeto(path, overwrite=True)
    return path
