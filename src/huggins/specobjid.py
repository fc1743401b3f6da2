"""SpecObjID of SDSS data releases 8 to 18: plate, fibre, night and reduction in 64 bits.

Rule: https://www.sdss4.org/dr17/spectro/spectro_basics/ ("SpecObjID") and
https://www.sdss.org/dr17/help/glossary/#specobj. SDSS-V (RUN2D v6 and later) counts fields and
catalogue numbers instead, and its files have their own identifiers.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

#: RUN2D of the SDSS-I/II spectrograph: main survey, SEGUE-1, SEGUE-2.
LEGACY: Final = ("26", "103", "104")
#: First plate of the BOSS spectrographs; below it lie the plates of SDSS-I/II.
FIRST_BOSS_PLATE: Final = 3510
#: RUN2D of the BOSS spectrograph's reductions: version, as three numbers.
VERSION: Final = re.compile(r"v(\d+)_(\d+)_(\d+)")
# Shift and width in bits of plate, fibre, MJD - 50000 and reduction.
_FIELDS: Final = ((50, 14), (38, 12), (24, 14), (10, 14))
_FIRST_NIGHT: Final = 50_000


@lru_cache(maxsize=256)
def run2d_number(run2d: str) -> int | None:
    """Return the number of a reduction in a SpecObjID, None where it has none.

    ``vN_M_P`` is (N - 5) 10000 + 100 M + P, an integer is itself.

    >>> run2d_number("v5_7_0"), run2d_number("26"), run2d_number("v6_1_3")
    (700, 26, None)
    """
    run2d = run2d.strip()
    if run2d.isascii() and run2d.isdigit():
        return int(run2d)
    match = VERSION.fullmatch(run2d)
    if match is None:
        return None
    major, minor, patch = map(int, match.groups())
    return minor * 100 + patch if major == 5 else None


def specobjid(plate: int | None, mjd: int | None, fiber: int | None, run2d: str) -> str | None:
    """Return the SpecObjID of a spectrum, None where it is not defined.

    >>> specobjid(5201, 55832, 46, "v5_10_0")
    '5855818157717954560'
    """
    reduction = run2d_number(run2d)
    if plate is None or mjd is None or fiber is None or reduction is None:
        return None
    number = 0
    parts = (plate, fiber, mjd - _FIRST_NIGHT, reduction)
    for value, (shift, bits) in zip(parts, _FIELDS, strict=True):
        if not 0 <= value < 1 << bits:
            return None
        number |= value << shift
    return str(number)


def specobjids(plate: Array, mjd: Array, fiber: Array, reduction: Array) -> NDArray[np.uint64]:
    """Return the SpecObjIDs of spectra, shape (N,); 0 where they are not defined.

    Parameters
    ----------
    plate, mjd, fiber : ndarray of int, shape (N,)
    reduction : ndarray of int, shape (N,)
        From `run2d_number`; negative where there is none.
    """
    number = np.zeros(len(plate), np.uint64)
    defined = np.ones(len(plate), np.bool_)
    parts = (plate, fiber, mjd.astype(np.int64) - _FIRST_NIGHT, reduction)
    for values, (shift, bits) in zip(parts, _FIELDS, strict=True):
        inside = (values >= 0) & (values < 1 << bits)
        number |= np.where(inside, values, 0).astype(np.uint64) << np.uint64(shift)
        defined &= inside
    return np.where(defined, number, np.uint64(0))


def identity(number: int | str) -> tuple[int, int, int, str] | None:
    """Return plate, MJD, fibre and RUN2D of a SpecObjID; None where it is none.

    >>> identity("5855818157717954560")
    (5201, 55832, 46, 'v5_10_0')
    >>> identity(specobjid(266, 51630, 38, "26")), identity(12)
    ((266, 51630, 38, '26'), None)
    """
    word = str(number).strip()
    if not word.isascii() or not word.isdigit() or int(word) >= 1 << 64:
        return None
    plate, fiber, night, reduction = (
        int(word) >> shift & (1 << bits) - 1 for shift, bits in _FIELDS
    )
    if not (plate and fiber and night):
        return None
    run2d = str(reduction)
    if run2d not in LEGACY:
        run2d = f"v5_{reduction // 100}_{reduction % 100}"
    return plate, night + _FIRST_NIGHT, fiber, run2d
