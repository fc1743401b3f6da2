"""The functions behind `huggins.classify` and the command of the same name."""

from __future__ import annotations

import logging
import os
import time
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from operator import index
from typing import TYPE_CHECKING, Any, Final

from huggins.errors import InputError
from huggins.formats import from_object, is_arrays, open_bytes, open_file
from huggins.inference.candidates import KEY as CANDIDATES_KEY
from huggins.inference.candidates import (
    beside,
    candidates_table,
    check_candidates,
    few_line,
    remove_old,
)
from huggins.inference.candidates import to_table as candidates_to_table
from huggins.inference.counting import Counts
from huggins.inference.fitting import basis_hash
from huggins.inference.given import KEY as GIVEN_KEY
from huggins.inference.given import given_objects, given_redshifts
from huggins.inference.inputs import Inputs
from huggins.inference.journal import RowJournal
from huggins.inference.models_file import check_models, write_models
from huggins.inference.network import Model, load_model
from huggins.inference.redrock import write_redrock
from huggins.inference.results import THRESHOLD_KEY, finished
from huggins.inference.runner import run_paths, run_spectra
from huggins.inference.sets import KEY as SETS_KEY
from huggins.inference.sets import calibration, checked
from huggins.inference.settings import BATCH, Settings
from huggins.inference.table import (
    Rows,
    check_output,
    provenance,
    regroup,
    to_table,
    write_rows,
)
from huggins.plurals import counted
from huggins.runs.files import check_distinct, check_no_folder, extension_of
from huggins.runs.resume import keeping
from huggins.spectrum import Spectrum
from huggins.tables.write import WRITERS, write_table
from huggins.weights import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from astropy.table import Table
    from numpy.typing import ArrayLike

    from huggins.errors import ReadError
    from huggins.inference.crew import Crew
    from huggins.runs.workers import Workers

_log = logging.getLogger(__name__)

#: The format of DESI's redrock.
REDROCK: Final = "redrock"
# Rows that an output format gets at a time.
_PART = 4096


