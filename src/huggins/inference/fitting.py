"""The redshift fit of many batches at once, in processes of their own.

The fit is thousands of short calls of numpy a spectrum, between which Python's interpreter lock
changes hands: two threads that fit are no faster than one. So a run fits in worker processes,
one a job. A worker is a plain child (`huggins.inference.worker`) that reads batches from its
standard input and answers on its standard output, and not one of `multiprocessing`, which would
run the caller's script a second time. The first few spectra are fitted here, so that a call for
one spectrum starts nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import pickle
import queue
import subprocess
import sys
import threading
from dataclasses import replace
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import HugginsError
from huggins.quality import ZWarning
from huggins.redshift import Fit, Fitter
from huggins.weights import BASIS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from numpy.typing import NDArray

    from huggins.inference.network import Prediction
    from huggins.spectrum import Spectrum
    from huggins.weights import RedshiftGrid

_log = logging.getLogger(__name__)

#: Spectra of a run that are fitted without workers: to start one takes as long as to fit some
#: sixty.
FEW: Final = 64
# One thread of linear algebra a worker: its matrices are so small that a second one only waits,
# busily, and there is one worker per core.
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

# For the C library: arrays come from memory that is kept, not from new pages each time, which
# cost 2 % of the fit.
_MEMORY: Final = {"MALLOC_MMAP_THRESHOLD_": str(2**28), "MALLOC_TRIM_THRESHOLD_": str(2**29)}
# Bytes that a pipe to a worker holds, where the system allows: the most that it gives to all.
_PIPE: Final = 2**20

_loading = threading.Lock()


def load_fitter() -> Fitter:
    """Return the fitter with the shipped basis, loaded once a process, at the first call."""
    with _loading:
        return _fitter()


@lru_cache(maxsize=1)
def _fitter() -> Fitter:
    return Fitter()


@lru_cache(maxsize=1)
def basis_hash() -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of the shipped basis."""
    content = BASIS.read_bytes()
    return hashlib.sha256(content).hexdigest()[:16]


def fit(
    fitter: Fitter,
    spectra: Sequence[Spectrum],
    probabilities: NDArray[np.float64],
    density: NDArray[np.float64] | None,
    grid: RedshiftGrid | None,
    alternatives: int = 0,
    z: NDArray[np.float64] | None = None,
) -> Fit:
    """Fit M spectra with the network's predictions.

    Parameters
    ----------
    fitter
        With the basis.
    spectra, probabilities, density
        As in `Fitter.fit`.
    grid
        The bins of `density`; None uses the network's classes only.
    alternatives, z
        As in `Fitter.fit`.

    Returns
    -------
    Fit
        A spectrum on which the fit raises an exception has no redshift and BAD_MINFIT set:
        one odd spectrum must not end a run of five million.
    """
    bins: dict[str, Any] = {} if grid is None else {"start": grid.start, "step": grid.step}
    known = None if grid is None else density
    try:
        return fitter.fit(spectra, probabilities, known, alternatives=alternatives, z=z, **bins)
    except Exception as error:
        if len(spectra) == 1:
            _log.debug("%s: the fit failed", spectra[0].file, exc_info=True)
            _log.warning("%s: the fit failed: %r", spectra[0].file, error)
            return _failed(probabilities, alternatives)
    parts = [
        fit(
            fitter,
            spectra[i : i + 1],
            probabilities[i : i + 1],
            None if known is None else known[i : i + 1],
            grid,
            alternatives,
            None if z is None else z[i : i + 1],
        )
        for i in range(len(spectra))
    ]
    values: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in Fit.__slots__
        if name not in ("solutions", "causes", "measured")
    }
    return Fit(
        **values,
        solutions=[part.solutions[0] for part in parts],
        causes=[part.causes[0] for part in parts],
        measured=[part.measured[0] for part in parts],
    )


def _failed(probabilities: NDArray[np.float64], alternatives: int) -> Fit:
    """Return the result for one spectrum on which the fit failed."""
    result = Fit.empty(1, alternatives)
    result.probabilities[:] = probabilities
    result.zwarning[:] = ZWarning.BAD_MINFIT
    result.noise[:] = np.nan
    result.solutions.append((None, None))
    result.causes.append({ZWarning.BAD_MINFIT: "the fit failed"})
    result.measured.append(None)
    return result


class FitPool:
    """A pool of processes that fit batches of spectra, for several threads.

    Parameters
    ----------
    jobs
        Worker processes, at most; with 0 everything is fitted in the caller's thread.
    """

    def __init__(self, jobs: int) -> None:
        self._seen = 0
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        if sys.executable:  # empty where Python is embedded
            self._workers = [_Worker() for _ in range(jobs)]
        for worker in self._workers:
            self._idle.put(worker)

    def fit(
        self,
        spectra: Sequence[Spectrum],
        prediction: Prediction,
        grid: RedshiftGrid | None,
        *,
        keep: bool = False,
        alternatives: int = 0,
        z: NDArray[np.float64] | None = None,
    ) -> Fit:
        """Fit M spectra; arguments as in `fit`, and `keep`: whether to keep the solutions.

        Raises
        ------
        HugginsError
            If a worker cannot be started or ends before its time.
        """
        with self._lock:
            self._seen += len(spectra)
            few = self._seen <= FEW
        task = (spectra, prediction.probabilities, prediction.density, grid, alternatives, z)
        if few or not self._workers:
            return fit(load_fitter(), *task)
        worker = self._idle.get()
        try:
            return worker.fit((keep, *task))
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """End the workers, busy or not."""
        for worker in self._workers:
            worker.close()

    def __enter__(self) -> FitPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Worker:
    """A child process that fits, started when it is first needed; for one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def fit(self, task: tuple[Any, ...]) -> Fit:
        """Send a batch and wait for the answer."""
        try:
            process = self._process or self._start()
            assert process.stdin is not None
            assert process.stdout is not None
            pickle.dump(task, process.stdin, pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            # Only what our own child wrote.
            answer = pickle.load(process.stdout)  # noqa: S301
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise HugginsError(self._lost(error)) from error
        if isinstance(answer, Fit):
            return answer
        raise HugginsError(f"the fit failed, a mistake in huggins: report it: {answer}")

    def _start(self) -> subprocess.Popen[bytes]:
        environment = _MEMORY | os.environ | dict.fromkeys(_THREADS, "1")
        # The same packages as here, and -P: none from the folder the user happens to be in.
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "huggins.inference.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        _widen(self._process.stdin)
        return self._process

    def _lost(self, error: Exception) -> str:
        why = str(error)
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                why = f"status {self._process.wait(1.0)}"
        return (
            f"a process of the redshift fit is gone ({why}): if memory was short, give fewer "
            "--jobs; --resume keeps what is done"
        )

    def close(self) -> None:
        """End the process."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was still to be sent
                    pipe.close()


def _widen(pipe: IO[bytes] | None) -> None:
    """Let a pipe hold more, so that a batch goes over in a dozen pieces, not in two hundred."""
    # Linux alone can, and a user may have too many pipes for it.
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)  # type: ignore[arg-type]


def without_solutions(found: Fit) -> Fit:
    """Return the same without the solutions, which only plots need."""
    return replace(found, solutions=[])
