"""`huggins.view`: from a table or from files to a page."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggins.errors import InputError
from huggins.view.inspections import Inspections
from huggins.view.results import Results, columns_of
from huggins.view.samp import Samp
from huggins.view.serve import Server
from huggins.view.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Endings of tables of results.
_TABLES = (".fits", ".csv", ".ecsv", ".parquet", ".jsonl", ".vot", ".tsv")


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
        self._thread = server.start()

    def __repr__(self) -> str:
        return f"<huggins view: {self.url}>"

    def _repr_html_(self) -> str:
        return (
            f"<iframe src='{self.url}' width='100%' height='760' style='border:1px solid #ccc'>"
            f"</iframe><p><a href='{self.url}' target='_blank'>open in a window of its own</a></p>"
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
    if hasattr(source, "colnames") and {"FILE", "CLASS"} <= set(source.colnames):
        results = Results(columns_of(source, "table"), "table", "a table in memory")
    elif isinstance(source, str | os.PathLike):
        results = results_of([os.fspath(source)])
    else:
        from huggins.inference import classify

        results = Results.classified(classify(source), "spectra", "spectra in memory")
    session = open_session(results, inspections=inspections, scanner=scanner, blind=blind)
    return Page(Server(session, embeddable=True), session)


def results_of(arguments: Sequence[str]) -> Results:
    """Read a table of results, or classify files, folders, patterns and lists.

    Raises
    ------
    InputError
        If there is nothing to show.
    """
    if len(arguments) == 1:
        path = Path(arguments[0])
        if path.is_file() and is_results(path):
            return Results.read(path)
    from huggins.inference import classify

    table = classify(list(arguments))
    if not len(table):
        raise InputError(f"{', '.join(arguments)}: no spectra to show")
    name = Path(arguments[0]).name if len(arguments) == 1 else f"{len(arguments)} inputs"
    return Results.classified(table, name, ", ".join(arguments))


def is_results(path: Path) -> bool:
    """Whether a file is a table that `huggins classify` wrote, by its content."""
    from huggins.tables.read import read_columns

    if not path.name.lower().removesuffix(".gz").endswith(_TABLES):
        return False
    try:
        return {"FILE", "CLASS"} <= set(read_columns(path, ("FILE", "CLASS")).names)
    except InputError:
        return False


def open_session(
    results: Results,
    *,
    inspections: str | Path | None = None,
    scanner: str = "",
    blind: bool = False,
    model: str = "huggins",
) -> Session:
    """Put a set together with the inspections of it.

    Parameters
    ----------
    results
    inspections
        SQLite file of inspections; beside the table, ``TABLE.inspections.sqlite``, or in the
        current folder where the set has no file of its own.
    scanner, blind, model
        As for `view`.
    """
    if inspections is None:
        source = Path(results.source)
        home = source if source.is_file() else Path(results.name).with_suffix("")
        inspections = home.with_name(f"{home.name}.inspections.sqlite")
    who = scanner or _user()
    kept = Inspections(Path(inspections), who, blind=blind)
    session: Session
    samp = Samp(lambda row: session.tell({"type": "row", "row": row}))
    session = Session(results, kept, model=model, samp=samp)
    return session


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "inspector"
