"""Text tables of spectra: CSV, ECSV, IPAC, MRT, RDB, columns between blanks, tabs, bars.

Columns are identified by their names, wherever these stand: a header line, one of the comments,
a second line with units. What the columns mean is decided in `huggins.formats.columns`. The
common layouts are parsed here, because that is fast; `astropy.io.ascii` reads the others.
"""

from __future__ import annotations

import csv
import re
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.columns import spectra_of
from huggins.formats.comments import said_air, said_flux_unit, said_rest
from huggins.formats.fields import Context, Field
from huggins.formats.foreign import foreign
from huggins.formats.names import AXES, FLUXES, Role, meaning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from huggins.fits.source import Source
    from huggins.formats.request import Request
    from huggins.spectrum import Spectrum

NAME = "text"

_SIZE_MAX: Final = 256 * 1024**2
# Bytes that text may hold: white space, printable ASCII, and those above (any encoding).
_TEXT: Final = bytes([*range(9, 14), *range(32, 127), *range(128, 256)])
_COMMENTS: Final = ("#", "%", "!", "//", ";", "\\")
_MISSING: Final = (
    "", "nan", "null", "none", "--", "-", "n/a", "na", "masked", "inf", "-inf", "+inf", "...",
    "undef", "nodata", "*",
)  # fmt: skip
_HEADING = re.compile(r"([^\s,;()\[\]|]+)\s*(?:\(([^)]*)\)|\[([^\]]*)\])?")
_LENGTHS: Final = ("angstrom", "a", "aa", "å", "nm", "um", "micron", "microns")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eEdD][+-]?\d+)?")
# Unlike "3,559", which may be a decimal.
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+\.\d*|[+-]?\d{1,3}(?:,\d{3}){2,}")
_FORTRAN = re.compile(r"([0-9.])[dD]([+-]?\d)")
_RULE = re.compile(r"[-=_:+|\s]+")
_RDB_TYPE = re.compile(r"\d*[NS]")


def identify(source: Source) -> bool:
    """Whether the file begins as text does, and with digits."""
    start = source.head[:4096]
    if foreign(source.head):
        return False
    if _wide_encoding(start):
        return re.search(rb"\d", start) is not None
    return (
        not start.translate(None, _TEXT) and re.search(rb"\d", source.head[:65536]) is not None
    )


