"""Other processes of this machine that classify beside this one.

Reading, preparing and fitting are thousands of short calls of numpy a spectrum, between which
Python's interpreter lock changes hands: two threads are no faster than one. So the work is done
by processes, of which this is one. The others are plain children (`huggins.inference.worker`)
that read tasks from their standard input and answer on their standard output, and not those of
`multiprocessing`, which would run the caller's script a second time.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from concurrent.futures import Future
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Any, Final

from huggins.errors import HugginsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from huggins.inference.network import Model
    from huggins.inference.settings import Settings
    from huggins.inference.tasks import Files, Loaded, Part

# Tasks that a child has at a time: while it does one, the next waits at its door.
_WAITING: Final = 2
# Largest default number of processes.
_JOBS: Final = 16
# One thread of linear algebra a child: its matrices are so small that a second one only waits,
# busily, and there is one process per core.
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Ctrl-C goes to the whole group; the parent decides, also while a child starts.
_CODE: Final = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "from huggins.inference.worker import main; main()"
)
# Bytes that a pipe to a child holds, where the system allows: the most that it gives to all.
_PIPE: Final = 2**20
#: Spectra that one process classifies alone, with and without the fit: to start another takes
#: as long.
FEW: Final = {True: 64, False: 1024}


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def files_named(inputs: Iterable[str], most: int) -> int:
    """Return how many files the arguments of a command plainly name, up to `most`.

    It looks at names only, for a crew that is to start while the command does.
    """
    return sum(1 for _ in islice(chain.from_iterable(map(_named, inputs)), most))


def _named(argument: str) -> Iterator[object]:
    """Yield something for every file that an argument stands for, as far as that is plain."""
    with contextlib.suppress(OSError, ValueError):  # the command will say what is wrong
        if argument.startswith("@") and os.path.isfile(argument[1:]):  # noqa: PTH113 (no pipe)
            with open(argument[1:], "rb") as file:  # noqa: PTH123
                yield from file
        elif os.path.isdir(argument):  # noqa: PTH112
            yield from _within(argument)
        else:
            yield argument


def _within(folder: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:  # not all at once: there may be millions
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _within(entry.path)
            else:
                yield entry


class Crew:
    """Child processes that classify.

    Parameters
    ----------
    jobs
        Processes that do the work, this one included; 0: one per core, at most sixteen.

    Attributes
    ----------
    started : bool
        Whether there are any already.
    """

    def __init__(self, jobs: int) -> None:
        count = (jobs or min(cores(), _JOBS)) - 1
        # Python has no name where it is embedded in another program.
        self._children = [_Child() for _ in range(count if sys.executable else 0)]
        self.started = False

    def __len__(self) -> int:
        return len(self._children)

    def start_for(self, inputs: Iterable[str], *, redshift: bool) -> None:
        """Let children start for the files that the arguments of a command plainly name.

        The others start when they get their first tasks.
        """
        few = FEW[redshift]
        worth = files_named(inputs, few * len(self._children)) // few
        self.started = worth > 0
        for child in self._children[:worth]:
            child.start()

    def instruct(self, model: Model, settings: Settings) -> None:
        """Say what to classify with, before the first task."""
        level = logging.getLogger("huggins").getEffectiveLevel()
        setup = (str(model.path.absolute()), model.hash, settings, level)
        for child in self._children:
            child.setup = setup

    def submit(self, task: Files | Loaded) -> Future[Part] | None:
        """Give a task to the child with the fewest; None where all have enough to do."""
        child = min(self._children, key=len, default=None)
        if child is None or len(child) >= _WAITING:
            return None
        return child.submit(task)

    def close(self) -> None:
        """End the children, busy or not."""
        for child in self._children:
            child.close()

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Child:
    """One child; its answers are received by a thread, in the order of its tasks."""

    def __init__(self) -> None:
        self.setup: tuple[Any, ...] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._under_way: deque[Future[Part]] = deque()
        self._gone: HugginsError | None = None
        self._receiver = threading.Thread(target=self._receive, name="huggins", daemon=True)

    def __len__(self) -> int:
        """Return how many tasks it has."""
        return len(self._under_way)

    def submit(self, task: Files | Loaded) -> Future[Part]:
        """Send a task."""
        future: Future[Part] = Future()
        with self._lock:
            if self._gone is not None:
                future.set_exception(self._gone)
                return future
            self._under_way.append(future)
        try:
            if self._process is None:
                self.start()
            if self.setup is not None:
                self._send(self.setup)
                self.setup = None
            self._send(task)
        except OSError as error:
            if self._process is None:
                self._lose(error)
            else:  # what it answered before is received, and then that it is gone
                self._process.kill()
        return future

    def start(self) -> None:
        """Start the process."""
        environment = os.environ | dict.fromkeys(_THREADS, "1")
        # The same packages as here, and -P: none from the folder the user happens to be in.
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(  # noqa: S603 (our own command)
            [sys.executable, "-P", "-c", _CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        _widen(self._process.stdin)
        _widen(self._process.stdout)
        self._receiver.start()

    def _send(self, what: Any) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        pickle.dump(what, self._process.stdin, pickle.HIGHEST_PROTOCOL)
        self._process.stdin.flush()

    def _receive(self) -> None:
        """Pass on answers until the child ends."""
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            while True:
                # Only what our own child wrote.
                part, records, failure = pickle.load(self._process.stdout)  # noqa: S301
                for record in records:
                    logging.getLogger(record.name).handle(record)
                future = self._under_way.popleft()
                if failure:
                    future.set_exception(HugginsError(failure))
                else:
                    future.set_result(part)
        except Exception as error:  # it has ended, or what came is no answer
            self._lose(error)

    def _lose(self, error: Exception) -> None:
        """Let what it had to do fail."""
        why = str(error)
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                why = f"status {self._process.wait(1.0)}"
        lost = HugginsError(
            f"a process that classifies is gone ({why}): if memory was short, give fewer "
            "--jobs; --resume keeps what is done"
        )
        lost.__cause__ = error
        with self._lock:
            self._gone = lost
            while self._under_way:
                self._under_way.popleft().set_exception(lost)

    def close(self) -> None:
        """End the process."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._receiver.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was still to be sent
                    pipe.close()


def _widen(pipe: IO[bytes] | None) -> None:
    """Let a pipe hold more, so that a task goes over in a dozen pieces, not in two hundred."""
    # Linux alone can, and a user may have too many pipes for it.
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)  # type: ignore[arg-type]
