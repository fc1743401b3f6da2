"""Figures into files, each whole or not at all."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from huggins.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from matplotlib.figure import Figure


def save(figures: Iterable[tuple[str, Figure]], target: Path) -> Iterator[Path]:
    """Write figures, one at a time, and yield each file when it is whole.

    Parameters
    ----------
    figures
        Pairs of a name (without extension) and a figure.
    target
        A ``.pdf`` file: one page a figure, yielded once, at the end. A ``.png`` (or ``.svg``)
        file: for a single figure. Anything else is a folder (made where it is missing): one
        PNG a figure.

    Raises
    ------
    InputError
        If the extension is that of another kind of file.
    OutputError
        If a file cannot be written, or several figures should go into one picture.
    """
    kind = target.suffix.lower()
    if kind == ".pdf":
        if _save_pages(figures, target):
            yield target
    elif kind in (".png", ".svg"):
        few = list(islice(figures, 2))
        if len(few) > 1:
            raise OutputError(
                f"{target}: several spectra do not fit into one picture: give -o a folder or "
                "a .pdf file"
            )
        for _, figure in few:
            yield _save_one(figure, target)
    else:
        if re.fullmatch(r"\.[a-z]{2,5}", kind) and not target.is_dir():
            raise InputError(
                f"{target}: unknown kind of picture {kind!r}: give a .png, .pdf or .svg file, "
                "or a folder"
            )
        with _explained(target):
            target.mkdir(parents=True, exist_ok=True)
        for name, figure in figures:
            yield _save_one(figure, target / f"{name}.png")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror or error}; name another with -o"
        ) from error


def _save_one(figure: Figure, path: Path) -> Path:
    temporary = path.with_name(f".{path.name}.part")
    try:
        with _explained(path):
            figure.savefig(temporary, format=path.suffix[1:].lower())
            temporary.replace(path)
    finally:
        with suppress(OSError):  # what went wrong before is what matters
            temporary.unlink(missing_ok=True)
    return path


def _save_pages(figures: Iterable[tuple[str, Figure]], path: Path) -> int:
    """Write a page a figure and return their number; without any there is no file."""
    from matplotlib.backends.backend_pdf import PdfPages

    temporary = path.with_name(f".{path.name}.part")
    count = 0
    with _explained(path):
        file = temporary.open("wb")
    try:
        with file:
            pages: Any = PdfPages(file)
            for _, figure in figures:  # making them may fail too, and not for this path
                with _explained(path):
                    pages.savefig(figure)
                count += 1
            with _explained(path):
                pages.close()
                file.flush()
        if count:
            with _explained(path):
                temporary.replace(path)
    finally:
        with suppress(OSError):  # what went wrong before is what matters
            temporary.unlink(missing_ok=True)
    return count
