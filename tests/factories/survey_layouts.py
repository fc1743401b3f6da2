"""One spectrum in the files of surveys and pipelines that huggins reads by name."""

from __future__ import annotations

import warnings

import numpy as np
from astropy.io import fits

from factories.fits_layouts import linear, save, table

LIGHT = 299792.458


def _boss(w, f, e, name="BOSS/APO", **scalars):
    cells = {
        "flux": f[None],
        "ivar": e[None] ** -2.0,
        "pixel_flags": np.zeros((1, len(w)), int),
    }
    return table({"sdss_id": [54392544], **cells, **scalars}, name)


def mwm_star(path, w, f, e):
    """Astra's coadd, at rest by 300 km/s; the infrared HDUs beside it."""
    rest = w / (1 + 300.0 / LIGHT)
    optical = _boss(w, f, e, wavelength=rest[None], v_rad=[300.0])
    infrared = table(
        {"flux": np.ones((1, 50)), "ivar": np.ones((1, 50)), "wavelength": np.ones((1, 50))},
        "APOGEE/APO",
    )
    empty = _boss(w, f, e, "BOSS/LCO")
    empty.data = empty.data[:0]
    return save(path, optical, empty, infrared)


def mwm_visit(path, w, f, e):
    """Two visits on Astra's grid, one of them shifted to rest."""
    velocity = 300.0
    grid = np.log10(w[0]) + np.log10(w[-1] / w[0]) / (len(w) - 1) * np.arange(len(w))
    shift = np.log10(1 + velocity / LIGHT)
    rest = np.interp(grid + shift, np.log10(w), f)
    cells = {"flux": np.array([f, rest]), "ivar": np.array([e, e]) ** -2.0}
    hdu = table(
        {"sdss_id": [1, 1], "mjd": [59001, 59002], "in_stack": [False, True],
         "xcsao_v_rad": [velocity, velocity], **cells},
        "BOSS/APO", CRVAL=grid[0], CDELT=grid[1] - grid[0], NPIXELS=len(w),
    )  # fmt: skip
    return save(path, hdu)


def pypeit_coadd(path, w, f, e):
    """mask is 1 where good; pixels without data have garbage."""
    mask = (np.arange(len(w)) % 50 != 0).astype(int)
    hdu = table(
        {"wave": w, "wave_grid_mid": w, "flux": np.where(mask, f, 1e4),
         "ivar": np.where(mask, e**-2.0, 0.0), "mask": mask},
        "OBJ0001-SPEC0001-COADD", DMODCLS="OneSpec", FLUXED=True,
    )  # fmt: skip
    return save(path, hdu)


def pypeit_spec1d(path, w, f, e, count=2):
    pad = np.zeros(5)
    hdus = []
    for n in range(count):
        columns = {
            "TRACE_SPAT": np.arange(len(w) + 5.0),
            "BOX_WAVE": np.append(w, pad), "BOX_COUNTS": np.append(f, pad) * 7,
            "BOX_COUNTS_IVAR": np.append(e**-2.0, pad), "BOX_MASK": np.append(w > 0, pad > 1),
            "OPT_WAVE": np.append(w, pad), "OPT_FLAM": np.append(f, pad),
            "OPT_FLAM_IVAR": np.append(e**-2.0, pad), "OPT_MASK": np.append(w > 0, pad > 1),
            "OPT_COUNTS": np.append(f, pad) * 3, "OPT_COUNTS_IVAR": np.append(e**-2.0, pad),
        }  # fmt: skip
        hdus.append(table(columns, f"SPAT0{n}76-SLIT0185-DET01", DMODCLS="SpecObj"))
    detector = table({"dataext": [1]}, "DET01-DETECTOR")
    return save(path, *hdus, detector)


def marz(path, w, f, e, count=3, kinds="PSP", **cards):
    """2dfdr's, Marz's and OzDES's frames: one row per fibre, variance, fibres in radians."""
    grid, flux, error = linear(w, f, e)
    primary = fits.PrimaryHDU(np.tile(flux, (count, 1)))
    primary.header.update({"CRVAL1": grid[0], "CDELT1": 1.2, "CRPIX1": 1.0})
    primary.header.update({"CTYPE1": "Wavelength", "CUNIT1": "Angstroms", **cards})
    variance = fits.ImageHDU(np.tile(error**2, (count, 1)), name="VARIANCE")
    fibres = table(
        {"NAME": np.array([f"G{n}" for n in range(count)]),
         "RA": np.full(count, np.radians(30.0)), "DEC": np.full(count, np.radians(-4.5)),
         "TYPE": np.array(list(kinds))},
        "FIBRES",
    )  # fmt: skip
    sky = fits.ImageHDU(flux * 0 + 100, name="SKY")
    return save(path, primary, variance, fibres, sky)


