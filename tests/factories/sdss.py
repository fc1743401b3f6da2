"""SDSS files of one spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

if TYPE_CHECKING:
    from pathlib import Path

    from factories.arrays import Truth

_UNSIGNED_ZERO = 2**63


def _coadd(truth: Truth, *, upper: bool, name: str | None, drop: tuple[str, ...] = ()):
    loglam = np.asarray(truth.loglam)
    columns = {
        "flux": ("E", truth.flux),
        "loglam": ("D" if loglam.dtype == np.float64 else "E", loglam),
        "ivar": ("E", truth.ivar),
        "and_mask": ("J", truth.and_mask),
        "or_mask": ("J", truth.and_mask),
        "wdisp": ("E", np.ones_like(truth.flux)),
        "sky": ("E", np.full_like(truth.flux, 7)),
        "model": ("E", np.zeros_like(truth.flux)),
    }
    names = [key for key in columns if key not in drop]
    return _table(
        [
            fits.Column(key.upper() if upper else key, columns[key][0], array=columns[key][1])
            for key in names
        ],
        name,
    )


def _table(columns: list[fits.Column], name: str | None):
    hdu = fits.BinTableHDU.from_columns(columns)
    if name:
        hdu.name = name
    return hdu


def _write(path: Path, *hdus) -> Path:
    fits.HDUList(list(hdus)).writeto(path, overwrite=True)
    return path


def _row(columns: dict[str, tuple[str, object]], name: str | None):
    return _table(
        [fits.Column(key, form, array=[value]) for key, (form, value) in columns.items()], name
    )


def _lines(name: str | None):
    columns = [
        fits.Column("LINENAME", "13A", array=["H_alpha", "H_beta"]),
        fits.Column("LINEWAVE", "D", array=[6564.6, 4862.7]),
    ]
    return _table(columns, name)


def _identity(truth: Truth, ra: str = "PLUG_RA", dec: str = "PLUG_DEC"):
    """Columns that the rows of all surveys end with: position and the pipeline's answer."""
    return {
        ra: ("D", truth.ra),
        dec: ("D", truth.dec),
        "CLASS": ("6A", truth.cls),
        "SUBCLASS": ("21A", truth.subclass),
        "Z": ("E", truth.z),
        "ZWARNING": ("J", truth.zwarning),
    }


def write_boss_spec(
    path: Path,
    truth: Truth,
    *,
    upper: bool = False,
    named: bool = True,
    exposures: int = 0,
    unsigned: bool = False,
    order: tuple[str, ...] = ("COADD", "SPALL", "SPZLINE"),
    drop: tuple[str, ...] = (),
    specobjid: int | None = None,
) -> Path:
    """SDSS-III/IV: lite without, full with `exposures`; `order` omits or moves HDUs."""
    row = {
        "PROGRAMNAME": ("8A", "boss"),
        "SPECPRIMARY": ("B", 1),
        "BOSS_SPECOBJ_ID": ("J", 99),
        "PLATE": ("J", truth.plate),
        "MJD": ("J", truth.mjd),
        "FIBERID": ("J", truth.fiberid),
        "RUN2D": ("7A", truth.run2d),
        **_identity(truth),
        "FIELD": ("I", 77),
        "THETA": ("10E", np.zeros(10)),
        "RA": ("D", 0.0),
        "DEC": ("D", 0.0),
    }
    if specobjid is not None:
        row["SPECOBJID"] = ("K", specobjid - _UNSIGNED_ZERO if unsigned else specobjid)
    spall = _row(row, "SPALL" if named else None)
    if unsigned and specobjid is not None:
        # As the pipeline writes unsigned integers; astropy would insist on its own way.
        number = spall.columns.names.index("SPECOBJID") + 1
        spall.header[f"TSCAL{number}"] = 1
        spall.header[f"TZERO{number}"] = _UNSIGNED_ZERO
    made = {
        "COADD": _coadd(truth, upper=upper, name="COADD" if named else None, drop=drop),
        "SPALL": spall,
        "SPZLINE": _lines("SPZLINE" if named else None),
    }
    primary = fits.PrimaryHDU()
    primary.header["TELESCOP"] = "SDSS 2.5-M"
    primary.header["PLATEID"] = truth.plate
    primary.header["RUN2D"] = truth.run2d
    frames = []
    for i in range(exposures):
        frame = _coadd(truth, upper=upper, name=f"B1-0013435{i}")
        frame.data["FLUX" if upper else "flux"][:] = -1
        frames.append(frame)
    return _write(path, primary, *(made[key] for key in order), *frames)


def write_sdss_spec(path: Path, truth: Truth) -> Path:
    """SDSS-I/II spectrum of DR8 and after; SPECOBJID is a right-aligned string."""
    row = {
        "SURVEY": ("6A", "sdss"),
        "INSTRUMENT": ("4A", "SDSS"),
        "SPECOBJID": ("22A", "   318878783842904064"),
        "PLATE": ("J", truth.plate),
        "MJD": ("J", truth.mjd),
        "FIBERID": ("J", truth.fiberid),
        "RUN2D": ("3A", "26"),
        **_identity(truth),
    }
    coadd = _coadd(truth, upper=False, name="COADD")
    return _write(path, fits.PrimaryHDU(), coadd, _row(row, "SPECOBJ"), _lines("SPZLINE"))


def write_sdss5_spec(
    path: Path, truth: Truth, *, catalogid: object = 27021597911984196, sdss_id: int = 114986844
) -> Path:
    """SDSS-V: other columns in SPALL, a table ZALL of many redshifts, string identifiers."""
    row = {
        "PROGRAMNAME": ("8A", "BHM"),
        "FIELD": ("K", truth.plate),
        "MJD": ("K", truth.mjd),
        "CATALOGID": ("20A", catalogid) if isinstance(catalogid, str) else ("K", catalogid),
        "SDSS_ID": ("K", sdss_id),
        "SPECOBJID": ("29A", "50320059541270215979119841960"),
        "RUN2D": ("6A", "v6_1_3"),
        **_identity(truth, "RACAT", "DECCAT"),
    }
    others = [
        fits.Column("CLASS", "6A", array=["GALAXY", "STAR"]),
        fits.Column("Z", "E", array=[0.5, 0.0]),
    ]
    tables = [_row(row, "SPALL"), _table(others, "ZALL"), _lines("ZLINE")]
    return _write(path, fits.PrimaryHDU(), _coadd(truth, upper=True, name="COADD"), *tables)


def write_spspec(path: Path, truth: Truth, *, code: int = 3, step: float = 1e-4) -> Path:
    """SDSS-I/II spectrum of DR7: an image; pixels are log-linear from the first of `truth`."""
    with np.errstate(divide="ignore"):
        noise = np.where(truth.ivar > 0, 1 / np.sqrt(truth.ivar), 0)
    rows = np.array([truth.flux, np.zeros_like(truth.flux), noise, truth.and_mask], ">f4")
    primary = fits.PrimaryHDU(rows)
    header = primary.header
    header["COEFF0"] = float(truth.loglam[0])
    header["COEFF1"] = step
    header["PLATEID"] = truth.plate
    header["MJD"] = truth.mjd
    header["FIBERID"] = truth.fiberid
    header["RAOBJ"] = truth.ra
    header["DECOBJ"] = truth.dec
    header["SPEC_CLN"] = code
    header["Z"] = truth.z
    return _write(path, primary, _lines(None))
