"""How a long run shows what it does on standard error: a bar on a terminal, else lines."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import logging
    from types import TracebackType

    from huggins.inference import Inputs
    from huggins.inference.table import Rows

#: Seconds between lines where there is no terminal.
_PAUSE: Final = 10.0
#: Failed inputs that are listed one by one; the table has them all.
_LISTED: Final = 20


class Progress:
    """Shows how many spectra are done and how fast, and lists inputs that fail.

    Parameters
    ----------
    logger
        Where failed inputs and, without a terminal, the lines go.
    inputs
        What is being worked on, for the number of inputs.
    bar
        Whether to show a bar where standard error is a terminal.
    """

    def __init__(self, logger: logging.Logger, inputs: Inputs, *, bar: bool) -> None:
        self._logger = logger
        self._bar: Any = None
        self._task: Any = None
        self._done = self._failed = 0
        self._begun = self._said = time.monotonic()
        if bar and sys.stderr.isatty():
            self._bar = rich_bar()
            self._task = self._bar.add_task("", total=inputs.count(0.3), rate="")

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._failed > _LISTED:
            self._logger.warning(
                "%d inputs failed; the column ERROR says why for each", self._failed
            )

    def add(self, rows: Rows) -> None:
        """Take note of rows that are done."""
        for file, why in zip(rows.texts["FILE"], rows.texts["ERROR"], strict=True):
            if why:
                self._failed += 1
                if self._failed <= _LISTED:
                    self._logger.warning("%s: %s", file, why)
        self._done += len(rows)
        now = time.monotonic()
        rate = self._done / max(now - self._begun, 1e-9)
        if self._bar is not None:
            self._bar.update(self._task, advance=len(rows), rate=f"{rate:,.0f} spectra/s")
        elif now - self._said >= _PAUSE:
            self._said = now
            self._logger.info("%d spectra done, %.0f spectra/s", self._done, rate)


def rich_bar() -> Any:
    """Return a bar on standard error, whose tasks have a field ``rate``."""
    # Imported only where a bar is shown: it takes 0.1 s.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
