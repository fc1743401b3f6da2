"""Classify the examples, print the table, draw the figures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from huggins.demo import archive, mocks
from huggins.download.archive import SDSS
from huggins.errors import OutputError
from huggins.plurals import counted
from huggins.quality import names
from huggins.runs.files import check_replaceable
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

    from huggins.demo.example import Example
    from huggins.inference import Model


def run(
    folder: str | Path = "demo",
    *,
    offline: bool = False,
    model: str | Path | Model = "huggins",
    out: TextIO | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Classify one real spectrum of each class or, without a network, the shipped mocks.

    Prints which of the two it is and a table of results, and writes a figure of each spectrum
    into a folder.

    Parameters
    ----------
    folder
        For the pictures; made where it is missing.
    offline
        Do not even try the network.
    model
        Name, path or model.
    out
        Where to print; standard output where not given.
    overwrite
        Replace pictures that huggins did not draw.

    Returns
    -------
    list of Path
        The pictures.

    Raises
    ------
    ModelError
        If there is no such model.
    OutputError
        If a picture cannot be written.
    """
    from huggins.inference import classify, load_model
    from huggins.plot import save

    out = sys.stdout if out is None else out
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file: name a folder for the figures with -o")
    # Before anything is fetched, so that a misspelt model name fails at once.
    network = load_model(model) if isinstance(model, str | Path) else model
    examples, description, simulated = _examples(offline=offline)
    if not overwrite:
        for number, example in enumerate(examples, start=1):
            check_replaceable(folder / f"{_picture(number, example, simulated)}.png")
    print(description, end="\n\n", file=out, flush=True)
    table = classify([example.spectrum for example in examples], model=network)
    for line in _lines(examples, table):
        print(line, file=out)
    right = sum(
        str(row["SUBCLASS"]) == example.cls
        for example, row in zip(examples, table, strict=True)
    )
    source = "they were simulated" if simulated else "the archive has them"
    print(f"\n{right} of {len(examples)} classes as {source}.", file=out, flush=True)
    figures = _figures(examples, table, network, simulated=simulated)
    made_with = f"{network.name} {network.hash}"
    paths = list(save(figures, folder, overwrite=overwrite, model=made_with))
    are = "is" if len(paths) == 1 else "are"
    said = f"{counted(len(paths), 'picture')} {are} in {folder.resolve()}"
    print(said, file=out, flush=True)
    return paths


def _examples(*, offline: bool) -> tuple[list[Example], str, bool]:
    """Return the examples, a line on what they are, and whether they are simulated."""
    reason = "--offline was given"
    if not offline:
        fetched = archive.collect()
        if fetched.examples:
            return fetched.examples, _describe(fetched), False
        host = SDSS.split("/")[2]
        reason = f"{host} {next(iter(fetched.missing.values()))}"
    examples = mocks.load()
    description = (
        f"Simulated spectra, not real ones: {len(examples)} mocks that ship with huggins "
        f"({reason})."
    )
    return examples, description, True


def _describe(fetched: archive.Collection) -> str:
    description = "Real spectra, one of each class, from the archive of SDSS (data release 17)"
    if fetched.missing:
        alike: dict[str, list[str]] = {}
        for name, why in fetched.missing.items():
            alike.setdefault(why, []).append(name)
        left = "; ".join(f"{' '.join(some)}: {why}" for why, some in alike.items())
        description += (
            f"; {len(fetched.missing)} of {len(CLASSES)} could not be fetched ({left})"
        )
    return description + "."


def _lines(examples: list[Example], table: Any) -> Iterator[str]:
    """Yield the lines of the table, in columns."""
    yield "class  huggins    prob   z true        z  ZWARNING"
    for example, row in zip(examples, table, strict=True):
        bits = int(row["ZWARNING"])
        yield (
            f"{example.cls:<5}  {row['SUBCLASS']!s:<7}  {_probability(row['PROB']):>6}  "
            f"{'~0' if example.z is None else _number(example.z, 4):>7}  "
            f"{_number(row['Z'], 4):>7}  {' '.join([str(bits), *names(bits)])}"
        )


def _figures(
    examples: list[Example], table: Any, model: Model, *, simulated: bool
) -> Iterator[tuple[str, Figure]]:
    from huggins.inference import fit_details
    from huggins.plot import plot_spectrum

    for i, (example, row) in enumerate(zip(examples, table, strict=True), start=1):
        name = Path(example.spectrum.file).name.removesuffix(".fits")
        title = (
            f"simulated {example.cls}" if simulated else f"{name} (true class {example.cls})"
        )
        if simulated and example.z is not None:
            title += f" at z = {_number(example.z, 4)}"
        fit = fit_details(example.spectrum, model=model)
        figure = plot_spectrum(example.spectrum, row, fit=fit, title=title)
        yield _picture(i, example, simulated), figure


def _picture(number: int, example: Example, simulated: bool) -> str:
    """Return the name of an example's picture, without extension."""
    name = Path(example.spectrum.file).name.removesuffix(".fits")
    return f"{number:02d}-{name}" if simulated else f"{number:02d}-{example.cls}-{name}"


def _probability(value: Any) -> str:
    from huggins.plot.words import probability_text

    return (
        "-" if np.ma.is_masked(value) else probability_text(value).lstrip("=").replace(" ", "")
    )


def _number(value: Any, digits: int) -> str:
    # Adding 0 turns a rounded -0.0 into 0.0.
    return "-" if np.ma.is_masked(value) else f"{round(float(value), digits) + 0.0:.{digits}f}"
