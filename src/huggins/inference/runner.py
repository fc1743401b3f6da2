"""Many inputs at once: reading and classifying in parallel, results in order.

A few threads share two kinds of work: reading files, and classifying a batch of spectra from
pixels to rows. ONNX Runtime releases the interpreter's lock, so one thread reads or prepares
while others run the network, which they share. Reading ahead is bounded, so memory does not
grow with the number of inputs.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from huggins.errors import InputError, ReadError
from huggins.formats import ALL, Selection, open_file
from huggins.inference.batch import TURN, classify_batch
from huggins.inference.fitting import FitPool
from huggins.inference.given import NOTHING, Given
from huggins.inference.journal import Place, extend
from huggins.inference.sets import checked
from huggins.redshift.alternatives import MOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from huggins.inference.network import Model
    from huggins.inference.table import Rows
    from huggins.spectrum import Spectrum

    Item = Spectrum | ReadError
    _Source = Iterator[tuple["Origin", Item]]
    _Reading = tuple[_Source, Future[list[tuple["Origin", Item]]]]

_log = logging.getLogger(__name__)

#: Spectra in one inference: more need more memory and are no faster.
BATCH: Final = 128
# Largest default number of threads, without and with the fit.
_THREADS: Final = 4
_FITTING: Final = 16
# Bytes of a file that are prefetched: more than any file of one spectrum has.
_FETCHED: Final = 2**22


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run; `jobs`, `batch_size` and `keep` do not change results.

    Attributes
    ----------
    jobs
        Threads; 0 uses one per core, at most four: more are no faster, because only one at a
        time can read or prepare, but need more memory. With the fit, which takes most of the
        time, each has a process for it, and 0 uses up to sixteen.
    batch_size
        Spectra in one inference.
    threshold
        PROB below which LOW_PROBABILITY is set; None takes the model's own.
    air
        Whether text files give air wavelengths.
    redshift
        Whether to fit redshifts on native pixels, rather than take the network's.
    selection
        Which spectra of the files.
    columns
        What columns with unusual names are: pairs of ``wavelength`` and the like and a name.
    keep
        Whether the rows get their best fits too: chi2, coefficients, model.
    candidates
        How many different redshifts the rows get too, at most; 0: none.
    given
        Redshifts to classify at, instead of measuring them.
    sets
        How often the sets of classes are to hold the right one; 0: there are none.
    """

    jobs: int = 0
    batch_size: int = BATCH
    threshold: float | None = None
    air: bool = False
    redshift: bool = True
    selection: Selection = ALL
    columns: tuple[tuple[str, str], ...] = ()
    keep: bool = False
    candidates: int = 0
    given: Given = NOTHING
    sets: float = 0.0

    def __post_init__(self) -> None:
        if self.jobs < 0:
            raise InputError(f"jobs must be 0 (to leave it open) or more, not {self.jobs}")
        if self.batch_size < 1:
            raise InputError(f"the batch size must be at least 1, not {self.batch_size}")
        if self.threshold is not None and not 0.0 <= self.threshold <= 1.0:
            raise InputError(f"the threshold must be from 0 to 1, not {self.threshold}")
        if self.candidates and not self.redshift:
            raise InputError(
                "candidates come from the redshift fit: leave out --no-redshift (in Python "
                "redshift=False), or --candidates"
            )
        if self.given.source and not self.redshift:
            raise InputError(
                "the fit is what a redshift is given to: leave out --no-redshift (in Python "
                "redshift=False), or --z"
            )
        if self.given.source and self.candidates:
            raise InputError(
                "with a given redshift there is one candidate: leave out --candidates or --z"
            )

        if self.sets:
            checked(self.sets)

    @property
    def alternatives(self) -> int:
        """Room for different redshifts in a row, which are never more than `MOST`."""
        return min(self.candidates, MOST)

    @property
    def threads(self) -> int:
        """Threads to run."""
        return self.jobs or min(cores(), _FITTING if self.redshift else _THREADS)


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_paths(
    paths: Iterable[str], model: Model, settings: Settings, *, done: Place | None = None
) -> Iterator[tuple[Rows, Place]]:
    """Classify files, in order.

    Parameters
    ----------
    paths
        Files of any known format.
    model
        The network, with one thread an inference.
    settings
        How to run.
    done
        What an earlier run did, which is left out.

    Yields
    ------
    rows : Rows
        One or more for every path.
    place : Place
        How far they bring the run.

    Raises
    ------
    InputError
        If the paths are not those that the earlier run had.
    """
    with _fits(settings) as fits, _pool(settings) as pool:
        items = _read_ahead(origins_of(paths, done or Place()), pool, settings)
        yield from _classified(items, pool, model, fits, settings)


