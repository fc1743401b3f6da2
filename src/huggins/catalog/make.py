"""Survey tables in, one table of targets out."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.catalog import kinds
from huggins.catalog.joining import merge
from huggins.catalog.mapped import Mapped
from huggins.catalog.rules import UNKNOWN
from huggins.catalog.selecting import balance, cut, recipe_of
from huggins.catalog.targets import Targets, Words, join_parts
from huggins.errors import InputError
from huggins.tables.keys import object_numbers, spectrum_keys
from huggins.tables.read import open_table
from huggins.tables.sky import RADIUS, same_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from huggins.tables.chunks import Table

_log = logging.getLogger(__name__)

_DUPLICATES: Final = ("error", "first")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a table of targets is made.

    Attributes
    ----------
    kind
        Kind of each table, or one for all; empty where they tell themselves.
    columns
        Columns by role, for a table that is of no known kind; see
        `huggins.catalog.mapped.ROLES`.
    recipe
        Name of a selection; empty for none.
    where
        Which targets to keep, in columns of the table of targets.
    per_class
        The most of each class; None for all.
    seed
        Of that choice.
    radius
        In arcseconds: positions within it are the same object.
    duplicates
        ``error``, or ``first`` to take the first of rows that repeat a spectrum.
    """

    kind: Sequence[str] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    recipe: str = ""
    where: str = ""
    per_class: int | None = None
    seed: int = 0
    radius: float = RADIUS
    duplicates: str = "error"


def make_targets(tables: Sequence[str | Path], settings: Settings | None = None) -> Targets:
    """Make one table of targets of survey tables.

    Each table is read once, in blocks, and of the tables only the targets stay in memory. The
    same spectrum in several tables becomes one row (`huggins.catalog.joining.merge`); spectra
    of one object get the same OBJECT.

    Parameters
    ----------
    tables
        FITS, CSV or ECSV files, gzipped or not.
    settings
        What to take of them.

    Raises
    ------
    InputError
        If a table is damaged or of no known kind, lacks columns, repeats spectra, or nothing is
        left in the end.
    """
    settings = settings or Settings()
    if settings.duplicates not in _DUPLICATES:
        raise InputError(
            f"--duplicates: {settings.duplicates!r} is none of {', '.join(_DUPLICATES)}"
        )
    if not tables:
        raise InputError("no survey table is given")
    opened = [open_table(path) for path in tables]
    chosen = _kinds(opened, settings)
    recipe = None
    if settings.recipe:
        recipe = recipe_of(settings.recipe, [kind.name for kind in chosen])
    words = Words()
    parts: list[dict[str, NDArray[Any]]] = []
    sources = []
    for number, (table, kind) in enumerate(zip(opened, chosen, strict=True)):
        rows = taken = 0
        for chunk in table.chunks((*kind.needs, *kind.may)):
            part = kind.take(chunk, words)
            part["TRUST"][part["CLASS"] == 0] = UNKNOWN  # no label is not a certain one
            # Now, while it is known which table and row an identifier is of.
            unknown = np.full(len(chunk), -1)
            identity = (part.get(name, unknown) for name in ("PLATE", "MJD", "FIBERID"))
            spectrum_keys(*identity, path=chunk.path, start=chunk.start)
            part["CATALOG"] = np.full(len(chunk), words.code(kind.name), np.int32)
            if recipe is not None:
                wanted = recipe[kind.name](part, words)
                part = {name: values[wanted] for name, values in part.items()}
            rows += len(chunk)
            taken += len(part["CATALOG"])
            if len(part["CATALOG"]):
                parts.append(part)
                sources.append(np.full(len(part["CATALOG"]), number, np.int32))
        _log.info("%s: %d of %d rows taken as %s", table.path, taken, rows, kind.name)
    if not parts:
        raise InputError(f"--recipe: {settings.recipe} takes no row of these tables")
    targets = join_parts(words, parts)
    source = np.concatenate(sources)
    del parts, sources
    first = settings.duplicates == "first"
    targets = merge(targets, source, [str(path) for path in tables], first=first)
    group_objects(targets, settings.radius)
    if settings.where:
        targets = cut(targets, settings.where)
    if settings.per_class is not None:
        targets = balance(targets, settings.per_class, settings.seed)
    return targets


def group_objects(targets: Targets, radius: float = RADIUS) -> None:
    """Set OBJECT: the same number in rows of the same object.

    Rows of one THING_ID are one object, and so are rows within the radius of one another,
    unless both come from the same table and have different THING_IDs there: the survey then
    says that they are two. Neighbours of neighbours belong together.
    """
    thing, ra, dec = (targets.get(name) for name in ("THING_ID", "RA", "DEC"))
    catalog = targets.get("CATALOG")
    root = same_object(ra, dec, thing, thing > 0, radius, source=catalog)
    targets.columns["OBJECT"] = object_numbers(root, thing, ra, dec, targets.keys())


def _kinds(tables: Sequence[Table], settings: Settings) -> list[kinds.Kind]:
    if settings.columns:
        if settings.kind or settings.recipe:
            raise InputError("--map is for tables of no known kind: leave out --kind, --recipe")
        mapped = Mapped(dict(settings.columns))
        found = [
            kinds.Kind(Path(table.path).name, mapped.needs, (), mapped.take) for table in tables
        ]
    elif settings.kind:
        names = list(settings.kind)
        if len(names) == 1:
            names *= len(tables)
        if len(names) != len(tables):
            raise InputError(
                f"--kind is given {len(names)} times for {len(tables)} tables: give it once "
                "for all, or once for each, in order"
            )
        found = [kinds.named(*pair) for pair in zip(names, tables, strict=True)]
    else:
        found = [kinds.recognise(table) for table in tables]
    for table, kind in zip(tables, found, strict=True):
        kinds.check(table, kind)
    return found
