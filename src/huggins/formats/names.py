"""What a column of a spectrum's table is, from its name and its unit.

Names are compared without case, spaces and punctuation, Greek letters spelled out; whether
wavelengths are in air, logarithmic, or frequencies stands in the name, in the unit, or both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final


class Role(Enum):
    """What a column holds."""

    WAVELENGTH = "wavelength"
    LOG10 = "log10 of wavelength"
    LN = "natural logarithm of wavelength"
    FREQUENCY = "frequency"
    ENERGY = "energy"
    WAVENUMBER = "wave number"
    FLUX = "flux"
    FNU = "flux per frequency"
    MAGNITUDE = "AB magnitude"
    ERROR = "1-sigma error"
    IVAR = "inverse variance"
    VARIANCE = "variance"
    MASK = "mask, 0 where good"
    GOOD = "mask, 1 where good"
    OBJECT = "name of the spectrum"
    OTHER = "something else"


#: Roles that give the wavelength, best first.
AXES: Final = (
    Role.WAVELENGTH, Role.LOG10, Role.LN, Role.FREQUENCY, Role.WAVENUMBER, Role.ENERGY,
)  # fmt: skip
#: Roles that give the flux, best first.
FLUXES: Final = (Role.FLUX, Role.FNU, Role.MAGNITUDE)
#: Roles that give its uncertainty, best first.
UNCERTAINTIES: Final = (Role.IVAR, Role.ERROR, Role.VARIANCE)

_GREEK: Final = str.maketrans(
    {
        "λ": "lambda",
        "Λ": "lambda",
        "ν": "nu",
        "σ": "sigma",
        "μ": "u",
        "µ": "u",
        "å": "a",
        "Å": "a",
    }
)
_AXIS: Final = (
    "wavelength wavelengths wave waves wavelen wlen lambda lambdas lam lamb lamda wl wav wvl "
    "spectralaxis dispersion"
)
_BEFORE: Final = ("obs", "observed", "helio", "heliocentric", "bary", "barycentric")
_NAMES: Final[dict[Role, str]] = {
    Role.WAVELENGTH: _AXIS,
    Role.LOG10: "loglam loglambda loglamda logwavelength logwave logwav logwl logl llam",
    Role.LN: "lnlam lnlambda lnwavelength lnwave lnwav logelambda",
    Role.FREQUENCY: "frequency freq nu hz ghz",
    Role.ENERGY: "energy photonenergy ev",
    Role.WAVENUMBER: "wavenumber",
    Role.FLUX: (
        "flux fluxes flam flambda fluxlambda fluxlam fluxdensity fluxperwavelength spectrum "
        "spec intensity fluxcal fluxcalibrated calibratedflux fluxobs obsflux f coaddflux "
        "fluxvalue counts data signal"
    ),
    Role.FNU: "fnu fluxnu fluxperfrequency fluxdensitynu fluxjy fluxmjy",
    Role.MAGNITUDE: "mag abmag magab magnitude abmagnitude mab",
    Role.IVAR: "ivar invvar inversevariance invvariance fluxivar ivarflux inversevar",
    Role.VARIANCE: "var variance fluxvar fluxvariance varflux",
    Role.MASK: (
        "mask andmask flag flags fluxmask dq dataquality badpixel badpix bad qual quality "
        "pixelflags"
    ),
    Role.GOOD: "good goodpix goodpixel valid usable",
    Role.OBJECT: (
        "id object objectid objid name target targetid targetname source sourceid specid "
        "spectrumid specobjid obj"
    ),
}
_ROLES: Final = {name: role for role, names in _NAMES.items() for name in names.split()}
_ERROR_WORDS: Final = {
    "suffix": (
        "err error errors unc uncert uncertainty uncertainties sigma sig std stddev stdev "
        "noise rms e"
    ),
    "prefix": "e d err error sigma sig unc uncertainty std stddev noise delta",
    "alone": (
        "error errors err errs sigma sig uncertainty uncertainties unc uncert noise std "
        "stddev stdev rms stat staterr staterror dflux eflux ferr"
    ),
}
_SUFFIX, _PREFIX, _ALONE = (tuple(words.split()) for words in _ERROR_WORDS.values())
# Names that hold a flux but not that of the object.
_NOT_IT: Final = re.compile(
    r"sky|model|fit|continuum|cont$|template|telluric|resid|raw|norm|background|bkg|synth|smooth|"
    r"contam|throughput|weight"
)
_AIR: Final = re.compile(r"(?<![a-z])air(?![a-z])")
_VACUUM: Final = re.compile(r"(?<![a-z])vac(?:uum)?(?![a-z])")
_REST: Final = re.compile(r"(?<![a-z])rest(?:frame)?(?![a-z])")
_LOG10: Final = re.compile(r"^\s*log\s*_?\s*(?:10)?\s*[_(\[ ]")
_LN: Final = re.compile(r"^\s*(?:ln|loge|log_e)\s*[_(\[ ]")
# Units of an axis that is named as a wavelength and is none.
_OTHER_UNITS: Final = (
    (Role.FREQUENCY, re.compile(r"\s*[kmgtp]?hz\s*$")),
    (Role.ENERGY, re.compile(r"\s*[km]?ev\s*$")),
    (Role.WAVENUMBER, re.compile(r"\s*(?:1 ?/ ?[cmu]?m|[cmu]?m ?\^?-1)\s*$")),
)
# Units at the end of a name of flux or error.
_TAIL: Final = re.compile(r"^(.*[^_ .-])[_ .-]+(?:in[_ ])?([munµμ]?jy|cgs)$", re.IGNORECASE)
_PER_WAVELENGTH: Final = ("flam", "flambda", "fluxlambda", "fluxlam", "fluxperwavelength")
_NUMBERED: Final = re.compile(r"^(.*?)[ _.-]?(\d+)$")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column's name and unit say.

    Attributes
    ----------
    role
    air
        True or False where it says so of wavelengths, None where it does not.
    rest
        Whether it says that wavelengths are at rest.
    """

    role: Role
    air: bool | None = None
    rest: bool = False


