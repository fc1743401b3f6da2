"""Many inputs on many machines: chunks of files go to workers, rows come back in order.

A worker reads, runs the network and fits by itself, so that only paths and rows travel. The
rows are those of a run on one machine, and go to the same journal.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from huggins.inference.journal import Place
from huggins.inference.network import Model, load_model
from huggins.inference.tasks import Files, Origin, origins_of
from huggins.runs.workers import executor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from huggins.inference.settings import Settings
    from huggins.inference.table import Rows
    from huggins.inference.tasks import Part
    from huggins.runs.workers import Workers

# A task ends with the file that brings it here: a second or two of work with the fit, a tenth
# without; or one container.
_FILES: Final = 256
_BYTES: Final = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class _Task:
    """Some inputs, and all that a worker needs to classify them."""

    origins: tuple[Origin, ...]
    root: str
    model: str
    settings: Settings


def run_cluster(
    paths: Iterable[str],
    model: str,
    settings: Settings,
    workers: Workers,
    *,
    done: Place | None = None,
) -> Iterator[tuple[Rows, Place]]:
    """Classify files by workers, in order; yields what `run_paths` does.

    Parameters
    ----------
    paths, settings, done
        As for `huggins.inference.runner.run_paths`.
    model
        Name of a shipped model, or the path of one that all workers can read.
    workers
        They must see the files under the same paths.

    Raises
    ------
    InputError
        If the paths are not those that the earlier run had, or there is no cluster.
    MissingExtraError
        If Dask is not installed.
    """
    root = str(Path.cwd())
    if Path(model).is_file():
        model = str(Path(model).absolute())
    origins = origins_of(paths, done or Place())
    under_way: deque[Future[Part]] = deque()
    with executor(workers) as (pool, most):
        try:
            while True:
                while len(under_way) < most and (some := _next(origins)):
                    task = _Task(some, root, model, settings)
                    under_way.append(pool.submit(classify_task, task))
                if not under_way:
                    return
                yield from under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


def _next(origins: Iterator[Origin]) -> tuple[Origin, ...]:
    """Return the inputs of the next task, none where all are under way."""
    some: list[Origin] = []
    size = 0
    for origin in origins:
        some.append(origin)
        with contextlib.suppress(OSError, ValueError):  # the reader will say what is wrong
            size += os.stat(origin.path).st_size  # noqa: PTH116 (five million times)
        if len(some) >= _FILES or size >= _BYTES:
            break
    return tuple(some)


def classify_task(task: _Task) -> Part:
    """Classify some inputs in this process, by one thread."""
    return Files(task.origins).part(_network(task.model), task.settings, task.root)


@lru_cache(maxsize=2)
def _network(model: str) -> Model:
    return load_model(model, threads=1)
