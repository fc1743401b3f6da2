"""The `huggins` command: one thin module per verb, imported only when it is called.

A verb is a module of this package with a function of the same name. The function's annotated
parameters are its arguments and options, its docstring is its help, and what it returns is the
exit status (None means 0). It imports inside itself whatever is slow to import. Options that
several verbs share are in `huggins.cli.options`.
"""

from __future__ import annotations

import atexit
import errno
import gc
import io
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from huggins import __version__
from huggins.cli.help import Verb, Verbs
from huggins.cli.options import INTERRUPTED
from huggins.errors import HugginsError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The verbs, in the order of `huggins --help`.
VERBS: Final = (
    "classify",
    "info",
    "plot",
    "view",
    "report",
    "demo",
    "catalog",
    "download",
    "shrink",
    "build",
    "labels",
    "templates",
    "simulate",
    "train",
    "evaluate",
    "export",
    "models",
)

# How typer's completion calls the command; its scripts for the shells set it.
_COMPLETE: Final = "_HUGGINS_COMPLETE"
#: Exit statuses besides 0: some inputs failed; wrong usage or nothing done.
SOME_FAILED: Final = 1
NOTHING_DONE: Final = 2

# At its end Python looks through all objects for garbage, which would take a fifth as long as
# the whole start; the memory goes back to the system anyway.
atexit.register(gc.freeze)

# The root of every usage error. Typer's versions have it under different names.
_UsageError: Any = typer.BadParameter.__mro__[2]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv
        Arguments without the program's name; None takes those of the process.

    Returns
    -------
    int
        Exit status: 0 all done; 1 done, but some inputs failed; 2 wrong usage or nothing done;
        130 interrupted.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names may hold characters that the encoding lacks: they are escaped.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        command = _command(args)
        if _COMPLETE in os.environ:  # a shell asks what could stand at the end of a line
            command.main([], prog_name="huggins")
        # Verbs find the arguments in `context.obj`, for the record of what was called.
        with command.make_context("huggins", args[:] or ["--help"], obj=args) as context:
            status = command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as end:
        return int(end.exit_code)
    except SystemExit as end:  # typer's, after completion was installed or given
        return end.code if isinstance(end.code, int) else 0
    except _UsageError as error:
        return _complain(_usage(error), NOTHING_DONE)
    except HugginsError as error:
        return _complain(str(error), NOTHING_DONE)
    except (KeyboardInterrupt, typer.Abort):
        return _complain("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read standard output has gone (`| head`), and nothing is wrong with that.
        _discard_output()
        return 0
    except OSError as error:
        if error.filename is not None:
            name = os.fsdecode(error.filename)
            shown = name if len(name) < 300 else f"{name[:300]}..."
            return _complain(f"{shown}: {error.strerror}", NOTHING_DONE)
        if error.errno != errno.ENOSPC:
            raise
        # What names no file is standard output; every other place is written with care.
        _discard_output()
        return _complain("cannot write to standard output: no space left", NOTHING_DONE)
    return int(status or 0)


def _discard_output() -> None:
    """Send what is still in the buffer nowhere, or Python would complain at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _command(args: Sequence[str]) -> Any:
    """Build the command with the verb that is called, or with all of them for the help."""
    # Rich would make help and usage errors prettier, and the command 0.2 s slower.
    app = typer.Typer(
        cls=Verbs,
        add_completion=not args or args[0] not in VERBS,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    for verb in args[:1] if args and args[0] in VERBS else VERBS:
        app.command(verb, cls=Verb)(getattr(import_module(f"huggins.cli.{verb}"), verb))
    return typer.main.get_command(app)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"huggins {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Classify optical spectra and measure their redshifts."""


def status(rows: int, failed: int) -> int:
    """Return the exit status for `rows` inputs of which `failed` failed."""
    if failed == rows:
        return NOTHING_DONE
    return SOME_FAILED if failed else 0


def _complain(message: str, status: int) -> int:
    """Print an error on one line of standard error."""
    print(f"huggins: {' '.join(message.split())}", file=sys.stderr)
    return status


def _usage(error: Any) -> str:
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "huggins"
    message = " ".join(error.format_message().split()).rstrip(".")
    return f"{message} (see `{where} --help`)"
