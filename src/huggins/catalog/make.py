"""One table of targets from survey tables."""

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
    """Settings of a table of targets.

    Attributes
    ----------
    kind
        Kind of each table, or one for all; recognised by its columns if empty.
    columns
        Columns by role, for a table of no known kind; see
        `huggins.catalog.mapped.ROLES`.
    recipe
        Name of a selection, if any.
    where
        Expression in columns of the table of targets, for the targets to keep.
    per_class
        Largest number of targets of each class; None for all.
    seed
        Of the random choice.
    radius
        Matching radius of positions of the same object, in arcseconds.
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
    """Make one table of targets from survey tables.

    Each table is read once, in blocks, and only the targets are kept in memory. A spectrum in
    several tables becomes one row (`huggins.catalog.joining.merge`); spectra
    of one object get the same OBJECT.

    Parameters
    ----------
    tables
        FITS, CSV or ECSV files, gzipped or not.
    settings
        What to select.

    Raises
    ------
    InputError
        If a table is damaged or of no known kind, lacks columns, repeats spectra, or no target
        remains.
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
            part["TRUST"][part["CLASS"] == 0] = UNKNOWN  # a missing label has no trust
            # Checked here, where the table and row of an identifier are known.
            unknown = np.full(len(chunk), -1)
            identity = (part.get(name, unknown) for name in ("PLATE", "MJD", "FIBERID"))
            spectrum_keys(*identity, path=chunk.path, start=chunk.start)
            part["CATALOG"] = np.full(len(chunk), words.code(kind.name), np.int32)
            if recipe is not None:
                selected = recipe[kind.name](part, words)
                part = {name: values[selected] for name, values in part.items()}
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
    """Set OBJECT, the same number in rows of the same object.

    Rows of one THING_ID are one object, and so are rows within the radius of one another,
    unless the same table gives them different THING_IDs. Neighbours of neighbours belong
    together.
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
