"""How far a classification has come, and which inputs failed, on standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from huggins.cli.meter import Meter

if TYPE_CHECKING:
    import logging
    from types import TracebackType

    from huggins.inference import Inputs
    from huggins.inference.table import Rows

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
        self._done = self._failed = 0
        # To count takes up to 0.3 s, for which only a bar is reason enough.
        total = inputs.count(0.3) if bar and sys.stderr.isatty() else None
        self._meter = Meter(logger, "spectra", total, bar=bar)

    def __enter__(self) -> Progress:
        self._meter.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._meter.__exit__(kind, error, trace)
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
        self._meter.show(self._done)
