"""`huggins build`: from files of spectra to one HDF5 file."""

from __future__ import annotations

import enum
from pathlib import Path  # noqa: TC003 (typer needs it at run time)
from typing import Annotated

import typer

from huggins.cli import SOME_FAILED, options
from huggins.cli.options import LOGGER
from huggins.plurals import counted


class Layout(enum.StrEnum):
    """Layouts of the file, as words of the command line."""

    huggins = "huggins"
    seed = "seed"


@options.with_messages
def build(
    context: typer.Context,
    inputs: options.Inputs,
    output: Annotated[Path, options.output("OUT", "The file: .h5 or .hdf5.")],
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
        typer.Option("--min-trust", min=0, max=3, help="Leave out spectra with a lower TRUST."),
    ] = 0,
    layout: Annotated[
        Layout,
        typer.Option(
            "--layout", help="huggins: flux and ivar; seed: fluxes (N, 433), classes (N, 13)."
        ),
    ] = Layout.huggins,
    parquet: Annotated[
        Path | None,
        typer.Option(
            "--parquet",
            metavar="FOLDER",
            help="Also write the spectra as Parquet files with a card, for load_dataset of "
            "Hugging Face's datasets.",
        ),
    ] = None,
    validation: Annotated[
        float,
        typer.Option("--validation", min=0.0, max=1.0, help="Fraction for validation."),
    ] = 0.1,
    test: Annotated[
        float,
        typer.Option("--test", min=0.0, max=1.0, help="Fraction for the test."),
    ] = 0.1,
    air: options.Air = False,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", "-j", min=0, help="Processes (with --slurm: workers); 0: one per core."
        ),
    ] = 0,
    cluster: options.Cluster = "",
    slurm: options.Slurm = False,
) -> int:
    """Build a training file: spectra on one grid, with labels, split by object.

    The arrays are the same, byte for byte, whatever the number of workers and however often
    the run was interrupted. Spectra that are left out are listed in OUT.skipped.csv with the
    reason; OUT.card.md describes the data. Parts are kept in OUT.parts until the file is
    complete. Exit status 0: all inputs are
    in; 1: some were left out; 2: nothing done.
    """
    from huggins.cli.progress import Meter
    from huggins.dataset.build import build as make
    from huggins.dataset.build import skipped_path, work_folder
    from huggins.dataset.chunk import Options
    from huggins.dataset.export import check_folder, export_parquet
    from huggins.dataset.merge import Making
    from huggins.errors import InputError
    from huggins.inference import Inputs
    from huggins.inference.crew import cores
    from huggins.runs.workers import Workers

    if parquet is not None:
        if layout is Layout.seed:
            raise InputError("--parquet needs flux and ivar: leave out --layout seed")
        check_folder(parquet, overwrite=overwrite)
    provenance = {"command": options.command_line(context)}
    if targets is not None:
        provenance["targets"] = str(targets)
    making = Making(validation, test, provenance)
    paths = Inputs(inputs, exclude=output)
    kept = f"parts are kept in {work_folder(output)}, and --resume goes on"
    meter = Meter("inputs", paths.count(0.3))
    with options.resumable(kept), meter:
        summary = make(
            paths,
            output,
            targets=targets,
            label_column=label_column,
            options=Options(layout.value, "", min_trust, air),
            making=making,
            workers=Workers(jobs or cores(), cluster, slurm),
            resume=resume,
            overwrite=overwrite,
            inputs=[*inputs, *([] if targets is None else [targets])],
            watch=lambda state: meter.show(state.inputs),
        )
    if parquet is not None:
        files = export_parquet(output, parquet, overwrite=overwrite)
        LOGGER.info("%s: %s of Parquet", parquet, counted(len(files), "file"))
    for reason, count in sorted(summary.reasons.items(), key=lambda item: -item[1])[:10]:
        LOGGER.info("%d left out: %s", count, reason)
    skipped = sum(summary.reasons.values())
    LOGGER.info(
        "%s of %s: %s%s",
        counted(summary.rows, "spectrum"),
        counted(summary.inputs, "input"),
        output,
        f"; {skipped} left out ({skipped_path(output)} says why)" if skipped else "",
    )
    return SOME_FAILED if skipped or paths.missed else 0
