"""Cells of text as numbers and identifiers, none of them rounded."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from huggins.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Bytes = NDArray[np.bytes_]

#: Most rows in a block.
ROWS: Final = 65_536
#: Words that say that there is no value, in lower case.
MISSING: Final = ("", "nan", "null", "none", "na", "n/a", "--")


def opened(path: Path) -> BinaryIO:
    """Open a file, unpacking it as it is read where its name ends in .gz."""
    try:
        if path.suffix.lower() == ".gz":
            return gzip.open(path, "rb")  # type: ignore[return-value]
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def as_numbers(words: Bytes, path: str, name: str, start: int) -> NDArray[np.float64]:
    """Return words as numbers, shape (N,); what says that there is none is NaN.

    Parameters
    ----------
    words
        Text of the cells.
    path, name, start
        File, column and first row, for messages.

    Raises
    ------
    InputError
        If a word is no number.
    """
    values = np.full(len(words), np.nan)
    present = np.array([not _missing(word) for word in words.tolist()], bool)
    try:
        values[present] = words[present].astype(np.float64)
    except ValueError:
        for row in np.flatnonzero(present):
            try:
                float(words[row])
            except ValueError:
                raise InputError(
                    f"{path}: row {start + row + 1}: column {name} holds "
                    f"{words[row].decode('latin-1')!r}, a number is needed"
                ) from None
    return values


def as_integers(
    words: Bytes, path: str, name: str, start: int, missing: int
) -> NDArray[np.int64]:
    """Return words as integers, shape (N,); all digits of 64 bits are kept.

    Raises
    ------
    InputError
        If a word is no whole number, or one beyond 64 bits.
    """
    values = np.full(len(words), missing, np.int64)
    for row, word in enumerate(words.tolist()):
        if _missing(word):
            continue
        try:
            values[row] = int(word)
        except OverflowError:
            raise overflow(path, name, start + row) from None
        except ValueError:
            number = as_numbers(words[row : row + 1], path, name, start + row)
            values[row] = whole(number, path, name, start + row, missing)[0]
    return values


def whole(
    values: NDArray[np.float64], path: str, name: str, start: int, missing: int
) -> NDArray[np.int64]:
    """Return integral numbers as integers, shape (N,).

    Raises
    ------
    InputError
        If one has a fraction, or is so large that a float may have rounded it.
    """
    known = np.isfinite(values)
    if (np.abs(values[known]) >= 2.0**53).any():
        row = int(np.flatnonzero(known & (np.abs(values) >= 2.0**53))[0])
        raise InputError(
            f"{path}: row {start + row + 1}: column {name} holds {values[row]:g}, an "
            "identifier rounded to a floating-point number: export it as text or as a whole "
            "number"
        )
    if (values[known] != np.floor(values[known])).any():
        raise InputError(f"{path}: column {name} holds fractions, whole numbers are needed")
    whole = np.full(len(values), missing, np.int64)
    whole[known] = values[known].astype(np.int64)
    return whole


def _missing(word: bytes) -> bool:
    return word.lower().decode("latin-1") in MISSING


def overflow(path: str, name: str, row: int) -> InputError:
    """Return the error of a whole number that 64 bits do not hold."""
    return InputError(
        f"{path}: row {row + 1} or after: column {name} holds numbers too large for an "
        "identifier: keep such ones as text"
    )
