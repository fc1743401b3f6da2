"""Progress and failed inputs on standard error: a bar on a terminal, otherwise lines."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from huggins.cli.options import LOGGER, is_quiet

if TYPE_CHECKING:
    from huggins.inference import Inputs
    from huggins.inference.table import Rows

#: Seconds between lines if there is no terminal.
_PAUSE: Final = 10.0
#: Failed inputs that are reported one by one; the table lists them all.
_LISTED: Final = 20


class Meter:
    """Shows the progress of a task, its rate and the remaining time.

    Parameters
    ----------
    unit
        What is counted, in the plural.
    total
        Number of items; None if unknown.
    """

    def __init__(self, unit: str, total: int | None) -> None:
        self._unit = unit
        self._total = total
        self._bar: Any = None
        self._before = 0
        self._begun = self._shown = time.monotonic()
        if _shows_bar():
            self._bar = _rich_bar()
            self._task = self._bar.add_task("", total=total, rate="")

    def __enter__(self) -> Any:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, done: int) -> None:
        """Start from the number of items that an earlier run has done."""
        self._before = done
        if self._bar is not None:
            self._bar.update(self._task, completed=done)

    def show(self, done: int, size: int | None = None) -> None:
        """Show the number of items done, and of bytes in them."""
        now = time.monotonic()
        seconds = max(now - self._begun, 1e-9)
        new = done - self._before
        pace = new / seconds
        rate = f"{pace:,.{0 if pace >= 10 or pace < 0.05 else 1}f} {self._unit}/s"
        if size is not None:
            rate += f", {size / seconds / 1e6:,.1f} MB/s"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, rate=rate)
        elif now - self._shown >= _PAUSE:
            self._shown = now
            of = time_left = ""
            if self._total:
                left = round((self._total - done) * seconds / max(new, 1))
                of = f" of {self._total}"
                time_left = f", {timedelta(seconds=max(left, 0))} left"
            LOGGER.info("%d%s %s done, %s%s", done, of, self._unit, rate, time_left)


class Progress(Meter):
    """Shows the progress of a classification, and reports inputs that fail.

    Parameters
    ----------
    inputs
        The inputs, for their number.
    """

    def __init__(self, inputs: Inputs) -> None:
        self._done = self._failed = 0
        # Counting takes up to 0.3 s, which only a bar justifies.
        total = inputs.count(0.3) if _shows_bar() else None
        super().__init__("spectra", total)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        if self._failed > _LISTED:
            LOGGER.warning("%d inputs failed; the column ERROR says why for each", self._failed)

    def begin(self, done: int) -> None:
        """Start from the number of spectra that an earlier run has done."""
        self._done = done
        super().begin(done)

    def add(self, rows: Rows) -> None:
        """Count rows that are done."""
        for file, why in zip(rows.texts["FILE"], rows.texts["ERROR"], strict=True):
            if why:
                self._failed += 1
                if self._failed <= _LISTED:
                    LOGGER.warning("%s: %s", file, why)
        self._done += len(rows)
        self.show(self._done)


def _shows_bar() -> bool:
    return sys.stderr.isatty() and not is_quiet()


def _rich_bar() -> Any:
    """Return a bar on standard error, whose tasks have a field ``rate``."""
    # Imported only if a bar is shown: it takes 0.1 s.
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        # Moves while the model loads and the first spectra are fitted.
        progress.SpinnerColumn(),
        progress.TimeElapsedColumn(),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def size_text(size: int) -> str:
    """Return a number of bytes as text.

    >>> size_text(1_234_567)
    '1.2 MB'
    """
    from rich.filesize import decimal

    return decimal(size)
