"""Finds labels that may be wrong, and changes none of them by itself.

This stage reads tables alone: labels (`huggins.catalog`), predictions and the ways of matching
them (`huggins.evaluate`). The data set and training know nothing of it.
"""

from __future__ import annotations

from huggins.labels.confident import (
    ConfidentJoint,
    Fraction,
    confident_joint,
    doubted,
    fraction_wrong,
)
from huggins.labels.files import apply, check_output, new_labels, suspect_columns, write_columns
from huggins.labels.find import Found, find_suspects
from huggins.labels.suspects import (
    REASONS,
    Suspect,
    duplicate_suspects,
    joined,
    network_suspects,
)
from huggins.labels.table import ROLES, Labels, take_labels
from huggins.labels.visual import visual_suspects

__all__ = [
    "REASONS",
    "ROLES",
    "ConfidentJoint",
    "Found",
    "Fraction",
    "Labels",
    "Suspect",
    "apply",
    "check_output",
    "confident_joint",
    "doubted",
    "duplicate_suspects",
    "find_suspects",
    "fraction_wrong",
    "joined",
    "network_suspects",
    "new_labels",
    "suspect_columns",
    "take_labels",
    "visual_suspects",
    "write_columns",
]
