"""Options that several verbs share, and what they switch on."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from huggins.errors import OutputError

Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        "-j",
        min=0,
        help="Threads, each with a process for its fits; 0: one a core, sixteen at most (four "
        "with --no-redshift, where more are no faster).",
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing but errors on standard error.")
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say more of what is being done.")
]
Log = Annotated[
    Path | None,
    typer.Option("--log", metavar="FILE", help="Append what is said, with times, to FILE."),
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
    """Writes to whatever standard error is at the time: a progress bar stands in for it."""

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
