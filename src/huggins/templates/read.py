"""Public files of templates, read into arrays."""

from __future__ import annotations

import gzip
import io
import lzma
import re
import struct
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.spectrum import air_to_vacuum
from huggins.taxonomy import from_label

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# Names that the standard stars have in stars.h5, with class and subclass of CALSPEC's table.
_CALSPEC: Final = {
    "10lac": ("10", "O", "O9V"),
    "bd_75d325": ("BD+75", "O", "O5"),
    "agk_81d266": ("AGK+81", "O", "O"),
    "hd93521": ("HD93521", "O", "O9Vp"),
    "feige66": ("FEIGE66", "O", "O"),
    "feige110": ("FEIGE110", "O", "O"),
    "hz2": ("HZ2", "WD", "DA2.3"),
    "lb227": ("LB227", "WD", "DA3.2"),
    "g191b2b": ("G191B2B", "WD", "DA.8"),
    "gd153": ("GD153", "WD", "DA1.2"),
    "2m003618": ("2M0036+18*", "L", "L3.5"),
}
# Cross-correlation templates whose name is not their class.
_CROSS_CORRELATION: Final = {"BWD": "WD", "WDmag": "WD"}
_WHEEL: Final = "mangadap/data/spectral_templates"
# A line of the table of MILES: name, number, number in CaT, type.
_MILES_ROW: Final = re.compile(r"(.{22}) (\d{4}) (.{6}) +(\S+)")


@dataclass(frozen=True, slots=True)
class Star:
    """A star's spectrum at rest.

    Attributes
    ----------
    name, source, cls, subclass
        As in stars.h5.
    wavelength, flux : ndarray, shape (n,)
        Vacuum Angstrom; flux per unit wavelength, of any scale.
    """

    name: str
    source: str
    cls: str
    subclass: str
    wavelength: Array
    flux: Array


def class_of(subclass: str) -> str:
    """Return which of the 13 classes a library's type means; empty where none.

    >>> class_of("A0IVn (25642)"), class_of("Am (78362)"), class_of("CalciumWD"), class_of("HB")
    ('A', 'A', 'WD', '')
    """
    known = from_label("STAR", subclass)
    if known is None and re.match(r"[OBAFGKM][a-z]", subclass):  # peculiar: Am, Fw
        return subclass[0]
    return known or ""


# What a damaged file raises, packed or not.
_DAMAGED: Final = (
    OSError, KeyError, ValueError, IndexError, TypeError, AttributeError,
    EOFError, zlib.error, lzma.LZMAError, struct.error, zipfile.BadZipFile,
)  # fmt: skip


@contextmanager
def _expected(name: str | Path) -> Iterator[None]:
    """Make an `InputError` of what is wrong with a file."""
    try:
        yield
    except _DAMAGED as error:
        raise InputError(
            f"{name}: not the file of templates that is expected: {error}"
        ) from error


@contextmanager
def opened(path: Path | io.BytesIO, name: str = "") -> Iterator[Any]:
    """Open a FITS file; what is wrong with it becomes an `InputError`, with its name."""
    from astropy.io import fits

    with _expected(name or str(path)), fits.open(path) as hdus:
        yield hdus


def eigenspectra(path: Path) -> tuple[Array, float, float, list[str]]:
    """Read a file of the BOSS pipeline: vectors (K, L), COEFF0, COEFF1, names."""
    with opened(path) as hdus:
        header = hdus[0].header
        vectors = np.atleast_2d(np.asarray(hdus[0].data, np.float64))
        names = [str(header.get(f"NAME{i}", "")).strip() for i in range(len(vectors))]
        return vectors, float(header["COEFF0"]), float(header["COEFF1"]), names


def pipeline_stars(path: Path) -> list[Star]:
    """Read the stars of the BOSS pipeline."""
    vectors, start, step, names = eigenspectra(path)
    wavelength = np.power(10.0, start + step * np.arange(vectors.shape[1]), dtype=np.float64)
    return [
        Star(name, "idlspec2d", cls, name, wavelength, np.where(flux == 0.0, np.nan, flux))
        for name, flux in zip(names, vectors, strict=True)
        if (cls := class_of(name))
    ]


def columns_of(hdus: Any, path: Path) -> dict[str, Array]:
    """Return the columns of the first table of a FITS file by their names in lower case."""
    for hdu in hdus:
        names = getattr(getattr(hdu, "columns", None), "names", None)
        if names:
            return {n.lower(): np.asarray(hdu.data[n], np.float64).ravel() for n in names}
    raise InputError(f"{path}: not the file of templates that is expected: it has no table")


def one_star(path: Path, source: str) -> Star:
    """Read a file of a single star of CALSPEC, PyHammer or the cross-correlation templates."""
    with opened(path) as hdus:
        columns = columns_of(hdus, path)
        if "loglam" in columns:
            wavelength = 10.0 ** columns["loglam"]
        else:
            wavelength = columns["wavelength" if "wavelength" in columns else "wa"]
        flux = columns["flux" if "flux" in columns else "fl"]
    stem = path.name.partition(".fits")[0]
    if source == "calspec":
        key = next((key for key in _CALSPEC if stem.startswith(f"{key}_")), "")
        if not key:
            raise InputError(f"{path}: a standard star that is not known here")
        name, cls, subclass = _CALSPEC[key]
    elif source == "sdss-cc":
        name = subclass = stem.removeprefix("star")
        cls = _CROSS_CORRELATION.get(name, name[0])
    else:
        name = subclass = stem
        cls = class_of(stem)
    return Star(name, source, cls, subclass, wavelength, flux)