def read(source: Source, request: Request) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of the file, mostly one."""
    path = source.path
    if source.size > _SIZE_MAX:
        raise ReadError("a text file of more than 256 MiB is no single spectrum", path)
    text = _decode(source.read(0, source.size))
    fields, comments = parse(text, path)
    if request.columns:
        request.require([f.name for f in fields], path)
        fields = [replace(f, name=request.named(f.name)) for f in fields]
    context = Context(
        path=path, format=NAME, air=request.air, said_air=said_air(comments),
        said_rest=said_rest(comments), said_unit=said_flux_unit(comments),
    )  # fmt: skip
    yield from spectra_of(fields, context)


def parse(text: str, path: str) -> tuple[list[Field], list[str]]:
    """Return the columns of a table and the comments before it.

    Raises
    ------
    ReadError
        If it is no table.
    """
    start = text[:4096].lstrip("\ufeff \t\r\n")
    if start.startswith("# %ECSV"):
        return _by_astropy(text, "ascii.ecsv", path), []
    if re.match(
        r"(?:\\[^\n]*\n)*\s*\|[^\n]*\|\s*\n\s*\|\s*(?:int|long|float|double|real|char|date)",
        start,
    ):
        return _by_astropy(text, "ascii.ipac", path), [
            line for line in start.splitlines() if line.startswith("\\")
        ]
    if "Byte-by-byte Description" in text[:65536]:
        return _by_astropy(text, "ascii.mrt", path), start.splitlines()[:20]
    return _plain(text, path)


def _by_astropy(text: str, layout: str, path: str) -> list[Field]:
    from astropy.table import Table

    try:
        table: Any = Table.read(text, format=layout)
    except Exception as error:  # astropy raises many types for a damaged table
        kind = layout.removeprefix("ascii.").upper()
        raise ReadError(f"this {kind} file cannot be read: {error!s:.300}", path) from error
    return fields_of_table(table)


def fields_of_table(table: Any) -> list[Field]:
    """Return the columns of an astropy table; masked values are NaN."""
    fields = []
    for name in table.colnames:
        column = table[name]
        unit = str(getattr(column, "unit", None) or "")
        values = getattr(column, "value", column)
        if np.ndim(values) != 1:
            continue
        if np.asarray(np.ma.getdata(values)).dtype.kind in "fiub":
            plain = np.ma.filled(np.ma.asarray(values, np.float64), np.nan)
            fields.append(Field(str(name), plain, unit))
        else:
            fields.append(Field(str(name), np.ma.filled(np.ma.asarray(values), ""), unit))
    return fields


# Encoding ----------------------------------------


def _wide_encoding(content: bytes) -> str:
    """Return the name of an encoding of two or four bytes a character; empty for others."""
    for mark, name in (
        (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
    ):  # fmt: skip
        if content.startswith(mark):
            return name
    head = content[:512]
    if len(head) > 8 and not head[1::2].strip(b"\0") and head[::2].count(0) == 0:
        return "utf-16-le"
    if len(head) > 8 and not head[::2].strip(b"\0") and head[1::2].count(0) == 0:
        return "utf-16-be"
    return ""


def _decode(content: bytes) -> str:
    wide = _wide_encoding(content)
    if wide:
        with suppress(UnicodeDecodeError):
            return content.decode(wide)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


# Lines ----------------------------------------


def _plain(text: str, path: str) -> tuple[list[Field], list[str]]:
    lines = text.splitlines()
    comments: list[str] = []
    header: list[str] = []
    for start, line in enumerate(lines):
        stripped = line.strip()
        if not stripped or _RULE.fullmatch(stripped):
            continue
        if stripped.startswith(_COMMENTS):
            comments.append(stripped.lstrip("#%!/;\\ \t"))
        elif _is_data(stripped):
            break
        elif len(header) < 3:
            header.append(stripped)
        else:
            if _is_named([(word, "") for word in re.split(r"[\s,;|]+", header[0]) if word]):
                raise ReadError(_without_numbers(header, comments), path)
            raise ReadError(
                f"line {start + 1} begins with no number: this is no table of a spectrum", path
            )
    else:
        raise ReadError(_without_numbers(header, comments), path)
    split = _splitter(lines[start])
    block = _numeric_block(lines[start:])
    if block is not None:
        headings = _headings(header, split, block.shape[1])
        headings = headings or _from_comments(comments, split, block.shape[1])
        if headings is not None or (not header and block.shape[1] <= 3):
            headings = headings or [("", "")] * block.shape[1]
            return [Field(n, block[:, i], u) for i, (n, u) in enumerate(headings)], comments
    rows = {
        number: split(line)
        for number, line in enumerate(lines[start:], start + 1)
        if line.strip()
        and not line.lstrip().startswith(_COMMENTS)
        and not _RULE.fullmatch(line.strip())
    }
    numbers = list(rows)
    width = len(rows[numbers[0]])
    for number, row in rows.items():
        if len(row) != width:
            raise ReadError(
                f"line {number} has {len(row)} columns, line {numbers[0]} has {width}: the "
                "file is truncated or damaged",
                path,
            )
    headings = _headings(header, split, width) or _from_comments(comments, split, width)
    if headings is None and header:
        raise ReadError(
            f"the header {header[0][:60]!r} does not name the {width} columns of line "
            f"{numbers[0]}: give each column one name, separated as the numbers are",
            path,
        )
    if headings is None and width > 3:
        raise ReadError(
            f"{width} columns and no header: write their names above the numbers, such as "
            "'wavelength flux error'",
            path,
        )
    headings = headings or [("", "")] * width
    named = any(name for name, _ in headings)
    fields = []
    for i, (name, unit) in enumerate(headings):
        texts = [row[i] for row in rows.values()]
        role = meaning(name, unit).role
        if named and role is Role.OBJECT:
            fields.append(Field(name, np.array(texts), unit))
        else:
            strict = not named or role in (*AXES, *FLUXES) or role is not Role.OTHER
            values = _numbers(texts, numbers, path, strict=strict)
            fields.append(Field(name, np.array(texts) if values is None else values, unit))
    return fields, comments


def _without_numbers(header: Sequence[str], comments: Sequence[str]) -> str:
    """Return the message for a file of which no line begins as a row of numbers does."""
    for i, line in enumerate((*header, *comments)):
        names = [(word, "") for word in re.split(r"[\s,;|]+", line) if word]
        if not _is_named(names):
            continue
        below = header[i + 1 :] if i < len(header) else header
        words = [word.strip("\"'") for row in below for word in re.split(r"[\s,;|]+", row)]
        if all(_number(word) is None for word in words):
            return "the table has no rows: only a header"
        return "the wavelengths are not numbers: the rows under the header begin with text"
    return "no line of numbers: this is no table of a spectrum"


def _numeric_block(lines: Sequence[str]) -> Any:
    """Return the table (N, K) of lines that hold nothing but plain numbers; else None.

    This is what most files are, and several times faster than to look at each cell.
    """
    mark = next((mark for mark in ("\t", ",") if mark in lines[0].strip()), None)
    rows = [line.split(mark) for line in lines if line]
    width = len(rows[0])
    if any(len(row) != width for row in rows):
        return None
    try:
        return np.array(list(map(float, chain.from_iterable(rows)))).reshape(-1, width)
    except ValueError:
        return None


def _is_data(line: str) -> bool:
    first = re.split(r"[\s,;|]+", line.strip("| \t"), maxsplit=1)[0].strip("\"'")
    if _number(first) is not None:
        return True
    # A row that begins with the name of an object, as of a long table.
    words = [word.strip("\"'") for word in re.split(r"[\s,;|]+", line.strip("| \t"))]
    numeric = len(words) > 2 and all(_number(word) is not None for word in words[1:4])
    return numeric and any(len(word) > 1 for word in words[1:4])  # "A 1 1" are units


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        pass
    if _DECIMAL_COMMA.fullmatch(word):
        word = word.replace(",", ".")
    try:
        return float(_FORTRAN.sub(r"\1e\2", word))
    except ValueError:
        return None


def _splitter(line: str) -> Any:
    """Return a function that splits a line as the first line of numbers is to be split."""
    stripped = line.strip()
    if "|" in stripped:
        return lambda text: [
            item.strip().strip("\"'") for item in text.strip().strip("|").split("|")
        ]
    for mark in ("\t", ";"):
        if mark in stripped:
            return lambda text, mark=mark: [
                item.strip().strip("\"'") for item in text.strip("\r\n ").split(mark)
            ]
    words = stripped.split()
    if '"' in stripped and "," in stripped:
        return _quoted
    if "," in stripped and not (len(words) > 1 and all(map(_DECIMAL_COMMA.fullmatch, words))):
        return lambda text: [
            item.strip().strip("\"'") for item in text.strip("\r\n ").split(",")
        ]
    return lambda text: [item.strip("\"'") for item in text.split()]


def _quoted(text: str) -> list[str]:
    """Split a line whose cells between quotes may hold commas."""
    try:
        cells = next(csv.reader([text.strip()], skipinitialspace=True), [])
    except csv.Error:
        cells = text.split(",")
    return [cell.strip().strip("\"'") for cell in cells]


# Names of columns ----------------------------------------


def _headings(lines: Sequence[str], split: Any, width: int) -> list[tuple[str, str]] | None:
    """Return names and units from the lines before the numbers; None if they name nothing."""
    for i, line in enumerate(lines):
        names = _names(line, split, width)
        if names is None:
            continue
        below = [_names(text, split, width) for text in lines[i + 1 :]]
        return _with_units(names, [b for b in below if b is not None])
    return None


def _from_comments(
    comments: Sequence[str], split: Any, width: int
) -> list[tuple[str, str]] | None:
    """Return names and units from comments: the last one that names wavelength and flux.

    Its columns may also be described one per line, as in ``column 2: flux``.
    """
    for i in range(len(comments) - 1, -1, -1):
        names = _names(comments[i], split, width)
        if names is None or not _is_named(names):
            continue
        below = [_names(text, split, width) for text in comments[i + 1 :]]
        return _with_units(names, [b for b in below if b is not None])
    listed = {}
    for line in comments:
        match = re.match(r"(?:col(?:umn)?\.?\s*)(\d+)\s*[:=.)-]+\s*(.+)", line, re.IGNORECASE)
        if match:
            found = _HEADING.match(match.group(2))
            if found:
                listed[int(match.group(1))] = (
                    found.group(1),
                    found.group(2) or found.group(3) or "",
                )
    first = min(listed, default=0)
    names = [listed.get(first + i, ("", "")) for i in range(width)]
    return names if len(listed) == width and _is_named(names) else None


def _is_named(names: Sequence[tuple[str, str]]) -> bool:
    roles = [meaning(name, unit).role for name, unit in names]
    return any(role in AXES for role in roles) and any(role in FLUXES for role in roles)


def _names(text: str, split: Any, width: int) -> list[tuple[str, str]] | None:
    """Split a line into `width` names with their units; None if it holds another number."""
    pieces = split(text)
    if len(pieces) == width:
        return [_heading(piece) for piece in pieces]
    matches = _HEADING.findall(text)
    if len(matches) == width:
        return [_with_tail(name, round_ or square) for name, round_, square in matches]
    return None


def _heading(piece: str) -> tuple[str, str]:
    match = re.fullmatch(r"\s*(.*?)\s*(?:[(\[]([^)\]]*)[)\]])?\s*", piece)
    name, unit = (match.group(1), match.group(2) or "") if match else (piece, "")
    if re.fullmatch(r"log_?(?:10)?|ln|log_e", name.strip().lower()) and unit:
        return f"{name}({unit})", ""  # log10(wavelength): not a unit
    return _with_tail(name, unit)


def _with_tail(name: str, unit: str) -> tuple[str, str]:
    """Take a unit from the end of a name: ``wavelength_nm``."""
    stem, _, tail = name.rpartition("_")
    if not unit and tail.lower() in _LENGTHS and meaning(stem).role is Role.WAVELENGTH:
        return stem, tail
    if re.fullmatch(r"log_?(?:10)?|ln|log_e", name.lower()) and unit:
        return f"{name}({unit})", ""
    return name, unit


def _with_units(
    names: list[tuple[str, str]], below: Sequence[list[tuple[str, str]]]
) -> list[tuple[str, str]]:
    """Add the units of a second line, where it looks like one."""
    for line in below:
        words = [(name + (f" {unit}" if unit else "")).strip() for name, unit in line]
        if all(_RDB_TYPE.fullmatch(word) for word in words):
            continue  # the types of an RDB table
        for (name, unit), word in zip(names, words, strict=True):
            if meaning(name, unit).role in AXES and not unit and _is_unit(word):
                return [
                    (name, unit or (word if _is_unit(word) else ""))
                    for (name, unit), word in zip(names, words, strict=True)
                ]
    return names


def _is_unit(word: str) -> bool:
    lower = word.lower()
    if any(part in _LENGTHS for part in re.split(r"[\s,()\[\]]+", lower)):
        return True
    if not word or _number(word) is not None or meaning(word).role is not Role.OTHER:
        return False
    from astropy import units as u

    with suppress(ValueError, TypeError):
        u.Unit(word)
        return True
    return False


def _numbers(texts: list[str], lines: list[int], path: str, *, strict: bool) -> Any:
    """Convert a column; missing values become NaN. None for text that is not needed."""
    with suppress(ValueError):
        return np.array(list(map(float, texts)))
    if any(map(_THOUSANDS.fullmatch, map(str.strip, texts))):
        texts = [text.replace(",", "") for text in texts]  # 3,559.59
    values = np.empty(len(texts))
    for i, text in enumerate(texts):
        word = text.strip()
        value = np.nan if word.lower() in _MISSING else _number(word)
        if value is None:
            if not strict:
                return None
            raise ReadError(f"line {lines[i]}: {text[:60]!r} is no number", path) from None
        values[i] = value
    return values
