"""What was computed for pages and is kept: details of single spectra, features of all."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final

from huggins.errors import HugginsError
from huggins.view import detail, features

if TYPE_CHECKING:
    from huggins.inference.network import Model
    from huggins.spectrum import Spectrum
    from huggins.view.detail import Details
    from huggins.view.results import Results

_log = logging.getLogger(__name__)

# Spectra whose details are kept: those that one leafs through.
_KEPT: Final = 48


class NotReadyError(HugginsError):
    """What was asked for is still being computed."""


class KeptDetails:
    """Spectra of a set and what the fit found of them, each computed once; thread-safe."""

    def __init__(self, results: Results, network: Model) -> None:
        self._results, self._network = results, network
        self._kept: OrderedDict[int, tuple[Spectrum, Details]] = OrderedDict()
        self._pending: dict[int, Future[tuple[Spectrum, Details]]] = {}
        self._lock = threading.Lock()

    def of(self, row: int) -> tuple[Spectrum, Details]:
        """Return a spectrum and what the fit found of it, kept for the next time."""
        with self._lock:
            if row in self._kept:
                self._kept.move_to_end(row)
                return self._kept[row]
            mine = row not in self._pending
            if mine:
                self._pending[row] = Future()
            pending = self._pending[row]
        if not mine:  # somebody else is at it already
            return pending.result()
        try:
            spectrum = self._results.spectrum(row)
            found = spectrum, detail.details(spectrum, self._network)
        except BaseException as error:
            with self._lock:
                del self._pending[row]
            pending.set_exception(error)
            raise
        with self._lock:
            del self._pending[row]
            self._kept[row] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        pending.set_result(found)
        return found


class KeptFeatures:
    """Features of all spectra of a set, computed in the background."""

    def __init__(self, results: Results, model: str) -> None:
        self._results, self._model = results, model
        self._known: Any = None
        self._thread: threading.Thread | None = None
        self._done = 0

    def forget(self) -> None:
        """Compute them again when they are next asked for: the set has changed."""
        self._known = None

    def all(self) -> Any:
        """Return the features of all rows, (N, F); NaN where a spectrum cannot be read.

        Raises
        ------
        NotReadyError
            While they are being computed, which the first call begins.
        """
        if self._known is not None and len(self._known) == len(self._results):
            return self._known
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._compute, daemon=True)
            self._thread.start()
        self._thread.join(0.5)
        if self._known is None:
            raise NotReadyError(
                f"the features are being computed: {self._done} of {len(self._results)} spectra"
            )
        return self._known

    def _compute(self) -> None:
        def advance(done: int) -> None:
            self._done = done

        try:
            self._known = features.of_rows(
                self._results, len(self._results), self._model, advance
            )
        except HugginsError as error:
            _log.warning("features: %s", error)
