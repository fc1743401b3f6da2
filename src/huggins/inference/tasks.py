"""A task: some inputs, or some spectra, that one process classifies from files to rows.

What does the work (this process, others on this machine, a cluster) gets tasks and gives parts:
the rows, each lot with how far it brings the run. How inputs are divided into tasks does not
depend on who does them, so neither do the results.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import sys
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from huggins.errors import InputError, ReadError
from huggins.formats import open_file
from huggins.inference.batch import classify_batch
from huggins.inference.journal import Place, extend

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from huggins.inference.network import Model
    from huggins.inference.settings import Settings
    from huggins.inference.table import Rows
    from huggins.spectrum import Spectrum

    Item = Spectrum | ReadError
    Part = list[tuple[Rows, Place]]

_log = logging.getLogger(__name__)

# Bytes that no file of one spectrum exceeds.
_SMALL: Final = 2**22
# Spectra of a task with the fit, which takes long: at the end of a run no process should wait
# for another.
_FITTED: Final = 32
# Bytes of the files of a task, about.
_BYTES: Final = 2**26


class Origin(NamedTuple):
    """Which input a spectrum comes from.

    Attributes
    ----------
    path
        Of the input.
    place
        How far a run has come that has done this input, but for `rows_of_last`.
    skip
        Rows that an earlier run has written already.
    """

    path: str
    place: Place
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Files:
    """Inputs that are read where they are classified."""

    origins: tuple[Origin, ...]

    def __len__(self) -> int:
        """Return how many spectra they are, if each file holds one."""
        return len(self.origins)

    def part(self, model: Model, settings: Settings, root: str = "") -> Part:
        """Classify them; their paths are relative to `root`, if not to the current folder."""
        _fetch([_path(root, origin.path) for origin in self.origins])
        items = read_origins(self.origins, settings, root)
        return [
            (classify_batch(batch, model, settings), place)
            for batch, place in batches_of(items, lot(settings))
        ]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Spectra that have been read.

    Attributes
    ----------
    items
        One batch.
    z : ndarray, or None
        Redshifts to classify the spectra among them at, where there are any.
    place
        How far they bring the run.
    """

    items: list[Item]
    z: NDArray[np.float64] | None
    place: Place

    def __len__(self) -> int:
        return len(self.items)

    def part(self, model: Model, settings: Settings) -> Part:
        """Classify them."""
        return [(classify_batch(self.items, model, settings, z=self.z), self.place)]


def origins_of(paths: Iterable[str], done: Place) -> Iterator[Origin]:
    """Give the inputs their numbers, without those that are done."""
    digest = b""
    number = 0
    for number, path in enumerate(paths, start=1):
        digest = extend(digest, path)
        if number == done.inputs and digest != done.digest:
            break
        if number >= done.inputs:
            skip = done.rows_of_last if number == done.inputs else 0
            yield Origin(path, Place(number, 0, digest), skip)
    if number < done.inputs or (number == done.inputs and digest != done.digest):
        raise InputError(
            "cannot resume, because the inputs are not those of the interrupted run: give the "
            "same ones, or leave out --resume"
        )


def read_origins(
    origins: Iterable[Origin], settings: Settings, root: str = ""
) -> Iterator[tuple[Origin, Item]]:
    """Yield the spectra of some inputs; every input yields something.

    Parameters
    ----------
    origins
        The inputs.
    settings
        How to read them, and which spectra.
    root
        Folder that their paths are relative to, where that is not the current one.
    """
    columns = dict(settings.columns)
    selection = settings.selection
    for origin in origins:
        count = 0
        path = _path(root, origin.path)
        try:
            for item in open_file(path, air=settings.air, selection=selection, columns=columns):
                count += 1
                if isinstance(item, ReadError):
                    item.path = _as_given(item.path, root) or origin.path
                else:
                    item.file = _as_given(item.file, root)
                if count > origin.skip:
                    yield origin, item
        except Exception as error:
            # A bug in a reader: one odd file must not end a run of five million, so it is
            # reported in the file's row, with the traceback in the log.
            _log.debug("%s: unexpected error", origin.path, exc_info=True)
            yield origin, ReadError(f"{error!r}, a mistake in huggins: report it", origin.path)
        else:
            if count == 0 and not selection:
                yield origin, ReadError("no spectra in this file", origin.path)