def wheel_stars(path: Path) -> list[Star]:
    """Read the stars of MILES out of the package, with their types."""
    with _expected(path), zipfile.ZipFile(path) as wheel:
        table = wheel.read(f"{_WHEEL}/miles/paramsMILES_v9.1.txt").decode("latin-1")
        stars = []
        for match in map(_MILES_ROW.match, table.splitlines()):
            if match is None or not (cls := class_of(match[4])):
                continue
            inside = f"{_WHEEL}/miles/MILES_res2.50_star_m{match[2]}V.fits"
            try:
                wavelength, flux = _image(wheel.read(inside), inside)
            except KeyError:  # a few numbers of the table have no spectrum
                continue
            vacuum = air_to_vacuum(wavelength)
            stars.append(Star(f"MILES-{match[2]}", "miles", cls, match[4], vacuum, flux))
        return stars


def wheel_galaxies(path: Path) -> dict[str, Array]:
    """Read stellar populations out of the package: (n, 2) of vacuum Angstrom and flux."""
    found = {}
    with _expected(path), zipfile.ZipFile(path) as wheel:
        for inside in sorted(wheel.namelist()):
            folder, _, name = inside.removeprefix(f"{_WHEEL}/").partition("/")
            if folder not in ("bc03_mpajhu", "mastar_ssp_v1.0") or ".fits" not in name:
                continue
            wavelength, flux = _image(wheel.read(inside), inside)
            if folder.startswith("bc03"):
                wavelength = air_to_vacuum(wavelength)
            found[name.partition(".fits")[0]] = np.stack([wavelength, flux], axis=1)
    return found


def _image(content: bytes, name: str) -> tuple[Array, Array]:
    """Read wavelength and flux of a one-dimensional image, linear or logarithmic."""
    if content.startswith(b"\x1f\x8b"):
        with _expected(name):
            content = gzip.decompress(content)
    with opened(io.BytesIO(content), name) as hdus:
        header = hdus[0].header
        flux = np.asarray(hdus[0].data, np.float64)
        first = float(header.get("CRPIX1", 1.0))
        axis = header["CRVAL1"] + header["CDELT1"] * (np.arange(len(flux)) + 1.0 - first)
    if flux.ndim != 1:
        raise InputError(f"{name}: not a spectrum but an array of {flux.ndim} dimensions")
    return (10.0**axis if axis[-1] < 10.0 else axis), flux


def two_columns(path: Path) -> Array:
    """Read a text file of wavelength and flux, and maybe an error: (n, 2 or 3)."""
    rows = []
    for line in path.read_text(encoding="latin-1").splitlines():
        try:
            numbers = [float(word) for word in line.split()[:3]]
        except ValueError:  # a heading
            continue
        if len(numbers) >= 2:
            rows.append(numbers)
    widths = {len(row) for row in rows}
    if len(rows) < 100 or len(widths) != 1:
        raise InputError(
            f"{path}: not the file of templates that is expected: no columns of a spectrum"
        )
    return np.array(rows)


def real_quasars(path: Path) -> dict[str, Array]:
    """Read coefficients and redshifts of real quasars (desisim)."""
    with opened(path) as hdus:
        found = {}
        for survey in ("BOSS", "SDSS"):
            table = hdus[f"{survey}_PCA"].data
            names = sorted(table.columns.names)  # PCA0, PCA1, ...
            columns = [np.asarray(table[name], np.float64) for name in names]
            found[f"{survey.lower()}_pca"] = np.stack(columns, axis=-1).reshape(len(table), -1)
            found[f"{survey.lower()}_z"] = np.asarray(hdus[f"{survey}_Z"].data, np.float64)
    for survey in ("boss", "sdss"):
        shape = found[f"{survey}_pca"].shape
        if shape != (len(found[f"{survey}_z"]), 4):
            raise InputError(f"{path}: expected 4 coefficients for each redshift, not {shape}")
    return found


def archetypes(path: Path) -> tuple[Array, float, float]:
    """Read archetypes of redrock: flux (N, L), first log10 wavelength and its step."""
    with opened(path) as hdus:
        hdu = hdus["ARCHETYPES"]
        data = hdu.data
        flux = data["ARCHETYPE"] if getattr(data, "names", None) else data
        start, step = float(hdu.header["CRVAL1"]), float(hdu.header["CDELT1"])
        return np.asarray(flux, np.float64), start, step


def troughs(path: Path) -> dict[str, Any]:
    """Read transmissions of broad-absorption-line quasars (desisim)."""
    with opened(path) as hdus:
        table = hdus["METADATA"].data
        found = {
            "transmission": np.asarray(table["TEMP"], np.float64),
            **{
                name.lower(): np.asarray(table[name], np.float64)
                for name in ("BI_CIV", "AI_CIV", "VMIN_CIV_450", "VMAX_CIV_450")
            },
        }
    if found["transmission"].ndim != 2:
        raise InputError(
            f"{path}: not the file of templates that is expected: no transmissions"
        )
    return found
