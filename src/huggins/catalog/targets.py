"""The table of targets: its columns, and its rows while they are in memory.

A survey has millions of rows, so the table is held as plain arrays of which a text takes four
bytes (a number that stands for the word), and only the columns that some survey filled are
there at all. About 100 bytes a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.specobjid import run2d_number, specobjids
from huggins.tables.keys import object_names, spectrum_keys
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from astropy.table import Table
    from numpy.typing import NDArray

    Array = NDArray[Any]
    #: Columns of some rows of the table, by name.
    Part = dict[str, Array]

#: What stands for a missing whole number while the table is in memory.
MISSING: Final = -1
#: The same where -1 can be a value.
NO_TARGETID: Final = -(2**63)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table.

    Attributes
    ----------
    name
        As in the output.
    kind
        ``word`` (text of few different values), ``text``, ``int16``, ``int32``, ``int64``,
        ``float32`` or ``float64``.
    description
        One line, written into the headers that hold one.
    unit
        As astropy spells it; empty where there is none.
    """

    name: str
    kind: str
    description: str
    unit: str = ""

    @property
    def text(self) -> bool:
        """Whether it holds text."""
        return self.kind in ("word", "text")


#: Columns of the table, in order; docs/reference/catalog.md explains each.
COLUMNS: Final = (
    Column("CATALOG", "word", "table that the label comes from"),
    Column("CATALOGS", "word", "all tables that have this spectrum"),
    Column("SURVEY", "word", "SDSS, BOSS, SDSS-V, DESI, or as mapped"),
    Column("PROGRAM", "word", "survey and program of DESI, programme of SDSS-V"),
    Column("RUN2D", "word", "version of the reduction, which is in the file's URL"),
    Column("PLATE", "int32", "plate, or field of SDSS-V"),
    Column("MJD", "int32", "modified Julian date of the observation", "d"),
    Column("FIBERID", "int32", "fibre"),
    Column("HEALPIX", "int32", "pixel of a DESI co-add, or the tile where it is one of a tile"),
    Column("TARGETID", "text", "TARGETID of DESI, CATALOGID of SDSS-V"),
    Column("SPECOBJID", "text", "SDSS spectrum identifier"),
    Column("THING_ID", "int64", "SDSS object identifier"),
    Column("OBJECT", "text", "same text = same object on the sky"),
    Column("RA", "float64", "right ascension", "deg"),
    Column("DEC", "float64", "declination", "deg"),
    Column("CLASS", "word", "STAR, GALAXY, QSO; empty: unknown"),
    Column("SUBCLASS", "word", f"one of {' '.join(CLASSES)}; empty: unknown or none of them"),
    Column("BAL", "int16", "1 broad absorption, 0 none, masked: unknown or no quasar"),
    Column("Z", "float64", "redshift"),
    Column("Z_ERR", "float32", "1-sigma error of Z"),
    Column("Z_FROM", "word", "column that Z comes from"),
    Column("LABEL_FROM", "word", "who gave the label: visual or pipeline"),
    Column("TRUST", "int16", "3 certain, 2 no warning, 1 warning or doubt, 0 unknown"),
    Column("ZWARNING", "int32", "warning bits of the survey's pipeline"),
    Column("SN_MEDIAN", "float32", "median signal-to-noise a pixel, as the survey gives it"),
    Column("LABEL", "word", "class in the survey's own words"),
    Column("NOTE", "word", "why a label was left out or lowered"),
    Column("CONFLICT", "word", "what another table says otherwise: class, subclass, z"),
    Column("OTHER_CATALOG", "word", "that other table"),
    Column("OTHER_CLASS", "word", "its CLASS"),
    Column("OTHER_SUBCLASS", "word", "its SUBCLASS"),
    Column("OTHER_Z", "float64", "its Z"),
)

BY_NAME: Final = {column.name: column for column in COLUMNS}
# Columns that are worked out from others when the table is written or asked.
_DTYPES: Final = {"word": np.int32, "text": np.int64}


def dtype_of(column: Column) -> np.dtype[Any]:
    """Return how a column is held in memory."""
    return np.dtype(_DTYPES.get(column.kind, column.kind))


def blank(name: str) -> Any:
    """Return what stands for a missing value of a column in memory."""
    column = BY_NAME.get(name)
    if name == "TARGETID":
        return NO_TARGETID
    if column is None or column.text:
        return 0
    return np.nan if column.kind.startswith("float") else MISSING


class Words:
    """Texts of a table by number; 0 is the empty text."""

    def __init__(self) -> None:
        self._words = [""]
        self._codes = {"": 0}

    def code(self, word: str) -> int:
        """Return the number of a text, a new one if it is new."""
        code = self._codes.get(word)
        if code is None:
            code = self._codes[word] = len(self._words)
            self._words.append(word)
        return code

    def codes(self, words: Iterable[str]) -> NDArray[np.int32]:
        """Return the numbers of texts."""
        return np.array([self.code(word) for word in words], dtype=np.int32)

    def encode(self, values: Array, form: str = "{}") -> NDArray[np.int32]:
        """Return the numbers of the texts of N values, few of which differ.

        `form` is the text, with ``{}`` in the place of the value.
        """
        different, inverse = np.unique(values, return_inverse=True)
        texts = (
            np.strings.decode(different, "latin-1")
            if different.dtype.kind == "S"
            else different
        )
        return self.codes(form.format(text).strip() for text in texts.tolist())[inverse]

    def word(self, code: int) -> str:
        """Return the text of a number."""
        return self._words[code]

    def all(self) -> list[str]:
        """Return all texts, by number."""
        return self._words


