"""Survey tables to targets: which spectra there are, what they are, and how sure that is."""

from __future__ import annotations

from huggins.catalog.counting import Count, count_classes, report
from huggins.catalog.identity import spectrum_keys
from huggins.catalog.kinds import KINDS
from huggins.catalog.make import Settings, group_objects, make_targets
from huggins.catalog.mapped import ROLES, parse_map
from huggins.catalog.output import check, write_targets
from huggins.catalog.recipes import RECIPES
from huggins.catalog.sky import RADIUS, close_pairs, connected, nearest
from huggins.catalog.targets import COLUMNS, Targets

__all__ = [
    "COLUMNS",
    "KINDS",
    "RADIUS",
    "RECIPES",
    "ROLES",
    "Count",
    "Settings",
    "Targets",
    "check",
    "close_pairs",
    "connected",
    "count_classes",
    "group_objects",
    "make_targets",
    "nearest",
    "parse_map",
    "report",
    "spectrum_keys",
    "write_targets",
]
