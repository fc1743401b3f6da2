"""The interface of a table on disk: column names and blocks of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from huggins.errors import InputError
from huggins.fits.values import as_integers, as_numbers, overflow, whole
from huggins.tables.columns import masked, typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray


class Chunk(Protocol):
    """Some rows of a table, with the selected columns."""

    path: str
    start: int

    def __len__(self) -> int: ...

    def __contains__(self, name: str) -> bool: ...

    def number(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers, shape (N,); missing is NaN."""
        ...

    def integer(self, name: str, missing: int = -1) -> NDArray[np.int64]:
        """Return a column of integers, shape (N,), 64 bits exact."""
        ...

    def text(self, name: str) -> NDArray[np.bytes_]:
        """Return a column as text without blanks around it, shape (N,); missing is empty."""
        ...

    def values(self, name: str) -> Any:
        """Return a column in its own type as a masked array, shape (N,)."""
        ...


class Table(Protocol):
    """A table on disk; its columns are known, its rows are not read yet.

    Attributes
    ----------
    path : str
    names : list of str
        Its columns; in upper case, or as they are spelled in the file.
    metadata : dict of str to str
        What the header records, as far as the format has one.
    """

    path: str
    names: list[str]
    metadata: dict[str, str]

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """Yield all rows, in order, with these columns only.

        A chunk is valid until the next one is asked for: they may share one buffer.
        """
        ...


def unique_names(names: Sequence[str], path: str, *, upper: bool) -> list[str]:
    """Return names of columns without blanks around them, in upper case where asked.

    Raises
    ------
    InputError
        If a column is named twice.
    """
    stripped = [name.strip().upper() if upper else name.strip() for name in names]
    twice = sorted({name for name in stripped if stripped.count(name) > 1})
    if twice:
        raise InputError(f"{path}: columns named twice: {', '.join(twice)}")
    return stripped


@dataclass(slots=True)
class ValueChunk:
    """Rows of a format that stores values of Python's types; None is missing."""

    path: str
    start: int
    _count: int
    _values: Mapping[str, Any]

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def number(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers, shape (N,); missing is NaN."""
        values = self._list(name)
        if any(isinstance(value, str) for value in values):
            return as_numbers(self.text(name), self.path, name, self.start)
        try:
            return np.array([np.nan if v is None else float(v) for v in values], np.float64)
        except (TypeError, OverflowError):
            raise self._no_numbers(name) from None

    def integer(self, name: str, missing: int = -1) -> NDArray[np.int64]:
        """Return a column of integers, shape (N,), 64 bits exact."""
        values = self._list(name)
        if any(isinstance(value, str) for value in values):
            return as_integers(self.text(name), self.path, name, self.start, missing)
        if any(isinstance(value, float) for value in values):
            return whole(self.number(name), self.path, name, self.start, missing)
        try:
            return np.array([missing if v is None else v for v in values], np.int64)
        except OverflowError:
            raise overflow(self.path, name, self.start) from None
        except (TypeError, ValueError):
            raise self._no_numbers(name) from None

    def _no_numbers(self, name: str) -> InputError:
        return InputError(f"{self.path}: column {name} holds no numbers, but lists or the like")

    def text(self, name: str) -> NDArray[np.bytes_]:
        """Return a column as text without blanks around it, shape (N,); missing is empty."""
        words = ["" if value is None else str(value).strip() for value in self._list(name)]
        return np.array([word.encode("utf-8") for word in words], np.bytes_)

    def values(self, name: str) -> Any:
        """Return a column in its own type as a masked array, shape (N,)."""
        stored = self._values[name]
        if not isinstance(stored, list) and not stored.null_count:
            numbers = np.asarray(stored)  # without a Python object for each value
            if numbers.dtype.kind in "if":
                return masked(numbers.astype(f"{numbers.dtype.kind}8"))
        return typed(self._list(name))

    def _list(self, name: str) -> list[Any]:
        values = self._values[name]
        listed: list[Any] = values if isinstance(values, list) else values.to_pylist()
        return listed
