"""The table of results: its columns, defined here once, and its rows while they travel.

Everything that holds results (the journal, each output format, the astropy Table) derives from
`COLUMNS`, so that a column is added or described in one place only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins import __version__
from huggins.inference.sets import KEY as SETS_KEY
from huggins.inference.shown import results_table
from huggins.redshift.basis import load_basis
from huggins.runs.files import check_writable
from huggins.runs.ours import same_columns
from huggins.tables.ucd import ucd_of
from huggins.tables.write import (
    WRITERS,
    Numbers,
    OutputColumn,
    OutputTable,
    Texts,
    python_values,
    write_table,
)
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from astropy.table import Table
    from numpy.typing import NDArray

    from huggins.inference.network import Model

#: What stands for "missing" in an integer column until it is written as masked (TNULL).
NO_INTEGER: Final = -(2**31)


#: The column of sets of classes.
SETS_COLUMN: Final = "CLASS_SET"

#: Columns that a table may have, in order.
ALL_COLUMNS: Final = (
    OutputColumn("FILE", "str", "path as given", masked=False, path=True),
    OutputColumn("INDEX", "int32", "row or fibre inside the file, from 0", masked=False),
    OutputColumn("SURVEY", "str", "survey, as far as the file tells"),
    OutputColumn("PLATE", "int32", "plate or field"),
    OutputColumn("MJD", "int32", "modified Julian date of the observation", unit="d"),
    OutputColumn("FIBERID", "int32", "fibre"),
    OutputColumn("TARGETID", "str", "target identifier"),
    OutputColumn("SPECOBJID", "str", "SDSS spectrum identifier"),
    OutputColumn("RA", "float64", "right ascension, ICRS", unit="deg"),
    OutputColumn("DEC", "float64", "declination, ICRS", unit="deg"),
    OutputColumn("SN_MEDIAN", "float32", "median of flux times sqrt(ivar) over good pixels"),
    OutputColumn(
        "CLASS", "str", "STAR, GALAXY or QSO; empty: nothing can be said", masked=False
    ),
    OutputColumn("SUBCLASS", "str", f"one of {' '.join(CLASSES)}", masked=False),
    OutputColumn("PROB", "float32", "calibrated probability of SUBCLASS"),
    OutputColumn("PROB_CLASS", "float32", "calibrated probability of CLASS"),
    OutputColumn("SPTYPE", "str", "subtype of a star, such as K2, or of a white dwarf, DA"),
    OutputColumn("SPTYPE_ERR", "float32", "1-sigma error of SPTYPE in subtypes"),
    *(
        OutputColumn(f"P_{name}", "float32", f"calibrated probability of {name}")
        for name in CLASSES
    ),
    OutputColumn(SETS_COLUMN, "str", "classes of which one is right as often as was asked"),
    OutputColumn("Z", "float32", "redshift, heliocentric as the input is"),
    OutputColumn("Z_ERR", "float32", "1-sigma error of Z"),
    OutputColumn("Z_P16", "float32", "16th percentile of the redshift, other minima included"),
    OutputColumn("Z_P84", "float32", "84th percentile of the redshift, other minima included"),
    OutputColumn("Z_SYS", "float32", "systemic redshift of a quasar, from single lines"),
    OutputColumn("Z_SYS_ERR", "float32", "1-sigma error of Z_SYS, scatter of lines included"),
    OutputColumn(
        "ZWARNING", "int32", "bits of doubt; 0: CLASS and Z can be relied on", masked=False
    ),
    OutputColumn("DELTACHI2", "float32", "chi2 of the next different redshift minus that of Z"),
    OutputColumn("Z_NET", "float32", "redshift of the network, before any fit"),
    OutputColumn("BI_CIV", "float32", "balnicity index of C IV", unit="km / s"),
    OutputColumn("BI_CIV_ERR", "float32", "1-sigma error of BI_CIV", unit="km / s"),
    OutputColumn("AI_CIV", "float32", "absorption index of C IV", unit="km / s"),
    OutputColumn("AI_CIV_ERR", "float32", "1-sigma error of AI_CIV", unit="km / s"),
    OutputColumn("N_TROUGH_CIV", "int32", "C IV troughs of at least 450 km/s"),
    OutputColumn("VMIN_CIV", "float32", "slowest outflow of the widest trough", unit="km / s"),
    OutputColumn("VMAX_CIV", "float32", "fastest outflow of the widest trough", unit="km / s"),
    OutputColumn("FRAC_HOST", "float32", "share of starlight at rest 5100 A"),
    OutputColumn("PIPE_CLASS", "str", "class by the survey's own pipeline"),
    OutputColumn("PIPE_SUBCLASS", "str", "subclass by the survey's own pipeline"),
    OutputColumn("PIPE_Z", "float32", "redshift by the survey's own pipeline"),
    OutputColumn("PIPE_ZWARNING", "int32", "warning bits of the survey's own pipeline"),
    OutputColumn("ERROR", "str", "empty, or why this input failed", masked=False),
)
#: Those that are there only where they are asked for, by what the metadata then record.
OPTIONAL: Final = {SETS_COLUMN: SETS_KEY}
#: Columns of every table, in order.
COLUMNS: Final = tuple(column for column in ALL_COLUMNS if column.name not in OPTIONAL)

TEXTS: Final = tuple(column.name for column in ALL_COLUMNS if column.text)

#: Layout of the columns that are numbers, little-endian wherever it is written.
NUMBERS: Final = np.dtype(
    [(c.name, np.dtype(c.kind).newbyteorder("<")) for c in ALL_COLUMNS if not c.text]
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
    best : ndarray of `huggins.inference.bestfit.BEST_FIT`, shape (N,), or None
        The best fits, where they were asked for.
    alternatives : ndarray of `huggins.redshift.alternatives.ALTERNATIVE`, (N, K), or None
        Their different redshifts, where they were asked for.
    """

    numbers: NDArray[np.void]
    texts: dict[str, list[str]]
    best: NDArray[np.void] | None = None
    alternatives: NDArray[np.void] | None = None

    @classmethod
    def empty(cls, count: int) -> Rows:
        """Make rows in which everything is missing and ZWARNING and INDEX are 0."""
        numbers = np.empty(count, dtype=NUMBERS)
        for column in ALL_COLUMNS:
            if not column.text:
                blank = NO_INTEGER if column.kind == "int32" else np.nan
                numbers[column.name] = blank if column.masked else 0
        return cls(numbers, {name: [""] * count for name in TEXTS})

    @classmethod
    def join(cls, parts: Sequence[Rows]) -> Rows:
        """Put rows behind one another."""
        if not parts:
            return cls.empty(0)
        fits = [part.best for part in parts if part.best is not None]
        others = [part.alternatives for part in parts if part.alternatives is not None]
        return cls(
            np.concatenate([part.numbers for part in parts]),
            {name: [t for part in parts for t in part.texts[name]] for name in TEXTS},
            np.concatenate(fits) if len(fits) == len(parts) else None,
            np.concatenate(others) if len(others) == len(parts) else None,
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def missing(self, column: OutputColumn) -> NDArray[np.bool_]:
        """Return where a column's value is masked, shape (N,)."""
        if not column.masked:
            return np.zeros(len(self), dtype=bool)
        if column.text:
            return np.array([not text for text in self.texts[column.name]], dtype=bool)
        values = self.numbers[column.name]
        absent: NDArray[np.bool_] = (
            values == NO_INTEGER if column.kind == "int32" else ~np.isfinite(values)
        )
        return absent

    def cells(self, column: OutputColumn) -> Numbers | Texts:
        """Return a column as `huggins.tables.write` takes it."""
        if column.text:
            return Texts(self.texts[column.name])
        return Numbers(self.numbers[column.name], self.missing(column))

    def values(self, column: OutputColumn) -> list[Any]:
        """Return a column as Python values, with None where it is masked."""
        return python_values(self.cells(column), masked=column.masked)


def printable(text: str) -> str:
    """Return text with non-printable characters and invalid Unicode as escapes.

    File names may hold any byte; a table that holds them raw is unreadable elsewhere.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in text
    )


def output_names(*, desi: bool, columns: Sequence[OutputColumn] = ALL_COLUMNS) -> list[str]:
    """Return the names of columns, in order, DESI's where `desi` is set."""
    return [DESI_NAMES.get(c.name, c.name) if desi else c.name for c in columns]


def columns_of(metadata: Mapping[str, str]) -> list[OutputColumn]:
    """Return the columns of a table with these metadata."""
    return [c for c in ALL_COLUMNS if c.name not in OPTIONAL or OPTIONAL[c.name] in metadata]


def provenance(model: Model, command: str, basis: str = "") -> dict[str, str]:
    """Return the provenance that every output records.

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
        "ZFRAME": load_basis().made.get("frame", "mixed") if basis else "none",
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


def check_output(
    path: Path,
    inputs: Iterable[str | Path] = (),
    *,
    extension: str = "",
    overwrite: bool = False,
) -> None:
    """Check that the table can be written to a path, before the work begins.

    Arguments and errors are those of `huggins.runs.files.check_writable`; `extension` tells
    the format where that of the path does not.
    """
    check_writable(
        path,
        None if extension else WRITERS,
        inputs=inputs,
        columns=holds_results,
        hint=", or name the format with --format",
        overwrite=overwrite,
    )


def holds_results(names: Sequence[str]) -> bool:
    """Whether the columns of a table are those of results, of whichever name."""
    return any(same_columns(output_names(desi=desi))(names) for desi in (False, True))


def write_rows(
    path: Path,
    parts: Iterable[Rows],
    count: int,
    widths: dict[str, int],
    metadata: dict[str, str],
    *,
    desi: bool = False,
    extension: str = "",
    behind: Sequence[OutputTable] = (),
) -> None:
    """Write the table to disk, in the format of the path's extension.

    Parameters
    ----------
    path
    parts, count
        The rows, in order, in parts of any size, and their number.
    widths
        Longest text of each text column, in ASCII characters.
    metadata
        See `provenance`.
    desi
        Whether columns get DESI's names.
    extension
        Tells the format in place of that of the path.
    behind
        Tables that FITS gets as further HDUs.

    Raises
    ------
    OutputError
        If it cannot be written; a file that was there before is left as it was.
    """
    asked = columns_of(metadata)
    columns = [
        replace(
            column,
            name=name,
            null=NO_INTEGER if column.kind == "int32" and column.masked else None,
            width=widths.get(column.name, 1),
        )
        for column, name in zip(asked, output_names(desi=desi, columns=asked), strict=True)
    ]
    chunks = ([rows.cells(column) for column in asked] for rows in parts)
    table = OutputTable("HUGGINS", columns, count, chunks, metadata, behind)
    write_table(path, table, extension)


def to_table(parts: Iterable[Rows], metadata: dict[str, str], *, desi: bool = False) -> Table:
    """Make an astropy Table of rows (`ResultsTable`), with units, descriptions and masks."""
    from astropy.table import MaskedColumn

    rows = Rows.join(list(parts))
    table = results_table()(meta=dict(metadata))
    asked = columns_of(metadata)
    for column, name in zip(asked, output_names(desi=desi, columns=asked), strict=True):
        values: Any = rows.texts[column.name] if column.text else rows.numbers[column.name]
        dtype = np.dtype("U1") if column.text and not values else None
        table[name] = MaskedColumn(
            np.array(values, dtype=dtype or (None if column.text else column.kind)),
            mask=rows.missing(column),
            description=column.description,
            unit=column.unit or None,
            meta={"ucd": ucd_of(name)},
        )
    return table
