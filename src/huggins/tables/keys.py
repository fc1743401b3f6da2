"""Identity of spectra and objects: SpecObjID, keys, names of objects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Array = NDArray[Any]

# What an object's number was made of, in its bits 60 and 61.
_THING, _SKY, _SPECTRUM, _ROW = 0, 1, 2, 3
_KIND_SHIFT: Final = 60
# A spectrum's key: bits of plate, MJD and fibre.
_BITS: Final = (20, 18, 14)
_ROUNDED: Final = re.compile(r"[+-]?\d+(\.\d*([eE][+-]?\d+)?|[eE][+-]?\d+)")


def rounded(words: Iterable[str], path: str, name: str, start: int = 0) -> str:
    """Return what to say of long identifiers of which one went through floating point.

    Floating point keeps 16 of their 19 digits. Empty where none did.

    Parameters
    ----------
    words
        The identifiers as text.
    path, name, start
        File, column and number of the first row, for the message.
    """
    for row, word in enumerate(words, start + 1):
        if _ROUNDED.fullmatch(word):
            return (
                f"{path}: row {row}: {name} {word} was rounded to a floating-point number: "
                "export it as text or as a whole number"
            )
    return ""


def spectrum_keys(
    plate: Array, mjd: Array, fiber: Array, *, path: str = "", start: int = 0
) -> NDArray[np.int64]:
    """Return one number for each PLATE-MJD-FIBERID, shape (N,); -1 where one is missing.

    Parameters
    ----------
    plate, mjd, fiber : ndarray of int, shape (N,)
        Negative where missing.
    path, start
        File and number of the first row, for messages.

    Raises
    ------
    InputError
        If an identifier is too large to be one.
    """
    key = np.zeros(len(plate), np.int64)
    known = (plate >= 0) & (mjd > 0) & (fiber >= 0)
    for name, values, bits in zip(
        ("PLATE", "MJD", "FIBERID"), (plate, mjd, fiber), _BITS, strict=True
    ):
        if (known & (values >= 1 << bits)).any():
            row = int(np.flatnonzero(known & (values >= 1 << bits))[0])
            raise InputError(
                f"{path}{': ' if path else ''}row {start + row + 1}: {name} {values[row]} "
                f"overflows: no survey has more than {(1 << bits) - 1}; is it the right column?"
            )
        key = key << bits | np.where(known, values, 0)
    return np.where(known, key, -1)


def object_numbers(
    root: Array, thing_id: Array, ra: Array, dec: Array, key: Array
) -> NDArray[np.int64]:
    """Return one number for each object, shape (N,), from which its name is made.

    Parameters
    ----------
    root : ndarray of int, shape (N,)
        Row that stands for the object.
    thing_id, ra, dec, key : ndarray, shape (N,)
        Of all rows; key from `spectrum_keys`. An object's number is the smallest THING_ID of
        its rows, else the position of its first row to 0.1 arcsec, else its spectrum, else
        that row's number.
    """
    # The smallest THING_ID of each object; a large number stands for "none".
    none = np.int64(1 << 59)
    thing = np.full(len(root), none)
    np.minimum.at(thing, root, np.where(thing_id > 0, thing_id, none))
    thing = thing[root]
    # Of first rows only: NaN and infinite positions are masked out below.
    alpha, delta = ra[root], dec[root]
    placed = np.isfinite(alpha) & np.isfinite(delta)
    tenth = np.where(placed, np.rint(np.where(placed, alpha, 0.0) * 36_000.0), 0)
    north = np.where(placed, np.rint((np.where(placed, delta, 0.0) + 90.0) * 36_000.0), 0)
    sky = (tenth.astype(np.int64) % (360 * 36_000)) << 23 | north.astype(np.int64)
    spectrum = key[root]
    number = np.where(
        spectrum >= 0, spectrum | _SPECTRUM << _KIND_SHIFT, root | _ROW << _KIND_SHIFT
    )
    number = np.where(placed, sky | _SKY << _KIND_SHIFT, number)
    return np.where(thing < none, thing, number)


def object_names(numbers: Array) -> NDArray[np.str_]:
    """Return the names of objects from their numbers, shape (N,).

    ``T`` and the THING_ID; ``J`` and right ascension and declination in 0.1 arcsec, as degrees;
    ``S`` and plate-mjd-fibre; ``R`` and a row of the new table.

    >>> object_names(np.array([4242]))
    array(['T4242'], dtype='<U5')
    """
    different, inverse = np.unique(numbers, return_inverse=True)
    names = [_object_name(int(number)) for number in different.tolist()]
    if not names:
        return np.array([], dtype=str)
    return np.array(names, dtype=str)[inverse]


def _object_name(number: int) -> str:
    kind, rest = number >> _KIND_SHIFT, number & ((1 << _KIND_SHIFT) - 1)
    if kind == _THING:
        return f"T{rest}"
    if kind == _SKY:
        ra, dec = (rest >> 23) / 36_000.0, (rest & ((1 << 23) - 1)) / 36_000.0 - 90.0
        return f"J{ra:09.5f}{dec:+09.5f}"
    if kind == _SPECTRUM:
        _, mjd, fiber = _BITS
        plate = rest >> mjd + fiber
        return f"S{plate}-{(rest >> fiber) & ((1 << mjd) - 1)}-{rest & ((1 << fiber) - 1)}"
    return f"R{rest + 1}"
