"""A table in memory: columns as masked arrays, and the types of values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.fits.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

_INTEGER: Final = re.compile(r"[+-]?\d{1,20}")


@dataclass(frozen=True, slots=True)
class Columns:
    """A table of N rows as plain columns.

    Attributes
    ----------
    path : str
        Where it was read, for messages.
    values : dict of str to masked array of shape (N,)
        Integers, floats or text; missing is masked, in floats it is NaN as well.
    metadata : dict of str to str
        What the header records, as far as the format has one.
    more : bool
        Whether the table has rows behind these that were not read.
    """

    path: str
    values: dict[str, Any]
    metadata: dict[str, str] = field(default_factory=dict)
    more: bool = False

    def __len__(self) -> int:
        return len(next(iter(self.values.values()))) if self.values else 0

    def __contains__(self, name: str) -> bool:
        return name in self.values

    @property
    def names(self) -> list[str]:
        """Names of the columns, in order."""
        return list(self.values)

    def is_text(self, name: str) -> bool:
        """Whether a column holds text rather than numbers."""
        return bool(self._get(name).dtype.kind == "U")

    def text(self, name: str) -> NDArray[np.str_]:
        """Return a column as text without blanks around it, shape (N,); missing is empty."""
        column = self._get(name)
        words = np.char.strip(np.asarray(column.data).astype(str))
        blank: NDArray[np.str_] = np.where(np.ma.getmaskarray(column), "", words)
        return blank

    def number(self, name: str) -> NDArray[np.float64]:
        """Return a column as numbers, shape (N,); missing is NaN.

        Raises
        ------
        InputError
            If there is no such column or it holds text.
        """
        column = self._get(name)
        if column.dtype.kind == "U":
            if np.ma.getmaskarray(column).all():
                return np.full(len(column), np.nan)
            example = str(next(iter(column.compressed())))
            raise InputError(
                f"{self.path}: column {name!r} holds text ({example!r}), numbers are needed"
            )
        numbers: NDArray[np.float64] = column.astype(np.float64).filled(np.nan)
        return numbers

    def rows(self) -> list[dict[str, str]]:
        """Return the rows as texts by column; missing is empty."""
        texts = (self.text(name).tolist() for name in self.values)
        return [dict(zip(self.values, row, strict=True)) for row in zip(*texts, strict=True)]

    def _get(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise InputError(
                f"{self.path}: there is no column {name!r}; there are {', '.join(self.values)}"
            ) from None


def from_lists(values: Mapping[str, Iterable[Any]]) -> dict[str, Any]:
    """Return columns of Python values as masked arrays; None is missing."""
    return {name: typed(list(column)) for name, column in values.items()}


def guessed(words: list[str]) -> Any:
    """Return a column of words in their type: integers, else floats, else text.

    In a column of numbers the words of `huggins.fits.values.MISSING` are missing; in a column
    of text only the empty word is.
    """
    absent = [word.lower() in MISSING and word.lower() != "nan" for word in words]
    present = [word for word, no in zip(words, absent, strict=True) if not no]
    whole = all(map(_INTEGER.fullmatch, present))
    convert: Any = int if whole and all(abs(int(word)) < 1 << 64 for word in present) else float
    try:
        # float() takes "1_000" for a number, a person does not.
        if present and not any("_" in word for word in present):
            pairs = zip(words, absent, strict=True)
            return typed([None if no else convert(word) for word, no in pairs])
    except ValueError:
        pass  # then it is text
    return typed([word or None for word in words])


def typed(values: list[Any]) -> Any:
    """Return Python values of one type, None where missing, as a masked array."""
    missing = np.array([value is None for value in values], dtype=bool)
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {int, bool}:
        whole = [0 if value is None else int(value) for value in values]
        for kind in (np.int64, np.uint64):
            if np.iinfo(kind).min <= min(whole) and max(whole) <= np.iinfo(kind).max:
                return np.ma.MaskedArray(np.array(whole, kind), missing)
        return masked(np.array(["" if v is None else str(v) for v in values], dtype=str))
    if kinds and kinds <= {int, float, bool}:
        return masked(np.array([np.nan if v is None else float(v) for v in values]))
    return masked(np.array(["" if v is None else str(v) for v in values], dtype=str))


def masked(values: NDArray[Any], missing: NDArray[np.bool_] | None = None) -> Any:
    """Return numbers or text in native byte order, blank text and NaN masked as well."""
    missing = np.zeros(len(values), bool) if missing is None else missing
    if values.dtype.kind == "U":
        words = np.strings.strip(values)
        return np.ma.MaskedArray(words, missing | (words == ""))
    values = values.astype(values.dtype.newbyteorder("="))
    if values.dtype.kind == "f":
        missing = missing | np.isnan(values)
        values[missing] = np.nan
    return np.ma.MaskedArray(values, missing)


def joined(pieces: list[Any]) -> Any:
    """Return the parts of a column, each a masked array, behind one another.

    A part of Python values in which everything is missing looks like text and has no type.
    """
    if len(pieces) == 1:
        return pieces[0]
    missing = np.concatenate([np.ma.getmaskarray(piece) for piece in pieces])
    known = [p for p in pieces if p.dtype.kind != "U" or not np.ma.getmaskarray(p).all()]
    if known and all(piece.dtype.kind != "U" for piece in known):
        blank = np.zeros(1, known[0].dtype)
        values = [p.data if p.dtype.kind != "U" else blank.repeat(len(p)) for p in pieces]
    else:
        values = [p.data.astype(str) for p in pieces]
        values = [np.where(p.mask, "", v) for p, v in zip(pieces, values, strict=True)]
    return masked(np.concatenate(values), missing)
