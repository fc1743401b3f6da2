"""Inspections in the formats of others: tables of DESI and SDSS, Marz's files, labels.

- DESI: the CSV of prospect (https://github.com/desihub/prospect, ``doc/VI_files.md``), columns
  TARGETID, VI_scanner, VI_quality, VI_issue, VI_z, VI_spectype, VI_comment and the survey's own
  answer. Quality 0 to 4 is DESI's own scale.
- SDSS: the columns of the DR12Q superset and of specObj (``Z_PERSON``, ``CLASS_PERSON``,
  ``Z_CONF_PERSON``): CLASS_PERSON 1 star, 3 quasar, 4 galaxy, 30 BAL quasar, 0 none; confidence
  3 certain, 2 likely, 1 not sure, 0 none.
- Marz: the results file of Hinton et al. 2016 (arXiv 1603.09438): comment lines, then columns
  ID, Name, RA, DEC, Mag, Type, AutoTID, AutoTN, AutoZ, AutoXCor, FinTID, FinTN, FinZ, QOP,
  Comment; QOP 4 certain, 3 probable, 2 possible, 1 unknown, 6 a star.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.fits.paths import percent
from huggins.tables.output import ascii_only
from huggins.tables.write import WRITERS, Numbers, OutputColumn, OutputTable, Texts
from huggins.taxonomy import BROAD, CLASSES
from huggins.view.inspections import ISSUES, Inspection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from huggins.view.results import Results

_DESI: Final = (
    "TARGETID", "Redrock_version", "Redrock_spectype", "Redrock_z", "VI_scanner", "VI_quality",
    "VI_issue", "VI_z", "VI_spectype", "VI_comment", "FILE", "INDEX", "HUGGINS_class",
)  # fmt: skip
_SDSS: Final = (
    "FILE", "INDEX", "PLATE", "MJD", "FIBERID", "SPECOBJID", "RA", "DEC", "z_person",
    "class_person", "z_conf_person", "comments_person", "scanner",
)  # fmt: skip
_LABELS: Final = ("path", "index", "class13", "z", "trust", "label_from", "object", "comment")
_MARZ: Final = (
    "ID", "Name", "RA", "DEC", "Mag", "Type", "AutoTID", "AutoTN", "AutoZ", "AutoXCor",
    "FinTID", "FinTN", "FinZ", "QOP", "Comment",
)  # fmt: skip
# CLASS_PERSON of the DR12Q superset (Paris et al. 2017, A&A 597, A79).
_PERSON: Final = {"STAR": 1, "QSO": 3, "GALAXY": 4}
_BAL_PERSON: Final = 30
# SDSS's confidence and the trust of labels for each quality.
_CONFIDENCE: Final = {4: 3, 3: 2, 2: 1, 1: 1, 0: 0}
_TRUST: Final = {4: 3, 3: 2, 2: 1, 1: 1, 0: 0}
_QUALITY: Final = {3: 4, 2: 3, 1: 2, 0: 0}


@dataclass(frozen=True, slots=True)
class Target:
    """What identifies a spectrum that was inspected.

    Attributes
    ----------
    file, index
        As the table of results has them.
    results
        Its row of the table.
    path
        Where the file is now; empty where it is not known.
    """

    file: str
    index: int
    results: Mapping[str, Any]
    path: str = ""

    def get(self, name: str) -> str:
        """Return a column as text; empty where it is missing."""
        value = self.results.get(name)
        if value is None or value != value:
            return ""
        return (
            str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        )


Pairs = "Sequence[tuple[Target, Inspection]]"


def to_desi(pairs: Sequence[tuple[Target, Inspection]]) -> str:
    """Return DESI's table of visual inspections, as CSV."""
    return _csv(
        _DESI,
        (
            (
                target.get("TARGETID"),
                target.get("PIPE_VERSION"),
                target.get("PIPE_CLASS"),
                target.get("PIPE_Z"),
                seen.scanner,
                seen.quality,
                seen.issues,
                _number(seen.z),
                BROAD.get(seen.cls, ""),
                seen.comment,
                target.file,
                target.index,
                seen.cls,
            )
            for target, seen in pairs
        ),
    )


def to_sdss(pairs: Sequence[tuple[Target, Inspection]]) -> str:
    """Return a table with SDSS's columns of inspected spectra, as CSV."""
    return _csv(
        _SDSS,
        (
            (
                target.file,
                target.index,
                *(target.get(name) for name in _SDSS[2:8]),
                _number(seen.z),
                _BAL_PERSON if seen.cls == "BAL" else _PERSON.get(BROAD.get(seen.cls, ""), 0),
                _CONFIDENCE[seen.quality],
                seen.comment,
                seen.scanner,
            )
            for target, seen in pairs
        ),
    )


