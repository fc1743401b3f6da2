"""Figures into files, each whole or not at all."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from huggins.errors import InputError, OutputError
from huggins.runs.files import cannot_write, check_replaceable, temporary_path
from huggins.runs.ours import CREATOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from matplotlib.figure import Figure


def save(
    figures: Iterable[tuple[str, Figure]],
    target: Path,
    *,
    inputs: Iterable[str | Path] = (),
    overwrite: bool = False,
    model: str = "",
) -> Iterator[Path]:
    """Write figures, one at a time, and yield each file when it is whole.

    Parameters
    ----------
    figures
        Pairs of a name (without extension) and a figure.
    target
        A ``.pdf`` file: one page per figure, yielded once, at the end. A ``.png`` (or ``.svg``)
        file: for a single figure. Anything else is a folder (made where it is missing): one
        PNG per figure.
    inputs, overwrite
        As for `huggins.runs.files.check_writable`.
    model
        Name and hash of the network, for the metadata of the pictures.

    Raises
    ------
    InputError
        If the extension is that of another kind of file.
    OutputError
        If a file cannot be written, several figures should go into one picture, or a picture
        is there that huggins did not draw.
    """
    kind = target.suffix.lower()
    if kind in (".pdf", ".png", ".svg") and not overwrite:
        check_replaceable(target, inputs=inputs)
    if kind == ".pdf":
        if _save_pages(figures, target, model):
            yield target
    elif kind in (".png", ".svg"):
        few = list(islice(figures, 2))
        if len(few) > 1:
            raise OutputError(
                f"{target}: several spectra do not fit into one picture: give -o a folder or "
                "a .pdf file"
            )
        for _, figure in few:
            yield save_figure(figure, target, model)
    else:
        if re.fullmatch(r"\.[a-z]{2,5}", kind) and not target.is_dir():
            raise InputError(
                f"{target}: unknown kind of picture {kind!r}: give a .png, .pdf or .svg file, "
                "or a folder"
            )
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(target, error) from error
        for name, figure in figures:
            path = target / f"{name}.png"
            if not overwrite:
                check_replaceable(path, inputs=inputs)
            yield save_figure(figure, path, model)


def save_figure(figure: Figure, path: Path, model: str = "") -> Path:
    """Write one figure, in the format of the path's extension, and return the path.

    Parameters
    ----------
    figure
    path
    model
        Name and hash of the network, for the metadata.
    """
    with temporary_path(path) as temporary:
        kind = path.suffix[1:].lower()
        figure.savefig(temporary, format=kind, metadata=_made_by(kind, model))
    return path


def _made_by(kind: str, model: str) -> dict[str, str]:
    """Return the metadata that say in a picture of a format that it is ours."""
    key = {"png": "Software", "svg": "Title", "pdf": "Creator"}.get(kind)
    return {} if key is None else {key: f"{CREATOR}, model {model}" if model else CREATOR}


def _save_pages(figures: Iterable[tuple[str, Figure]], path: Path, model: str) -> int:
    """Write one page per figure and return their number; without any there is no file."""
    from matplotlib.backends.backend_pdf import PdfPages

    with temporary_path(path) as temporary:
        with PdfPages(temporary, metadata=_made_by("pdf", model)) as pages:
            for _, figure in figures:
                pages.savefig(figure)
            count: int = pages.get_pagecount()
        if not count:
            temporary.unlink(missing_ok=True)
    return count
