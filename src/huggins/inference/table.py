"""The table of results: its columns, defined here once, and its rows while they travel.

Everything that holds results (the journal, each output format, the astropy Table) derives from
`COLUMNS`, so that a column is added or described in one place only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins import __version__
from huggins.tables.write import Numbers, Texts, python_values
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from astropy.table import Table
    from numpy.typing import NDArray

    from huggins.inference.network import Model

#: What stands for "missing" in an integer column until it is written as masked (TNULL).
NO_INTEGER: Final = -(2**31)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table.

    Attributes
    ----------
    name
        As in the output.
    dtype
        numpy's name of its type; ``str`` for text.
    description
        One line, written into the headers that hold one.
    unit
        As astropy spells it; empty where there is none.
    masked
        Whether a missing value is masked. Text that is not is then simply empty.
    """

    name: str
    dtype: str
    description: str
    unit: str = ""
    masked: bool = True

    @property
    def text(self) -> bool:
        """Whether it holds text."""
        return self.dtype == "str"


#: Columns of the table, in order.
COLUMNS: Final = (
    Column("FILE", "str", "path as given", masked=False),
    Column("INDEX", "int32", "row or fibre inside the file, from 0", masked=False),
    Column("SURVEY", "str", "survey, as far as the file tells"),
    Column("PLATE", "int32", "plate or field"),
    Column("MJD", "int32", "modified Julian date of the observation", unit="d"),
    Column("FIBERID", "int32", "fibre"),
    Column("TARGETID", "str", "target identifier"),
    Column("SPECOBJID", "str", "SDSS spectrum identifier"),
    Column("RA", "float64", "right ascension, ICRS", unit="deg"),
    Column("DEC", "float64", "declination, ICRS", unit="deg"),
    Column("SN_MEDIAN", "float32", "median of flux times sqrt(ivar) over good pixels"),
    Column("CLASS", "str", "STAR, GALAXY or QSO; empty: nothing can be said", masked=False),
    Column("SUBCLASS", "str", f"one of {' '.join(CLASSES)}", masked=False),
    Column("PROB", "float32", "calibrated probability of SUBCLASS"),
    *(Column(f"P_{name}", "float32", f"calibrated probability of {name}") for name in CLASSES),
    Column("Z", "float32", "redshift, heliocentric as the input is"),
    Column("Z_ERR", "float32", "1-sigma error of Z"),
    Column("ZWARNING", "int32", "bits of doubt; 0: CLASS and Z can be relied on", masked=False),
    Column("DELTACHI2", "float32", "chi2 of the next different redshift minus that of Z"),
    Column("Z_NET", "float32", "redshift of the network, before any fit"),
    Column("PIPE_CLASS", "str", "class by the survey's own pipeline"),
    Column("PIPE_SUBCLASS", "str", "subclass by the survey's own pipeline"),
    Column("PIPE_Z", "float32", "redshift by the survey's own pipeline"),
    Column("PIPE_ZWARNING", "int32", "warning bits of the survey's own pipeline"),
    Column("ERROR", "str", "empty, or why this input failed", masked=False),
)

TEXTS: Final = tuple(column.name for column in COLUMNS if column.text)

#: Layout of the columns that are numbers, little-endian wherever it is written.
NUMBERS: Final = np.dtype(
    [(c.name, np.dtype(c.dtype).newbyteorder("<")) for c in COLUMNS if not c.text]
)

#: DESI's names of the columns that it has too.
DESI_NAMES: Final = {
    "CLASS": "SPECTYPE",
    "SUBCLASS": "SUBTYPE",
    "Z_ERR": "ZERR",
    "ZWARNING": "ZWARN",
}


