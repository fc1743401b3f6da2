"""Many inputs at once: tasks go to several processes, rows come back in order.

This process does tasks like the others, and starts others only where there is enough to do.
What is under way is bounded, so memory does not grow with the number of inputs.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from itertools import chain
from typing import TYPE_CHECKING, Final

from huggins.inference.crew import Crew
from huggins.inference.journal import Place
from huggins.inference.tasks import Files, Loaded, Origin, batches_of, lot, origins_of, tasks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from huggins.inference.network import Model
    from huggins.inference.settings import Settings
    from huggins.inference.table import Rows
    from huggins.inference.tasks import Item, Part

    Task = Files | Loaded

#: Spectra of a run that this process classifies alone, with and without the fit: to start
#: another takes as long.
FEW: Final = {True: 64, False: 1024}
# Tasks under way for each process: rows wait while the process that has the first ones starts.
_AHEAD: Final = 8


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
    yield from _run(tasks_of(origins_of(paths, done or Place()), settings), model, settings)


def run_spectra(spectra: Iterable[Item], model: Model, settings: Settings) -> Iterator[Rows]:
    """Classify spectra that are in memory, in order."""
    nowhere = Origin("", Place())
    batches = batches_of(((nowhere, item) for item in spectra), lot(settings))
    tasks = (Loaded(*settings.given.resolved(batch), place) for batch, place in batches)
    for rows, _ in _run(tasks, model, settings):
        yield rows


def _run(
    tasks: Iterator[Task], model: Model, settings: Settings
) -> Iterator[tuple[Rows, Place]]:
    """Do tasks in as many processes as they are worth."""
    first: deque[Task] = deque()
    seen = 0
    children = settings.processes - 1
    while children and seen <= FEW[settings.redshift]:
        if (task := next(tasks, None)) is None:
            children = 0
        else:
            first.append(task)
            seen += len(task)
    if not children:
        for task in chain(_emptied(first), tasks):
            yield from task.part(model, settings)
        return
    most = _AHEAD * (children + 1)
    under_way: deque[Future[Part]] = deque()
    with Crew(children, model, settings) as crew:
        for task in chain(_emptied(first), tasks):
            under_way.append(crew.submit(task) or _done(task, model, settings))
            while under_way and (under_way[0].done() or len(under_way) > most):
                yield from under_way.popleft().result()
        while under_way:
            yield from under_way.popleft().result()


def _emptied(tasks: deque[Task]) -> Iterator[Task]:
    while tasks:
        yield tasks.popleft()


def _done(task: Task, model: Model, settings: Settings) -> Future[Part]:
    """Do a task here."""
    future: Future[Part] = Future()
    try:
        future.set_result(task.part(model, settings))
    except Exception as error:  # it comes when it is its turn, behind the rows of others
        future.set_exception(error)
    return future
