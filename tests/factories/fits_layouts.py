"""One spectrum in the FITS layouts in which people have it: a writer for each.

As in `factories.layouts`: a path without ending, wavelengths in vacuum Angstrom, flux and its
1-sigma error; each returns the path of what it wrote.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning
from astropy.nddata import InverseVariance, StdDevUncertainty, VarianceUncertainty

from factories.layouts import vacuum_to_air

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Writer = Callable[[Path, np.ndarray, np.ndarray, np.ndarray], Path]


def save(path: Path, *hdus) -> Path:
    path = path.with_suffix(".fits")
    fits.HDUList(
        [fits.PrimaryHDU(), *hdus] if hdus[0].is_image is False else list(hdus)
    ).writeto(path, overwrite=True)
    return path


def table(columns: dict, name: str | None = None, units: dict | None = None, **cards):
    """A binary table; arrays of two dimensions become cells with vectors."""
    made = []
    for key, values in columns.items():
        values = np.asarray(values)
        letter = {"f": "D", "i": "K", "u": "K", "U": "A", "b": "L"}[values.dtype.kind]
        if letter == "A":
            form = f"{values.dtype.itemsize // 4}A"
        else:
            form = letter if values.ndim == 1 else f"{values.shape[1]}{letter}"
        unit = (units or {}).get(key)
        made.append(fits.Column(name=key, format=form, array=values, unit=unit))
    hdu = fits.BinTableHDU.from_columns(made, name=name)
    hdu.header.update(cards)
    return hdu


def _rows(columns, name=None, units=None, **cards) -> Writer:
    """One row a pixel."""

    def write(path, w, f, e):
        return save(path, table(columns(w, f, e), name, units, **cards))

    return write


def _cells(columns, name=None, units=None, **cards) -> Writer:
    """One row a spectrum."""

    def write(path, w, f, e):
        cells = {key: np.asarray(values)[None] for key, values in columns(w, f, e).items()}
        return save(path, table(cells, name, units, **cards))

    return write


def linear(w, f, e, step=None):
    """Resample to constant steps of wavelength: flux by interpolation, errors of one pixel."""
    grid = np.arange(w[0], w[-1], 1.2 if step is None else step)
    return grid, np.interp(grid, w, f), np.interp(grid, w, e)


def _image(data, *, second=None, name="", **cards) -> Writer:
    """An image, and perhaps a second one in another HDU."""

    def write(path, w, f, e):
        hdu = fits.PrimaryHDU(np.asarray(data(w, f, e), np.float32))
        hdu.header.update({key: v(w) if callable(v) else v for key, v in cards.items()})
        others = []
        if second is not None:
            others = [fits.ImageHDU(np.asarray(second(w, f, e), np.float32), name=name)]
        return save(path, hdu, *others)

    return write


def _loglinear(w):
    return {"CRVAL1": np.log10(w[0]), "CDELT1": np.log10(w[1] / w[0]), "CRPIX1": 1}


_LOG = {
    "CRVAL1": lambda w: float(np.log10(w[0])),
    "CD1_1": lambda w: float((np.log10(w[-1]) - np.log10(w[0])) / (len(w) - 1)),
    "CRPIX1": 1,
}


def _linear_image(air=False, unit="Angstrom", scale=1.0, **cards) -> Writer:
    def write(path, w, f, e):
        w = vacuum_to_air(w) if air else w
        grid, flux, error = linear(w, f, e)
        hdu = fits.PrimaryHDU(flux)
        hdu.header.update({"CRVAL1": grid[0] / scale, "CDELT1": 1.2 / scale, "CRPIX1": 1.0})
        if unit:
            hdu.header["CUNIT1"] = unit
        hdu.header.update(cards)
        return save(path, hdu, fits.ImageHDU(error, name="ERROR"))

    return write


def _logarithmic_wcs(path, w, f, e):
    """WAVE-LOG of the FITS standard, with a reference pixel in the middle."""
    middle = len(w) // 2
    step = np.log(w[1] / w[0]) * w[middle]
    hdu = fits.PrimaryHDU(f)
    hdu.header.update(
        {"CTYPE1": "WAVE-LOG", "CUNIT1": "Angstrom", "CRVAL1": w[middle], "CDELT1": step,
         "CRPIX1": middle + 1.0}
    )  # fmt: skip
    return save(path, hdu, fits.ImageHDU(e**-2.0, name="IVAR"))


def wat(text: str) -> dict[str, str]:
    """Cards WAT2_001 ... of a long text, 68 characters each."""
    pieces = [text[at : at + 68] for at in range(0, len(text), 68)]
    return {f"WAT2_{n:03d}": piece for n, piece in enumerate(pieces, 1)}


def multispec(hdu, w, rows, kind=1):
    """Give an image the header of IRAF's multispec: each row log-linear (1) or linear (0)."""
    if kind == 1:
        first, step = np.log10(w[0]), np.log10(w[1] / w[0])
    else:
        first, step = w[0], w[1] - w[0]
    specs = [
        f'spec{n} = "{n} {n} {kind} {first:.10f} {step:.12f} {len(w)} 0. 1.00 5.00"'
        for n in range(1, rows + 1)
    ]
    hdu.header.update({"WCSDIM": 2, "CTYPE1": "MULTISPE", "CTYPE2": "MULTISPE"})
    hdu.header.update({"WAT0_001": "system=multispec"})
    hdu.header.update({"WAT1_001": "wtype=multispec label=Wavelength units=angstroms"})
    hdu.header.update(wat("wtype=multispec " + " ".join(specs)))


