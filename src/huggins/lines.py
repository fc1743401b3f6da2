"""Rest wavelengths of prominent spectral lines, and which class shows which.

Vacuum Angstrom throughout, in names too: a number in a name is the wavelength in vacuum,
rounded (the line known as [O III] 5007 from air is ``[O III] 5008``). Lines from the NIST
Atomic Spectra Database (version 5, Ritz wavelengths, multiplets averaged with their oscillator
strengths); broad quasar blends as in Vanden Berk et al. (2001, AJ 122, 549, table 2, laboratory
column). Band heads of TiO, C2, CN and CaH from Pearse & Gaydon (1976, The Identification of
Molecular Spectra), of CrH and FeH from Kirkpatrick et al. (1999, ApJ 519, 802), converted from
air by the formula of `huggins.spectrum.air_to_vacuum`.
"""

from __future__ import annotations

from typing import Final

from huggins.taxonomy import BROAD

#: Lines seen in emission in quasars and galaxies.
EMISSION: Final[dict[str, float]] = {
    "Ly β": 1025.72,
    "Ly α": 1215.67,
    "N V": 1240.14,
    "Si IV": 1396.76,
    "C IV": 1549.06,
    "He II 1640": 1640.42,
    "C III]": 1908.73,
    "Mg II": 2798.75,
    "[Ne V] 3347": 3346.79,
    "[Ne V] 3427": 3426.84,
    "[O II]": 3728.48,
    "[Ne III]": 3869.86,
    "Hδ": 4102.90,
    "Hγ": 4341.69,
    "He II 4687": 4687.02,
    "Hβ": 4862.69,
    "[O III] 4960": 4960.30,
    "[O III] 5008": 5008.24,
    "He I 5877": 5877.25,
    "[O I]": 6302.05,
    "[N II] 6550": 6549.86,
    "Hα": 6564.63,
    "[N II] 6585": 6585.27,
    "[S II] 6718": 6718.29,
    "[S II] 6733": 6732.68,
    "[S III] 9071": 9071.10,
    "[S III] 9533": 9533.20,
}

#: Lines and bands seen in absorption in stars like the Sun, and in the light of galaxies.
ABSORPTION: Final[dict[str, float]] = {
    "Ca K": 3934.78,
    "Ca H": 3969.59,
    "Hδ": 4102.90,
    "G band": 4305.6,
    "Hγ": 4341.69,
    "Hβ": 4862.69,
    "Mg b": 5176.6,
    "Na D": 5894.57,
    "Hα": 6564.63,
    "Ca II 8500": 8500.36,
    "Ca II 8544": 8544.44,
    "Ca II 8665": 8664.52,
}

_BALMER: Final = {
    "Hζ": 3890.17,
    "Hε": 3971.20,
    "Hδ": 4102.90,
    "Hγ": 4341.69,
    "Hβ": 4862.69,
    "Hα": 6564.63,
}
_HELIUM: Final = {
    "He I 4027": 4027.33,
    "He I 4473": 4472.73,
    "He I 5877": 5877.25,
    "He I 6680": 6679.99,
    "He I 7067": 7067.14,
}
_IONISED_HELIUM: Final = {"He II 4543": 4542.86, "He II 4687": 4687.02, "He II 5413": 5413.02}
_COOL: Final = {"Na D": 5894.57, "K I 7667": 7667.01, "K I 7701": 7701.08, "Na I 8190": 8190.37}
_CALCIUM: Final = {name: w for name, w in ABSORPTION.items() if name.startswith("Ca II")}
_TITANIUM_OXIDE: Final = {
    "TiO 4956": 4955.98,
    "TiO 5168": 5168.24,
    "TiO 5450": 5449.71,
    "TiO 6160": 6160.20,
    "CaH 6387": 6386.77,
    "TiO 7056": 7056.45,
}
_CARBON: Final = {
    "CN 4217": 4217.19,
    "C2 4738": 4738.43,
    "C2 5167": 5166.64,
    "C2 5637": 5637.06,
}
_HYDRIDES: Final = {"CrH 8613": 8613.37, "FeH 8694": 8694.39}
_OF_STARS: Final = {
    "O": {**_BALMER, **_HELIUM, **_IONISED_HELIUM},
    "B": {**_BALMER, **_HELIUM},
    "A": {"Ca K": 3934.78, **_BALMER, **_CALCIUM},
    "WD": {**_BALMER, **_HELIUM},
    "M": {**_TITANIUM_OXIDE, **_COOL, **_CALCIUM, "Hα": 6564.63},
    "L": {**_COOL, **_HYDRIDES, "Hα": 6564.63},
    "C": {**_CARBON, "Na D": 5894.57, "Hα": 6564.63, **_CALCIUM},
}
# Far-ultraviolet lines of quasars are not seen in galaxies.
_GALAXY_FROM: Final = 2700.0


def of_class(subclass: str) -> dict[str, dict[str, float]]:
    """Return the lines that a class shows, in ``emission`` and in ``absorption``.

    Parameters
    ----------
    subclass
        One of the 13, or a broad class for what they have in common.

    Examples
    --------
    >>> sorted(of_class("L")["absorption"])[:3]
    ['CrH 8613', 'FeH 8694', 'Hα']
    """
    broad = BROAD.get(subclass, subclass)
    if broad == "QSO":
        return {"emission": dict(EMISSION), "absorption": {}}
    if broad == "GALAXY":
        emission = {name: w for name, w in EMISSION.items() if w >= _GALAXY_FROM}
        # A line that is in both lists is named once.
        stellar = {name: w for name, w in ABSORPTION.items() if name not in emission}
        return {"emission": emission, "absorption": stellar}
    stellar = _OF_STARS.get(subclass, ABSORPTION)
    ordered = sorted(stellar.items(), key=lambda item: item[1])
    return {"emission": {}, "absorption": dict(ordered)}
