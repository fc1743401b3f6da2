"""Identity of a spectrum: survey, position, identifiers, and the pipeline's result."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from huggins.quality import ZWarning
from huggins.specobjid import LEGACY, VERSION
from huggins.spectrum import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggins.fits.hdu import Hdu

_FIBRE_BITS: Final = int(ZWarning.UNPLUGGED | ZWarning.BAD_TARGET | ZWarning.NODATA)

#: First night of SDSS-IV (July 2014), whose BOSS spectra are those of eBOSS.
_EBOSS_MJD: Final = 56839


def sdss_survey(run2d: str, mjd: int | None) -> str:
    """Return the survey that a reduction belongs to: SDSS, BOSS, EBOSS, SDSS-V, or empty."""
    if run2d in LEGACY:
        return "SDSS"
    match = VERSION.fullmatch(run2d)
    if match and int(match[1]) >= 6:
        return "SDSS-V"
    if match and mjd is not None:
        return "EBOSS" if mjd >= _EBOSS_MJD else "BOSS"
    return ""


def whole(value: Any) -> int | None:
    """Return a number as int, None where it is missing, not whole, or negative."""
    if isinstance(value, str):
        value = value.strip()
        return int(value) if value.isascii() and value.isdigit() else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if math.isfinite(value) and value == int(value) and value >= 0 else None


def positive(value: Any) -> int | None:
    """Return a number as int, None where `whole` gives none or it is 0."""
    return whole(value) or None


def number(value: Any) -> float | None:
    """Return a finite number as float, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def position(ra: Any, dec: Any) -> tuple[float | None, float | None]:
    """Return a sky position in degrees, (None, None) where it cannot be one."""
    ra, dec = number(ra), number(dec)
    if ra is None or dec is None or not (0 <= ra <= 360 and -90 <= dec <= 90):
        return None, None
    return ra, dec


def identifier(value: Any) -> str | None:
    """Return an identifier as string, None where it is empty, zero or negative."""
    if isinstance(value, str):
        value = value.strip()
        return value if value.strip("0") and not value.startswith("-") else None
    count = whole(value)
    return str(count) if count else None


def pipeline_result(
    get: Callable[[str], Any],
    names: tuple[str, ...] = ("CLASS", "SUBCLASS", "Z", "ZWARNING"),
) -> Pipeline:
    """Return the pipeline's result, from the named values of a row or a header."""
    cls, subclass, z, *zwarning = map(get, names)
    return Pipeline(_text(cls), _text(subclass), number(z), *map(whole, zwarning))


def fibre_bits(zwarning: int | None) -> int:
    """Return those bits of a pipeline's ZWARNING that concern the fibre, not the fit."""
    return (zwarning or 0) & _FIBRE_BITS


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


# Plain names (see `plain`) under which files tell what a spectrum is.
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "targetid": (
        "targetid", "objectid", "objid", "sdssid", "catalogid", "specid", "spectrumid", "obsid",
        "cname", "targid", "sourceid", "object", "targname", "targetname", "name", "target",
        "objname", "id", "sparclid",
    ),
    "specobjid": ("specobjid",),
    "fiberid": ("fiberid", "fiber", "fibreid", "fibre", "nspec", "fibid"),
    "plate": ("plate", "plateid"),
    "mjd": ("mjd", "mjdobs", "mjdmed"),
}  # fmt: skip
_POSITIONS: Final = (
    ("ra", "dec"), ("targetra", "targetdec"), ("radeg", "decdeg"), ("raobj", "decobj"),
    ("raj2000", "dej2000"), ("fibrera", "fibredec"), ("plugra", "plugdec"), ("objra", "objdec"),
)  # fmt: skip
_RESULTS: Final = (
    ("class", "subclass", "z", "zwarning"),
    ("spectype", "subtype", "z", "zwarn"),
    ("spectype", "subtype", "redshift", "redshiftwarning"),
)


def plain(name: str) -> str:
    """Return a name as it is compared: in lower case, without blanks and punctuation."""
    return "".join(filter(str.isalnum, name.lower()))


def records(table: Hdu | None, count: int) -> list[dict[str, Any]]:
    """Return the rows of a table of targets by plain name; none where it does not fit.

    Parameters
    ----------
    table
        The table beside the spectra, a row each; None where the file has none.
    count
        Number of spectra.
    """
    if table is None or table.layout.kind != "table" or table.rows != count:
        return []
    names = tuple(name for name in table.columns if name)
    return [
        {plain(name): value for name, value in table.record(names, row).items()}
        for row in range(count)
    ]


def described(get: Callable[[str], Any]) -> dict[str, Any]:
    """Return attributes of a spectrum from scalars beside it.

    Parameters
    ----------
    get
        Returns the value of a plain name (see `plain`), None where there is none.
    """
    found: dict[str, Any] = {}
    for attribute, names in _NAMES.items():
        for name in names:
            value = get(name)
            if value is None:
                continue
            if attribute == "targetid":
                value = _word(value)
            elif attribute == "specobjid":
                value = identifier(value)
            elif attribute == "mjd":
                days = number(value)
                value = int(days) if days is not None and 30000 < days < 100000 else None
            else:
                value = whole(value)
            if value is not None:
                found[attribute] = value
                break
    for names in _POSITIONS:
        ra, dec = position(_degrees(get(names[0]), 15.0), _degrees(get(names[1]), 1.0))
        if ra is not None:
            found["ra"], found["dec"] = ra, dec
            break
    for columns in _RESULTS:
        if get(columns[0]) is not None and get(columns[2]) is not None:
            found["pipeline"] = pipeline_result(get, columns)
            break
    return found


def _word(value: Any) -> str | None:
    """Return an identifier of any kind as text; None where it says that there is none."""
    if isinstance(value, float):
        value = int(value) if math.isfinite(value) and value == int(value) else None
    if value is None or isinstance(value, bool):
        return None
    text = str(value).strip()
    missing = text.lower() in ("", "unknown", "none", "nan", "n/a", "-1", "-99", "-999", "--")
    return None if missing else text


def _degrees(value: Any, hours: float) -> Any:
    """Return a coordinate in degrees, also of ``12:34:56.7`` (hours for right ascension)."""
    if not isinstance(value, str):
        return value
    text = value.strip().replace(":", " ")
    parts = text.split()
    try:
        numbers = [abs(float(part)) for part in parts]
    except ValueError:
        return None
    if len(numbers) == 1:
        return float(text)
    if len(numbers) != 3:
        return None
    size = numbers[0] + numbers[1] / 60.0 + numbers[2] / 3600.0
    return hours * (-size if text.startswith("-") else size)
