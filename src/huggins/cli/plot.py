"""`huggins plot`: spectra as pictures."""

from __future__ import annotations

import re
import signal
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, islice
from pathlib import Path
from threading import Event, current_thread, main_thread
from typing import TYPE_CHECKING, Annotated

import typer

from huggins.cli import options, status
from huggins.cli.options import LOGGER
from huggins.errors import InputError
from huggins.plurals import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    from matplotlib.figure import Figure

    from huggins.cli.progress import Meter
    from huggins.inference import Model
    from huggins.inference.results import Spectra
    from huggins.spectrum import Spectrum

# What is behind the name of a file: the index of a spectrum, the number of an equal name.
_NUMBERED = re.compile(r"-\d+(?:_\d+)?$|_\d+$")
# More pictures of one file than anyone wants by accident: an spPlate file holds 1000 spectra.
_MANY = 50
# Seconds for one figure: 12 BOSS spectra took 4.5 s longer than 2, on one core.
_SECONDS = 0.5
# How long the inputs are counted before the first figure.
_COUNTING = 2.0


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
    where: Annotated[
        str,
        typer.Option(
            "--where",
            "-w",
            metavar="EXPR",
            help='Rows of a table of results to plot, such as "ZWARNING != 0 and CLASS == '
            "'QSO'\".",
        ),
    ] = "",
    number: Annotated[
        int | None,
        typer.Option("--number", "-n", min=1, metavar="N", help="Plot at most N spectra."),
    ] = None,
    model: options.Model = "huggins",
    air: options.Air = False,
    overwrite: options.Overwrite = False,
) -> int:
    """Plot spectra with their best fit, residuals, lines, class probabilities and warnings.

    A FILE that is a table of results (of huggins classify) stands for the spectra of its rows.
    """
    from huggins.cli.progress import Meter
    from huggins.inference import load_model
    from huggins.inference.results import holds_rows, refuse_redrock
    from huggins.plot import save

    for file in files:
        refuse_redrock(file)
    tables = [file for file in files if holds_rows(file)]
    others = [file for file in files if file not in tables]
    if where and not tables:
        raise InputError(
            f"--where chooses rows of a table of results, and {files[0]} is none: give the "
            "output of huggins classify"
        )
    limit = None if all_spectra or index else _MANY
    network = load_model(model)
    work = _Work(others, set(index or ()), network, air, limit, not no_redshift, second)
    asked = _asked(tables, others, where, number, work, everything=all_spectra)
    drawn = 0
    target = output if output is not None else Path()
    if not overwrite:
        _check_pictures([*others, *(spectra.path for spectra in work.rows)], target)
    figures = islice(work.figures(), number)
    inputs = [*files, *(spectra.path for spectra in work.rows)]
    meter = Meter("figures", asked)
    with _heard() as asked_to_end:
        shown = _shown(figures, meter, asked_to_end)
        made_with = f"{network.name} {network.hash}"
        pictures = save(shown, target, inputs=inputs, overwrite=overwrite, model=made_with)
        for path in pictures:
            drawn += 1
            if not options.is_quiet():
                print(path)
    return status(drawn + work.failed, work.failed) if work.failed else 0


