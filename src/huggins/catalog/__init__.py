"""Survey tables to targets: which spectra there are, what they are, and how sure that is."""

from __future__ import annotations

from huggins.catalog.counting import Count, count_classes, report
from huggins.catalog.kinds import KINDS
from huggins.catalog.make import Settings, group_objects, make_targets
from huggins.catalog.mapped import ROLES, parse_map
from huggins.catalog.output import check, write_targets
from huggins.catalog.selecting import RECIPES
from huggins.catalog.targets import COLUMNS, Targets

__all__ = [
    "COLUMNS",
    "KINDS",
    "RECIPES",
    "ROLES",
    "Count",
    "Settings",
    "Targets",
    "check",
    "count_classes",
    "group_objects",
    "make_targets",
    "parse_map",
    "report",
    "write_targets",
]
