"""Text tables of one spectrum: CSV, ECSV, or columns separated by blanks, tabs, semicolons.

Columns are identified by their names, which may give a unit (``wavelength (nm)``); without a
header the columns are wavelength in Angstrom, flux and its 1-sigma error.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.foreign import foreign
from huggins.formats.pixels import inverse_variance
from huggins.spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from huggins.fits.source import Source

    Array = NDArray[np.float64]

NAME = "text"

_SIZE_MAX: Final = 256 * 1024**2
# Bytes that text may hold: white space, printable ASCII, and those above (any encoding).
_TEXT: Final = bytes([*range(9, 14), *range(32, 127), *range(128, 256)])
_COMMENTS: Final = ("#", "%", "!", "//")
_ECSV: Final = b"# %ECSV"

# Names by role, in lower case and letters only.
_NAMES: Final = {
    "wavelength": (
        "wavelength wavelengths wave waves lambda lam wl wav obswave lambdaobs spectralaxis "
        "wavelengthair wavelengthvac wavelengthvacuum waveair wavevac"
    ),
    "loglam": "loglam loglambda logwavelength logwave loglamda",
    "flux": "flux fluxes flam flambda fluxdensity fnu spectrum spec intensity",
    "error": (
        "error errors err errs sigma sig fluxerror fluxerr errflux eflux fluxsigma sigmaflux "
        "fluxe dflux ferr uncertainty unc uncert fluxuncertainty fluxunc noise std stddev "
        "fluxstd sigmaf"
    ),
    "ivar": "ivar fluxivar ivarflux inversevariance invvar invvariance",
    "variance": "var variance fluxvar fluxvariance",
}
_ROLES: Final = {name: role for role, names in _NAMES.items() for name in names.split()}
_UNITS: Final = {
    1.0: "a aa å angstrom angstroms ang ångström",
    10.0: "nm nanometer nanometre nanometers nanometres",
    1e4: "um µm μm micron microns micrometer micrometre",
    1e7: "mm",
    1e8: "cm",
    1e10: "m",
}
_ANGSTROM: Final = {unit: scale for scale, units in _UNITS.items() for unit in units.split()}
_HEADING = re.compile(r"([^\s,;()\[\]|]+)\s*(?:\(([^)]*)\)|\[([^\]]*)\])?")
_MISSING: Final = ("", "nan", "null", "none", "--", "-", "n/a", "na", "masked")


@dataclass(frozen=True, slots=True)
class _Heading:
    """Name and unit of a column, as the header gives them."""

    name: str
    unit: str = ""

    @classmethod
    def parse(cls, name: str, unit: str = "") -> _Heading:
        """Parse a heading whose unit may be part of the name: ``wavelength_nm``."""
        stem, _, tail = name.rpartition("_")
        if not unit and tail.lower() in _ANGSTROM and cls(stem).role == "wavelength":
            return cls(stem, tail)
        return cls(name, unit)

    @property
    def role(self) -> str:
        """Role of the column; empty for an unknown name."""
        return _ROLES.get(re.sub(r"[^a-z]", "", self.name.lower()), "")


def identify(source: Source) -> bool:
    """Whether the file begins as text does, and with digits."""
    start = source.head[:4096]
    return (
        not foreign(source.head)
        and not start.translate(None, _TEXT)
        and re.search(rb"\d", start) is not None
    )


def read(source: Source, *, air: bool = False) -> Iterator[Spectrum]:
    """Yield the one spectrum of the file."""
    path = source.path
    if source.size > _SIZE_MAX:
        raise ReadError("a text file of more than 256 MiB is no single spectrum", path)
    content = source.read(0, source.size)
    if content.startswith(_ECSV):
        headings, columns = _ecsv(content, path)
    else:
        headings, columns = _plain(content, path)
    yield _spectrum(headings, columns, path, air)


def _spectrum(headings: list[_Heading], columns: list[Array], path: str, air: bool) -> Spectrum:
    """Build the spectrum from the columns."""
    # The first column of each role counts.
    roles = {heading.role: i for i, heading in reversed(list(enumerate(headings)))}
    listed = ", ".join(heading.name for heading in headings)
    if "wavelength" in roles:
        i = roles["wavelength"]
        wavelength = columns[i] * _to_angstrom(headings[i], path)
    elif "loglam" in roles:
        with np.errstate(over="ignore", invalid="ignore"):
            wavelength = 10.0 ** columns[roles["loglam"]]
    else:
        raise ReadError(
            f"no column of wavelengths: the columns are {listed}; name one 'wavelength'", path
        )
    if "flux" not in roles:
        raise ReadError(f"no column of fluxes: the columns are {listed}; name one 'flux'", path)
    _check_angstrom(wavelength, path)
    flux = columns[roles["flux"]]
    kind = next((kind for kind in ("ivar", "error", "variance") if kind in roles), None)
    if kind is None:
        raise ReadError(
            f"no uncertainties: the columns are {listed}; add one named 'error' (1 sigma) or "
            "'ivar' (inverse variance)",
            path,
        )
    flux_unit = headings[roles["flux"]].unit
    error_unit = headings[roles[kind]].unit
    if kind == "error" and flux_unit and error_unit and flux_unit != error_unit:
        raise ReadError(
            f"flux is in {flux_unit!r} and its error in {error_unit!r}: give both in one unit",
            path,
        )
    ivar = inverse_variance(columns[roles[kind]], kind)
    if re.search(r"jy|hz", flux_unit.lower()) or headings[roles["flux"]].role == "fnu":
        # Per unit frequency: f_lambda is proportional to f_nu / lambda^2.
        scale = (5000.0 / wavelength) ** 2
        with np.errstate(all="ignore"):
            flux, ivar = flux * scale, ivar / scale**2
    return Spectrum.from_arrays(wavelength, flux, ivar, air=air, file=path, format=NAME)


def _to_angstrom(heading: _Heading, path: str) -> float:
    unit = heading.unit.strip().lower()
    # "vacuum Angstrom", "Angstrom, air": one of the words is a unit.
    words = [word for word in re.split(r"[\s,;]+", unit) if word]
    for word in words:
        if word in _ANGSTROM:
            return _ANGSTROM[word]
    if words:
        raise ReadError(
            f"wavelengths are in {heading.unit!r}, which is not known: use Angstrom, nm or um",
            path,
        )
    return 1.0


def _check_angstrom(wavelength: Array, path: str) -> None:
    """Refuse wavelengths that are not in Angstrom, rather than misclassify the spectrum."""
    finite = wavelength[np.isfinite(wavelength)]
    if len(finite) and finite.max() < 1100.0:
        raise ReadError(
            f"wavelengths end at {finite.max():g}, which cannot be Angstrom: name the unit in "
            "the header, as in 'wavelength (nm)', or the column 'loglam'",
            path,
        )


def _ecsv(content: bytes, path: str) -> tuple[list[_Heading], list[Array]]:
    from astropy.table import Table

    try:
        table: Any = Table.read(content.decode("utf-8"), format="ascii.ecsv")
        headings = [
            _Heading.parse(name, str(table[name].unit or "")) for name in table.colnames
        ]
        columns = [
            np.ma.filled(np.ma.asarray(table[name], dtype=np.float64), np.nan)
            if heading.role
            else np.zeros(0)
            for name, heading in zip(table.colnames, headings, strict=True)
        ]
    except Exception as error:  # astropy raises many types for a damaged header
        raise ReadError(f"this ECSV file cannot be read: {error}", path) from error
    return headings, columns


def _plain(content: bytes, path: str) -> tuple[list[_Heading], list[Array]]:
    lines = _decode(content).splitlines()
    comment = ""  # the last comment before the data may hold the names
    heading_lines: list[str] = []
    for start, line in enumerate(lines):
        stripped = line.strip()
        if not stripped:
            continue
        if stripped.startswith(_COMMENTS):
            comment = stripped.lstrip("#%!/ \t") or comment
        elif _is_data(stripped):
            break
        elif len(heading_lines) < 3:
            heading_lines.append(stripped)
        else:
            raise ReadError(
                f"line {start + 1} begins with no number: this is no table of a spectrum", path
            )
    else:
        raise ReadError("no line of numbers: this is no table of a spectrum", path)
    delimiter = _delimiter(lines[start])
    rows = {
        number: _split(line, delimiter)
        for number, line in enumerate(lines[start:], start + 1)
        if line.strip() and not line.lstrip().startswith(_COMMENTS)
    }
    numbers = list(rows)
    width = len(rows[numbers[0]])
    for number, row in rows.items():
        if len(row) != width:
            raise ReadError(
                f"line {number} has {len(row)} columns, line {numbers[0]} has {width}: the "
                "file is truncated or damaged",
                path,
            )
    headings = _headings(heading_lines, comment, delimiter, width)
    if headings is None and heading_lines:
        raise ReadError(
            f"the header {heading_lines[0][:60]!r} does not name the {width} columns of line "
            f"{numbers[0]}: give each column one name, separated as the numbers are",
            path,
        )
    if headings is None and width < 3:
        raise ReadError(
            f"{width} columns and no header: wavelength, flux and error are needed", path
        )
    headings = headings or [_Heading("wavelength"), _Heading("flux"), _Heading("error")]
    columns = [
        _numbers([row[i] for row in rows.values()], numbers, path)
        if heading.role
        else np.zeros(0)
        for i, heading in enumerate(headings)
    ]
    return headings, columns


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _is_data(line: str) -> bool:
    with suppress(ValueError):
        float(re.split(r"[\s,;]+", line, maxsplit=1)[0].strip("\"'"))
        return True
    return False


def _delimiter(line: str) -> str | None:
    """Return the column separator, None for white space."""
    return next((mark for mark in ("\t", ";", ",", "|") if mark in line.strip()), None)


def _split(line: str, delimiter: str | None) -> list[str]:
    if delimiter is None:
        return line.split()
    return [item.strip().strip("\"'") for item in line.strip("\r\n ").split(delimiter)]


def _headings(
    lines: list[str], comment: str, delimiter: str | None, width: int
) -> list[_Heading] | None:
    """Return the headings, from the lines before the numbers or the last comment; or None."""
    for i, text in enumerate(lines or [comment]):
        headings = _names(text, delimiter)
        if len(headings) != width and delimiter is not None:
            headings = _names(text, None)
        if len(headings) != width or not (lines or any(heading.role for heading in headings)):
            continue
        # A second line may hold the units.
        units = _names(lines[i + 1], delimiter) if i + 1 < len(lines) else []
        if len(units) == width and not re.fullmatch(r"[-=\s,;|+]*", lines[i + 1]):
            headings = [
                _Heading(heading.name, heading.unit or unit.name or unit.unit)
                for heading, unit in zip(headings, units, strict=True)
            ]
        return headings
    return None


def _names(text: str, delimiter: str | None) -> list[_Heading]:
    pieces = [text] if delimiter is None else _split(text, delimiter)
    headings = []
    for piece in pieces:
        matches = _HEADING.findall(piece)
        if delimiter is None:
            headings += [_Heading.parse(name, unit or square) for name, unit, square in matches]
        elif matches:
            name = " ".join(match[0] for match in matches)
            headings.append(
                _Heading.parse(name, next((m[1] or m[2] for m in matches if any(m[1:])), ""))
            )
        else:
            headings.append(_Heading(""))
    return headings


def _numbers(texts: list[str], lines: list[int], path: str) -> Array:
    """Convert a column; missing values become NaN."""
    with suppress(ValueError):
        return np.array(list(map(float, texts)))
    values = np.empty(len(texts))
    for i, text in enumerate(texts):
        try:
            values[i] = np.nan if text.strip().lower() in _MISSING else float(text)
        except ValueError:
            raise ReadError(f"line {lines[i]}: {text!r} is no number", path) from None
    return values
