"""Rest wavelengths of prominent spectral lines.

Vacuum Angstrom. Ultraviolet values and forbidden lines from the NIST Atomic Spectra Database
(version 5, Ritz wavelengths, multiplets averaged with their oscillator strengths); broad quasar
blends as in Vanden Berk et al. (2001, AJ 122, 549, table 2, laboratory column).
"""

from __future__ import annotations

from typing import Final

#: Lines seen in emission in quasars and galaxies.
EMISSION: Final[dict[str, float]] = {
    "Ly β": 1025.72,
    "Ly α": 1215.67,
    "N V": 1240.14,
    "Si IV": 1396.76,
    "C IV": 1549.06,
    "He II": 1640.42,
    "C III]": 1908.73,
    "Mg II": 2798.75,
    "[Ne V]": 3426.84,
    "[O II]": 3728.48,
    "[Ne III]": 3869.86,
    "Hδ": 4102.90,
    "Hγ": 4341.69,
    "Hβ": 4862.69,
    "[O III] 4959": 4960.30,
    "[O III] 5007": 5008.24,
    "[N II] 6548": 6549.86,
    "Hα": 6564.63,
    "[N II] 6583": 6585.27,
    "[S II] 6716": 6718.29,
    "[S II] 6731": 6732.68,
}

#: Lines and bands seen in absorption in stars and in the stellar light of galaxies.
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
    "Ca II 8664": 8664.52,
}