def batches_of(
    items: Iterator[tuple[Origin, Item]], size: int
) -> Iterator[tuple[list[Item], Place]]:
    """Yield spectra in batches, each with how far a run has come that has done it."""
    place, last = Place(), None
    while batch := list(islice(items, size)):
        for origin, _ in batch:
            first = origin is not last
            count = (origin.skip if first else place.rows_of_last) + 1
            place, last = origin.place._replace(rows_of_last=count), origin
        yield [item for _, item in batch], place


def tasks_of(origins: Iterator[Origin], settings: Settings) -> Iterator[Files | Loaded]:
    """Yield tasks that cover some inputs, in order.

    A small file is read by whoever classifies it. A large one holds many spectra, which several
    processes are to share: it is read here, as is what can be read only once, such as a pipe,
    and everything where what is asked of the files is itself too large to be handed around.
    """
    everything = bool(settings.selection.files) or settings.given.many
    size = lot(settings)
    sized = ((origin, _size(origin.path)) for origin in origins)
    for here, some in groupby(sized, lambda pair: everything or pair[1] > _SMALL):
        if here:
            items = read_origins((origin for origin, _ in some), settings)
            for batch, place in batches_of(items, size):
                yield Loaded(*settings.given.resolved(batch), place)
            continue
        files: list[Origin] = []
        total = 0
        for origin, count in some:
            files.append(origin)
            total += count
            if len(files) >= size or total >= _BYTES:
                yield Files(tuple(files))
                files, total = [], 0
        if files:
            yield Files(tuple(files))


def lot(settings: Settings) -> int:
    """Return how many spectra are classified together."""
    return min(settings.batch_size, _FITTED) if settings.redshift else settings.batch_size


def _size(path: str) -> int:
    """Return the bytes of a file: endless for what is none, as a pipe, 0 for what is absent."""
    try:
        known = os.stat(path)  # noqa: PTH116 (five million times)
    except (OSError, ValueError):  # the reader will say what is wrong with it
        return 0
    return known.st_size if stat.S_ISREG(known.st_mode) else sys.maxsize


def _path(root: str, path: str) -> str:
    return os.path.join(root, path) if root else path  # noqa: PTH118


def _as_given(path: str, root: str) -> str:
    """Return a path as the user gave it, with the member of an archive behind it."""
    return path.removeprefix(os.path.join(root, "")) if root else path  # noqa: PTH118


def _fetch(paths: list[str]) -> None:
    """Prefetch files, so that the disk reads the next ones while the first are classified."""
    if not hasattr(os, "posix_fadvise") or (_at_hand(paths[0]) and _at_hand(paths[-1])):
        return
    for path in paths:
        with _opened(path) as descriptor, contextlib.suppress(OSError):  # a pipe or the like
            os.posix_fadvise(descriptor, 0, _SMALL, os.POSIX_FADV_WILLNEED)


def _at_hand(path: str) -> bool:
    """Whether it is known that a file can be read without waiting for the disk: its end is."""
    if not hasattr(os, "RWF_NOWAIT"):  # Linux alone tells
        return False
    with _opened(path) as descriptor, contextlib.suppress(OSError):
        end = max(os.fstat(descriptor).st_size - 1, 0)
        return os.preadv(descriptor, [bytearray(1)], end, os.RWF_NOWAIT) == 1
    return False


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    """Open a file; -1 where it cannot be, of which the reader will say what is wrong."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        yield -1
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)
