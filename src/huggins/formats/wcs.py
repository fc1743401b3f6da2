"""The spectral axis of an image, from its header: FITS WCS, IRAF's dispersions, SDSS's COEFF0.

FITS Standard 4.0, section 8.4 (Greisen et al. 2006, A&A 446, 747); IRAF's equispec and
multispec: Valdes 1993, ASPC 52, 467, and IRAF's ``help specwcs``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.fits.cards import split
from huggins.formats.comments import said_air
from huggins.formats.fields import Field
from huggins.formats.identity import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.fits.hdu import Hdu

    Array = NDArray[np.float64]

# First four letters of CTYPE: name of the column that the axis is.
_TYPES: Final = {
    "WAVE": "wavelength", "AWAV": "wavelength_air", "LAMB": "wavelength", "LINE": "wavelength",
    "MULT": "wavelength", "FREQ": "frequency", "ENER": "energy", "WAVN": "wavenumber",
    "LOGL": "loglam", "LOG1": "loglam", "LOG-": "loglam", "ANGS": "wavelength",
    "SPEC": "wavelength",
}  # fmt: skip
_SPATIAL: Final = re.compile(
    r"(?:RA|DEC|[GE]LON|[GE]LAT|[XY]OFFSET|SLIT|POS)\b|RA--|DEC-", re.IGNORECASE
)
_PIXELS: Final = re.compile(r"PIXEL|COLUMN|INDEX|DETECTOR", re.I)
_QUOTED: Final = re.compile(r'spec(\d+)\s*=\s*"([^"]*)"', re.DOTALL)
_LENGTH_MAX: Final = 10_000_000


def is_spatial(hdu: Hdu) -> bool:
    """Whether an axis is a position on the sky or along a slit: an image, no spectra."""
    return any(_SPATIAL.match(str(hdu.get(f"CTYPE{i}") or "")) for i in (1, 2))


def says_air(*hdus: Hdu) -> bool | None:
    """Return whether headers say that wavelengths are in air; None where they do not."""
    for hdu in hdus:
        for name in ("AIRORVAC", "AIRVAC", "WAVETYPE", "WAVEREF", "WAVESYS"):
            text = str(hdu.get(name) or "").lower()
            if "air" in text or "vac" in text:
                return "air" in text
        vacuum = hdu.get("VACUUM")
        if isinstance(vacuum, bool | int):
            return not vacuum
        if isinstance(vacuum, str) and vacuum.strip().upper()[:1] in ("T", "F", "Y", "N"):
            return vacuum.strip().upper()[0] in ("F", "N")
        if str(hdu.get("CTYPE1") or "").upper().startswith("AWAV"):
            return True
    return said_air(remarks(*hdus))


def remarks(*hdus: Hdu) -> list[str]:
    """Return the texts of the COMMENT and HISTORY cards of some headers."""
    return [
        card[8:].decode("latin-1").strip()
        for hdu in hdus
        if b"COMMENT " in hdu.header or b"HISTORY " in hdu.header
        for card in split(hdu.header)
        if card.startswith((b"COMMENT ", b"HISTORY "))
    ]


def axis(hdu: Hdu, size: int, row: int = 0) -> Field | None:
    """Return the spectral axis of an image whose fastest axis has `size` pixels.

    Parameters
    ----------
    hdu
        Whose header has the cards.
    size
        Pixels.
    row
        Of the image, for axes that differ between rows (multispec).

    Returns
    -------
    Field or None
        None where the header has no such axis.

    Raises
    ------
    ReadError
        If it has one that cannot be followed.
    """
    if not 0 < size <= _LENGTH_MAX:
        return None
    if "multispec" in str(hdu.get("WAT0_001") or "") or hdu.get("WAT2_001") is not None:
        found = _multispec(hdu, size, row)
        if found is not None:
            return found
    start = number(hdu.get("CRVAL1"))
    step = _step(hdu)
    if start is None or step is None or step == 0.0:
        start, step = number(hdu.get("COEFF0")), number(hdu.get("COEFF1"))
        if start is None or not step:
            return None
        return Field("loglam", start + step * np.arange(size, dtype=np.float64))
    kind = str(hdu.get("CTYPE1") or "").strip().upper()
    if _PIXELS.match(kind) or _SPATIAL.match(kind):
        return None
    reference = number(hdu.get("CRPIX1"))
    pixels = np.arange(1.0, size + 1.0) - (1.0 if reference is None else reference)
    return _linear(hdu, kind, start, step, pixels)


def _linear(hdu: Hdu, kind: str, start: float, step: float, pixels: Array) -> Field:
    unit = str(hdu.get("CUNIT1") or "").strip()
    name = _TYPES.get(kind[:4], "wavelength")
    if kind.endswith("-LOG"):  # the standard's: logarithmic in pixels, CRVAL1 a wavelength
        with np.errstate(over="ignore"):
            return Field(name, start * np.exp(step * pixels / start), unit)
    values = start + step * pixels
    flag = hdu.get("DC-FLAG")
    logarithmic = (flag in (1, "1") or name == "loglam") and start < 10.0
    if logarithmic or (0 < start < 10.0 and unit.lower().startswith("ang")):
        # A wavelength of a few Angstrom is its logarithm, whatever the unit says.
        return Field("loglam" if start < 6.0 else "ln_wavelength", values)
    if not unit and kind[:4] in ("WAVE", "AWAV") and 0 < start < 1e-5:
        unit = "m"  # the standard's unit, where none is given
    words = f"{unit} {hdu.get('WAT1_001') or ''}".lower()
    if not unit and "angstrom" in words:
        unit = "Angstrom"
    return Field(name, values, unit)


def _step(hdu: Hdu) -> float | None:
    for name in ("CDELT1", "CD1_1", "CD1_01"):
        value = number(hdu.get(name))
        if value:
            # astropy writes PC1_1 = CDELT and CDELT1 = 1, or the other way round.
            factor = number(hdu.get("PC1_1")) if name == "CDELT1" else None
            if name == "CDELT1" and value == 1.0 and factor is None:
                factor = number(hdu.get("CD1_1"))
            return value * (factor if factor else 1.0)
    return None


# IRAF ----------------------------------------


def _multispec(hdu: Hdu, size: int, row: int) -> Field | None:
    """Return the axis of a row from the WAT2 cards; None where they have none."""
    text = _joined(hdu, "WAT2_")
    for match in _QUOTED.finditer(text):
        if int(match[1]) == row + 1:
            values = _dispersion(match[2].split(), size, hdu.source.path)
            name = "wavelength"
            label = _joined(hdu, "WAT1_").lower()
            unit = "nm" if "units=nanom" in label else "um" if "units=micron" in label else ""
            return Field(name, values, unit or "Angstrom")
    return None


def _joined(hdu: Hdu, stem: str) -> str:
    """Join the strings of cards WATj_001, WATj_002, ..., 68 characters each with blanks."""
    pieces: dict[bytes, bytes] = {}
    for card in split(hdu.header):
        if card.startswith(stem.encode()) and card[8:11] == b"= '":
            end = card.rfind(b"'")
            content = card[11:end]
            pieces[card[:8]] = content if end < 79 else content[:68]
    keys = sorted(pieces)
    # Only the last one may be short; blanks at the end of the others were cut by writers.
    full = [pieces[k].ljust(68) for k in keys[:-1]] + [pieces[k] for k in keys[-1:]]
    return b"".join(full).decode("latin-1")


def _dispersion(words: list[str], size: int, path: str) -> Array:
    """Return wavelengths of one aperture of multispec."""
    try:
        numbers = [float(word) for word in words]
        kind, first, step, count, z = int(numbers[2]), *numbers[3:7]
        pixels = np.arange(1, size + 1, dtype=np.float64)
        if kind == -1:
            raise ReadError("IRAF's header says that there is no dispersion: run dispcor", path)
        if kind in (0, 1):
            values = first + step * (pixels - 1)
            values = 10.0**values if kind == 1 else values
        else:
            values = _nonlinear(numbers[9:], pixels, path)
        values = values / (1.0 + z)
        values[int(count) :] = np.nan
        return values
    except (ValueError, IndexError, OverflowError):
        raise ReadError(
            "IRAF's dispersion in WAT2 cannot be read: run dispcor, or write the spectrum as a "
            "table",
            path,
        ) from None


def _nonlinear(numbers: list[float], pixels: Array, path: str) -> Array:
    """Return the sum of IRAF's dispersion functions: Chebyshev and Legendre polynomials."""
    values = np.zeros(len(pixels))
    while len(numbers) >= 6:
        weight, offset, kind, order = numbers[0], numbers[1], int(numbers[2]), int(numbers[3])
        if kind not in (1, 2) or not 0 < order <= 50:
            raise ReadError(
                "IRAF's dispersion is a spline or a table, which is not followed: run dispcor",
                path,
            )
        low, high = numbers[4:6]
        coefficients = numbers[6 : 6 + order]
        if len(coefficients) != order:
            raise ValueError
        x = (pixels - 0.5 * (high + low)) / (0.5 * (high - low))
        evaluate: Any = (
            np.polynomial.chebyshev.chebval if kind == 1 else np.polynomial.legendre.legval
        )
        values += weight * (offset + evaluate(x, coefficients))
        numbers = numbers[6 + order :]
    if not values.any():
        raise ValueError
    return values
