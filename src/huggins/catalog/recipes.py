"""Selections of targets that have a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from huggins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from huggins.catalog.targets import Words

    Part = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named selection from named tables.

    Attributes
    ----------
    about
        What it selects.
    takes
        Which rows of each kind of table are taken; all these kinds must be given, and no other.
    """

    about: str
    takes: Mapping[str, Callable[[Part, Words], NDArray[Any]]]


def _all(part: Part, words: Words) -> NDArray[Any]:
    known: NDArray[Any] = part["CLASS"] != words.code("")
    return known


def _boss_stars(part: Part, words: Words) -> NDArray[Any]:
    typed: NDArray[Any] = (part["CLASS"] == words.code("STAR")) & (part["SUBCLASS"] != 0)
    stars: NDArray[Any] = typed & (part["SURVEY"] == words.code("BOSS"))
    return stars


def _certain_galaxies(part: Part, words: Words) -> NDArray[Any]:
    certain: NDArray[Any] = (part["CLASS"] == words.code("GALAXY")) & (part["TRUST"] == 3)
    return certain


RECIPES: Final = {
    "seed": Recipe(
        "quasars of DR14Q, BAL where BI_CIV > 0; typed BOSS stars of specObj or spAll (the "
        "seed took DR15); galaxies of the DR12Q superset with Z_CONF_PERSON 3",
        {"DR14Q": _all, "specObj": _boss_stars, "DR12Q_Superset": _certain_galaxies},
    ),
}


def recipe_of(name: str) -> Recipe:
    """Return a recipe by its name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in RECIPES:
        raise InputError(f"--recipe: there is no {name!r}; there are {', '.join(RECIPES)}")
    return RECIPES[name]