@dataclass(slots=True)
class Rows:
    """Some rows of the table.

    Attributes
    ----------
    numbers : ndarray of `NUMBERS`, shape (N,)
        Missing is `NO_INTEGER` or NaN.
    texts : dict of str to list of str
        A list of N texts for each name of `TEXTS`, all `printable`; missing is empty.
    """

    numbers: NDArray[np.void]
    texts: dict[str, list[str]]

    @classmethod
    def empty(cls, count: int) -> Rows:
        """Make rows in which everything is missing and ZWARNING and INDEX are 0."""
        numbers = np.empty(count, dtype=NUMBERS)
        for column in COLUMNS:
            if not column.text:
                blank = NO_INTEGER if column.dtype == "int32" else np.nan
                numbers[column.name] = blank if column.masked else 0
        return cls(numbers, {name: [""] * count for name in TEXTS})

    @classmethod
    def join(cls, parts: Sequence[Rows]) -> Rows:
        """Put rows behind one another."""
        if not parts:
            return cls.empty(0)
        return cls(
            np.concatenate([part.numbers for part in parts]),
            {name: [t for part in parts for t in part.texts[name]] for name in TEXTS},
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def missing(self, column: Column) -> NDArray[np.bool_]:
        """Return where a column's value is masked, shape (N,)."""
        if not column.masked:
            return np.zeros(len(self), dtype=bool)
        if column.text:
            return np.array([not text for text in self.texts[column.name]], dtype=bool)
        values = self.numbers[column.name]
        absent: NDArray[np.bool_] = (
            values == NO_INTEGER if column.dtype == "int32" else ~np.isfinite(values)
        )
        return absent

    def cells(self, column: Column) -> Numbers | Texts:
        """Return a column as `huggins.tables.write` takes it."""
        if column.text:
            return Texts(self.texts[column.name])
        return Numbers(self.numbers[column.name], self.missing(column))

    def values(self, column: Column) -> list[Any]:
        """Return a column as Python values, with None where it is masked."""
        return python_values(self.cells(column), masked=column.masked)


def printable(text: str) -> str:
    """Return text with whatever cannot be printed, or is no valid Unicode, as an escape.

    File names may hold any byte; a table that holds them raw is unreadable elsewhere.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in text
    )


def output_names(*, desi: bool) -> list[str]:
    """Return the names of the columns, in order, DESI's where `desi` is set."""
    return [DESI_NAMES.get(c.name, c.name) if desi else c.name for c in COLUMNS]


def provenance(model: Model, command: str, basis: str = "") -> dict[str, str]:
    """Return what every output records of its own making.

    Parameters
    ----------
    model
        The model that was used.
    command
        The command line, or the Python call.
    basis
        Hash of the basis that redshifts were fitted with; empty where they were not.
    """
    return {
        "CREATOR": f"huggins {__version__}",
        "MODEL": model.name,
        "MODELVER": model.metadata.version,
        "MODELSHA": model.hash,
        "BASISSHA": basis or "none",
        "COMMAND": printable(command),
        "DATE": datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00"),
    }


def regroup(parts: Iterable[Rows], size: int) -> Iterator[Rows]:
    """Yield the same rows in parts of at least `size`, but for the last."""
    waiting: list[Rows] = []
    count = 0
    for part in parts:
        waiting.append(part)
        count += len(part)
        if count >= size:
            yield Rows.join(waiting)
            waiting, count = [], 0
    if waiting:
        yield Rows.join(waiting)


def to_table(parts: Iterable[Rows], metadata: dict[str, str], *, desi: bool = False) -> Table:
    """Make an astropy Table of rows, with units, descriptions and masks."""
    from astropy.table import MaskedColumn, Table

    rows = Rows.join(list(parts))
    table = Table(meta=dict(metadata))
    for column, name in zip(COLUMNS, output_names(desi=desi), strict=True):
        values: Any = rows.texts[column.name] if column.text else rows.numbers[column.name]
        dtype = np.dtype("U1") if column.text and not values else None
        table[name] = MaskedColumn(
            np.array(values, dtype=dtype or (None if column.text else column.dtype)),
            mask=rows.missing(column),
            description=column.description,
            unit=column.unit or None,
        )
    return table
