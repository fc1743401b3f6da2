"""Many inputs at once: tasks go to several processes, rows come back in order.

This process does tasks like the others, and starts others only where there is enough to do.
What is under way is bounded, so memory does not grow with the number of inputs.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from contextlib import nullcontext
from itertools import chain
from typing import TYPE_CHECKING, Final

from huggins.inference.crew import FEW, Crew
from huggins.inference.journal import Place
from huggins.inference.tasks import Files, Loaded, Origin, batches_of, lot, origins_of, tasks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from huggins.inference.network import Model
    from huggins.inference.settings import Settings
    from huggins.inference.table import Rows
    from huggins.inference.tasks import Item, Part

    Task = Files | Loaded

# Tasks under way for each process: rows wait while the process that has the first ones starts.
_AHEAD: Final = 8


def run_paths(
    paths: Iterable[str],
    model: Model,
    settings: Settings,
    *,
    done: Place | None = None,
    crew: Crew | None = None,
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
    crew
        Processes that help, from the caller, who ends them; None: they start where they are
        worth it.

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
    tasks = tasks_of(origins_of(paths, done or Place()), settings)
    with Crew(settings.jobs) if crew is None else nullcontext(crew) as helpers:
        yield from _run(tasks, model, settings, helpers)


def run_spectra(spectra: Iterable[Item], model: Model, settings: Settings) -> Iterator[Rows]:
    """Classify spectra that are in memory, in order."""
    nowhere = Origin("", Place())
    batches = batches_of(((nowhere, item) for item in spectra), lot(settings))
    tasks = (Loaded(*settings.given.resolved(batch), place) for batch, place in batches)
    with Crew(settings.jobs) as crew:
        for rows, _ in _run(tasks, model, settings, crew):
            yield rows


def _run(
    tasks: Iterator[Task], model: Model, settings: Settings, crew: Crew
) -> Iterator[tuple[Rows, Place]]:
    """Do tasks in as many processes as they are worth."""
    first: deque[Task] = deque()
    seen = 0
    alone = not len(crew)
    while not alone and not crew.started and seen <= FEW[settings.redshift]:
        if (task := next(tasks, None)) is None:
            alone = True
        else:
            first.append(task)
            seen += len(task)
    if alone:
        for task in chain(_emptied(first), tasks):
            yield from task.part(model, settings)
        return
    crew.instruct(model, settings)
    most = _AHEAD * (len(crew) + 1)
    under_way: deque[Future[Part]] = deque()
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
