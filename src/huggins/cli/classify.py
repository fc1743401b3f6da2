"""`huggins classify`: from files to a table."""

from __future__ import annotations

from typing import Annotated

import typer

from huggins.cli import options  # noqa: TC001 (typer needs it at run time)


def classify(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="Files to look into.")],
    air: options.Air = False,
) -> int:
    """Classify."""
    return 0
