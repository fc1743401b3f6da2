"""What the user named, as a stream of paths: files, folders, patterns, lists."""

from __future__ import annotations

import glob
import io
import logging
import os
import re
import sys
import time
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from huggins.errors import InputError, ReadError
from huggins.formats import identify, open_file
from huggins.formats.request import Request, asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_log = logging.getLogger(__name__)

# In a folder these are taken without a look inside, so that a damaged one gets its row too.
_SPECTRUM_NAME: Final = re.compile(r"\.(?:fits?(?:\.gz|\.fz|\.bz2)?|fz)$", re.IGNORECASE)
# FITS files that the surveys keep beside their spectra and that hold none.
_COMPANION: Final = re.compile(
    r"(?:spZ(?:best|all|line)|sp(?:C?Frame|Sky|Arc|Flat|Flux\w*)|photo\w*Plate|spectroPhoto|"
    r"redrock|rrdetails|zbest|zmtl|emline|qso_(?:mgii|qn)|tile-qa|specObj|spAll|platelist)\b"
)
_PATTERN: Final = re.compile(r"[*?\[]")


class Inputs:
    """The paths that a command's arguments stand for, in order, each found when it is due.

    Iterate over it once, because standard input cannot be read again.

    Parameters
    ----------
    arguments
        Files, folders (searched recursively, in the order of names), patterns, ``@list.txt``
        (a path a line), ``-`` for such a list on standard input.
    exclude
        A path that is no input though it lies in a searched folder: the output.

    Attributes
    ----------
    named : tuple of str
        The arguments.
    left_out : int
        Files met so far in folders that are left out, because they hold no spectrum.

    Raises
    ------
    InputError
        If there is nothing to do: a folder without spectra, a pattern that nothing matches, a
        list that is missing or empty. A file that does not exist is no such error: it gets
        its row.
    """

    def __init__(self, arguments: Sequence[str], *, exclude: Path | None = None) -> None:
        self.left_out = 0
        self.named = tuple(arguments)
        if not arguments:
            raise InputError("no input: name files, folders, patterns, @list.txt or -")
        self._exclude = None if exclude is None else exclude.absolute()
        self._repeatable = "-" not in arguments
        self._sources = [self._source(argument) for argument in arguments]
        self.left_out = 0  # what the look for a first spectrum met is met again

    def __iter__(self) -> Iterator[str]:
        for source in self._sources:
            yield from source()

    def count(self, seconds: float) -> int | None:
        """Return the number of paths, or None where counting them takes longer than this."""
        if not self._repeatable:
            return None
        stop = time.monotonic() + seconds
        total = 0
        try:
            for total, _ in enumerate(self, start=1):
                if total % 256 == 0 and time.monotonic() > stop:
                    return None
        finally:
            self.left_out = 0
        return total

    def _source(self, argument: str) -> Callable[[], Iterable[str]]:
        """Return a call that yields the paths of one argument; complain if there are none."""
        if argument == "-":
            if isinstance(sys.stdin, io.TextIOWrapper):
                sys.stdin.reconfigure(errors="surrogateescape")  # names may be any bytes
            lines = _lines(sys.stdin)
            first = next(lines, None)
            if first is None:
                raise InputError("standard input names no files: give one path a line")
            return lambda: self._listed(chain([first], lines))
        if _is_folder(argument):
            if next(self._walk(argument), None) is None:
                raise InputError(
                    f"{argument}: no spectra in this folder or below it; "
                    "name files to have them tried whatever they look like"
                )
            return lambda: self._walk(argument)
        if _exists(argument) or _is_part(argument):
            return lambda: [argument]
        if argument.startswith("@"):
            return self._list_file(argument[1:])
        if _PATTERN.search(argument):
            # Not Path.glob, which takes no absolute pattern and drops a leading "./".
            matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207
            if not matches:
                raise InputError(f"{argument}: nothing matches this pattern")
            return lambda: self._listed(matches)
        return lambda: [argument]

    def _list_file(self, path: str) -> Callable[[], Iterable[str]]:
        def lines() -> Iterator[str]:
            with Path(path).open(encoding="utf-8", errors="surrogateescape") as file:
                yield from _lines(file)

        opened = lines()
        try:
            first = next(opened, None)
        except OSError as error:
            raise InputError(f"{path}: cannot read this list: {error.strerror}") from error
        if first is None:
            raise InputError(f"{path}: this list names no files: give one path a line")
        if Path(path).is_file():
            return lambda: self._listed(lines())
        self._repeatable = False  # a pipe, as of @<(find ...)
        return lambda: self._listed(chain([first], opened))

    def _listed(self, paths: Iterable[str]) -> Iterator[str]:
        for path in paths:
            if _is_folder(path):
                yield from self._walk(path)
            else:
                yield path

    def _walk(self, folder: str, above: tuple[tuple[int, int], ...] = ()) -> Iterator[str]:
        """Yield the spectra in a folder and below, by name; only names are held."""
        try:
            status = Path(folder).stat()
            with os.scandir(folder) as entries:
                names = sorted(filter(None, map(_name, entries)))
        except OSError:
            yield folder  # it gets a row that says why it cannot be searched
            return
        here = (status.st_dev, status.st_ino)
        if here in above:
            _log.info("%s: a link to a folder above it, left out", folder)
            return
        for name in names:
            path = os.path.join(folder, name.rstrip("/"))  # noqa: PTH118 (5 million times)
            if name.endswith("/"):
                yield from self._walk(path, (*above, here))
            elif self._is_spectrum(path, name):
                yield path
            else:
                _log.debug("%s: no spectrum, left out", path)
                self.left_out += 1

    def _is_spectrum(self, path: str, name: str) -> bool:
        if self._exclude is not None and Path(path).absolute() == self._exclude:
            return False
        if _SPECTRUM_NAME.search(name):
            return _COMPANION.match(name) is None
        try:
            reader = identify(path)
        except ReadError:
            return False
        # Any text looks like text, and any archive like one: a look inside tells.
        return reader not in ("text", "zip", "tar") or _holds_spectrum(path)


def _name(entry: os.DirEntry[str]) -> str:
    """Return the name of a file, of a folder with "/" behind it, or "" where it is neither."""
    if entry.name.startswith("."):
        return ""
    try:
        if entry.is_dir():
            return f"{entry.name}/"
        return entry.name if entry.is_file() or entry.is_symlink() else ""
    except OSError:  # a link to itself: reading it will say so
        return entry.name


def _holds_spectrum(path: str) -> bool:
    first = next(open_file(path), None)
    return first is not None and (
        not isinstance(first, ReadError) or first.spectrum is not None
    )


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


def _lines(file: Iterable[str]) -> Iterator[str]:
    """Yield the paths in a list: one a line; blank lines and comments (#) are left out."""
    for line in file:
        path = line.strip()
        if path and not path.startswith("#"):
            yield path
