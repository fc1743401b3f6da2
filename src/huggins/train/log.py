"""The log of a training run: one CSV row per validation."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from huggins.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path


class Log:
    """Rows of figures in ``log.csv``.

    Parameters
    ----------
    path
    start
        Step at which training resumes; later rows, left by a killed run, are dropped. 0 starts
        a new log.

    Raises
    ------
    OutputError
        If it cannot be written.
    """

    def __init__(self, path: Path, start: int) -> None:
        self._path = path
        self._new = True
        if start and path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                header, *rows = csv.reader(file)
            kept = [row for row in rows if row and float(row[0]) <= start]
            self._write("w", [header, *kept])
            self._new = False

    def add(self, figures: dict[str, float]) -> None:
        """Append a row; the first also names the columns."""
        row = [f"{value:.6g}" for value in figures.values()]
        self._write("w" if self._new else "a", [list(figures), row] if self._new else [row])
        self._new = False

    def _write(self, mode: str, rows: list[list[str]]) -> None:
        try:
            with self._path.open(mode, newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(rows)
        except OSError as error:
            raise OutputError(
                f"{self._path}: the log cannot be written: {error.strerror}; make room, then "
                "--resume"
            ) from error
