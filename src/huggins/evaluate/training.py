"""Learning curves of a training run."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

from huggins.errors import InputError
from huggins.plot import save_figure

# Columns of the first panels; all others of the log go into the last one.
_PANELS: Final = (("loss", "held_loss"), ("speed",))


def draw_log(log: str | Path, out: str | Path) -> Path:
    """Draw the columns of ``log.csv`` against the step: losses, spectra per second, fractions.

    Parameters
    ----------
    log
        As `huggins train` writes it.
    out
        PNG or PDF, by its ending.

    Raises
    ------
    InputError
        If the log cannot be read.
    """
    from matplotlib.figure import Figure

    try:
        with Path(log).open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        columns = {name: [float(row[i]) for row in rows] for i, name in enumerate(header)}
        step = columns.pop("step")
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{log}: not a log of training: {error}") from error
    titles = ("loss", "spectra per second", "fractions")
    rest = tuple(name for name in columns if not any(name in panel for panel in _PANELS))
    figure = Figure(figsize=(7.0, 8.0), dpi=110, layout="constrained")
    axes = figure.subplots(3, 1, sharex=True)
    for axis, title, names in zip(axes, titles, (*_PANELS, rest), strict=True):
        for name in names:
            if name in columns:
                axis.plot(step, columns[name], marker=".", linewidth=1.0, label=name)
        axis.set_ylabel(title)
        if axis.lines:
            axis.legend(fontsize=7, ncols=3)
    axes[-1].set_xlabel("step")
    return save_figure(figure, Path(out))