@lru_cache(maxsize=4096)
def meaning(name: str, unit: str = "") -> Meaning:
    """Return what a column is."""
    text = name.strip().lower().translate(_GREEK)
    words = f"{text} {unit.lower()}".replace("_", " ")
    air = True if _AIR.search(words) else False if _VACUUM.search(words) else None
    rest = bool(_REST.search(words))
    stem = _plain(_REST.sub(" ", _VACUUM.sub(" ", _AIR.sub(" ", text.replace("_", " ")))))
    for word in _BEFORE:
        stem = stem.removeprefix(word) if stem != word else stem
        stem = stem.removesuffix(word) if stem != word else stem
    role = _role(stem)
    if role is Role.OTHER and (tail := _TAIL.match(name.strip())):
        inner = meaning(tail[1], unit or unit_in_name(name))
        role = inner.role if inner.role in (*FLUXES, *UNCERTAINTIES) else role
    if _LOG10.match(text) or text in ("log10", "log"):
        inside = _role(_plain(_LOG10.sub("", text)))
        role = Role.LOG10 if inside is Role.WAVELENGTH or stem in ("log", "log10") else role
    elif _LN.match(text):
        role = Role.LN if _role(_plain(_LN.sub("", text))) is Role.WAVELENGTH else role
    elif role is Role.WAVELENGTH and re.match(r"\s*(?:log\s*10?|dex|ln)\b", unit.lower()):
        role = Role.LN if unit.lower().startswith("ln") else Role.LOG10
    elif role is Role.WAVELENGTH and unit:
        role = next((r for r, known in _OTHER_UNITS if known.match(unit.lower())), role)
    if role is Role.OTHER and stem.startswith("log10"):
        role = Role.LOG10 if _role(stem[5:]) is Role.WAVELENGTH else role
    if role is Role.FLUX and re.search(r"jy\b|hz", unit.lower()):
        role = Role.FNU
    return Meaning(role, air, rest)


def unit_in_name(name: str) -> str:
    """Return the unit, mostly a Jy, that ends a name of a flux or its error; else nothing."""
    match = _TAIL.match(name.strip())
    if match is None or match[2].lower() == "cgs":
        return ""
    prefix = match[2][:-2].lower()
    return ("u" if prefix in ("µ", "μ") else prefix) + "Jy"


def is_per_wavelength(name: str) -> bool:
    """Whether the name of a flux says that it is per unit wavelength."""
    return _plain(name.lower().translate(_GREEK)).startswith(_PER_WAVELENGTH)


def stem_and_number(name: str) -> tuple[str, str]:
    """Split ``flux_12`` into its stem and its number; the number is empty where it has none."""
    match = _NUMBERED.match(name.strip())
    return (match.group(1), match.group(2)) if match else (name.strip(), "")


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text)


def _role(stem: str) -> Role:
    if stem in _ROLES:
        return _ROLES[stem]
    if stem in _ALONE:
        return Role.ERROR
    if _NOT_IT.search(stem):
        return Role.OTHER
    for suffix in _SUFFIX:
        if stem.endswith(suffix) and _is_flux(stem[: -len(suffix)]):
            return Role.ERROR
    for prefix in _PREFIX:
        if stem.startswith(prefix) and _is_flux(stem[len(prefix) :].removeprefix("in")):
            return Role.ERROR
    return Role.OTHER


def _is_flux(stem: str) -> bool:
    return _ROLES.get(stem) in FLUXES