def to_labels(pairs: Sequence[tuple[Target, Inspection]]) -> str:
    """Return labels as `huggins train`, `build` and `labels` take them, as CSV."""
    return _csv(
        _LABELS,
        (
            (
                str(Path(target.path or target.file).absolute()),
                target.index,
                seen.cls,
                _number(seen.z),
                _TRUST[seen.quality],
                "visual",
                target.get("TARGETID")
                or target.get("SPECOBJID")
                or f"{target.file}[{target.index}]",
                seen.comment,
            )
            for target, seen in pairs
            if seen.quality > 0 and seen.cls  # nothing can be learned without a class
        ),
    )


def to_marz(pairs: Sequence[tuple[Target, Inspection]]) -> str:
    """Return a results file of Marz."""
    out = io.StringIO()
    out.write("# Results of visual inspection, in the format of Marz\n")
    out.write(f"# Initials: {pairs[0][1].scanner if pairs else ''}\n")
    out.write("# " + ",".join(_MARZ) + "\n")
    writer = csv.writer(out, lineterminator="\n")
    for number, (target, seen) in enumerate(pairs, start=1):
        star = BROAD.get(seen.cls) == "STAR"
        # Marz gives coordinates in radians.
        ra, dec = (_radians(target.results.get(name)) for name in ("RA", "DEC"))
        writer.writerow(
            (
                number,
                f"{target.file}[{target.index}]",
                ra,
                dec,
                "",
                "",
                "",
                target.get("SUBCLASS"),
                target.get("Z"),
                target.get("DELTACHI2"),
                "",
                seen.cls or "none",
                _number(seen.z) or -1,
                6 if star and seen.quality >= 3 else max(seen.quality, 1),
                seen.comment,
            )
        )
    return out.getvalue()


FORMATS: Final[dict[str, tuple[str, Callable[[Any], str]]]] = {
    "desi-csv": ("inspections-desi.csv", to_desi),
    "sdss": ("inspections-sdss.csv", to_sdss),
    "labels": ("labels.csv", to_labels),
    "marz": ("inspections.mz", to_marz),
}


def table_file(table: Any, kind: str) -> tuple[str, bytes]:
    """Return rows of results as a file: its name and content."""
    layouts = {
        "fits": "fits",
        "csv": "ascii.csv",
        "ecsv": "ascii.ecsv",
        "vot": "votable",
        "tsv": "ascii.tab",
    }
    if kind == "parquet":
        return "selection.parquet", _parquet(table)
    if kind not in layouts:
        raise InputError(
            f"formats are {', '.join([*layouts, 'parquet', *FORMATS])}, not {kind!r}"
        )
    if kind == "fits":
        table = _in_ascii(table)
    stream: Any = io.BytesIO() if kind in ("fits", "vot") else io.StringIO()
    table.write(stream, format=layouts[kind])
    content = stream.getvalue()
    return f"selection.{kind}", content.encode() if isinstance(content, str) else content


def _in_ascii(table: Any) -> Any:
    """Return a table as FITS can hold it: paths as tables of ours have them there."""
    table = table.copy()
    for name in table.colnames:
        column = table[name]
        if column.dtype.kind != "U":
            continue
        plain = percent if name == "FILE" else ascii_only
        words = [plain(word) for word in np.ma.getdata(column).tolist()]
        table[name] = np.ma.MaskedArray(words, np.ma.getmaskarray(column))
    return table


def write_votable(table: Any, path: Path) -> None:
    """Write rows of results for programs that talk SAMP."""
    table.write(path, format="votable", overwrite=True)


def _parquet(table: Any) -> bytes:
    columns: list[OutputColumn] = []
    cells: list[Numbers | Texts] = []
    for name in table.colnames:
        column = table[name]
        missing = np.ma.getmaskarray(column)
        if column.dtype.kind == "U":
            columns.append(OutputColumn(name, "str", ""))
            cells.append(Texts(np.where(missing, "", np.ma.getdata(column)).tolist()))
            continue
        kind = "float64" if column.dtype.kind == "f" else "int64"
        columns.append(OutputColumn(name, kind, ""))
        cells.append(Numbers(np.ma.getdata(column).astype(kind), missing))
    metadata = {str(key): str(value) for key, value in table.meta.items()}
    stream = io.BytesIO()
    WRITERS[".parquet"](stream, OutputTable("HUGGINS", columns, len(table), [cells], metadata))
    return stream.getvalue()


def finder(results: Results) -> Callable[[Mapping[str, str]], str | None]:
    """Return what finds the key of a spectrum by the columns of somebody's row.

    By FILE and INDEX, TARGETID, SPECOBJID, or Marz's Name.
    """
    rows = results.rows_by_key()
    by_name: dict[tuple[str, str], str] = {}
    for column in ("TARGETID", "SPECOBJID"):
        if column in results.table:
            texts = [str(results.value(column, row) or "") for row in range(len(results))]
            by_name |= {(column, t): results.key(row) for row, t in enumerate(texts) if t}

    def find(row: Mapping[str, str]) -> str | None:
        key = f"{row.get('FILE', '')}[{row.get('INDEX') or 0}]"
        if key in rows:
            return key
        if row.get("NAME") in rows:
            return row["NAME"]
        for column in ("TARGETID", "SPECOBJID"):
            if (column, row.get(column, "")) in by_name:
                return by_name[column, row[column]]
        return None

    return find


