"""Learning curves of a training run."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.errors import InputError
from huggins.evaluate.drawings import styled
from huggins.plot import save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: What each column of ``log.csv`` is: the panel that draws it, its legend, and its definition.
KEYS: Final[dict[str, tuple[str, str, str]]] = {
    "step": ("", "step", "batches that have been learned from"),
    "loss": (
        "loss",
        "training batches",
        "mean loss of the batches since the last row: cross entropy of the class plus "
        "`redshift_weight` times that of the redshift bins",
    ),
    "held_loss": (
        "loss",
        "`choose` folds, classes only",
        "mean -ln of the probability of the true class, or of the classes that a label leaves "
        "open, on the `choose` folds and on mocks of held-back templates, both weighing the "
        "same; `patience` watches it",
    ),
    "accuracy": (
        "training",
        "right class, one of 14",
        "fraction of the training spectra since the last row whose most probable class (of the "
        "13 and NONE) is the true one or among those that the label leaves open",
    ),
    "speed": ("speed", "", "spectra per second since the last row"),
    "visual": (
        "real",
        "CLASS, visually inspected",
        "BOSS spectra inspected by eye whose CLASS is right",
    ),
    "sdss": (
        "real",
        "CLASS, BOSS and SDSS-I",
        "spectra of BOSS and SDSS-I with a label of trust 2 whose CLASS is right",
    ),
    "quasar_z": (
        "real",
        "quasar z, network alone",
        "quasars whose redshift by the network is within 0.02 (1 + z) of the label",
    ),
    "galaxies": ("real", "galaxies found", "galaxies that are called GALAXY"),
    "letter": (
        "real",
        "letter of a star, LAMOST",
        "stars of LAMOST whose SUBCLASS is the letter of the label",
    ),
    "neighbour": (
        "real",
        "letter or next, LAMOST",
        "the same, or the letter before or after it",
    ),
    "sky": ("real", "empty sky kept", "sky fibres without a warning: the fewer the better"),
    "kept": (
        "real",
        "no warning and right",
        "real spectra, sky aside, that have no warning and the right CLASS",
    ),
    "mock5": (
        "mocks",
        "recall, S/N 5 to 40",
        "mean recall of the 13 classes on mocks of held-back templates, S/N 5 to 40 a "
        "native pixel",
    ),
    "mock2": ("mocks", "recall, S/N 2 to 5", "the same, S/N 2 to 5"),
    "mock_z": (
        "mocks",
        "quasar z, S/N 5 to 40",
        "mock quasars of S/N 5 to 40 whose redshift by the network is within 0.02 (1 + z)",
    ),
}
# Panels, from the top: title of the axis, and whether it is a fraction.
_PANELS: Final = (
    ("loss", "loss (nat)", False),
    ("training", "training spectra", True),
    ("real", "real spectra, `choose` folds", True),
    ("mocks", "mocks, held-back templates", True),
    ("speed", "spectra per second", False),
)
_COLOURS: Final = (
    *("#1f4e8c", "#c8641f", "#2f8f6b", "#8a3f8f", "#b0303c", "#6b7280", "#b58b00", "#3aa0c9"),
)


def draw_log(log: str | Path, out: str | Path) -> Path:
    """Draw the columns of ``log.csv`` against the step, grouped as `KEYS` says.

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
    try:
        with Path(log).open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        columns = {name: [float(row[i]) for row in rows] for i, name in enumerate(header)}
        step = columns.pop("step")
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{log}: not a log of training: {error}") from error
    return save_figure(_curves(step, columns), Path(out))


@styled
def _curves(step: list[float], columns: dict[str, list[float]]) -> Figure:
    from matplotlib.figure import Figure

    shown = [
        (title, fraction, names)
        for panel, title, fraction in _PANELS
        if (
            names := [
                n for n in columns if _key(n)[0] == panel and np.isfinite(columns[n]).any()
            ]
        )
    ]
    heights = [1.0 + 0.12 * len(names) for _, _, names in shown]
    figure = Figure(figsize=(9.0, 0.6 + 1.25 * sum(heights)), dpi=110, layout="constrained")
    panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False, height_ratios=heights)
    for axes, (title, fraction, names) in zip(panels[:, 0], shown, strict=True):
        for name, colour in zip(names, _COLOURS, strict=False):
            style = {"linewidth": 1.4, "marker": "o", "markersize": 2.5, "color": colour}
            axes.plot(step, columns[name], label=_key(name)[1] or None, **style)
        axes.set_ylabel(title.replace("`", ""), fontsize=8.5)
        _finish(axes, columns, names, fraction=fraction)
    panels[-1, 0].set_xlabel("step (batches learned from)")
    return figure


def _finish(
    axes: Axes, columns: dict[str, list[float]], names: list[str], *, fraction: bool
) -> None:
    """Set limits, grid and legend of a panel; the best of what training watches is marked."""
    axes.grid(visible=True, axis="y")
    if fraction:
        lowest = min(np.nanmin(columns[name]) for name in names)
        axes.set_ylim(max(0.0, lowest - 0.05), 1.02)
        axes.yaxis.set_major_formatter("{x:.0%}")
    elif "speed" in names:
        axes.set_ylim(bottom=0.0)
    if any(_key(name)[1] for name in names):
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), borderaxespad=0.0)


def _key(name: str) -> tuple[str, str]:
    """Return panel and legend of a column; one that is not known is drawn as a fraction."""
    panel, legend, _ = KEYS.get(name, ("real", name, ""))
    return panel, legend.replace("`", "")
