"""In which order spectra are worth a look: doubt, disagreement with the pipeline, novelty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.taxonomy import BROAD, CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def worth(table: Any, features: NDArray[np.float32] | None = None) -> Array:
    """Return how much a look at each spectrum is worth, shape (N,), from 0 (none) to about 3.

    The sum of three things from 0 to 1: the entropy of the class probabilities over that of
    13 equal ones, at least 0.5 where there is a warning; disagreement with the survey's
    pipeline (1 for another class, 0.7 for the same class and a redshift that differs by more
    than 3000 km/s); and, where features are given, the rank of the distance to the nearest
    neighbour. A spectrum that failed is worth nothing.

    Parameters
    ----------
    table
        Results (`huggins.tables`).
    features
        Of the network, (N, F).
    """
    count = len(table)
    total = doubt(table)
    total += disagreement(table)
    if features is not None:
        total += novelty(features)
    if "CLASS" in table:
        total[table.text("CLASS") == ""] = 0.0
    assert total.shape == (count,)
    return total


def doubt(table: Any) -> Array:
    """Entropy of the probabilities, at least 0.5 where ZWARNING is set, shape (N,)."""
    names = [f"P_{name}" for name in CLASSES if f"P_{name}" in table]
    value = np.zeros(len(table))
    if len(names) == len(CLASSES):
        p = np.stack([table.number(name) for name in names], axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(p > 0, -p * np.log(p), 0.0)
        value = np.nan_to_num(terms.sum(axis=1) / np.log(len(CLASSES)))
    if "ZWARNING" in table:
        flagged = np.nan_to_num(table.number("ZWARNING")) != 0
        value = np.where(flagged, np.maximum(value, 0.5), value)
    return value


def disagreement(table: Any) -> Array:
    """1 where the pipeline gives another class, 0.7 where another redshift, shape (N,)."""
    value = np.zeros(len(table))
    if not {"CLASS", "PIPE_CLASS"} <= set(table.names):
        return value
    mine, theirs = table.text("CLASS"), np.char.upper(table.text("PIPE_CLASS"))
    known = (mine != "") & np.isin(theirs, sorted(set(BROAD.values())))
    value[known & (mine != theirs)] = 1.0
    if {"Z", "PIPE_Z"} <= set(table.names):
        z, pipe = table.number("Z"), table.number("PIPE_Z")
        with np.errstate(invalid="ignore"):
            apart = np.abs(z - pipe) / (1.0 + pipe) > 0.01
        value[known & (mine == theirs) & apart] = 0.7
    return value


def novelty(features: NDArray[np.float32]) -> Array:
    """Rank, from 0 to 1, of the distance to the nearest of a thousand others, shape (N,)."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = np.nan_to_num(features / length)
    step = max(1, len(unit) // 1000)
    others = unit[::step]
    nearest = np.empty(len(unit))
    for start in range(0, len(unit), 4096):
        cosine = unit[start : start + 4096] @ others.T
        rows = np.arange(start, min(start + 4096, len(unit)))
        mine = rows % step == 0
        cosine[np.flatnonzero(mine), rows[mine] // step] = -1.0  # not itself
        nearest[start : start + 4096] = 1.0 - cosine.max(axis=1)
    rank = np.empty(len(unit))
    rank[np.argsort(nearest, kind="stable")] = np.linspace(0.0, 1.0, len(unit))
    return rank