def _asked(
    tables: list[str],
    others: list[str],
    where: str,
    number: int | None,
    work: _Work,
    *,
    everything: bool,
) -> int | None:
    """Find the rows of tables, and say how many figures there will be and how long they take.

    Returns
    -------
    int or None
        Figures to come, one a file where a file may hold many; None where nobody knows.
    """
    from huggins.inference import Inputs
    from huggins.inference.given import were_given
    from huggins.inference.results import rows_where, spectra_of
    from huggins.tables.columns import Columns

    asked = 0
    most = number if number is not None else None if everything else _MANY
    for path in tables:
        rows = rows_where(path, where)
        if were_given(rows):
            LOGGER.info(
                "%s: its redshifts were given (--z); figures show those that the fit finds",
                path,
            )
        left = len(rows) if most is None else max(most - asked, 0)
        if len(rows) > left:
            LOGGER.info(
                "%s: the first %d of %s: -n N plots more, --all plots all",
                path,
                left,
                counted(len(rows), "row"),
            )
            head = {name: values[:left] for name, values in rows.values.items()}
            rows = Columns(rows.path, head, rows.metadata)
        work.rows += spectra_of(rows) if left else ()
        asked += len(rows)
    found = Inputs(others).count(_COUNTING) if others else 0
    if found is None:
        LOGGER.info("plotting many spectra, about %.1f s for each", _SECONDS)
        return None
    unit = "file" if found and not asked else "spectrum"
    asked += found
    asked = asked if number is None else min(asked, number)
    if asked > 1:
        left_text = timedelta(seconds=max(1, round(asked * _SECONDS)))
        LOGGER.info("plotting %s, about %s", counted(asked, unit), left_text)
    return asked


@contextmanager
def _heard() -> Iterator[Event]:
    """Note Ctrl-C besides raising KeyboardInterrupt, which is lost in a callback of C code.

    Those of weak references in matplotlib are such: Python prints what they raise, and goes on.
    """
    ended = Event()

    def note(number: int, frame: FrameType | None) -> None:
        ended.set()
        raise KeyboardInterrupt

    if current_thread() is not main_thread():
        yield ended
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield ended
        if ended.is_set():
            raise KeyboardInterrupt
    finally:
        signal.signal(signal.SIGINT, before)


def _shown(
    figures: Iterable[tuple[str, Figure]], meter: Meter, ended: Event
) -> Iterator[tuple[str, Figure]]:
    """Yield figures and show how many there are, until the end is asked for."""
    with meter:
        for done, figure in enumerate(figures, start=1):
            if ended.is_set():
                raise KeyboardInterrupt
            yield figure
            meter.show(done)


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
    rows: list[Spectra] = field(default_factory=list)

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Yield the name and the figure of each spectrum."""
        taken: dict[str, int] = {}
        of_files = (each for path in self._paths() for each in self._of_file(path))
        of_rows = (each for spectra in self.rows for each in self._of_rows(spectra))
        for name, figure in chain(of_rows, of_files):
            # Spectra of one name in several folders must not overwrite one another.
            taken[name] = taken.get(name, 0) + 1
            yield (name if taken[name] == 1 else f"{name}_{taken[name]}"), figure

    def _paths(self) -> Iterator[str]:
        from huggins.inference import Inputs

        if self.files:
            found = Inputs(self.files)
            yield from found
            self.failed += found.missed

    def _of_rows(self, rows: Spectra) -> Iterator[tuple[str, Figure]]:
        """Yield the figures of some spectra of a file that a table names."""
        from huggins.errors import ReadError
        from huggins.formats import open_file
        from huggins.formats.request import Selection

        wanted = Selection(indices=frozenset(rows.indices), strict=False)
        spectra = {}
        for item in open_file(rows.path, air=self.air, selection=wanted):
            if isinstance(item, ReadError):
                self._complain(f"{item} [{item.index}]" if item.index else str(item))
            else:
                spectra[item.index] = item
        found = [spectra[index] for index in rows.indices if index in spectra]
        yield from self._drawn(found, rows.path, numbered=rows.of_many)

    def _of_file(self, path: str) -> Iterator[tuple[str, Figure]]:
        from huggins.errors import ReadError
        from huggins.formats import open_file

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
        yield from self._drawn(spectra, path, numbered=held > 1)

    def _drawn(
        self, spectra: list[Spectrum], path: str, *, numbered: bool
    ) -> Iterator[tuple[str, Figure]]:
        """Yield the figures of spectra of one file."""
        import numpy as np

        from huggins.inference import classify, fit_details
        from huggins.plot import plot_spectrum

        if not spectra:
            return
        table = classify(spectra, model=self.model, redshift=self.fit)
        stem = _stem(path)
        for spectrum, row in zip(spectra, table, strict=True):
            name = f"{stem}-{spectrum.index}" if numbered else stem
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
