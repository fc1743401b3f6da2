"""Suspects as a table on disk, and a table of labels with a column of new ones."""

from __future__ import annotations

import csv
import gzip
import io
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.runs.files import check_writable, extension_of, temporary_path
from huggins.runs.ours import CREATOR
from huggins.tables.write import (
    Numbers,
    OutputColumn,
    OutputTable,
    Texts,
    ascii_only,
    write_table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from huggins.labels.suspects import Suspect
    from huggins.labels.table import Labels

#: Columns that ``--apply`` adds, for each row of the labels.
ADDED: Final = ("CLASS_NEW", "SUBCLASS_NEW", "CHANGED_BY")

# Columns that only a table of suspects has.
_SUSPECT: Final = ("ROW", "SUGGESTED_CLASS", "SUGGESTED_SUBCLASS", "SCORE", "REASON", "DETAIL")
# Columns of the suspects that say which spectrum it is, by the role they come from.
_IDENTITY: Final = {
    "path": "FILE", "plate": "PLATE", "mjd": "MJD", "fiberid": "FIBERID",
    "targetid": "TARGETID", "object": "OBJECT", "ra": "RA", "dec": "DEC",
}  # fmt: skip
# Columns of the suspects that are numbers.
_KINDS: Final = {
    **dict.fromkeys(("ROW", "PLATE", "MJD", "FIBERID", "TRUST"), "int64"),
    **dict.fromkeys(("RA", "DEC", "SCORE"), "float64"),
}


def suspect_columns(labels: Labels, suspects: Sequence[Suspect]) -> dict[str, list[Any]]:
    """Return the table of suspects by columns."""
    rows = np.array([s.row for s in suspects], np.intp)
    columns: dict[str, list[Any]] = {"ROW": (rows + 1).tolist()}
    for role, name in _IDENTITY.items():
        if role not in labels.roles:
            continue
        if role in ("plate", "mjd", "fiberid"):
            numbers = labels.number(role, -1).astype(np.int64)[rows]
            columns[name] = [n if n >= 0 else None for n in numbers.tolist()]
        elif role in ("ra", "dec"):
            values = labels.number(role)[rows].tolist()
            columns[name] = [v if np.isfinite(v) else None for v in values]
        else:
            columns[name] = labels.text(role)[rows].tolist()
    columns["CLASS"] = labels.broad[rows].tolist()
    columns["SUBCLASS"] = labels.sub[rows].tolist()
    columns["TRUST"] = labels.trust[rows].tolist()
    columns["SUGGESTED_CLASS"] = [s.broad for s in suspects]
    columns["SUGGESTED_SUBCLASS"] = [s.sub for s in suspects]
    columns["SCORE"] = [round(s.score, 4) for s in suspects]
    columns["REASON"] = [s.reason for s in suspects]
    columns["DETAIL"] = [s.detail for s in suspects]
    return columns


def new_labels(
    labels: Labels, suspects: Sequence[Suspect], at_least: float
) -> dict[str, list[str]]:
    """Return the columns that `ADDED` names: the labels, changed where a suspicion is strong.

    A label whose suspicion suggests nothing becomes empty, which is "unknown".
    """
    broad, sub = labels.broad.tolist(), labels.sub.tolist()
    reason = [""] * len(labels)
    for suspect in suspects:
        if suspect.score >= at_least:
            broad[suspect.row], sub[suspect.row] = suspect.broad, suspect.sub
            reason[suspect.row] = suspect.reason
    return dict(zip(ADDED, (broad, sub, reason), strict=True))


def check_output(
    path: Path, inputs: Iterable[str | Path] = (), *, overwrite: bool = False
) -> None:
    """Check that an output can be written, before the work begins.

    Parameters
    ----------
    path, inputs, overwrite
        As for `huggins.runs.files.check_writable`.

    Raises
    ------
    InputError
        If the extension stands for no format.
    OutputError
        If there is no folder to write it to, or a file is there that is an input or no output
        of huggins.
    """
    check_writable(path, _COPIERS, inputs=inputs, columns=_ours, overwrite=overwrite)


def _ours(names: Sequence[str]) -> bool:
    """Whether a table is one of suspects, or a copy of labels with our columns."""
    return set(names).issuperset(ADDED) or set(names).issuperset(_SUSPECT)


def write_columns(path: Path, columns: dict[str, list[Any]], command: str) -> None:
    """Write columns as CSV, ECSV, FITS or Parquet.

    Raises
    ------
    OutputError
        If it cannot be written; a file that was there before is left as it was.
    """
    described: list[OutputColumn] = []
    cells: list[Numbers | Texts] = []
    for name, values in columns.items():
        kind = _KINDS.get(name, "str")
        if kind == "str":
            width = max([1, *(len(ascii_only(text)) for text in values)])
            described.append(OutputColumn(name, kind, "", masked=False, width=width))
            cells.append(Texts(values))
        else:
            described.append(OutputColumn(name, kind, "", null=-1 if kind == "int64" else None))
            missing = np.array([value is None for value in values], bool)
            numbers = np.array([-1 if value is None else value for value in values], kind)
            cells.append(Numbers(numbers, missing))
    count = len(columns["ROW"])
    metadata = {"CREATOR": CREATOR, "COMMAND": command}
    write_table(path, OutputTable("SUSPECTS", described, count, [cells], metadata))


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """Return a path to write to, from which a path that ends in ``.gz`` is made at the end."""
    if path.suffix.lower() != ".gz":
        yield path
        return
    plain = path.with_suffix("")
    try:
        yield plain
        with plain.open("rb") as whole, gzip.open(path, "wb", compresslevel=6) as packed:
            shutil.copyfileobj(whole, packed)
    finally:
        plain.unlink(missing_ok=True)


def apply(source: Path, target: Path, added: dict[str, list[str]]) -> None:
    """Write a copy of a table of labels with columns added; the original is never touched.

    Parameters
    ----------
    source
        CSV, ECSV, FITS or Parquet.
    target
        A new file of the same format.
    added
        The columns; a column of that name that is there already is replaced.

    Raises
    ------
    InputError
        If the formats differ or the copy would replace the original.
    OutputError
        If it cannot be written.
    """
    kind = source.suffix.lower()
    if kind not in _COPIERS:
        raise InputError(f"--apply: {source}: works for {', '.join(_COPIERS)}")
    if extension_of(target) != kind:
        raise InputError(f"--apply: {target}: must end in {kind} as {source} does")
    if target.exists() and target.samefile(source):
        raise InputError(f"--apply: {target} is the table of labels itself: name a new file")
    with temporary_path(target) as temporary, _unpacked(temporary) as plain:
        _COPIERS[kind](source, plain, added)


def _copy_csv(source: Path, target: Path, added: dict[str, list[str]]) -> None:
    """Copy line by line, so that every number stays as it was written."""
    new = zip(*added.values(), strict=True)
    with (
        source.open(newline="", encoding="utf-8-sig") as old,
        target.open("w", newline="", encoding="utf-8") as copy,
    ):
        writer = csv.writer(copy, lineterminator="\n")
        header: list[str] | None = None
        kept: list[int] = []
        for row in csv.reader(line for line in old if not line.startswith("#")):
            if not row:
                continue
            if header is None:
                header = row
                kept = [i for i, name in enumerate(row) if name.strip() not in added]
                writer.writerow([*(row[i] for i in kept), *added])
            else:
                writer.writerow([*(row[i] for i in kept), *next(new)])


def _copy_astropy(source: Path, target: Path, added: dict[str, list[str]]) -> None:
    from astropy.table import Table

    ecsv = source.suffix.lower() == ".ecsv"
    table = Table.read(source, format="ascii.ecsv" if ecsv else "fits")
    for name, values in added.items():
        words: Any = np.array(values, dtype=str)
        table[name] = words if ecsv else words.astype("S8" if "CLASS" in name else "S32")
    table.meta["CREATOR"] = CREATOR
    table.write(target, format="ascii.ecsv" if ecsv else "fits")


def _copy_parquet(source: Path, target: Path, added: dict[str, list[str]]) -> None:
    from arro3.core import Array, ChunkedArray, DataType, Table
    from arro3.io import read_parquet, write_parquet

    table = Table.from_arrow(read_parquet(str(source)))
    kept = [name for name in table.column_names if name not in added]
    table = table.select(kept)
    for name, values in added.items():
        column = ChunkedArray([Array(values, type=DataType.string())])
        table = table.append_column(name, column)
    buffer = io.BytesIO()
    write_parquet(table, buffer, compression="zstd(3)", key_value_metadata={"CREATOR": CREATOR})
    target.write_bytes(buffer.getbuffer())


_COPIERS: Final[dict[str, Callable[[Path, Path, dict[str, list[str]]], None]]] = {
    ".csv": _copy_csv,
    ".ecsv": _copy_astropy,
    ".fits": _copy_astropy,
    ".parquet": _copy_parquet,
}