def ozdes_combined(path, w, f, e):
    """One combined spectrum, its variance, and bad pixels."""
    grid, flux, error = linear(w, f, e)
    primary = fits.PrimaryHDU(flux)
    primary.header.update({"CRVAL1": grid[0], "CDELT1": 1.2, "CRPIX1": 1.0, "OBJECT": "SN 1"})
    bad = fits.ImageHDU(np.zeros(len(flux), np.int16), name="BAD_PIX")
    return save(path, primary, fits.ImageHDU(error**2, name="VARIANCE"), bad)


def weave(path, w, f, e, arms=("RED",), count=2):
    hdus = [fits.PrimaryHDU()]
    for arm in arms:
        part = (
            w > 5900 if arm == "RED" and len(arms) > 1 else w < 5900 if len(arms) > 1 else w > 0
        )
        grid, flux, error = linear(w[part], f[part], e[part])
        sensitivity = 2.0 + grid / 1e4
        for name, values in {
            "DATA": flux / sensitivity, "IVAR": (error / sensitivity) ** -2.0,
            "DATA_NOSS": flux + 50, "IVAR_NOSS": error**-2.0, "SENSFUNC": sensitivity,
        }.items():  # fmt: skip
            hdu = fits.ImageHDU(np.tile(values, (count, 1)), name=f"{arm}_{name}")
            hdu.header.update(
                {"CRVAL1": grid[0], "CD1_1": 1.2, "CRPIX1": 1.0, "CTYPE1": "WAVE"}
            )
            hdu.header["CUNIT1"] = "Angstrom"
            hdus.append(hdu)
    fibres = {
        "FIBREID": np.arange(1, count + 1), "TARGID": np.array([f"W{n}" for n in range(count)]),
        "FIBRERA": np.full(count, 30.0), "FIBREDEC": np.full(count, 40.0),
        "TARGUSE": np.array((["T", "S"] * count)[:count]),
    }  # fmt: skip
    return save(path, *hdus, table(fibres, "FIBTABLE"))


def pfs(path, w, f, e, count=2, single_axis=True, ragged=False):
    """nm and nJy; the mask has a harmless bit (3) everywhere, a bad one (2) here and there."""
    scale = w**2 / 1e6
    bad = np.arange(len(w)) % 60 == 0
    flux = np.where(bad, 1e6, f * scale)
    mask = np.where(bad, 4 + 8, 8)
    covar = np.array([(e * scale) ** 2, 0 * w, 0 * w])
    target = table(
        {"targetId": np.arange(count), "catId": np.full(count, 10094),
         "objId": 120731449862702300 + np.arange(count), "ra": 30.0 + np.arange(count),
         "dec": np.full(count, 1.0)},
        "TARGET",
    )  # fmt: skip
    text = np.array(["MP_CR: 2\nMP_SKYLINE: 3"] * count)
    metadata = table({"targetId": np.arange(count), "metadata": text}, "METADATA")
    hdus = [fits.PrimaryHDU(), target]
    if ragged:

        def cells(values, names):
            columns = []
            for name, row in zip(names, values, strict=True):
                array = np.empty(count, dtype=object)
                array[:] = [row[: len(row) - n] for n in range(count)]
                columns.append(fits.Column(name=name, format="PD()", array=array))
            return fits.BinTableHDU.from_columns(columns)

        for name, values in {"WAVELENGTH": w / 10, "FLUX": flux, "MASK": mask}.items():
            hdu = cells([values], ["value"])
            hdu.name = name
            hdus.append(hdu)
        hdu = cells(covar, ["row_0", "row_1", "row_2"])
        hdu.name = "COVAR"
        hdus.append(hdu)
    else:
        axis = w / 10 if single_axis else np.tile(w / 10, (count, 1))
        hdus += [
            fits.ImageHDU(axis, name="WAVELENGTH"),
            fits.ImageHDU(np.tile(flux, (count, 1)), name="FLUX"),
            fits.ImageHDU(np.tile(mask, (count, 1)).astype(np.int32), name="MASK"),
            fits.ImageHDU(np.tile(covar, (count, 1, 1)), name="COVAR"),
        ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return save(path, *hdus, metadata)


SURVEYS = {
    "mwmStar": (mwm_star, "mwm"),
    "mwmVisit": (mwm_visit, "mwm"),
    "PypeIt coadd1d": (pypeit_coadd, "pypeit"),
    "PypeIt spec1d": (pypeit_spec1d, "pypeit"),
    "2dF, Marz": (marz, "fits"),
    "OzDES combined": (ozdes_combined, "fits"),
    "WEAVE L1": (weave, "weave"),
    "WEAVE L1, two arms": (lambda *a: weave(*a, arms=("BLUE", "RED")), "weave"),
    "PFS": (pfs, "pfs"),
    "PFS, an axis each": (lambda *a: pfs(*a, single_axis=False), "pfs"),
    "PFS, of several lengths": (lambda *a: pfs(*a, ragged=True), "pfs"),
}
