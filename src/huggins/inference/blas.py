"""One thread of linear algebra: the matrices of the fit are so small that a second only waits.

It waits busily: in a process whose numpy uses two threads, as any does unless it is told
otherwise, the fit took twice the processor time.
"""

from __future__ import annotations

import contextlib
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What OpenBLAS is called in numpy's wheels and elsewhere.
_NAMES: Final = (
    "scipy_openblas_{}_num_threads64_",
    "openblas_{}_num_threads64_",
    "openblas_{}_num_threads",
)
_lock = threading.Lock()
_inside = 0
_before = 0


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread of linear algebra; as many as before once the last caller has left.

    Where numpy has another library than OpenBLAS, nothing happens.
    """
    global _inside, _before
    functions = _functions()
    if functions is None:
        yield
        return
    get, put = functions
    with _lock:
        if not _inside:
            _before = get()
            put(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                put(_before)


@lru_cache(maxsize=1)
def _functions() -> tuple[Callable[[], int], Callable[[int], Any]] | None:
    """Return what tells and what sets the number of threads."""
    # Symbols of a library are found by way of what is linked to it, except on Windows.
    with contextlib.suppress(ImportError, OSError):
        import ctypes

        from numpy.linalg import _umath_linalg

        library = ctypes.CDLL(_umath_linalg.__file__)
        for name in _NAMES:
            with contextlib.suppress(AttributeError):
                return getattr(library, name.format("get")), getattr(
                    library, name.format("set")
                )
    return None
