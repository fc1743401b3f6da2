"""Resuming a run that was interrupted."""

from __future__ import annotations

import json
import logging
import os
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from huggins.errors import InputError, OutputError
from huggins.runs.files import cannot_write, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_log = logging.getLogger(__name__)

#: Name of the file, in the folder of a run's results, of what they depend on.
RECORD: Final = ".run.json"

# What results depend on, by the option that sets it.
_NAMES: Final = {
    "huggins": "the version of huggins",
    "model": "--model",
    "threshold": "--threshold",
    "fit": "the templates of the redshift fit",
    "air": "--air",
    "selection": "the choice of --targetid, --fiber or --rows",
    "columns": "--columns",
    "best fits": "--models or --format redrock",
    "layout": "--layout",
    "min_trust": "--min-trust",
    "label_column": "--label-column",
    "targets": "the table of --targets",
    "count": "-n",
    "seed": "--seed",
    "odds": "--odds",
    "sn": "--sn",
    "survey": "--survey",
    "flaws": "--flawless",
    "grid": "--native",
    "origin": "what --templates and --noise name",
}
# Of these only digests are known.
_DIGESTS: Final = frozenset({"fit", "selection", "targets"})
# What stands for results without the redshift fit.
_NO_FIT: Final = "none"


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
                f"{path}: cannot resume, because {_differs(key, begun.get(key), value)}: give "
                "the same options, or leave out --resume"
            )


def _differs(key: str, before: Any, now: Any) -> str:
    """Return in words how something that results depend on differs, by the option it is of."""
    if key == "fit" and _NO_FIT in (before, now):
        return f"--no-redshift {_was_and_is(before == _NO_FIT, now == _NO_FIT)}"
    name = _NAMES.get(key, key)
    if key in _DIGESTS or isinstance(before, dict) or isinstance(now, dict):
        if not before or not now:
            return f"{name} {_was_and_is(bool(before), bool(now))}"
        return f"{name} is not the same"
    if key == "flaws":
        return f"{name} {_was_and_is(not before, not now)}"
    if isinstance(before, bool) or isinstance(now, bool):
        return f"{name} {_was_and_is(bool(before), bool(now))}"
    return f"{name} was {_value(before)} and is {_value(now)} now"


def _was_and_is(before: bool, now: bool) -> str:
    words = ("not given", "given")
    return f"was {words[before]} and is {words[now]} now"


def _value(value: Any) -> str:
    return "not given" if value in (None, "") else str(value)


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


def renamed(path: Path) -> Path:
    """Rename a file or folder to ``NAME.old``; where that is taken, to ``NAME.old2``."""
    numbers = chain([""], count(2))
    names = (path.with_name(f"{path.name}.old{number}") for number in numbers)
    old = next(name for name in names if not os.path.lexists(name))
    return path.replace(old)


def move_aside(path: Path) -> None:
    """Rename what an interrupted run has left (`renamed`), and say so, also with --quiet."""
    old = renamed(path)
    log = path.with_name(f"{path.name}-wal")  # SQLite's, where the process was killed
    if log.exists():
        log.replace(old.with_name(f"{old.name}-wal"))
    _log.error(
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
