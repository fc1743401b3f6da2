"""Options that several verbs share, and what they do."""

from __future__ import annotations

import logging
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huggins.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Exit status after Ctrl-C.
INTERRUPTED = 130

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT",
        help="Files, folders (searched recursively), patterns, @list.txt (one path per line), "
        "or - for such a list on standard input.",
        show_default=False,
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        "-j",
        min=0,
        help="Threads, each with a process for its fits; 0: one per core, at most sixteen "
        "(four with --no-redshift, where more are no faster).",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only errors on standard error.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print more details.")]
Log = Annotated[
    Path | None,
    typer.Option("--log", metavar="FILE", help="Append all messages, with times, to FILE."),
]
Air = Annotated[
    bool, typer.Option("--air", help="Wavelengths of text files are in air, not in vacuum.")
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


class _Terminal(logging.Handler):
    """Writes to the current standard error, which a progress bar may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)


def start_logging(*, quiet: bool, verbose: bool, log: Path | None) -> logging.Logger:
    """Send the messages of the logger ``huggins`` to standard error and to the log file.

    Raises
    ------
    OutputError
        If the log file cannot be opened.
    """
    logger = logging.getLogger("huggins")
    for old in list(logger.handlers):  # of an earlier call in the same process
        logger.removeHandler(old)
        old.close()
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    terminal = _Terminal()
    terminal.setLevel(logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO)
    terminal.setFormatter(logging.Formatter("huggins: %(message)s"))
    logger.addHandler(terminal)
    if log is not None:
        try:
            file = logging.FileHandler(log, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise OutputError(
                f"{log}: cannot write the log: {error.strerror}; name another file"
            ) from error
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(file)
    return logger


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
def resumable(logger: logging.Logger, kept: str) -> Iterator[None]:
    """End with exit status 130 on Ctrl-C, and say in one line what is kept and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        logger.error("interrupted: %s", kept)
        raise typer.Exit(INTERRUPTED) from None