def classify(
    inputs: Any,
    *,
    model: str | Path | Model = DEFAULT,
    batch_size: int = BATCH,
    jobs: int = 0,
    redshift: bool = True,
    threshold: float | None = None,
    air: bool = False,
    desi_columns: bool = False,
    candidates: int | None = None,
    z: str | Path | ArrayLike | None = None,
    sets: float | None = None,
) -> Table:
    """Classify spectra and measure their redshifts.

    Parameters
    ----------
    inputs
        A `Spectrum`, a specutils ``Spectrum`` or ``SpectrumList``, a path as the command takes
        it (a file, a folder, a pattern, ``@list.txt``), or a list of these.
    model
        A shipped model's name, the path of an exported one, or a loaded `Model`.
    batch_size
        Spectra in one inference.
    jobs
        Processes; 0 uses one per core, at most sixteen. Few spectra need no others than this.
    redshift
        Whether to fit rest-frame spectra on native pixels, which gives better redshifts and
        may correct the class; without it everything is the network's.
    threshold
        PROB below which ZWARNING gets LOW_PROBABILITY; None takes the model's own.
    air
        Whether the wavelengths of text files are in air.
    desi_columns
        DESI's names of columns (SPECTYPE, SUBTYPE, ZERR, ZWARN) instead of SDSS's.
    candidates
        How many different redshifts of each spectrum to give, at most, in a second table: the
        attribute ``candidates`` of the one returned.
    z
        Redshifts to classify at: one for each spectrum, one for all, or, as for ``--z``, a
        table, the name of a column of an ``@list.csv`` among the inputs, or ``PIPE_Z``.
    sets
        How often, such as 0.95, the classes in a column CLASS_SET are to hold the right one.

    Returns
    -------
    astropy.table.Table
        One row per spectrum, in order; a spectrum or file that fails has its row, with the
        reason in ERROR. What is missing is masked.

    Raises
    ------
    TypeError
        If an input is of no such kind.
    InputError
        If there is nothing to classify, as in a folder without spectra, or `candidates` is
        no whole number from 1 or goes without the fit.
    ModelError
        If there is no such model.
    """
    try:
        count = 0 if candidates is None else index(candidates)
    except TypeError as error:
        raise InputError(f"candidates must be a whole number, not {candidates!r}") from error
    if candidates is not None and count < 1:
        raise InputError(f"candidates must be at least 1, not {candidates}")
    settings = Settings(
        jobs,
        batch_size,
        threshold,
        air,
        redshift,
        candidates=count,
        sets=0.0 if sets is None else checked(sets),
    )
    network = _network(model)
    elements = list(inputs) if _is_list(inputs) else [inputs]
    parts: Iterable[Rows]
    if isinstance(z, str | os.PathLike):
        lists = [element for element in elements if isinstance(element, str)]
        settings = replace(settings, given=given_redshifts(os.fspath(z), lists))
    if z is not None and not isinstance(z, str | os.PathLike):
        spectra, given = given_objects(list(_spectra(elements, air=air)), z)
        settings = replace(settings, given=given)
        parts = run_spectra(iter(spectra), network, settings)
    elif all(isinstance(element, str | os.PathLike) for element in elements):
        arguments = [os.fspath(element) for element in elements]
        paths: Iterable[str] = Inputs(arguments) if arguments else ()
        parts = (rows for rows, _ in run_paths(paths, network, settings))
    else:
        parts = run_spectra(_spectra(elements, air=air), network, settings)
    metadata = provenance(network, _call(model, redshift=redshift), _basis(settings))
    metadata |= _asked(settings, network)
    rows = Rows.join(list(parts))
    table = to_table([rows], metadata, desi=desi_columns)
    if candidates is not None:
        table.candidates = candidates_to_table(rows, metadata, desi=desi_columns)
    return table


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of a run.

    Attributes
    ----------
    counts : Counts
        The rows of the table by class, warning and reason of failure.
    resumed : int
        Rows that an earlier run had done.
    seconds : float
        Time for the others, without starting up.
    """

    counts: Counts
    resumed: int
    seconds: float
    finished: bool = False

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self.counts.rows

    @property
    def failed(self) -> int:
        """How many of them are failed inputs."""
        return self.counts.failed


def journal_path(output: Path) -> Path:
    """Return where a run keeps its results until the table is complete.

    Raises
    ------
    OutputError
        If `output` is a folder.
    """
    check_no_folder(output)
    return output.with_name(output.name + ".part")


def classify_to_file(
    inputs: Inputs,
    output: Path,
    *,
    model: str | Path = DEFAULT,
    settings: Settings | None = None,
    workers: Workers | None = None,
    desi: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    form: str = "",
    models: Path | None = None,
    command: str = "huggins.inference.classify_to_file",
    crew: Crew | None = None,
    begin: Callable[[int], None] | None = None,
    watch: Callable[[Rows], None] | None = None,
) -> Summary:
    """Classify files into a table on disk, in constant memory and resumable.

    Parameters
    ----------
    inputs
        The files; see `Inputs`.
    output
        Where the table goes; its extension is its format. A table of ours that is there is
        replaced once the new one is complete, and only if anything could be classified.
    model, settings, desi
        As for `classify`.
    workers
        A cluster; None: this machine.
    resume
        Continue an interrupted run with the same inputs and options.
    overwrite
        Replace outputs even if they are inputs, or huggins did not write them.
    form
        Format of the table where the extension of `output` does not tell it: an extension
        without its dot, or ``redrock`` (see `huggins.inference.redrock`).
    settings.candidates
        How many different redshifts of each spectrum a table CANDIDATES gets, at most: a
        further HDU in FITS, a file beside the table otherwise
        (`huggins.inference.candidates`).
    models
        Where the best-fit models go, ``.fits`` or ``.npz`` (`huggins.inference.models_file`).
    command
        What the table records as its origin.
    crew
        Processes that help, as for `huggins.inference.runner.run_paths`.
    begin
        Called with the number of rows that an interrupted run has done.
    watch
        Called with the rows as they come.

    Raises
    ------
    InputError
        If there is nothing to do, or the run to resume was another.
    ModelError
        If there is no such model.
    OutputError
        If the table cannot be written, or a file is there that is an input or no output of
        huggins. Results so far are in the journal (`journal_path`).
    """
    settings = replace(settings or Settings(), keep=models is not None or form == REDROCK)
    if settings.keep and not settings.redshift:
        raise InputError("models and the format of redrock need the redshift fit")
    extension = _extension(form, output)
    if settings.candidates and form == REDROCK:
        raise InputError("--format redrock has no place for candidates: leave out one of them")
    if settings.sets and form == REDROCK:
        raise InputError("--format redrock has no place for --sets: leave out one of them")
    others = beside(output, extension) if settings.candidates else None
    check_distinct({"-o": output, "--models": models, "--candidates": others})
    check_output(output, inputs.named, extension=extension, overwrite=overwrite)
    if others is not None:
        check_candidates(others, inputs.named, extension=extension, overwrite=overwrite)
    if models is not None:
        check_models(models, inputs.named, overwrite=overwrite)
    network = load_model(model, threads=1)
    metadata = provenance(network, command, _basis(settings))
    metadata |= _asked(settings, network)
    depends = {
        "huggins": metadata["CREATOR"],
        "model": f"{network.name} {network.hash}",
        "threshold": settings.threshold,
        "fit": metadata["BASISSHA"],
        "air": settings.air,
        "selection": settings.selection.digest,
        "columns": dict(settings.columns),
        "best fits": settings.keep,
        "candidates": settings.candidates,
        "given redshifts": settings.given.digest,
        "sets": settings.sets,
    }
    begun = time.perf_counter()
    kept = journal_path(output)
    if resume and output.exists() and not kept.exists():
        before = finished(output, inputs, metadata, others, models, desi=desi)
        if before is not None:
            return Summary(before, before.rows, 0.0, finished=True)
        _log.warning(
            "%s is a table of other inputs, another model or other options (or does not say "
            "so), or a file beside it is gone, and no interrupted run of this one is kept: it "
            "begins anew",
            output,
        )
    with closing(RowJournal(kept, depends, resume=resume)) as journal, keeping(kept):
        resumed = journal.rows
        if resumed:
            _log.info("%s of the interrupted run are kept", counted(resumed, "spectrum"))
            if begin is not None:
                begin(resumed)
        if workers is None:
            done = run_paths(inputs, network, settings, done=journal.place, crew=crew)
        else:
            from huggins.inference.cluster import run_cluster

            done = run_cluster(inputs, str(model), settings, workers, done=journal.place)
        for rows, place in done:
            journal.append(rows, place)
            if watch is not None:
                watch(rows)
        if not journal.rows and settings.selection:
            journal.remove()
            raise InputError(f"no spectrum of {settings.selection} in these files")
        counts = Counts()
        parts = counts.counting(regroup(journal, _PART))
        again = partial(iter, journal)
        if journal.failed < journal.rows or not output.exists():
            if form == REDROCK:
                for _ in parts:  # to be counted
                    pass
                write_redrock(output, again, journal.rows, journal.widths, metadata)
            else:
                about = (journal.rows, journal.widths, metadata)
                more = []
                if settings.candidates:
                    few = few_line(journal, settings.candidates)
                    if few:
                        _log.info("%s", few)
                    about_them = (journal.candidates, journal.widths, metadata)
                    table = candidates_table(again(), *about_them, desi=desi)
                    if others is None:
                        more.append(table)
                    else:
                        write_table(others, table, extension)
                write_rows(output, parts, *about, desi=desi, extension=extension, behind=more)
                if not settings.candidates:
                    remove_old(beside(output, extension), inputs.named)
            if models is not None:
                write_models(models, again, journal.rows, journal.widths, metadata)
        else:
            for _ in parts:  # to be counted
                pass
            _log.warning("nothing could be classified: %s stays as it was", output)
        journal.remove()
        return Summary(counts, resumed, time.perf_counter() - begun)


def classify_rows(
    inputs: Inputs, *, model: str | Path = DEFAULT, settings: Settings | None = None
) -> Iterator[Rows]:
    """Classify files and yield the rows as they come, in order, without keeping them."""
    network = load_model(model, threads=1)
    for rows, _ in run_paths(inputs, network, settings or Settings()):
        yield rows


def _extension(form: str, output: Path) -> str:
    """Return the extension that stands for a format; empty where the path tells it.

    Raises
    ------
    InputError
        If there is no such format, or the name of the output tells another.
    """
    if not form:
        return ""
    extension = ".fits" if form == REDROCK else f".{form.removeprefix('.').lower()}"
    if extension not in WRITERS:
        known = ", ".join([*(name[1:] for name in WRITERS), REDROCK])
        raise InputError(f"unknown format {form!r}: known are {known}")
    named = WRITERS.get(extension_of(output))
    if named not in (None, WRITERS[extension]):
        raise InputError(
            f"{output}: its name says {extension_of(output)} and --format says {form}: leave "
            "out --format, or name another output"
        )
    return extension


def _asked(settings: Settings, network: Model) -> dict[str, str]:
    """Return what the metadata record of further tables and columns."""
    asked = {CANDIDATES_KEY: str(settings.candidates)} if settings.candidates else {}
    if settings.given.source:
        asked[GIVEN_KEY] = settings.given.digest
    if settings.threshold is not None:
        asked[THRESHOLD_KEY] = f"{settings.threshold:g}"
    if settings.sets:
        asked[SETS_KEY] = f"{settings.sets:g}"
        if network.hash != calibration()[2]:
            _log.warning(
                "sets of classes were calibrated for another network than %s: how often they "
                "hold the right class is not known",
                network.name,
            )
    return asked


def _basis(settings: Settings) -> str:
    return basis_hash() if settings.redshift else ""


def _network(model: str | Path | Model) -> Model:
    return model if isinstance(model, Model) else load_model(model, threads=1)


def _is_list(inputs: Any) -> bool:
    """Whether this is a list of inputs, and not one input."""
    if isinstance(inputs, Spectrum | str | os.PathLike) or is_arrays(inputs):
        return False
    if isinstance(inputs, list | tuple):  # as SpectrumList is one, and HDUList
        return not hasattr(inputs, "writeto")
    single = ("spectral_axis", "colnames", "columns", "read", "keys")
    return hasattr(inputs, "__iter__") and not any(hasattr(inputs, name) for name in single)


def _spectra(elements: Iterable[Any], *, air: bool) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of a list in which paths and objects are mixed."""
    for number, element in enumerate(elements):
        if isinstance(element, str | os.PathLike):
            for path in Inputs([os.fspath(element)]):
                yield from open_file(path, air=air)
        elif _is_list(element):
            yield from _spectra(element, air=air)
        else:
            yield from from_object(element, air=air, index=number, read=open_bytes)


def _call(model: str | Path | Model, *, redshift: bool) -> str:
    name = model.name if isinstance(model, Model) else str(model)
    return f"huggins.classify(..., model={name!r}, redshift={redshift})"