def _iraf_bands(path, w, f, e):
    """What apall writes with extras: optimal, raw, sky, sigma."""
    bands = np.array([[f], [f * 0.9], [np.full_like(f, 3.0)], [e]], np.float32)
    hdu = fits.PrimaryHDU(bands)
    multispec(hdu, w, 1)
    for n, text in enumerate(
        ("spectrum - background fit, weights variance, clean no", "raw - background fit",
         "background - background fit", "sigma - background fit"), 1
    ):  # fmt: skip
        hdu.header[f"BANDID{n}"] = text
    return save(path, hdu)


def _equispec(path, w, f, e):
    grid, flux, error = linear(w, f, e)
    hdu = fits.PrimaryHDU(np.array([flux, error], np.float32))
    hdu.header.update(
        {"WCSDIM": 2, "CTYPE1": "LINEAR", "CTYPE2": "LINEAR", "CRVAL1": grid[0], "CD1_1": 1.2,
         "CD2_2": 1.0, "LTM1_1": 1.0, "DC-FLAG": 0, "WAT0_001": "system=equispec",
         "WAT1_001": "wtype=linear label=Wavelength units=angstroms"}
    )  # fmt: skip
    return save(path, hdu)


def _gama(path, w, f, e):
    grid, flux, error = linear(w, f, e)
    hdu = fits.PrimaryHDU(
        np.array([flux, error, 0 * flux + 9, error, 0 * flux + 3], np.float32)
    )
    hdu.header.update(
        {"CRPIX1": 1, "CRVAL1": grid[0], "CD1_1": 1.2, "CTYPE1": "Wavelength", "RA": 180.5,
         "CUNIT1": "Angstroms", "SPECID": "G09_Y1_DS1_127", "DEC": -0.5, "ORIGIN": "GAMA",
         "ROW1": "Spectrum", "ROW2": "Error", "ROW3": "Spectrum_noflux", "ROW4": "Error_noflux",
         "ROW5": "Sky"}
    )  # fmt: skip
    return save(path, hdu)


def _survey_rows(path, w, f, e):
    """2dFGRS, 6dFGS, 2SLAQ: rows of spectrum, variance, sky."""
    grid, flux, error = linear(w, f, e)
    hdu = fits.PrimaryHDU(np.array([flux, error**2, 0 * flux + 3], np.float32))
    hdu.header.update({"CRPIX1": 1, "CRVAL1": grid[0], "CDELT1": 1.2, "CUNIT1": "Angstroms"})
    hdu.header["IMAGE"] = "SPECTRUM"
    return save(path, hdu)


def specutils_spectrum(w, f, e, kind=StdDevUncertainty):
    import specutils

    power = {StdDevUncertainty: 1.0, VarianceUncertainty: 2.0, InverseVariance: -2.0}[kind]
    unit = u.Unit("1e-17 erg / (s cm2 AA)")
    return specutils.Spectrum(
        spectral_axis=w * u.AA, flux=f * unit, uncertainty=kind(e**power, unit=unit**power)
    )


def _specutils_table(**options) -> Writer:
    def write(path, w, f, e):
        path = path.with_suffix(".fits")
        specutils_spectrum(w, f, e).write(path, format="tabular-fits", **options)
        return path

    return write


