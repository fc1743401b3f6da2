"""Probabilities of a network for the rows of a table of labels."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from huggins.errors import InputError
from huggins.tables.match import match
from huggins.tables.read import read_columns
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.labels.table import Labels


def read_predictions(
    path: str | Path, labels: Labels, *, by: str = "auto"
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the rows of the labels that a file has probabilities for, and these.

    Parameters
    ----------
    path
        A table of ``huggins classify`` (FITS, CSV, ECSV, Parquet, JSON lines), or an ``.npz``
        with ``probabilities`` (N, 13) and, unless they stand row by row as the labels do,
        ``row`` (N,): the row of the labels from 0. Another order of classes is said by
        ``classes`` (13,).
    labels
    by
        How rows of a table are found: path, plate, targetid, sky or auto; see
        `huggins.tables.match.match`.

    Returns
    -------
    rows : ndarray of int, shape (M,)
    probabilities : ndarray, shape (M, 13)
        In the order of `huggins.taxonomy.CLASSES`; rows that failed are left out.

    Raises
    ------
    InputError
        If the file is none of these, lacks columns, or nothing matches.
    """
    if Path(path).suffix.lower() == ".npz":
        rows, values = _from_arrays(Path(path), labels)
    else:
        table = read_columns(path)
        lacking = [f"P_{name}" for name in CLASSES if f"P_{name}" not in table]
        if lacking:
            raise InputError(
                f"{path}: no table of `huggins classify`: it has no {', '.join(lacking)}; it "
                f"has {', '.join(table.names)}"
            )
        matched = match(table, labels.columns, dict(labels.roles), by=by)
        values = np.stack([table.number(f"P_{name}") for name in CLASSES], axis=1)
        rows, values = matched.truth_rows, values[matched.rows]
    _check(path, values)
    good = np.isfinite(values).all(axis=1)
    return rows[good], values[good]


def _from_arrays(path: Path, labels: Labels) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    try:
        # Opened here, because numpy leaves a damaged file open.
        with path.open("rb") as held, np.load(held, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: cannot be read as npz: {error}") from error
    if "probabilities" not in arrays:
        raise InputError(
            f"{path}: has no array 'probabilities'; it has {', '.join(arrays) or 'none'}"
        )
    values = np.asarray(arrays["probabilities"], np.float64)
    if values.ndim != 2 or values.shape[1] != len(CLASSES):
        raise InputError(
            f"{path}: probabilities of shape {values.shape}: (N, {len(CLASSES)}) is needed"
        )
    if "classes" in arrays:
        names = [str(name) for name in arrays["classes"].tolist()]
        if sorted(names) != sorted(CLASSES):
            raise InputError(f"{path}: its classes are {names}, they must be {list(CLASSES)}")
        values = values[:, [names.index(name) for name in CLASSES]]
    rows = np.asarray(arrays.get("row", np.arange(len(values))), np.intp)
    if "row" not in arrays and len(values) != len(labels):
        raise InputError(
            f"{path}: {len(values)} predictions for {len(labels)} labels: add an array 'row' "
            "that says of which"
        )
    if rows.shape != (len(values),) or len(np.unique(rows)) < len(rows):
        raise InputError(f"{path}: 'row' must name a different row for each prediction")
    if len(rows) and not (rows.min() >= 0 and rows.max() < len(labels)):
        raise InputError(f"{path}: 'row' leaves the {len(labels)} rows of the labels")
    return rows, values


def _check(path: str | Path, values: NDArray[np.float64]) -> None:
    good = values[np.isfinite(values).all(axis=1)]
    if not len(good):
        raise InputError(f"{path}: no spectrum has probabilities")
    if good.min() < -1e-6 or good.max() > 1.0 + 1e-3:
        raise InputError(f"{path}: probabilities lie between 0 and 1, not {good.min():g} "
                         f"to {good.max():g}")  # fmt: skip
