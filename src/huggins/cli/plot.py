"""`huggins plot`: spectra as pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huggins.cli import options, status
from huggins.cli.options import LOGGER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

    from huggins.inference import Model

# What is behind the name of a file: the index of a spectrum, the number of an equal name.
_NUMBERED = re.compile(r"-\d+(?:_\d+)?$|_\d+$")
# More pictures of one file than anyone wants by accident: an spPlate file holds 1000 spectra.
_MANY = 50


@options.with_messages
def plot(
    files: options.Inputs,
    output: Annotated[
        Path | None,
        options.output(
            "PNG|PDF|FOLDER",
            "One picture, a PDF with one page per spectrum, or a folder for one PNG each; "
            "without it NAME.png in the current folder.",
        ),
    ] = None,
    index: Annotated[
        list[int] | None,
        typer.Option(
            "--index", "-i", min=0, help="Row or fibre inside the file, from 0; repeatable."
        ),
    ] = None,
    second: Annotated[
        bool, typer.Option("--second", help="Show the second-best solution too.")
    ] = False,
    no_redshift: Annotated[
        bool, typer.Option("--no-redshift", help="Network only, without fit and residuals.")
    ] = False,
    all_spectra: Annotated[
        bool, typer.Option("--all", help="Plot all spectra of a file, however many.")
    ] = False,
    model: options.Model = "huggins",
    air: options.Air = False,
    overwrite: options.Overwrite = False,
) -> int:
    """Plot spectra with their best fit, residuals, lines, class probabilities and warnings."""
    from huggins.inference import load_model
    from huggins.plot import save

    limit = None if all_spectra or index else _MANY
    work = _Work(
        files, set(index or ()), load_model(model), air, limit, not no_redshift, second
    )
    drawn = 0
    target = output if output is not None else Path()
    if not overwrite:
        _check_pictures(files, target)
    for path in save(work.figures(), target, inputs=files, overwrite=overwrite):
        drawn += 1
        if not options.is_quiet():
            print(path)
    return status(drawn + work.failed, work.failed) if work.failed else 0


def _check_pictures(files: list[str], folder: Path) -> None:
    """Check, before any work, that no picture in a folder is somebody's own.

    The names of all pictures are known only when the files have been read; `save` looks again.
    """
    from huggins.inference import Inputs
    from huggins.runs.files import check_replaceable

    if "-" in files or not folder.is_dir():
        return
    there: dict[str, list[Path]] = {}
    for picture in folder.glob("*.png"):
        stem = _NUMBERED.sub("", picture.stem)
        for name in {stem, picture.stem}:
            there.setdefault(name, []).append(picture)
    for path in Inputs(files) if there else ():
        for picture in there.get(_stem(path), ()):
            check_replaceable(picture)


@dataclass
class _Work:
    """The figures of a call, and how many inputs failed while they were made."""

    files: list[str]
    index: set[int]
    model: Model
    air: bool
    limit: int | None
    fit: bool
    second: bool
    failed: int = 0

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Yield the name and the figure of each spectrum."""
        from huggins.inference import Inputs

        taken: dict[str, int] = {}
        for path in Inputs(self.files):
            for name, figure in self._of_file(path):
                # Spectra of one name in several folders must not overwrite one another.
                taken[name] = taken.get(name, 0) + 1
                yield (name if taken[name] == 1 else f"{name}_{taken[name]}"), figure

    def _of_file(self, path: str) -> Iterator[tuple[str, Figure]]:
        import numpy as np

        from huggins.errors import InputError, ReadError
        from huggins.formats import open_file
        from huggins.inference import classify, fit_details
        from huggins.plot import plot_spectrum

        held, errors, spectra = 0, [], []
        for item in open_file(path, air=self.air):
            held += 1
            if isinstance(item, ReadError):
                errors.append(item)
            elif not self.index or item.index in self.index:
                spectra.append(item)
            if self.limit is not None and len(spectra) > self.limit:
                raise InputError(
                    f"{path}: holds more than {self.limit} spectra: choose some with "
                    "--index N (several are allowed), or say --all"
                )
        for error in errors:
            # What nobody asked for may be broken, unless it is the file as a whole.
            if not self.index or error.index in self.index or held == 1:
                self._complain(f"{error} [{error.index}]" if error.index else str(error))
        indices = {s.index for s in spectra} | {error.index for error in errors}
        for missing in sorted(self.index - indices) if held > 1 or not errors else ():
            self._complain(f"{path}: there is no spectrum {missing}: it holds {held}")
        if not spectra:
            return
        table = classify(spectra, model=self.model, redshift=self.fit)
        stem = _stem(path)
        for spectrum, row in zip(spectra, table, strict=True):
            name = f"{stem}-{spectrum.index}" if held > 1 else stem
            # A row without a class is that of a spectrum with no pixel to fit.
            fitted = self.fit and row["CLASS"] and not np.ma.is_masked(row["Z"])
            fit = fit_details(spectrum, model=self.model) if fitted else None
            yield name, plot_spectrum(spectrum, row, fit=fit, second=self.second)

    def _complain(self, message: str) -> None:
        self.failed += 1
        LOGGER.error("%s", message)


def _stem(path: str) -> str:
    """Return a file's name without its extensions.

    >>> _stem("a/spec-55859-F5902_sp01-013.fits.gz")
    'spec-55859-F5902_sp01-013'
    """
    name = Path(path).name
    for extension in islice(reversed(Path(path).suffixes), 2):
        if extension.lower() in (".gz", ".bz2", ".fits", ".fit", ".txt", ".csv", ".ecsv"):
            name = name.removesuffix(extension)
    return name or "spectrum"
