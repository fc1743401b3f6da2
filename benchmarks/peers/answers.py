"""What each peer says of the same N spectra, in common terms."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import Table

from huggins.taxonomy import BROAD

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Answers:
    """Of N spectra: CLASS, SUBCLASS (one of the 13, or empty), z (NaN: none), warned.

    `says` names what the peer tells at all, of ``subclass``, ``bal``, ``z`` and ``warning``;
    `cost` has processor seconds and megabytes, where measured. Where `given` is false the peer
    was not asked.
    """

    cls: np.ndarray
    subclass: np.ndarray
    z: np.ndarray
    warned: np.ndarray
    says: set[str]
    cost: dict[str, Any] = field(default_factory=dict)
    given: np.ndarray | None = None

    @property
    def asked(self) -> np.ndarray:
        """Which spectra the peer was asked about, shape (N,)."""
        return np.ones(len(self.cls), bool) if self.given is None else self.given


def _texts(table: Table, name: str) -> np.ndarray:
    column = table[name]
    filled = column.filled("") if hasattr(column, "filled") else column
    return np.array([str(value).strip() for value in filled])


def _numbers(table: Table, name: str) -> np.ndarray:
    column = table[name].astype(float)
    return np.asarray(column.filled(np.nan) if hasattr(column, "filled") else column)


def of_huggins(path: Path, says: set[str]) -> Answers:
    """Read a table of `huggins classify`, whose rows are in the order of the spectra."""
    table = Table.read(path)
    return Answers(
        _texts(table, "CLASS"),
        _texts(table, "SUBCLASS"),
        _numbers(table, "Z"),
        _numbers(table, "ZWARNING") != 0,
        says,
    )


def of_pipeline(path: Path) -> Answers:
    """Read the survey's own values in the same table; mocks have none.

    Types of stars are left out: those of the labels are the pipeline's own.
    """
    table = Table.read(path)
    cls = _texts(table, "PIPE_CLASS")
    z, warning = (_numbers(table, f"PIPE_{name}") for name in ("Z", "ZWARNING"))
    none = np.full(len(cls), "", dtype="U3")
    return Answers(cls, none, z, np.nan_to_num(warning) != 0, {"z", "warning"}, given=cls != "")


def of_redrock(path: Path, count: int) -> Answers:
    """Read the rows of `_redrock.py`; spectra that it has not reached were not asked about."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    rows += [["", "", "nan", "nan", "1", "nan"]] * (count - len(rows))
    kinds = [row[0] for row in rows]
    plain = {"QSO": "QSO", "GALAXY": "GAL"}
    return Answers(
        np.array(kinds),
        np.array([plain.get(kind, row[1]) for kind, row in zip(kinds, rows, strict=True)]),
        np.array([float(row[2]) for row in rows]),
        np.array([float(row[4]) != 0 for row in rows]),
        {"subclass", "z", "warning"},
        _cost(path),
        np.array(kinds) != "",
    )


def of_trees(path: Path) -> Answers:
    """Read the rows of `_trees.py`."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    names = np.array([row[0] for row in rows])
    return Answers(
        np.array([BROAD[name] for name in names]),
        names,
        np.array([float(row[2]) for row in rows]),
        np.array([row[3] != "0" for row in rows]),
        {"subclass", "bal", "z", "warning"},
        _cost(path),
    )


def _cost(path: Path) -> dict[str, Any]:
    record = path.with_suffix(".json")
    return json.loads(record.read_text()) if record.is_file() else {}
