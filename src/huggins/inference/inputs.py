"""What the user named, as a stream of paths: files, folders, patterns, lists."""

from __future__ import annotations

import glob
import logging
import os
import re
import sys
import time
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from huggins.errors import InputError, ReadError
from huggins.formats import sparcl
from huggins.formats.request import Request, asked
from huggins.inference.folders import Folders
from huggins.inference.lists import paths_of, paths_of_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from huggins.inference.folders import LeftOuts

_log = logging.getLogger(__name__)

_PATTERN: Final = re.compile(r"[*?\[]")


class Inputs:
    """The paths that a command's arguments stand for, in order, each found when it is due.

    Iterate over it once, because standard input cannot be read again.

    Parameters
    ----------
    arguments
        Files, folders (searched recursively, in the order of names), patterns, ``@list.txt``
        (see `huggins.inference.lists.paths_of`), ``-`` for such a list on standard input,
        ``sparcl:SPARCL_ID`` for a spectrum of SPARCL.
    exclude
        A path that is no input though it lies in a searched folder: the output.
    keep_left_out
        Whether files in folders that hold no spectra are inputs too, so that each gets its row.

    Attributes
    ----------
    named : tuple of str
        The arguments.
    left_out : LeftOuts
        Files met so far in folders that are left out, because they hold no spectrum.
    repeatable : bool
        Whether they can be gone through again: not those of standard input or a pipe.
    empty : list of str
        Why arguments stand for nothing, where others stand for something: folders without
        spectra, patterns that nothing matches, lists that are missing or empty.

    Raises
    ------
    InputError
        If there is nothing to do, because every argument stands for nothing. A file that does
        not exist is no such error: it gets its row.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        exclude: Path | None = None,
        keep_left_out: bool = False,
    ) -> None:
        self.named = tuple(arguments)
        if not arguments:
            raise InputError("no input: name files, folders, patterns, @list.txt or -")
        self._folders = Folders(exclude=exclude, keep=keep_left_out)
        self.repeatable = "-" not in arguments
        self._sources: list[Callable[[], Iterable[str]]] = []
        self.empty: list[str] = []
        for argument in arguments:
            try:
                self._sources.append(self._source(argument))
            except InputError as error:
                self.empty.append(str(error))
        if not self._sources:
            raise InputError("; ".join(self.empty))
        for message in self.empty:
            _log.warning("%s", message)
        self.left_out.clear()  # what the look for a first spectrum met is met again

    @property
    def left_out(self) -> LeftOuts:
        """Files met so far in folders that are left out."""
        return self._folders.left_out

    @property
    def missed(self) -> int:
        """Arguments that stand for nothing, and files left out that look like spectra."""
        return len(self.empty) + self.left_out.spectral

    def __iter__(self) -> Iterator[str]:
        self.left_out.clear()
        for source in self._sources:
            yield from source()

    def count(self, seconds: float) -> int | None:
        """Return the number of paths, or None where counting them takes longer than this."""
        if not self.repeatable:
            return None
        stop = time.monotonic() + seconds
        total = 0
        try:
            for total, _ in enumerate(self, start=1):
                if total % 256 == 0 and time.monotonic() > stop:
                    return None
        finally:
            self.left_out.clear()
        return total

    def _source(self, argument: str) -> Callable[[], Iterable[str]]:
        """Return a call that yields the paths of one argument; InputError if there are none."""
        if argument == "-":
            buffer = getattr(sys.stdin, "buffer", None)
            paths = paths_of_text(sys.stdin) if buffer is None else paths_of(buffer)
            first = next(paths, None)
            if first is None:
                raise InputError("standard input names no files: give one path a line")
            return lambda: self._listed(chain([first], paths))
        if sparcl.is_named(argument):
            sparcl.check()
            return lambda: [argument]
        if not _exists(argument) and argument.startswith("~"):
            argument = os.path.expanduser(argument)  # noqa: PTH111 (it may be a pattern)
        if _is_folder(argument):
            if next(self._folders.walk(argument), None) is None:
                raise InputError(self._nothing_in(argument))
            return lambda: self._folders.walk(argument)
        if _exists(argument) or _is_part(argument):
            return lambda: [argument]
        if argument.startswith("@"):
            return self._list_file(os.path.expanduser(argument[1:]))  # noqa: PTH111
        if _PATTERN.search(argument) and "://" not in argument:
            # Not Path.glob, which takes no absolute pattern and drops a leading "./".
            matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207
            if not matches:
                raise InputError(f"{argument}: nothing matches this pattern")
            return lambda: self._listed(matches)
        return lambda: [argument]

    def _nothing_in(self, folder: str) -> str:
        """Say that a folder holds no spectra, and what the files are that look like some."""
        message = f"{folder}: no spectra in this folder or below it"
        spectral = [file for file in self.left_out.files if file.spectral]
        if spectral:
            said = "; ".join(f"{file.path}: {file.reason}" for file in spectral[:3])
            more = f"; and {len(spectral) - 3} more" if len(spectral) > 3 else ""
            return f"{message} that can be read: {said}{more}"
        return f"{message}; name files to have them tried whatever they look like"

    def _list_file(self, path: str) -> Callable[[], Iterable[str]]:
        def paths() -> Iterator[str]:
            with Path(path).open("rb") as file:
                yield from paths_of(file)

        opened = paths()
        try:
            first = next(opened, None)
        except OSError as error:
            raise InputError(f"{path}: cannot read this list: {error.strerror}") from error
        if first is None:
            raise InputError(f"{path}: this list names no files: give one path a line")
        if Path(path).is_file():
            return lambda: self._listed(paths())
        self.repeatable = False  # a pipe, as of @<(find ...)
        return lambda: self._listed(chain([first], opened))

    def _listed(self, paths: Iterable[str]) -> Iterator[str]:
        for path in paths:
            if _is_folder(path):
                yield from self._folders.walk(path)
            else:
                yield path


def _is_folder(path: str) -> bool:
    # Not Path.is_dir, which raises where a folder above may not be entered.
    return os.path.isdir(path)  # noqa: PTH112


def _is_part(argument: str) -> bool:
    """Whether this is ``FILE[...]``: some spectra of a file that exists."""
    try:
        return asked(argument, Request())[0] != argument
    except ReadError:
        return True


def _exists(path: str) -> bool:
    return os.path.lexists(path)
