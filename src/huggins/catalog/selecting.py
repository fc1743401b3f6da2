"""Selections of targets: by name, by an expression, by number per class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.catalog.rules import CERTAIN
from huggins.catalog.targets import NO_TARGETID, Targets
from huggins.errors import InputError
from huggins.tables.select import select

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from huggins.catalog.targets import Part, Words

    Taker = Callable[[Part, Words], NDArray[np.bool_]]

# Rows that are evaluated at a time.
_ROWS: Final = 262_144


#: Named selections: which rows of each kind of table are taken. All these kinds must be given,
#: and no other. ``seed``: the quasars of DR14Q (BAL where BI_CIV > 0), the typed BOSS stars of
#: specObj or spAll (the seed took DR15), and the certain galaxies of the DR12Q superset.
RECIPES: Final[dict[str, dict[str, Taker]]] = {
    "seed": {
        "DR14Q": lambda part, words: part["CLASS"] != words.code(""),
        "specObj": lambda part, words: (
            (part["CLASS"] == words.code("STAR"))
            & (part["SUBCLASS"] != 0)
            & (part["SURVEY"] == words.code("BOSS"))
        ),
        "DR12Q_Superset": lambda part, words: (
            (part["CLASS"] == words.code("GALAXY")) & (part["TRUST"] == CERTAIN)
        ),
    },
}


def recipe_of(name: str, kinds: Sequence[str]) -> dict[str, Taker]:
    """Return a recipe by its name, which must be one for these kinds of tables.

    Raises
    ------
    InputError
        If there is none, or it takes other tables.
    """
    if name not in RECIPES:
        raise InputError(f"--recipe: there is no {name!r}; there are {', '.join(RECIPES)}")
    takes = RECIPES[name]
    missing = [kind for kind in takes if kind not in kinds]
    extra = sorted(set(kinds) - set(takes))
    if missing or extra:
        raise InputError(
            f"--recipe {name} takes the tables {', '.join(takes)}"
            + (f"; missing: {', '.join(missing)}" if missing else "")
            + (f"; not of it: {', '.join(extra)}" if extra else "")
        )
    return takes


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
    """Keep a limited number of targets of each of the 13 classes, chosen at random.

    The choice depends only on the identity of a spectrum and the seed, not on the order of the
    tables, and a larger number includes the choice of a smaller one. Targets without SUBCLASS
    are left out.

    Parameters
    ----------
    targets
    per_class
        Largest number of one class.
    seed
        Of the choice.

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
    """Return a pseudo-random number for each spectrum, shape (N,)."""
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
