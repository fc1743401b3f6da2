"""`huggins evaluate`: a table of results against the truth."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 (typer needs it at run time)
from typing import Annotated

import typer

from huggins.cli import options
from huggins.cli.options import LOGGER
from huggins.errors import OutputError
from huggins.plurals import counted


@options.with_messages
def evaluate(
    context: typer.Context,
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help="Output of `huggins classify`: FITS, CSV, ECSV, Parquet or JSON lines.",
            show_default=False,
        ),
    ],
    truth: Annotated[
        Path,
        typer.Option(
            "--truth", "-t", metavar="CSV|FITS", help="The labels.", show_default=False
        ),
    ],
    output: Annotated[
        Path | None,
        options.output(
            "FOLDER",
            "Write report.html, mistakes.html and report.json there; without it only the "
            "main figures are printed.",
        ),
    ] = None,
    where: Annotated[
        str,
        typer.Option(
            "--where",
            "-w",
            metavar="EXPR",
            help='Spectra to evaluate, such as "trust >= 2 and fold in (0, 1)"; columns are '
            "those of the truth, then those of the table.",
        ),
    ] = "",
    match: options.Match = "auto",
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="ROLE=NAME",
            help="Column of the truth that is path, index, class3, class13, subclass, z, "
            "plate, mjd, fiberid, specobjid, targetid, ra, dec, sn, survey, label_from or "
            "trust, where it has another name; repeatable.",
        ),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(
            "--group",
            metavar="COLUMN",
            help="Column of the truth that defines subsets; repeatable. "
            "Without it: survey, label_from.",
            show_default=False,
        ),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            "--compare",
            metavar="OLD_TABLE",
            help="Results of another model, for a comparison on the same spectra.",
        ),
    ] = None,
    mistakes: Annotated[
        int,
        typer.Option("--mistakes", min=0, metavar="N", help="Mistakes of each kind to show."),
    ] = 8,
    overwrite: options.Overwrite = False,
) -> int:
    """Evaluate results against labels; compare two models."""
    from huggins.evaluate import evaluate as measure
    from huggins.evaluate.summary import as_text
    from huggins.inference.results import refuse_redrock

    if output is not None:
        from huggins.evaluate.report import check

        read = [table, truth, *([compare] if compare else [])]
        check(output, read, overwrite=overwrite)
        if output.exists() and not output.is_dir():
            raise OutputError(f"{output}: is a file: name a folder for the report with -o")
    for results in (table, *([compare] if compare else [])):
        refuse_redrock(results)
    columns = options.pairs(column or [], "--column", "z=Z_VI")
    result = measure(
        table,
        truth,
        where=where,
        columns=columns,
        match_by=match,
        groups=group,
        old=compare,
        mistakes=mistakes,
        command=options.command_line(context),
    )
    about = result.about
    LOGGER.info(
        "%d of %s matched by %s, %d without truth; %s of the truth without a result",
        about["matched"],
        counted(about["matched"] + about["unmatched_table"], "row"),
        about["matched_by"],
        about["unmatched_table"],
        counted(about["unmatched_truth"], "row"),
    )
    for file in about["without_truth"]:
        LOGGER.debug("without truth, left out: %s", file)
    placeholders = about["placeholder_redshifts"]
    if placeholders:
        LOGGER.warning(
            "%d stars have a true redshift of exactly 0, which stands for none: left out of "
            "the redshifts (--verbose names them)",
            len(placeholders),
        )
        for file in placeholders:
            LOGGER.debug("redshift of exactly 0, left out: %s", file)
    if where:
        LOGGER.info("%d of them left out by --where", about["filtered_out"])
    print(as_text(result.figures))
    if result.comparison is not None:
        common = counted(result.comparison.n, "spectrum")
        print(f"\nAgainst {compare}, {common} in common:")
        print(result.comparison.verdict)
    if output is not None:
        from huggins.evaluate import write_report

        for path in write_report(result, output):
            LOGGER.info("wrote %s", path)
    return 0
