"""How far work on files has come, on standard error: a bar on a terminal, else lines."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import logging
    from types import TracebackType

#: Seconds between lines where there is no terminal.
_PAUSE: Final = 10.0


class Meter:
    """Shows how many things are done, how fast, and how long the rest takes.

    Parameters
    ----------
    logger
        Where the lines go.
    unit
        What is counted, in the plural.
    total
        How many there are; None where that is not known.
    bar
        Whether to show a bar where standard error is a terminal.
    """

    def __init__(
        self, logger: logging.Logger, unit: str, total: int | None, *, bar: bool
    ) -> None:
        self._logger = logger
        self._unit = unit
        self._total = total
        self._bar: Any = None
        self._task: Any = None
        self._begun = self._said = time.monotonic()
        if bar and sys.stderr.isatty():
            self._bar = _rich_bar()
            self._task = self._bar.add_task("", total=total, rate="")

    def __enter__(self) -> Meter:
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

    def show(self, done: int, size: int | None = None) -> None:
        """Say that so many are done, and so many bytes of them have passed."""
        now = time.monotonic()
        seconds = max(now - self._begun, 1e-9)
        rate = f"{done / seconds:,.0f} {self._unit}/s"
        if size is not None:
            rate += f", {size / seconds / 1e6:,.1f} MB/s"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, rate=rate)
        elif now - self._said >= _PAUSE:
            self._said = now
            of = ""
            if self._total:
                left = (self._total - done) * seconds / max(done, 1)
                of = f" of {self._total}, {_time(left)} left"
            self._logger.info("%d%s %s done, %s", done, of, self._unit, rate)


def _rich_bar() -> Any:
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


def _time(seconds: float) -> str:
    """Return a time in the largest units that matter.

    >>> _time(4000)
    '1 h 06 min'
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def megabytes(size: int) -> str:
    """Return a number of bytes for people.

    >>> megabytes(1_234_567)
    '1.2 MB'
    """
    return f"{size / 1e6:,.1f} MB" if size < 10**10 else f"{size / 1e9:,.1f} GB"
