"""`huggins report`: classified spectra as one page without a server."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 (typer needs it at run time)
from typing import Annotated

import typer

from huggins.cli import options, status
from huggins.cli.options import LOGGER
from huggins.errors import InputError
from huggins.plurals import counted


@options.with_messages
def report(
    inputs: options.ViewInputs,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="PAGE.html", help="The page."),
    ],
    where: options.Where = "",
    inspections: options.Inspections = None,
    model: options.Model = "huggins",
    overwrite: options.Overwrite = False,
) -> int:
    """Write the page of `huggins view` as one file, to look at and to share.

    Up to 500 spectra; it needs neither huggins nor a network to be opened.
    """
    from huggins.runs.files import check_writable, write_text
    from huggins.view.open import beside, results_of
    from huggins.view.report import opened, report_of

    check_writable(output, [".html", ".htm"], inputs=inputs, kind="page", overwrite=overwrite)
    results, classification = results_of(inputs, model=model, where=where)
    failures: dict[int, str] = {}
    with opened(
        results,
        inspections=inspections or beside(results),
        model=model,
        classification=classification,
    ) as session:
        if classification is not None:
            classification.wait()
            failures = results.failures()
            for row, why in failures.items():
                path, index = results.location(row)
                LOGGER.error("%s%s: %s", path, f" [{index}]" if index else "", why)
            if len(failures) == len(results):
                raise InputError(f"{output}: not written: no spectrum could be classified")
        page = report_of(session)
    write_text(output, page)
    size = len(page) / 1e6
    LOGGER.info("%s, %.1f MB: %s", counted(len(results), "spectrum"), size, output)
    return status(len(results), len(failures))
