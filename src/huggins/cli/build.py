"""`huggins build`: from files of spectra to one HDF5 file."""

from __future__ import annotations

import enum
import shlex
from pathlib import Path  # noqa: TC003 (typer needs it at run time)
from typing import Annotated

import typer

from huggins.cli import INTERRUPTED, SOME_FAILED, options


class Layout(enum.StrEnum):
    """Layouts of the file, as words of the command line."""

    huggins = "huggins"
    seed = "seed"


def build(
    context: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Files of spectra, containers or plates; folders (searched recursively), "
            "patterns, @list.txt (a path a line), - for such a list on standard input.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="The file: .h5 or .hdf5.")
    ],
    targets: Annotated[
        Path | None,
        typer.Option(
            "--targets",
            metavar="TABLE",
            help="Labels: a table of huggins catalog, or any with PLATE, MJD, FIBERID (or "
            "SPECOBJID, TARGETID, PATH) and SUBCLASS. Without it: those of the pipeline.",
        ),
    ] = None,
    label_column: Annotated[
        str,
        typer.Option("--label-column", help="Column of TABLE with the class of the 13."),
    ] = "",
    min_trust: Annotated[
        int,
        typer.Option(
            "--min-trust", min=0, max=3, help="Leave out spectra whose label is less sure."
        ),
    ] = 0,
    layout: Annotated[
        Layout,
        typer.Option(
            "--layout", help="huggins: flux and ivar; seed: fluxes (N, 433), classes (N, 13)."
        ),
    ] = Layout.huggins,
    validation: Annotated[
        float,
        typer.Option("--validation", min=0.0, max=1.0, help="Share of objects to validate."),
    ] = 0.1,
    test: Annotated[
        float, typer.Option("--test", min=0.0, max=1.0, help="Share of objects to test.")
    ] = 0.1,
    air: options.Air = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on where an interrupted run into OUT stopped."),
    ] = False,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", "-j", min=0, help="Processes (with --slurm: workers); 0: one a core."
        ),
    ] = 0,
    cluster: options.Cluster = "",
    slurm: options.Slurm = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    log: options.Log = None,
) -> int:
    """Build the training file: spectra on one grid, with labels, split by object.

    The arrays are the same, byte for byte, whatever the number of workers and however often
    the run was interrupted. What is left out is listed in OUT.skipped.csv with the reason;
    OUT.card.md counts what is in the file, for people.
    Parts are kept in OUT.parts until the file is made of them. Exit status 0: all inputs are
    in; 1: some were left out; 2: nothing done.
    """
    logger = options.start_logging(quiet=quiet, verbose=verbose, log=log)
    from huggins.cli.meter import Meter
    from huggins.dataset.build import State, skipped_path, work_folder
    from huggins.dataset.build import build as make
    from huggins.dataset.chunk import Options
    from huggins.dataset.merge import Making
    from huggins.inference import Inputs
    from huggins.inference.runner import cores
    from huggins.runs.workers import Workers

    provenance = {"command": shlex.join(["huggins", *context.obj])}
    if targets is not None:
        provenance["targets"] = str(targets)
    making = Making(layout.value, validation, test, provenance)
    found = Inputs(inputs, exclude=output)
    with Meter(logger, "inputs", found.count(0.3), bar=not quiet) as meter:

        def watch(state: State) -> None:
            meter.show(state.inputs)

        try:
            summary = make(
                found,
                output,
                targets=targets,
                label_column=label_column,
                options=Options(layout.value, "", min_trust, air),
                making=making,
                workers=Workers(jobs or cores(), cluster, slurm),
                resume=resume,
                watch=watch,
            )
        except KeyboardInterrupt:
            kept = work_folder(output)
            logger.error("interrupted: parts are kept in %s, and --resume goes on", kept)
            return INTERRUPTED
    for reason, count in sorted(summary.reasons.items(), key=lambda item: -item[1])[:10]:
        logger.info("%d left out: %s", count, reason)
    skipped = sum(summary.reasons.values())
    logger.info(
        "%d spectra of %d inputs: %s%s",
        summary.rows,
        summary.inputs,
        output,
        f"; {skipped} left out ({skipped_path(output)} says why)" if skipped else "",
    )
    return SOME_FAILED if skipped else 0