def _specutils_wcs(kind) -> Writer:
    def write(path, w, f, e):
        import specutils
        from astropy.wcs import WCS

        grid, flux, error = linear(w, f, e)
        made = specutils_spectrum(grid, flux, error, kind)
        wcs = WCS(
            header={"CTYPE1": "WAVE", "CUNIT1": "Angstrom", "CRVAL1": grid[0], "CDELT1": 1.2,
                    "CRPIX1": 1, "WCSAXES": 1}
        )  # fmt: skip
        made = specutils.Spectrum(flux=made.flux, wcs=wcs, uncertainty=made.uncertainty)
        path = path.with_suffix(".fits")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VerifyWarning)  # of specutils' own long cards
            made.write(path, format="wcs1d-fits")
        return path

    return write


def _eso(path, w, f, e):
    """ESO Phase 3: one row, units and utypes, wavelengths in nm, quality and sky beside."""
    hdu = table(
        {"WAVE": w[None] / 10, "FLUX_REDUCED": f[None] * 3, "FLUX": f[None], "ERR": e[None],
         "QUAL": np.zeros((1, len(w)), int), "SNR": (f / e)[None], "BGFLUX": 0 * f[None] + 5},
        "SPECTRUM",
        {"WAVE": "nm", "FLUX": "10**(-16)erg.cm**(-2).s**(-1).angstrom**(-1)",
         "ERR": "10**(-16)erg.cm**(-2).s**(-1).angstrom**(-1)"},
        VOCLASS="SPECTRUM V2.0", NELEM=len(w), TUTYP1="spec:Data.SpectralAxis.Value",
        TUCD1="em.wl;obs", TUTYP3="spec:Data.FluxAxis.Value",
        TUCD3="phot.flux.density;em.wl;meta.main",
        TUTYP4="spec:Data.FluxAxis.Accuracy.StatError",
    )  # fmt: skip
    hdu.header["OBJECT"] = "J1234+0000"
    return save(path, hdu)


def _by_utype(path, w, f, e):
    """Names that say nothing, with the utypes of the Virtual Observatory."""
    hdu = table(
        {"X": w[None], "Y": f[None], "DY": e[None]},
        TUTYP1="Spectrum.Data.SpectralAxis.Value", TUCD1="em.wl", TUNIT1="Angstrom",
        TUTYP2="Spectrum.Data.FluxAxis.Value", TUCD2="phot.flux.density",
        TUTYP3="Spectrum.Data.FluxAxis.Accuracy.StatError",
    )  # fmt: skip
    return save(path, hdu)


def _ragged(path, w, f, e):
    """Vectors of variable length."""
    cells = {"WAVE": w, "FLUX": f, "IVAR": e**-2.0}
    columns = []
    for name, values in cells.items():
        array = np.empty(2, dtype=object)
        array[:] = [values, values[:3000]]
        columns.append(fits.Column(name=name, format="PD()", array=array))
    return save(path, fits.BinTableHDU.from_columns(columns))


def _wave_hdu(path, w, f, e):
    """Images of flux, ivar and wavelengths, as many pipelines write them."""
    return save(
        path,
        fits.PrimaryHDU(),
        fits.ImageHDU(f, name="FLUX"),
        fits.ImageHDU(e**-2.0, name="IVAR"),
        fits.ImageHDU(w, name="WAVELENGTH"),
    )


def _masked_image(path, w, f, e):
    """Bad pixels hold garbage, and the mask says so."""
    bad = np.arange(len(f)) % 40 == 0
    grid = {key: v(w) if callable(v) else v for key, v in _LOG.items()}
    flux = fits.PrimaryHDU(np.where(bad, 1e5, f))
    flux.header.update({**grid, "DC-FLAG": 1})
    return save(
        path,
        flux,
        fits.ImageHDU(e, name="ERR"),
        fits.ImageHDU(bad.astype(np.uint8), name="MASK"),
    )


