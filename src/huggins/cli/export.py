"""`huggins export`: from a checkpoint to weights that can be shipped."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 (typer needs it at run time)
from typing import Annotated

import typer

from huggins.cli import options


def export(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT",
            help="last.pt of a training run, or a .safetensors file; an exported .onnx file "
            "for --into-package.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Where NAME.onnx, .safetensors, .json (record) and .md (card) go; beside the "
            "checkpoint where not given.",
        ),
    ] = None,
    mocks: Annotated[
        int,
        typer.Option("--mocks", min=100, metavar="N", help="Mocks to calibrate a .pt file on."),
    ] = 4000,
    into_package: Annotated[
        bool,
        typer.Option(
            "--into-package",
            help="Put an exported .onnx file into the place of the shipped one; needs "
            "--comparison.",
        ),
    ] = False,
    comparison: Annotated[
        Path | None,
        typer.Option(
            "--comparison",
            metavar="JSON",
            help="report.json of `huggins evaluate NEW --compare OLD`: weights that are worse "
            "are refused.",
        ),
    ] = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    log: options.Log = None,
) -> int:
    """Write ONNX, safetensors, record and card of a trained network."""
    from huggins.errors import InputError
    from huggins.train import export_file, package

    logger = options.start_logging(quiet=quiet, verbose=verbose, log=log)
    if not into_package:
        if comparison is not None:
            raise InputError("--comparison is for --into-package")
        path = export_file(checkpoint, output or checkpoint.parent, mocks)
        logger.info("wrote %s and what goes with it", path)
        print(path)
        return 0
    if checkpoint.suffix != ".onnx":
        raise InputError(
            f"{checkpoint}: export it first; what is compared and what is shipped must be the "
            "same .onnx file"
        )
    path, said = package.into_package(checkpoint, comparison)
    for line in said:
        logger.info("%s", line)
    print(path)
    return 0
