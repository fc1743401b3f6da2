"""A table to write: its columns, and its rows while they travel to a writer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.tables.ucd import ucd_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

#: Rows in a row group of Parquet, and a good size of a chunk.
CHUNK_ROWS: Final = 65_536
# Longest metadata value in a header; a shell can expand a pattern to megabytes.
_VALUE_MAX: Final = 2000


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """One column of a table to write.

    Attributes
    ----------
    name
    kind
        numpy's name of its type; ``str`` for text.
    description, unit
        Written into the headers that hold them; the unit as astropy spells it.
    masked
        Whether values can be missing. Text that cannot is then simply empty.
    null
        Integer that stands for a missing value (TNULL of FITS).
    width
        Longest text in ASCII characters, for FITS.
    path
        Whether its texts are paths, which FITS gets as `huggins.fits.paths` encodes them.
    """

    name: str
    kind: str
    description: str
    unit: str = ""
    masked: bool = True
    null: int | None = None
    width: int = 1
    path: bool = False

    @property
    def ucd(self) -> str:
        """What it is in words of the IVOA, for the formats that have a place for it."""
        return ucd_of(self.name)

    @property
    def text(self) -> bool:
        """Whether it holds text."""
        return self.kind == "str"


@dataclass(frozen=True, slots=True)
class Numbers:
    """Values of a column of numbers, shape (N,), and which are missing."""

    values: NDArray[Any]
    missing: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Texts:
    """Values of a column of text: row i holds ``words[codes[i]]``, or ``words[i]``."""

    words: list[str]
    codes: NDArray[np.integer] | None = None


@dataclass(frozen=True, slots=True)
class OutputTable:
    """A table to write.

    Attributes
    ----------
    name
        EXTNAME of FITS.
    columns
    count
        Number of rows.
    chunks
        The rows, in order: for each chunk the values of every column.
    metadata
        What headers record, by keyword.
    behind
        Tables that FITS gets as further HDUs; other formats have no place for them.
    """

    name: str
    columns: Sequence[OutputColumn]
    count: int
    chunks: Iterable[Sequence[Numbers | Texts]]
    metadata: dict[str, str]
    behind: Sequence[OutputTable] = ()


def ascii_only(text: str) -> str:
    """Return text as FITS allows it, other characters as escapes."""
    if text.isascii():
        return text
    return text.encode("ascii", "backslashreplace").decode("ascii")


def length(chunk: Sequence[Numbers | Texts]) -> int:
    """Return the number of rows of a chunk."""
    first = chunk[0]
    if isinstance(first, Numbers):
        return len(first.values)
    return len(first.words if first.codes is None else first.codes)


def python_rows(table: OutputTable) -> Iterator[Iterable[tuple[Any, ...]]]:
    """Yield the rows of each chunk as Python values, with None where one is missing."""
    for chunk in table.chunks:
        columns = zip(table.columns, chunk, strict=True)
        yield zip(*(python_values(cells, masked=c.masked) for c, cells in columns), strict=True)


def python_values(cells: Numbers | Texts, *, masked: bool) -> list[Any]:
    """Return a column as Python values, with None where one is missing.

    Single-precision numbers become the shortest decimals that stand for them.
    """
    if isinstance(cells, Texts):
        words: list[Any] = [w or None for w in cells.words] if masked else cells.words
        return words if cells.codes is None else [words[code] for code in cells.codes.tolist()]
    values = cells.values
    if values.dtype == np.float32:
        values = values.astype("U").astype(np.float64)
    result: list[Any] = values.tolist()
    if cells.missing.any():
        missing = cells.missing.tolist()
        return [None if gone else v for v, gone in zip(result, missing, strict=True)]
    return result


def metadata(table: OutputTable) -> dict[str, str]:
    """Return what headers record, none of it too long for one."""
    return header_values(table.metadata)


def header_values(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the same metadata, none of it too long for a header."""
    return {key: _short(value) for key, value in metadata.items()}


def _short(value: str) -> str:
    if len(value) <= _VALUE_MAX:
        return value
    return f"{value[:_VALUE_MAX]} ... ({len(value)} characters)"
