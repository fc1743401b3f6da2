"""Spectra that are classified while the page is open already, row after row."""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from huggins.errors import HugginsError
from huggins.view.results import columns_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggins.inference import Inputs
    from huggins.view.results import Results

_log = logging.getLogger(__name__)

# Spectra in one batch: the first rows come, and Ctrl-C is heard, after so many.
_BATCH: Final = 16
# Seconds to wait for the batch that is worked on: it is in memory only, and Ctrl-C in the
# middle of an import can leave the lock for which the thread waits taken for ever.
_PATIENCE: Final = 5.0
# A set grows by at least this fraction of what it has, one in so many.
_STEP: Final = 50


class Classification:
    """A run in a thread of its own that puts its rows into the set that a page shows.

    Parameters
    ----------
    inputs
        The files.
    results
        Where the rows go.
    model
        Name or path of the network.

    Attributes
    ----------
    done : int
        Files that are classified.
    total : int or None
        Files altogether; None where nobody knows.
    error : str
        Why the run ended early; empty where it did not.
    """

    def __init__(self, inputs: Inputs, results: Results, model: str) -> None:
        self.done = 0
        self.total = inputs.count(1.0)
        self.error = ""
        self._inputs, self._results, self._model = inputs, results, model
        self._tell: Callable[[dict[str, Any]], None] = lambda event: None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="huggins-classify", daemon=True)

    @property
    def running(self) -> bool:
        """Whether rows are still to come."""
        return self._thread.is_alive()

    def start(self, tell: Callable[[dict[str, Any]], None]) -> None:
        """Begin; `tell` hears of every part."""
        self._tell = tell
        self._thread.start()

    def stop(self) -> None:
        """End the run after the batch that is being worked on, or without it after a while."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(_PATIENCE)

    def wait(self) -> None:
        """Wait until all rows are there.

        Raises
        ------
        HugginsError
            If the run ended early.
        """
        self._thread.join()
        if self.error:
            raise HugginsError(self.error)

    def progress(self) -> dict[str, Any]:
        """Return how far it is, as the page takes it."""
        return {"done": self.done, "total": self.total, "error": self.error}

    def _run(self) -> None:
        from huggins.inference import Settings, classify_rows
        from huggins.inference.table import to_table

        last = ""
        waiting: list[Any] = []

        def put(parts: list[Any]) -> None:
            if parts:
                table = to_table(parts, {})
                self._results.extend(columns_of(table, self._results.source))
                self._tell({"type": "rows", "count": len(self._results)})
                parts.clear()

        try:
            parts = classify_rows(
                self._inputs, model=self._model, settings=Settings(batch_size=_BATCH)
            )
            with closing(parts):  # type: ignore[type-var]  # a generator, which has close()
                for rows in parts:
                    if self._stop.is_set():
                        return
                    for file in rows.texts["FILE"]:
                        self.done += file != last
                        last = file
                    waiting.append(rows)
                    # The table is copied when it grows: a long one in larger steps.
                    if sum(map(len, waiting)) >= len(self._results) // _STEP:
                        put(waiting)
        except HugginsError as error:
            self.error = str(error)
            _log.error("%s", error)
        finally:
            put(waiting)  # also those from before an error
            self._tell({"type": "classified", "count": len(self._results)})
