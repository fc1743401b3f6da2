"""Who does the work: this process, several on this machine, or a cluster.

All three are executors of the standard library's kind, so the rest of the code is the same.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from huggins.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Workers:
    """Which workers to use.

    Attributes
    ----------
    jobs
        Processes on this machine, or workers that are asked of SLURM.
    cluster
        Address of the scheduler of a Dask cluster; empty for none.
    slurm
        Whether to start workers by SLURM, as the user's configuration of dask-jobqueue says.
    """

    jobs: int = 1
    cluster: str = ""
    slurm: bool = False

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise InputError(f"jobs must be at least 1, not {self.jobs}")
        if self.cluster and self.slurm:
            raise InputError("--cluster and --slurm exclude each other: name one")


class _Here(Executor):
    """Does the work at once, in this process."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(call(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def executor(workers: Workers) -> Iterator[tuple[Executor, int]]:
    """Start workers; yield what takes tasks, and how many to give it at a time.

    Raises
    ------
    MissingExtraError
        If a cluster is asked for and Dask is not installed.
    InputError
        If there is no scheduler at the address.
    """
    if workers.cluster or workers.slurm:
        with _cluster(workers) as (pool, count):
            yield pool, 3 * count
    elif workers.jobs == 1:
        yield _Here(), 1
    else:
        # Processes of their own kind: a fork would take over threads and open files half-way.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers.jobs, mp_context=context, initializer=_begin)
        try:
            yield pool, 2 * workers.jobs
        finally:
            pool.shutdown(cancel_futures=True)


def ordered(
    call: Callable[[T], R], items: Iterable[T], threads: int, ahead: int
) -> Iterator[R]:
    """Yield the results of a function in the order of the items, computed by threads.

    At most `ahead` results are computed before they are asked for.
    """
    todo = iter(items)
    with ThreadPoolExecutor(threads, thread_name_prefix="huggins") as pool:
        pending = deque(pool.submit(call, item) for item in islice(todo, ahead))
        while pending:
            yield pending.popleft().result()
            pending.extend(pool.submit(call, item) for item in islice(todo, 1))


def _begin() -> None:
    """Prepare a process that works for this one: it ends with it, and not by Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)  # nobody is left to report to

    threading.Thread(target=follow, daemon=True).start()


@contextmanager
def _cluster(workers: Workers) -> Iterator[tuple[Executor, int]]:
    try:
        import distributed
    except ImportError as error:
        raise MissingExtraError("dask.distributed", "cluster") from error
    started: Any = None
    if workers.slurm:
        try:
            jobqueue = import_module("dask_jobqueue")
        except ImportError as error:
            raise MissingExtraError("dask-jobqueue", "cluster") from error
        try:
            started = jobqueue.SLURMCluster()
        except (ValueError, TypeError, OSError) as error:
            raise InputError(
                f"SLURM workers cannot be described: {error}; set cores, memory and walltime "
                "under jobqueue.slurm in ~/.config/dask/jobqueue.yaml"
            ) from error
        started.scale(workers.jobs)
    try:
        try:
            client = distributed.Client(started or workers.cluster, timeout="20s")
        except (OSError, ValueError) as error:
            raise InputError(
                f"{workers.cluster}: no Dask scheduler answers there ({error}); start one with "
                "`dask scheduler` and give the address that it says"
            ) from error
        with client:
            cores = sum(client.ncores().values())
            # A worker that is lost must not end the run; a part has no half-done state.
            yield client.get_executor(pure=False, retries=3), max(cores, workers.jobs)
    finally:
        if started is not None:
            started.close()
