"""`huggins labels`: labels that may be wrong."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 (typer needs it at run time)
from typing import Annotated

import typer

from huggins.cli import options
from huggins.cli.options import LOGGER


@options.with_messages
def labels(
    context: typer.Context,
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help="The labels: output of `huggins catalog`, or any CSV, ECSV, FITS or Parquet "
            "table with a class.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        options.output(
            "FILE",
            "The suspects: .csv, .ecsv, .fits or .parquet; without it the worst are printed.",
        ),
    ] = None,
    visual: Annotated[
        list[Path] | None,
        typer.Option(
            "--visual",
            metavar="TABLE",
            help="Visual classifications: the superset of DR12Q, or another table with visual "
            "labels; repeatable.",
        ),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            "--predictions",
            "-p",
            metavar="TABLE|NPZ",
            help="Output of `huggins classify` (or .npz) by a network that did not learn these "
            "labels.",
        ),
    ] = None,
    duplicates: Annotated[
        bool,
        typer.Option(
            "--duplicates/--no-duplicates", help="Compare spectra of the same object."
        ),
    ] = True,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="ROLE=NAME",
            help="Column that is class13, subclass, class, bal, label_from, trust, object, "
            "thing_id, plate, mjd, fiberid, targetid, ra, dec, path or index, "
            "where it has another name; repeatable.",
        ),
    ] = None,
    match: options.Match = "auto",
    radius: options.Radius = 1.0,
    apply: Annotated[
        Path | None,
        typer.Option(
            "--apply",
            metavar="FILE",
            help="Write a copy of TABLE with the columns CLASS_NEW, SUBCLASS_NEW and "
            "CHANGED_BY; TABLE itself is never changed.",
        ),
    ] = None,
    at_least: Annotated[
        float,
        typer.Option(
            "--at-least",
            metavar="SCORE",
            min=0.0,
            max=1.0,
            help="Score from which --apply changes a label.",
        ),
    ] = 0.99,
    overwrite: options.Overwrite = False,
) -> int:
    """Find suspect labels from visual classifications, a network and duplicates."""
    from huggins.labels import (
        apply as write_copy,
    )
    from huggins.labels import (
        check_output,
        find_suspects,
        new_labels,
        suspect_columns,
        write_columns,
    )

    inputs = [table, *(visual or ()), *([predictions] if predictions else [])]
    for path in (output, apply):
        if path is not None:
            check_output(path, inputs, overwrite=overwrite)
    result = find_suspects(
        table,
        visual=visual or (),
        predictions=predictions,
        duplicates=duplicates,
        columns=options.pairs(column or [], "--column", "class=TYPE"),
        match=match,
        radius=radius,
    )
    columns = suspect_columns(result.labels, result.suspects)
    if output is not None:
        write_columns(output, columns, options.command_line(context))
        LOGGER.info("%d suspects in %s", len(result.suspects), output)
    if apply is not None:
        added = new_labels(result.labels, result.suspects, at_least)
        write_copy(table, apply, added)
        changed = sum(bool(reason) for reason in added["CHANGED_BY"])
        LOGGER.info(
            "%d labels of %d changed in the copy %s", changed, len(result.labels), apply
        )
    if not options.is_quiet():
        print("\n".join(result.summary))
        if output is None:
            _print_worst(columns)
    return 0


def _print_worst(columns: dict[str, list[object]], most: int = 20) -> None:
    for i in range(min(most, len(columns["ROW"]))):
        label = columns["SUBCLASS"][i] or columns["CLASS"][i]
        instead = columns["SUGGESTED_SUBCLASS"][i] or columns["SUGGESTED_CLASS"][i] or "?"
        print(
            f"row {columns['ROW'][i]}: {label} -> {instead}  {columns['SCORE'][i]:.3f}  "
            f"{columns['REASON'][i]}: {columns['DETAIL'][i]}"
        )
