"""`huggins.view`: from a table or from files to a page."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggins.errors import InputError, ReadError
from huggins.formats import from_object, open_bytes, open_file, sparcl
from huggins.view.background import Classification
from huggins.view.inspections import Inspections
from huggins.view.results import Results, columns_of
from huggins.view.samp import Samp
from huggins.view.serve import Server
from huggins.view.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggins.inference import Inputs
    from huggins.spectrum import Spectrum

#: Endings of tables of results.
_TABLES = (".fits", ".csv", ".ecsv", ".parquet", ".jsonl", ".vot", ".tsv")
# Files of which it is said why they hold no spectrum.
_REASONS = 3


class Page:
    """A page that is being served; in a notebook it shows itself.

    Attributes
    ----------
    url : str
        Its address, with the token.
    session : Session
    """

    def __init__(self, server: Server, session: Session) -> None:
        self.url, self.session = server.url, session
        self._server = server
        server.start()

    def close(self) -> None:
        """End serving it; what was inspected is on the disk."""
        self._server.stop()
        self.session.close()

    def __repr__(self) -> str:
        return f"<huggins view: {self.url}>"

    def _repr_html_(self) -> str:
        return (
            f"<iframe src='{self.url}' width='100%' height='760' "
            "style='border:1px solid #ccc'></iframe>"
            f"<p><a href='{self.url}' target='_blank'>open in a window of its own</a></p>"
        )


def view(
    source: Any,
    *,
    inspections: str | Path | None = None,
    scanner: str = "",
    blind: bool = False,
) -> Page:
    """Show classified spectra as a page; in a notebook inline.

    Parameters
    ----------
    source
        A table that `huggins.classify` returned or wrote, or anything that it takes.
    inspections
        File in which inspections are kept; see `open_session`.
    scanner
        Who inspects; the user's name where it is empty.
    blind
        Whether inspections of others stay hidden.

    Returns
    -------
    Page
        It is served until the process ends.
    """
    classification: Classification | None = None
    if hasattr(source, "colnames") and {"FILE", "CLASS"} <= set(source.colnames):
        results = Results(columns_of(source, "table"), "table", "a table in memory")
    elif isinstance(source, str | os.PathLike):
        results, classification = results_of([os.fspath(source)])
    elif _are_paths(source):
        results, classification = results_of([os.fspath(path) for path in source])
    else:
        results = Results.of_spectra(_spectra(source))
    session = open_session(
        results,
        inspections=inspections,
        scanner=scanner,
        blind=blind,
        classification=classification,
    )
    return Page(Server(session, embeddable=True), session)


def _are_paths(source: Any) -> bool:
    return (
        isinstance(source, list | tuple)
        and bool(source)
        and all(isinstance(element, str | os.PathLike) for element in source)
    )


def _spectra(source: Any) -> list[Spectrum]:
    """Return what is in memory as spectra."""
    elements = list(source) if isinstance(source, list | tuple) else [source]
    spectra: list[Spectrum] = []
    for number, element in enumerate(elements):
        for item in from_object(element, air=False, index=number, read=open_bytes):
            if isinstance(item, ReadError):
                raise item
            spectra.append(item)
    if not spectra:
        raise InputError("there are no spectra to show")
    return spectra


def results_of(
    arguments: Sequence[str], *, model: str = "huggins", where: str = ""
) -> tuple[Results, Classification | None]:
    """Read a table of results, or prepare to classify files, folders, patterns and lists.

    Returns
    -------
    results : Results
        Without rows where they are still to come.
    classification : Classification or None
        What brings them, once it is started.

    Raises
    ------
    InputError
        If there is nothing to show.
    """
    from huggins.inference.results import refuse_redrock

    for argument in arguments:
        refuse_redrock(argument)
    if len(arguments) == 1:
        path = Path(arguments[0])
        if path.is_file() and is_results(path):
            results = Results.read(path, where)
            if not len(results):
                raise InputError(f"{path}: this table has no rows: there is nothing to show")
            return results, None
    if where:
        raise InputError("--where chooses rows of a table: one that `huggins classify` wrote")
    for argument in arguments:
        named = argument != "-" and not any(sign in argument for sign in "*?[@")
        if named and not Path(argument).exists():
            raise InputError(f"{argument}: there is no such file or folder")
    from huggins.inference import Inputs
    from huggins.inference.table import to_table

    inputs = Inputs(list(arguments))
    _check_readable(inputs)
    name = f"{len(arguments)} inputs"
    if len(arguments) == 1:
        name = Path(arguments[0]).name or Path(arguments[0]).resolve().name or "spectra"
    results = Results.classified(to_table([], {}), name, ", ".join(arguments))
    return results, Classification(inputs, results, model)


def _check_readable(inputs: Inputs) -> None:
    """Look for a first spectrum, which takes no time where there are any.

    Raises
    ------
    InputError
        If no file holds one: it says why of the first few.
    """
    if not inputs.repeatable:
        return
    reasons: list[str] = []
    count = 0
    for path in inputs:
        if sparcl.is_named(path):  # fetched once, when it is classified
            return
        for item in open_file(path):
            if not isinstance(item, ReadError):
                inputs.left_out.clear()
                return
            count += 1
            if len(reasons) < _REASONS:
                reasons.append(str(item))
    more = f"; and {count - len(reasons)} more" if count > len(reasons) else ""
    raise InputError(f"there is no spectrum to show: {'; '.join(reasons)}{more}")


def is_results(path: Path) -> bool:
    """Whether a file is a table that `huggins classify` wrote, by its content."""
    from huggins.tables.read import open_table

    if not path.name.lower().removesuffix(".gz").endswith(_TABLES):
        return False
    try:
        return {"FILE", "CLASS"} <= set(open_table(path, upper=False).names)
    except InputError:
        return False


def beside(results: Results) -> Path:
    """Return where the inspections of a set are kept if nobody says otherwise."""
    source = Path(results.source)
    home = source if source.is_file() else Path(Path(results.name).stem)
    return home.with_name(f"{home.name}.inspections.sqlite")


def open_session(
    results: Results,
    *,
    inspections: str | Path | None = None,
    scanner: str = "",
    blind: bool = False,
    model: str = "huggins",
    classification: Classification | None = None,
) -> Session:
    """Put a set together with the inspections of it.

    Parameters
    ----------
    results
    inspections
        SQLite file of inspections; beside the table, ``TABLE.inspections.sqlite``, or in the
        current folder where the set has no file of its own.
    scanner, blind
        As for `view`.
    model
        Network that computes details, and classifies what is dropped on the page.
    classification
        Where rows are still to come from.
    """
    if inspections is None:
        inspections = beside(results)
    who = scanner or _user()
    kept = Inspections(Path(inspections), who, blind=blind)
    session: Session
    samp = Samp(lambda row: session.tell({"type": "row", "row": row}))
    session = Session(results, kept, model=model, samp=samp, classification=classification)
    return session


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "inspector"
