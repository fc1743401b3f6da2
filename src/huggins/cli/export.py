"""`huggins export`: write the weights of a checkpoint, or replace the shipped ones."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 (typer needs it at run time)
from typing import Annotated

import typer

from huggins.cli import options
from huggins.cli.options import LOGGER


@options.with_messages
def export(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT",
            help="last.pt of a training run, or a .safetensors file; the name of a shipped "
            "model or an exported .onnx file, for a folder that hubs of models take or for "
            "--into-package.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        options.output(
            "FOLDER",
            "Folder for NAME.onnx, .safetensors, .json (record) and .md (card; README.md of "
            "an .onnx file); default: that of the checkpoint.",
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
            help="Replace the shipped model by an exported .onnx file; needs --comparison.",
        ),
    ] = False,
    comparison: Annotated[
        Path | None,
        typer.Option(
            "--comparison",
            metavar="JSON",
            help="report.json of `huggins evaluate NEW --compare OLD`; worse weights are "
            "rejected.",
        ),
    ] = None,
    overwrite: options.Overwrite = False,
) -> int:
    """Write ONNX, safetensors, record and card of a trained network."""
    from huggins.errors import InputError
    from huggins.train import export_file, package
    from huggins.weights import available, find

    if not into_package:
        if comparison is not None:
            raise InputError("--comparison is for --into-package")
        if checkpoint.suffix == ".onnx" or str(checkpoint) in available():
            if output is None:
                raise InputError("-o FOLDER is missing: where the folder for a hub goes")
            path = package.write_folder(find(checkpoint), output, overwrite=overwrite)
            LOGGER.info("wrote %s with its card for a hub", output)
            print(path)
            return 0
        path = export_file(checkpoint, output or checkpoint.parent, mocks, overwrite=overwrite)
        LOGGER.info("wrote %s with its record and card", path)
        print(path)
        return 0
    if checkpoint.suffix != ".onnx":
        raise InputError(
            f"{checkpoint}: export it first; what is compared and what is shipped must be the "
            "same .onnx file"
        )
    path, comparisons = package.into_package(checkpoint, comparison)
    for line in comparisons:
        LOGGER.info("%s", line)
    print(path)
    return 0
