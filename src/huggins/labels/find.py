"""Search for wrong labels of a table by all methods together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from huggins.errors import InputError
from huggins.labels.predictions import read_predictions
from huggins.labels.suspects import Suspect, duplicate_suspects, joined, network_suspects
from huggins.labels.table import ROLES, Labels, take_labels
from huggins.labels.visual import visual_suspects
from huggins.tables.labels import ROLES as LABEL_COLUMNS
from huggins.tables.read import read_columns
from huggins.tables.sky import RADIUS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Found:
    """Result of the search for wrong labels.

    Attributes
    ----------
    labels
        The table of labels.
    suspects
        One per doubtful row, worst first.
    summary
        One line per method.
    """

    labels: Labels
    suspects: list[Suspect]
    summary: list[str] = field(default_factory=list)


def find_suspects(
    table: str | Path,
    *,
    visual: Sequence[str | Path] = (),
    predictions: str | Path | None = None,
    duplicates: bool = True,
    columns: Mapping[str, str] | None = None,
    match: str = "auto",
    radius: float = RADIUS,
) -> Found:
    """Find the labels of a table that may be wrong.

    Parameters
    ----------
    table
        Labels: a table of targets, or any with a class and identifiers, positions or paths.
    visual
        Survey tables of what people saw, to compare with.
    predictions
        Probabilities of a network that did not learn these labels; see
        `huggins.labels.predictions.read_predictions`.
    duplicates
        Whether spectra of the same object are compared.
    columns
        Column names by role; see `huggins.labels.ROLES`.
    match
        How predictions find their rows.
    radius
        Of matches by position, in arcseconds.

    Raises
    ------
    InputError
        If there is nothing to compare with, or a table is not what it should be.
    """
    names = {name for role in ROLES for name in LABEL_COLUMNS[role].names}
    names.update((columns or {}).values())
    labels = take_labels(read_columns(table, names), columns)
    summary = [f"{len(labels)} labels, {int((labels.sub != '').sum())} of them one of the 13"]
    suspects: list[Suspect] = []
    looked = False
    if visual:
        found, seen = visual_suspects(labels, visual, radius)
        summary.append(f"visual: people are certain of {seen}; {len(found)} contradicted")
        suspects += found
        looked = True
    if predictions is not None:
        rows, probabilities = read_predictions(predictions, labels, by=match)
        found, wrong = network_suspects(labels, rows, probabilities)
        summary.append(
            f"network: predictions for {len(rows)}; {len(found)} doubted, "
            f"{100 * wrong.value:.1f} % ({100 * wrong.low:.1f} to {100 * wrong.high:.1f}) of "
            "the labels estimated wrong, if the network is calibrated"
        )
        suspects += found
        looked = True
    if duplicates:
        objects = labels.objects(radius)
        sizes = np.unique(objects[objects >= 0], return_counts=True)[1]
        if len(sizes):
            looked = True
            found = duplicate_suspects(labels, objects)
            summary.append(
                f"duplicate: {int((sizes > 1).sum())} objects with several spectra; "
                f"{len(found)} labels in question"
            )
            suspects += found
    if not looked:
        raise InputError(
            f"{table}: nothing to compare with: give --visual or --predictions, or name "
            "columns of objects or positions (--column object=NAME)"
        )
    suspects = joined(suspects)
    summary.append(f"{len(suspects)} suspects")
    return Found(labels, suspects, summary)
