"""Whether an output can be written, asked before the work is done."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from huggins.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def check_table(path: Path, endings: Iterable[str]) -> None:
    """Complain now about a table that could not be written in the end.

    Parameters
    ----------
    path
        Where it is to go.
    endings
        Those that stand for a format, as ``.fits``.

    Raises
    ------
    InputError
        If the ending stands for no format.
    OutputError
        If the folder does not exist or cannot be written to, or the path is a folder.
    """
    endings = list(endings)
    if path.suffix.lower() not in endings:
        raise InputError(
            f"{path}: unknown kind of table {path.suffix!r}: the name must end in "
            f"{', '.join(endings)}"
        )
    if path.is_dir():
        raise OutputError(f"{path}: is a folder: name a file in it")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}: make it first")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: folder {path.parent} is read-only: name another output")
