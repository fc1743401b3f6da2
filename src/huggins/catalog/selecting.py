"""Which targets stay: cuts, and as many of each class as are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.catalog.targets import NO_TARGETID, Targets
from huggins.errors import InputError
from huggins.tables.select import select

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Rows whose texts are made at once to be compared.
_ROWS: Final = 262_144


def cut(targets: Targets, where: str) -> Targets:
    """Keep the rows for which an expression in columns of the table holds.

    Parameters
    ----------
    targets
    where
        See `huggins.tables.select.select`.

    Raises
    ------
    InputError
        If the expression is wrong, or holds for no row.
    """
    kept = np.zeros(len(targets), bool)
    for start in range(0, len(targets), _ROWS):
        rows = slice(start, start + _ROWS)
        kept[rows] = select(where, targets.take(rows))
    if not kept.any():
        raise InputError(f"--where: {where!r} holds for none of {len(targets)} targets")
    return targets.take(kept)


def balance(targets: Targets, per_class: int, seed: int) -> Targets:
    """Keep at most so many targets of each of the 13 classes, chosen at random.

    The choice depends on a spectrum's identity and the seed alone: the same spectra come out
    whatever the order of the tables, and a larger number keeps all that a smaller one chose.
    Targets without SUBCLASS are left out.

    Parameters
    ----------
    targets
    per_class
        The most of one class.
    seed
        The same seed gives the same choice.

    Raises
    ------
    InputError
        If the number is not above 0 or no target has a SUBCLASS.
    """
    if per_class < 1:
        raise InputError(f"--per-class: {per_class} is not above 0")
    classes = targets.get("SUBCLASS")
    rows = np.flatnonzero(classes != 0)
    if not len(rows):
        raise InputError("--per-class: no target has one of the 13 classes")
    lots = _lots(targets, seed)[rows]
    order = np.lexsort((lots, classes[rows]))
    sorted_classes = classes[rows][order]
    starts = np.flatnonzero(np.concatenate([[True], sorted_classes[1:] != sorted_classes[:-1]]))
    sizes = np.diff(np.append(starts, len(order)))
    place = np.arange(len(order)) - np.repeat(starts, sizes)
    return targets.take(np.sort(rows[order[place < per_class]]))


def _lots(targets: Targets, seed: int) -> NDArray[np.uint64]:
    """Return a number for each spectrum that looks random, shape (N,)."""
    key = targets.keys()
    targetid = targets.get("TARGETID")
    key = np.where((key < 0) & (targetid != NO_TARGETID), targetid, key)
    key = np.where(key == -1, -2 - np.arange(len(key)), key)
    start = _mixed(np.array([seed & (2**64 - 1)], np.uint64))
    return _mixed(key.view(np.uint64) ^ start)


def _mixed(numbers: NDArray[Any]) -> NDArray[np.uint64]:
    """Mix the bits of numbers by SplitMix64 (Steele, Lea and Flood 2014, OOPSLA)."""
    x = numbers + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    mixed: NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed
