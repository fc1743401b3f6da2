"""Which spectra of the inputs are asked for: numbers, lists of them, rows of a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.errors import InputError
from huggins.formats import Selection
from huggins.tables.read import read_columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from huggins.tables.columns import Columns

_TARGETS: Final = ("TARGETID", "CATALOGID", "SDSS_ID")
_NAMES: Final = ("FILE", "INDEX", *_TARGETS, "FIBERID")


def chosen(
    targetids: Iterable[str] = (), fibers: Iterable[str] = (), table: Path | None = None
) -> Selection:
    """Return the selection that some options make; empty where they say nothing.

    Parameters
    ----------
    targetids, fibers
        Numbers, several separated by commas, or ``@list.txt`` with one a line.
    table
        A table with rows of FILE and INDEX, or a column TARGETID or FIBERID, in any format of
        `huggins.tables`.

    Raises
    ------
    InputError
        If a list or the table cannot be read, or a fibre is no number.
    """
    names = frozenset(_listed(targetids, "--targetid"))
    numbers = set()
    for word in _listed(fibers, "--fiber"):
        if not word.isdecimal():
            raise InputError(f"--fiber: {word!r} is not a fibre number: write a whole number")
        numbers.add(int(word))
    selection = Selection(targetids=names, fibers=frozenset(numbers), strict=False)
    if table is None:
        return selection
    rows = _of_table(table)
    if rows.files and selection:
        raise InputError(
            f"--rows {table}: names rows of files, and --targetid or --fiber others: give one"
        )
    if rows.files:
        return rows
    return Selection(
        rows.indices, names | rows.targetids, selection.fibers | rows.fibers, strict=False
    )


def _listed(words: Iterable[str], option: str) -> list[str]:
    found: list[str] = []
    for word in words:
        if word.startswith("@"):
            try:
                text = Path(word[1:]).read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"{option}: {word[1:]}: cannot read this list") from error
            lines = [line.partition("#")[0].strip() for line in text.splitlines()]
            found += [line for line in lines if line]
        else:
            found += [part.strip() for part in word.split(",") if part.strip()]
    return found


def _of_table(path: Path) -> Selection:
    columns = read_columns(path, _NAMES)
    own = {name.upper(): name for name in columns.names}
    if "FILE" in own and "INDEX" in own:
        files: dict[str, set[int]] = {}
        indices = _whole(columns, own["INDEX"], path)
        for file, index in zip(columns.text(own["FILE"]).tolist(), indices, strict=True):
            files.setdefault(file, set()).add(index)
        return Selection(
            files=tuple(
                (file, Selection(frozenset(rows), strict=False)) for file, rows in files.items()
            ),
            strict=False,
        )
    target = next((own[name] for name in _TARGETS if name in own), None)
    if target is not None:
        names = frozenset(columns.text(target).tolist()) - {""}
        return Selection(targetids=names, strict=False)
    if "FIBERID" in own:
        return Selection(fibers=frozenset(_whole(columns, own["FIBERID"], path)), strict=False)
    if "INDEX" in own:
        return Selection(frozenset(_whole(columns, own["INDEX"], path)), strict=False)
    raise InputError(
        f"--rows {path}: needs columns FILE and INDEX, or one called TARGETID, FIBERID or INDEX"
    )


def _whole(columns: Columns, name: str, path: Path) -> list[int]:
    values = columns.number(name)
    if not (np.isfinite(values) & (values >= 0) & (values == np.floor(values))).all():
        raise InputError(f"--rows {path}: column {name} must hold whole numbers from 0")
    return [int(value) for value in values.tolist()]