class Targets:
    """N targets in memory.

    Parameters
    ----------
    words
        Texts of the columns of kind ``word``.
    columns
        Arrays of shape (N,) by name, in the types of `dtype_of`; SPECOBJID as uint64 or text.
        A column that is not there is missing throughout.
    count
        N.
    """

    def __init__(self, words: Words, columns: Mapping[str, Array], count: int) -> None:
        self.words = words
        self.columns = dict(columns)
        self._count = count
        for name, values in self.columns.items():
            if len(values) != count:
                raise InputError(f"column {name} has {len(values)} rows, the table {count}")

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: str) -> bool:
        return name in BY_NAME

    @property
    def names(self) -> list[str]:
        """Names of all columns of the table, in order."""
        return [column.name for column in COLUMNS]

    def get(self, name: str) -> Array:
        """Return a column as it is held in memory, shape (N,)."""
        if name in self.columns:
            return self.columns[name]
        return np.full(self._count, blank(name), dtype_of(BY_NAME[name]))

    def keys(self) -> NDArray[np.int64]:
        """Return one number for each PLATE-MJD-FIBERID, shape (N,); -1 where one is missing."""
        return spectrum_keys(*(self.get(name) for name in ("PLATE", "MJD", "FIBERID")))

    def take(self, rows: Array | slice) -> Targets:
        """Return the rows of a mask, of indices or of a slice."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        count = len(np.arange(self._count)[rows])
        return Targets(self.words, columns, count)

    def is_text(self, name: str) -> bool:
        """Whether a column holds text rather than numbers."""
        return BY_NAME[name].text

    def text(self, name: str) -> NDArray[np.str_]:
        """Return a column of text, shape (N,); missing is empty."""
        column = BY_NAME[name]
        if column.kind == "word":
            codes = self.get(name)
            different, inverse = np.unique(codes, return_inverse=True)
            words = np.array([self.words.word(int(c)) for c in different] or [""], dtype=str)
            texts: NDArray[np.str_] = words[inverse] if len(codes) else np.array([], dtype=str)
            return texts
        if name == "SPECOBJID":
            return _spectrum_ids(self)
        if name == "OBJECT":
            return object_names(self.get("OBJECT"))
        numbers = self.get(name)
        return np.where(numbers == NO_TARGETID, "", numbers.astype(str))

    def number(self, name: str) -> NDArray[np.float64]:
        """Return a column as numbers, shape (N,); missing is NaN."""
        values = self.get(name).astype(np.float64)
        return np.where(self.missing(name), np.nan, values)

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Return where a column of numbers is masked, shape (N,)."""
        values = self.get(name)
        if values.dtype.kind == "f":
            return ~np.isfinite(values)
        absent: NDArray[np.bool_] = values == MISSING
        return absent

    def to_table(self) -> Table:
        """Return an astropy Table, with units and descriptions; what is missing is masked."""
        from astropy.table import MaskedColumn, Table

        table = Table()
        for column in COLUMNS:
            if column.text:
                values: Array = self.text(column.name)
                missing = values == ""
            else:
                values = self.get(column.name).astype(column.kind)
                missing = self.missing(column.name)
            table[column.name] = MaskedColumn(
                values,
                mask=missing,
                description=column.description,
                unit=column.unit or None,
            )
        return table


def join_parts(words: Words, parts: list[dict[str, Array]]) -> Targets:
    """Put parts behind one another; a column that one part lacks is missing in it.

    The parts are emptied, so that no column is in memory twice for long.
    """
    sizes = [len(next(iter(part.values()))) for part in parts]
    columns: dict[str, Array] = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        pieces = []
        for part, size in zip(parts, sizes, strict=True):
            values = part.pop(name, None)
            if values is None:
                kind = np.uint64 if name == "SPECOBJID" else dtype_of(BY_NAME[name])
                values = np.full(size, blank(name), kind)
            pieces.append(values)
        if len({values.dtype.kind for values in pieces}) > 1:  # SPECOBJID as number and as text
            pieces = [_as_text(values) for values in pieces]
        columns[name] = np.concatenate(pieces)
    return Targets(words, columns, sum(sizes))


def _as_text(values: Array) -> Array:
    if values.dtype.kind == "S":
        return values
    return np.where(values == 0, b"", values.astype("S20"))


def _spectrum_ids(targets: Targets) -> NDArray[np.str_]:
    """Return SPECOBJID as text, shape (N,): the survey's own, else by the rule, else empty."""
    own = targets.columns.get("SPECOBJID")
    codes, inverse = np.unique(targets.get("RUN2D"), return_inverse=True)
    known = [run2d_number(targets.words.word(int(code))) for code in codes]
    versions = np.array([-1 if n is None else n for n in known] or [-1])
    run2d = versions[inverse] if len(targets) else np.array([], np.int64)
    identity = (targets.get(name) for name in ("PLATE", "MJD", "FIBERID"))
    plate, mjd, fiber = identity
    numbers = specobjids(plate, mjd, fiber, run2d)
    if own is not None and own.dtype.kind != "S":
        numbers = np.where(own != 0, own, numbers)
    texts = np.where(numbers == 0, "", numbers.astype("U20"))
    if own is not None and own.dtype.kind == "S":
        texts = np.where(own == b"", texts, own.astype(str))
    return texts
