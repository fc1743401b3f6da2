"""SPTYPE and SPTYPE_ERR: the subtype of a star whose letter is known.

- O to L: the network's subtype x and its width w (`huggins.sptype.network`). The letter is that
  of SUBCLASS, so a subtype beyond its ends is put at the end: G9.5 where the lines say K0 and
  the letter G. The distance d that it is moved by counts as error:
  SPTYPE_ERR = sqrt((s w)^2 + d^2), s being fitted (`experiments/sptype.py`).
- WD: from what it absorbs (`huggins.sptype.dwarfs`), without an error.

A subtype whose error is above `MOST` says no more than the letter and is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.sptype.dwarfs import subtypes
from huggins.sptype.network import features, load, run
from huggins.taxonomy import SEQUENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Largest error, in subtypes, of a subtype that helps.
MOST: Final = 3.5
#: Class whose subtypes are letters.
DWARF: Final = "WD"
#: Classes that have subtypes.
TYPED: Final = (*SEQUENCE, DWARF)


def types_of(
    classes: Sequence[str], wavelength: Array, flux: Array, ivar: Array, z: Array
) -> tuple[list[str], Array]:
    """Return the subtypes of N stars, empty where nothing can be said, and their errors.

    Parameters
    ----------
    classes
        SUBCLASS of each.
    wavelength : ndarray, shape (G,)
        Vacuum, A, of the standard grid (`huggins.prepare.STANDARD`).
    flux, ivar : ndarray, shape (N, G)
        ivar 0 where there is no data.
    z : ndarray, shape (N,)
        Radial velocity over c; NaN where unknown.

    Returns
    -------
    types : list of str
    errors : ndarray, shape (N,)
        1 sigma, in subtypes; NaN where there is none.
    """
    types, errors = [""] * len(classes), np.full(len(classes), np.nan)
    stars = [n for n, name in enumerate(classes) if name in SEQUENCE]
    if stars:
        layers, scale = load()
        subtype, width = run(layers, features(flux[stars], ivar[stars]))
        letters = np.array([SEQUENCE.index(classes[n]) for n in stars])
        number, error = within(subtype, scale * width, letters)
        for n, k, tenth, wrong in zip(stars, letters, number, error, strict=True):
            if wrong <= MOST:
                types[n], errors[n] = f"{SEQUENCE[k]}{tenth:g}", wrong
    dwarfs = [n for n, name in enumerate(classes) if name == DWARF]
    if dwarfs:
        found = subtypes(wavelength, flux[dwarfs], ivar[dwarfs], z[dwarfs])
        for n, name in zip(dwarfs, found, strict=True):
            types[n] = name
    return types, errors


def within(subtype: Array, error: Array, letters: NDArray[np.integer]) -> tuple[Array, Array]:
    """Return numbers 0 to 9.5 within the given letters, and their errors, shape (N,).

    Parameters
    ----------
    subtype, error : ndarray, shape (N,)
        On the sequence: 0.5 is O0, 10.5 is B0.
    letters : ndarray of int, shape (N,)
        Indices into `SEQUENCE`.

    Examples
    --------
    >>> import numpy as np
    >>> number, error = within(np.array([42.6, 51.0]), np.array([1.0, 1.0]), np.array([4, 4]))
    >>> number.tolist(), error.round(2).tolist()
    ([2.0, 9.5], [1.0, 1.41])
    """
    exact = subtype - 10.0 * letters - 0.5
    number = np.clip(np.round(2.0 * exact) / 2.0, 0.0, 9.5) + 0.0  # no -0.0, written "G-0"
    beyond = np.maximum(np.abs(exact - number) - 0.25, 0.0)
    return number, np.hypot(error, np.where(beyond > 0, np.abs(exact - number), 0.0))
