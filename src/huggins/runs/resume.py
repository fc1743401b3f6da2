"""Resuming a run that was interrupted."""

from __future__ import annotations

import json
import logging
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from huggins.errors import InputError, OutputError
from huggins.runs.files import cannot_write, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_log = logging.getLogger(__name__)

#: Name of the file, in the folder of a run's results, of what they depend on.
RECORD: Final = ".run.json"


def check_same_run(path: Path, begun: Mapping[str, Any], depends: Mapping[str, Any]) -> None:
    """Check that an interrupted run had the options of this one.

    Parameters
    ----------
    path
        Where the interrupted run has left its results.
    begun, depends
        What the results of the interrupted run and of this one depend on, as JSON values.

    Raises
    ------
    InputError
        If anything differs.
    """
    for key, value in depends.items():
        if begun.get(key) != value:
            raise InputError(
                f"{path}: cannot resume, because {key} was {begun.get(key)!r} and is "
                f"{value!r} now: give the same options, or leave out --resume"
            )


def check_folder(folder: Path, depends: Mapping[str, Any]) -> None:
    """Check that the results in a folder are of this very run, and record what they depend on.

    Raises
    ------
    InputError
        If the run had other options, or its record is damaged.
    """
    path = folder / RECORD
    text = json.dumps(depends, sort_keys=True)
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        write_text(path, text)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read ({error}): leave out --resume to begin anew"
        ) from error
    else:
        check_same_run(folder, begun, json.loads(text))


def move_aside(path: Path) -> None:
    """Rename what an interrupted run has left to ``NAME.old``, and log a warning."""
    old = path.with_name(f"{path.name}.old")
    if old.is_dir():
        shutil.rmtree(old, ignore_errors=True)
    path.replace(old)
    log = path.with_name(f"{path.name}-wal")  # SQLite's, where the process was killed
    if log.exists():
        log.replace(old.with_name(f"{old.name}-wal"))
    _log.warning(
        "an interrupted run had left results, now in %s: --resume would have gone on", old
    )


@contextmanager
def keeping(kept: Path) -> Iterator[None]:
    """Add to the error of an output that cannot be written that the run can be resumed.

    Parameters
    ----------
    kept
        Where its results are.

    Raises
    ------
    OutputError
        Also in place of any OSError.
    """
    try:
        yield
    except (OSError, OutputError) as error:
        reason: Exception = error
        if isinstance(error, OSError):
            reason = cannot_write(Path(error.filename or kept), error)
        raise OutputError(
            f"{reason}; what is done is kept, and --resume goes on from there"
        ) from error
