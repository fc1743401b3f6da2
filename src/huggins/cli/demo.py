"""`huggins demo`: one spectrum of each class."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated

import typer

from huggins.cli import options


@options.with_messages
def demo(
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Use the shipped mocks without a download."),
    ] = False,
    output: Annotated[
        Path,
        options.output("FOLDER", "Folder for the figures."),
    ] = Path("demo"),
    model: options.Model = "huggins",
    overwrite: options.Overwrite = False,
) -> int:
    """Classify a real spectrum of each class from the archive or, offline, simulated ones."""
    from huggins.demo import run

    said = io.StringIO() if options.is_quiet() else None
    run(output, offline=offline, model=model, out=said, overwrite=overwrite)
    return 0