def run_spectra(spectra: Iterable[Item], model: Model, settings: Settings) -> Iterator[Rows]:
    """Classify spectra that are in memory, in order."""
    nowhere = Origin("", Place())
    with _fits(settings) as fits, _pool(settings) as pool:
        items = ((nowhere, item) for item in spectra)
        for rows, _ in _classified(items, pool, model, fits, settings):
            yield rows


@contextlib.contextmanager
def _fits(settings: Settings) -> Iterator[FitPool | None]:
    if settings.redshift:
        with FitPool(settings.threads) as fits:
            yield fits
    else:
        yield None


@contextlib.contextmanager
def _pool(settings: Settings) -> Iterator[ThreadPoolExecutor]:
    # One more than wait for fits at a time, so that the next batch is read meanwhile.
    threads = settings.threads + int(settings.redshift)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="huggins")
    try:
        yield pool
    finally:
        # After Ctrl-C what has not begun need not begin.
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Origin:
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
    origins: Sequence[Origin],
    *,
    air: bool,
    selection: Selection = ALL,
    columns: Mapping[str, str] | None = None,
    root: str = "",
) -> Iterator[tuple[Origin, Item]]:
    """Yield the spectra of some inputs; every input yields something.

    Parameters
    ----------
    origins
        The inputs.
    air, selection, columns
        As for `huggins.formats.open_file`.
    root
        Folder that their paths are relative to, where that is not the current one.
    """
    for origin in origins:
        count = 0
        path = os.path.join(root, origin.path)  # noqa: PTH118
        try:
            for item in open_file(path, air=air, selection=selection, columns=columns):
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


def _as_given(path: str, root: str) -> str:
    """Return a path as the user gave it, with the member of an archive behind it."""
    return path.removeprefix(os.path.join(root, "")) if root else path  # noqa: PTH118


def _take(source: _Source, count: int, new: Sequence[Origin]) -> list[tuple[Origin, Item]]:
    """Return the next spectra of some inputs, of which `new` have not been touched yet."""
    for origin in new:
        _fetch(origin.path)
    with TURN:
        return list(islice(source, count))


def _fetch(path: str) -> None:
    """Prefetch a file's first bytes, so that no thread waits for a disk with the lock."""
    if not hasattr(os, "posix_fadvise"):
        return
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):  # the reader will say what is wrong with it
        return
    with contextlib.suppress(OSError):  # a pipe or the like
        os.posix_fadvise(descriptor, 0, _FETCHED, os.POSIX_FADV_WILLNEED)
    os.close(descriptor)


def _read_ahead(
    origins: Iterator[Origin], pool: ThreadPoolExecutor, settings: Settings
) -> Iterator[tuple[Origin, Item]]:
    """Yield spectra in order, while threads read the next ones."""

    def submit() -> None:
        some = list(islice(origins, settings.batch_size))
        if some:
            source = read_origins(
                some,
                air=settings.air,
                selection=settings.selection,
                columns=dict(settings.columns),
            )
            proceed(source, under_way.append, some)

    def proceed(
        source: _Source, put: Callable[[_Reading], None], new: Sequence[Origin] = ()
    ) -> None:
        put((source, pool.submit(_take, source, settings.batch_size, new)))

    under_way: deque[_Reading] = deque()
    for _ in range(settings.threads + 1):
        submit()
    while under_way:
        source, future = under_way.popleft()
        items = future.result()
        if len(items) == settings.batch_size:
            proceed(source, under_way.appendleft)  # there may be more in these inputs
        else:
            submit()
        yield from items


def batches_of(
    items: Iterator[tuple[Origin, Item]], size: int
) -> Iterator[tuple[list[Item], Place]]:
    """Yield spectra in batches, each with how far a run has come that has done it."""
    place, last = Place(), None
    while batch := list(islice(items, size)):
        for origin, _ in batch:
            first = origin is not last
            count = (origin.skip if first else place.rows_of_last) + 1
            place, last = replace(origin.place, rows_of_last=count), origin
        yield [item for _, item in batch], place


def _classified(
    items: Iterator[tuple[Origin, Item]],
    pool: ThreadPoolExecutor,
    model: Model,
    fits: FitPool | None,
    settings: Settings,
) -> Iterator[tuple[Rows, Place]]:
    """Classify spectra batch by batch, several at a time, in order."""
    under_way: deque[tuple[Future[Rows], Place]] = deque()
    for batch, place in batches_of(items, settings.batch_size):
        task = pool.submit(
            classify_batch,
            batch,
            model,
            threshold=settings.threshold,
            fits=fits,
            keep=settings.keep,
            alternatives=settings.alternatives,
            given=settings.given,
            sets=settings.sets,
        )
        under_way.append((task, place))
        if len(under_way) > settings.threads:
            task, reached = under_way.popleft()
            yield task.result(), reached
    for task, reached in under_way:
        yield task.result(), reached
