"""Letter, SPTYPE and SPTYPE_ERR of stars, from the probabilities of their subtypes.

- The letter is decided by two networks that look at other things: that of the classes and that
  of the subtypes (`huggins.sptype.network`). Of their probabilities for the eight letters a
  product of powers is taken; the total of the letters stays what the first says.
- Within a letter the subtype is the centre of the five neighbours that are most probable
  together, of the next letter too: G9 where K0 is likely. The probability of each subtype is
  that of the network, times the ratio by which its letter changed.
- SPTYPE_ERR is s h^p, where the half-width h about it holds 68 % of the probability; s and p
  are fitted (`experiments/sptype.py`).
- White dwarfs: from what they absorb (`huggins.sptype.dwarfs`), without an error.

A subtype whose error is above `MOST` says no more than the letter and is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.sptype.network import TENTHS, Calibration
from huggins.taxonomy import INDEX, SEQUENCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Largest error, in subtypes, of a subtype that helps.
MOST: Final = 3.5
#: Class whose subtypes are letters.
DWARF: Final = "WD"
#: Classes that have subtypes.
TYPED: Final = (*SEQUENCE, DWARF)
# Columns of the letters among the 13 classes.
_LETTERS: Final = np.array([INDEX[name] for name in SEQUENCE])
# Least probability of a letter: no network rules one out alone.
_LEAST: Final = 1e-6
# Subtypes on either side of one that count as the same.
_NEAR: Final = 2
# Probability within 1 sigma, and half the largest width that is told from larger ones.
_SIGMA: Final = 0.68
_REACH: Final = 16


def lettered(probabilities: Array, subtypes: Array, calibration: Calibration) -> Array:
    """Return the probabilities of the 13 classes with those of the letters shared out anew.

    Parameters
    ----------
    probabilities : ndarray, shape (N, 13)
        By the network of the classes.
    subtypes : ndarray, shape (N, 80)
        As `huggins.sptype.run`.
    calibration
        The powers of both.
    """
    total = probabilities[:, _LETTERS].sum(axis=1, keepdims=True)
    other = probabilities[:, _LETTERS] / np.maximum(total, 1e-30)
    logs = calibration.own * np.log(np.maximum(by_letter(subtypes), _LEAST))
    logs += calibration.other * np.log(np.maximum(other, _LEAST))
    odds = np.exp(logs - logs.max(axis=1, keepdims=True, initial=-np.inf))
    result = probabilities.copy()
    result[:, _LETTERS] = total * odds / odds.sum(axis=1, keepdims=True)
    return result


def by_letter(subtypes: Array) -> Array:
    """Return the probabilities of the letters (N, 8) from those of the subtypes (N, 80)."""
    total: Array = subtypes.reshape(len(subtypes), len(SEQUENCE), TENTHS).sum(axis=2)
    return total


def types_of(
    probabilities: Array,
    subtypes: Array,
    letters: NDArray[np.integer],
    calibration: Calibration,
) -> tuple[NDArray[np.int64], Array]:
    """Return the subtypes of N stars within their letters, and their errors, shape (N,).

    Parameters
    ----------
    probabilities : ndarray, shape (N, 13)
        Of the classes, as `lettered` returns them.
    subtypes : ndarray, shape (N, 80)
        As `huggins.sptype.run`.
    letters : ndarray of int, shape (N,)
        Indices into `SEQUENCE`.
    calibration
        Of the errors.

    Returns
    -------
    tenths : ndarray of int
        0 to 9.
    errors : ndarray
        1 sigma, in subtypes.
    """
    told = probabilities[:, _LETTERS] / np.maximum(by_letter(subtypes), _LEAST)
    weight = subtypes * np.repeat(told, TENTHS, axis=1)
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-30)
    count = weight.shape[1]
    sums = np.zeros((len(weight), count + 1))
    np.cumsum(weight, axis=1, out=sums[:, 1:])
    place = np.arange(count)
    first, last = np.maximum(place - _NEAR, 0), np.minimum(place + _NEAR + 1, count)
    own = place // TENTHS == np.asarray(letters)[:, np.newaxis]
    centre = np.where(own, sums[:, last] - sums[:, first], -1.0).argmax(axis=1)
    half = _half_width(sums, centre)
    return centre % TENTHS, calibration.scale * half**calibration.power


def _half_width(sums: Array, centre: NDArray[np.int64]) -> Array:
    """Return half the width about the middle of a subtype that holds 68 %, shape (N,).

    `sums` (N, 81) are the probabilities below the borders of the subtypes.
    """
    reach = np.arange(_REACH)  # 0.5, 1.5, ... subtypes from the middle
    row = np.arange(len(sums))[:, np.newaxis]
    low = np.maximum(centre[:, np.newaxis] - reach, 0)
    high = np.minimum(centre[:, np.newaxis] + 1 + reach, sums.shape[1] - 1)
    inside = sums[row, high] - sums[row, low]
    inside[:, -1] = 1.0  # as wide or wider
    n = (inside >= _SIGMA).argmax(axis=1)
    row = row[:, 0]
    before = np.where(n > 0, inside[row, n - 1], 0.0)
    more = inside[row, n] - before
    part = (_SIGMA - before) / np.maximum(more, 1e-30)
    width: Array = np.where(n > 0, n - 0.5 + part, 0.5 * part)
    return width
