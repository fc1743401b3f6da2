"""Options that several verbs share, and what they do."""

from __future__ import annotations

import logging
import re
import shlex
import sys
from contextlib import contextmanager
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huggins.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# How each line of a log begins.
_LOGGED = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d")
# Options of verbs that name a file to be written, by parameter.
_OUTPUTS = {
    "output": "-o",
    "models": "--models",
    "features": "--features",
    "page": "--page",
    "apply": "--apply",
}
#: Exit status after Ctrl-C.
INTERRUPTED = 130
#: Standard error and the file of --log, as `with_messages` sets them up.
LOGGER = logging.getLogger("huggins")

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT",
        help="Files, folders (searched recursively), patterns, @list.txt (one path per line), "
        "or - for such a list on standard input.",
        show_default=False,
    ),
]
ViewInputs = Annotated[
    list[str],
    typer.Argument(
        metavar="TABLE|FILES|FOLDER",
        help="A table that `huggins classify` wrote, or spectra, classified first.",
        show_default=False,
    ),
]
Where = Annotated[
    str,
    typer.Option(
        "--where", "-w", metavar="EXPR", help="Rows of TABLE, such as 'ZWARNING != 0'."
    ),
]
Inspections = Annotated[
    Path | None,
    typer.Option(
        "--inspections",
        metavar="FILE",
        help="File of inspections; the one beside TABLE if not given.",
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        "-j",
        min=0,
        help="Processes; 0: one per core, at most sixteen. Few spectra need one only.",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")]
_Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only errors on standard error.")
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Replace an output even if it is an input or no output of huggins.",
    ),
]
_Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print more details.")]
_Log = Annotated[
    Path | None,
    typer.Option("--log", metavar="FILE", help="Append all messages, with times, to FILE."),
]
Air = Annotated[
    bool,
    typer.Option(
        "--air", help="Wavelengths are in air where the file does not say, not in vacuum."
    ),
]
TargetIds = Annotated[
    list[str] | None,
    typer.Option(
        "--targetid",
        metavar="ID[,ID]|@LIST",
        help="Only the spectra of these TARGETIDs; the rest of the files is not read. "
        "FILE[ID] as an input does the same for one file.",
    ),
]
Fibers = Annotated[
    list[str] | None,
    typer.Option(
        "--fiber", metavar="N[,N]|@LIST", help="Only these fibres, by FIBERID (FIBER in DESI)."
    ),
]
Rows = Annotated[
    Path | None,
    typer.Option(
        "--rows",
        metavar="TABLE",
        help="Only the spectra in this table: by FILE and INDEX, TARGETID, or FIBERID.",
    ),
]
ColumnNames = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        metavar="ROLE=NAME[,...]",
        help="What columns or arrays with unusual names are: "
        "wavelength=wl,flux=spec,error=sigma.",
    ),
]
Cluster = Annotated[
    str, typer.Option("--cluster", metavar="ADDRESS", help="Scheduler of a Dask cluster.")
]
Slurm = Annotated[
    bool,
    typer.Option(
        "--slurm",
        help="Start Dask workers by SLURM, --jobs of them, as jobqueue.yaml describes them.",
    ),
]
Model = Annotated[
    str,
    typer.Option("--model", metavar="NAME|PATH", help="A shipped model's name, or a file."),
]
Match = Annotated[
    str,
    typer.Option(
        "--match",
        metavar="WAY",
        help="How results find their label: path, plate (PLATE-MJD-FIBERID), specobjid, "
        "targetid, sky (1 arcsec), or auto: the first that works.",
    ),
]
Radius = Annotated[
    float,
    typer.Option("--radius", metavar="ARCSEC", help="Positions within it are the same object."),
]


def output(metavar: str, help: str, *, show_default: bool = True) -> Any:  # noqa: A002 (as typer)
    """Return the option --output."""
    return typer.Option("--output", "-o", metavar=metavar, help=help, show_default=show_default)


class _Terminal(logging.Handler):
    """Writes to the current standard error, which a progress bar may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)


def with_messages(verb: Callable[..., int]) -> Callable[..., int]:
    """Add --quiet, --verbose and --log to a verb: it writes its messages to `LOGGER`."""

    @wraps(verb)
    def run(*args: Any, quiet: bool, verbose: bool, log: Path | None, **kwargs: Any) -> int:
        from huggins.runs.files import check_distinct

        _start_logging(quiet=quiet, verbose=verbose)
        named = {option: kwargs.get(name) for name, option in _OUTPUTS.items()}
        check_distinct({**named, "--log": log})
        if log is not None:
            _append_to(log)
        return verb(*args, **kwargs)

    own = signature(verb, eval_str=True)
    added = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=option)
        for name, default, option in (
            ("quiet", False, _Quiet),
            ("verbose", False, _Verbose),
            ("log", None, _Log),
        )
    ]
    parameters = [*own.parameters.values(), *added]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    return run


def _start_logging(*, quiet: bool, verbose: bool) -> None:
    for old in list(LOGGER.handlers):  # of an earlier call in the same process
        LOGGER.removeHandler(old)
        old.close()
    LOGGER.propagate = False
    LOGGER.setLevel(logging.DEBUG)
    terminal = _Terminal()
    terminal.setLevel(logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO)
    terminal.setFormatter(logging.Formatter("huggins: %(message)s"))
    LOGGER.addHandler(terminal)


def _append_to(log: Path) -> None:
    """Append all messages to a log too."""
    _check_log(log)
    try:
        file = logging.FileHandler(log, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise OutputError(
            f"{log}: cannot write the log: {error.strerror}; name another file"
        ) from error
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOGGER.addHandler(file)


def is_quiet() -> bool:
    """Whether the verb was called with --quiet."""
    return any(
        isinstance(handler, _Terminal) and handler.level >= logging.ERROR
        for handler in LOGGER.handlers
    )


def _check_log(path: Path) -> None:
    """Check that a log is appended to a log: behind -l the shell may put a spectrum."""
    try:
        with path.open("rb") as file:
            first = file.read(20)
    except OSError:  # not there yet, or a device; what is wrong is said where it is opened
        return
    if first and not _LOGGED.match(first):
        raise OutputError(
            f"{path}: exists and is no log of huggins, so nothing is appended to it: name "
            "another file behind --log"
        )


def command_line(context: typer.Context) -> str:
    """Return the command as it was given, for the metadata of outputs."""
    return shlex.join(["huggins", *context.obj])


def pairs(texts: Iterable[str], option: str, example: str) -> dict[str, str]:
    """Return the values of a repeatable option ``ROLE=NAME`` by role.

    Raises
    ------
    InputError
        If one is not of that form.
    """
    values = {}
    for text in texts:
        role, _, name = (word.strip() for word in text.partition("="))
        if not (role and name):
            raise InputError(
                f"{option}: {text!r} is not of the form ROLE=NAME, such as {example}"
            )
        values[role] = name
    return values


@contextmanager
def resumable(kept: str) -> Iterator[None]:
    """End with exit status 130 on Ctrl-C, and say in one line what is kept and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        LOGGER.error("interrupted: %s", kept)
        raise typer.Exit(INTERRUPTED) from None


def column_names(texts: Iterable[str] | None) -> dict[str, str]:
    """Return what --columns says: names of columns by what they are.

    Raises
    ------
    InputError
        If it is not of that form.
    """
    parts = [part for text in texts or () for part in text.split(",")]
    return pairs(parts, "--columns", "wavelength=wl,flux=spec")