def read_inspections(
    name: str, content: bytes, find: Callable[[Mapping[str, str]], str | None]
) -> tuple[list[Inspection], int]:
    """Read inspections that somebody else wrote.

    Parameters
    ----------
    name
        Of the file, for messages and as scanner where it names none.
    content
        DESI's CSV, SDSS's columns as CSV, or a file of Marz.
    find
        Returns the key of the spectrum of a row, given its columns; None where it is not in
        the set.

    Returns
    -------
    inspections : list of Inspection
    missing : int
        Rows whose spectrum is not in the set.

    Raises
    ------
    InputError
        If it is none of these formats, or a value cannot be.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(
            f"{name}: is no text: DESI's or SDSS's CSV or a .mz file is needed"
        ) from None
    lines = text.splitlines()
    scanner = name.rsplit(".", 1)[0]
    if lines and lines[0].startswith("#"):
        heads = [line.lstrip("# ") for line in lines if line.startswith("#")]
        scanner = next(
            (h.split(":", 1)[1].strip() for h in heads if h.startswith("Initials:")), scanner
        )
        header = next((h for h in heads if "QOP" in h), "")
        lines = [header, *(line for line in lines if not line.startswith("#"))]
    rows = list(csv.DictReader(lines, skipinitialspace=True))
    found: list[Inspection] = []
    missing = 0
    for number, row in enumerate(rows, start=2):
        given = {
            (key or "").strip().upper(): (value or "").strip()
            for key, value in row.items()
            if isinstance(value, str)
        }
        key = find(given)
        if key is None:
            missing += 1
            continue
        try:
            found.append(_inspection(key, given, scanner))
        except (ValueError, InputError) as error:
            raise InputError(f"{name}, line {number}: {error}") from None
    if not rows or not _is_known(rows[0]):
        raise InputError(
            f"{name}: has neither DESI's columns (VI_QUALITY, VI_Z), SDSS's (Z_PERSON, "
            "CLASS_PERSON) nor those of Marz (FINZ, QOP)"
        )
    return found, missing


def _is_known(row: Mapping[str, Any]) -> bool:
    names = {str(key).strip().upper() for key in row}
    return bool(names & {"VI_QUALITY", "CLASS_PERSON", "QOP"})


def _inspection(key: str, row: Mapping[str, str], scanner: str) -> Inspection:
    comment = row.get("VI_COMMENT") or row.get("COMMENTS_PERSON") or row.get("COMMENT") or ""
    if "VI_QUALITY" in row:
        cls = row.get("HUGGINS_CLASS") or _class_of(row.get("VI_SPECTYPE", ""))
        issues = "".join(letter for letter in ISSUES if letter in row.get("VI_ISSUE", ""))
        who = row.get("VI_SCANNER") or scanner
        quality = int(float(row["VI_QUALITY"] or 0))
        return Inspection(key, who, cls, quality, _z(row.get("VI_Z")), issues, comment[:500])
    if "CLASS_PERSON" in row:
        person = int(float(row["CLASS_PERSON"] or 0))
        broad = {value: name for name, value in _PERSON.items()}.get(person, "")
        cls = "BAL" if person == _BAL_PERSON else _class_of(broad)
        quality = _QUALITY.get(int(float(row.get("Z_CONF_PERSON") or 0)), 0)
        who = row.get("SCANNER") or scanner
        return Inspection(key, who, cls, quality, _z(row.get("Z_PERSON")), "", comment[:500])
    operator = int(float(row.get("QOP") or 0))
    cls = _class_of(row.get("FINTN", ""))
    quality = 4 if operator == 6 else min(operator, 4)
    return Inspection(key, scanner, cls, quality, _z(row.get("FINZ")), "", comment[:500])


def _class_of(word: str) -> str:
    """One of the 13 classes that a word surely means; empty where it leaves several open."""
    word = word.strip()
    upper = word.upper()
    if upper in CLASSES:
        return upper
    if upper in ("QUASAR", "QSO"):
        return "QSO"
    return "GAL" if "GALAXY" in upper else ""


def _z(word: str | None) -> float | None:
    value = float(word) if word else math.nan
    return value if -0.99 < value < 20.0 else None


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"


def _radians(value: Any) -> str:
    return "" if value is None or value != value else f"{math.radians(float(value)):.8f}"


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def _harmless(cell: Any) -> Any:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "@") else cell