#: Tables of one row a pixel and of one row a spectrum, and images.
FITS: dict[str, Writer] = {
    "table: wavelength, flux, ivar": _rows(
        lambda w, f, e: {"wavelength": w, "flux": f, "ivar": e**-2.0}
    ),
    "table: loglam, flux, error": _rows(
        lambda w, f, e: {"LOGLAM": np.log10(w), "FLUX": f, "ERROR": e}
    ),
    "table: wave in nm, variance": _rows(
        lambda w, f, e: {"WAVE": w / 10, "FLUX": f, "VAR": e**2}, units={"WAVE": "nm"}
    ),
    "table: flux, loglam, ivar of nobody": _rows(
        lambda w, f, e: {"flux": f, "loglam": np.log10(w), "ivar": e**-2.0}
    ),
    "table in air": _rows(
        lambda w, f, e: {"wave": vacuum_to_air(w), "flux": f, "err": e}, AIRORVAC="air"
    ),
    "table in air by name": _rows(
        lambda w, f, e: {"wavelength_air": vacuum_to_air(w), "flux": f, "err": e}
    ),
    "table: VACUUM is F": _rows(
        lambda w, f, e: {"wave": vacuum_to_air(w), "flux": f, "err": e}, VACUUM=False
    ),
    "table in mJy": _rows(
        lambda w, f, e: {"wave": w, "flux": f * w**2 / 1e7, "err": e * w**2 / 1e7},
        units={"wave": "Angstrom", "flux": "mJy", "err": "mJy"},
    ),
    "table: sky and model beside": _rows(
        lambda w, f, e: {
            "model": f * 0,
            "sky": f * 0 + 9,
            "wave": w,
            "flux": f,
            "sky_err": e * 50,
            "err": e,
        }
    ),
    "table: a header of log-linear wavelengths": lambda p, w, f, e: save(
        p, table({"flux": f, "ivar": e**-2.0}, **_loglinear(w))
    ),
    "cells: WAVE, FLUX, ERR": _cells(lambda w, f, e: {"WAVE": w, "FLUX": f, "ERR": e}),
    "cells: loglam in the header": lambda p, w, f, e: save(
        p,
        table(
            {"flux": f[None], "ivar": e[None] ** -2.0},
            CRVAL=np.log10(w[0]),
            CDELT=np.log10(w[-1] / w[0]) / (len(w) - 1),
            NPIXELS=len(w),
        ),
    ),
    "cells: wavelengths in another HDU": lambda p, w, f, e: save(
        p, table({"flux": f[None], "error": e[None]}), fits.ImageHDU(w, name="WAVE")
    ),
    "ESO Phase 3": _eso,
    "Virtual Observatory by utype": _by_utype,
    "specutils tabular-fits": _specutils_table(),
    "specutils tabular-fits in Hz": _specutils_table(wunit=u.Hz),
    "specutils tabular-fits in Jy": _specutils_table(funit=u.mJy),
    "specutils wcs1d-fits, std": _specutils_wcs(StdDevUncertainty),
    "specutils wcs1d-fits, var": _specutils_wcs(VarianceUncertainty),
    "specutils wcs1d-fits, ivar": _specutils_wcs(InverseVariance),
    "IRAF linear, error in a second HDU": _linear_image(CTYPE1="LINEAR", DC_FLAG=0),
    "image in nm": _linear_image(unit="nm", scale=10.0, CTYPE1="WAVE"),
    "image in m, as the standard has it": _linear_image(unit="", scale=1e10, CTYPE1="WAVE"),
    "image in air: AWAV": _linear_image(air=True, CTYPE1="AWAV"),
    "image: WAVE-LOG": _logarithmic_wcs,
    "IRAF log-linear, DC-FLAG": _image(
        lambda w, f, e: f,
        second=lambda w, f, e: e**2,
        name="VARIANCE",
        CTYPE1="LINEAR",
        **{"DC-FLAG": 1},
        **_LOG,
    ),
    "SDSS COEFF0": _image(
        lambda w, f, e: f,
        second=lambda w, f, e: e,
        name="SIGMA",
        COEFF0=lambda w: float(np.log10(w[0])),
        COEFF1=lambda w: float((np.log10(w[-1]) - np.log10(w[0])) / (len(w) - 1)),
    ),
    "error in a second HDU without a name": _image(
        lambda w, f, e: f, second=lambda w, f, e: e, **{"DC-FLAG": 1}, **_LOG
    ),
    "ivar in a second HDU without a name": _image(
        lambda w, f, e: f, second=lambda w, f, e: e**-2.0, **{"DC-FLAG": 1}, **_LOG
    ),
    "error in the second row": _image(
        lambda w, f, e: np.array([f, e]), **{"DC-FLAG": 1}, **_LOG
    ),
    "IRAF equispec": _equispec,
    "IRAF bands": _iraf_bands,
    "GAMA": _gama,
    "2dFGRS, 6dFGS": _survey_rows,
    "images with wavelengths": _wave_hdu,
    "image with a mask": _masked_image,
}
#: Layouts without uncertainties.
FITS_BARE: dict[str, Writer] = {
    "IRAF log-linear": _image(lambda w, f, e: f, CTYPE1="LINEAR", **{"DC-FLAG": 1}, **_LOG),
    "table: wavelength, flux": _rows(lambda w, f, e: {"WAVE": w, "FLUX": f}),
}
RAGGED = _ragged
