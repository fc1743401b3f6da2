"""`huggins info`: what a file is and holds."""

from __future__ import annotations

from typing import Annotated

import typer

from huggins.cli import options  # noqa: TC001 (typer needs it at run time)


def info(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Files to look into.")],
    air: options.Air = False,
) -> int:
    """Say what files are and hold, and which reader takes them."""
    return len(files) * air
