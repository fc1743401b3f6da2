"""Number of spectra per class, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

# Certain labels are dark, unknown ones pale: the order is seen without colour as well.
_SHADES: Final = ("#1b3a5c", "#3f78ad", "#93b8d8", "#d9d9d9")


def plot_counts(
    names: Sequence[str], counts: Sequence[Sequence[int]], parts: Sequence[str]
) -> Figure:
    """Draw counts as bars on a logarithmic scale, one per class, each in parts.

    Parameters
    ----------
    names
        Classes, K of them.
    counts
        K lists of P numbers each, that add up to the height of a bar.
    parts
        P names for the legend.

    Returns
    -------
    matplotlib.figure.Figure
        Unknown to pyplot: it need not be closed.
    """
    from matplotlib.figure import Figure

    numbers = np.array(counts, dtype=float).reshape(len(names), len(parts))
    totals = numbers.sum(axis=1)
    figure = Figure(figsize=(8.0, 4.0), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    places = np.arange(len(names))
    for i, part in enumerate(parts):
        # A logarithmic scale cannot stack, so bars of what is left lie on one another.
        heights = numbers[:, i:].sum(axis=1)
        axes.bar(
            places, heights, 0.8, color=_SHADES[i % len(_SHADES)], label=part, zorder=2 + i
        )
    for place, total in zip(places, totals, strict=True):
        axes.annotate(
            f"{int(total):,}",
            (float(place), max(total, 1.0)),
            (0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    axes.set_yscale("log")
    axes.set_ylim(0.8, max(10.0, 3.0 * totals.max(initial=1.0)))
    axes.set_xticks(places, names)
    axes.set_ylabel("spectra")
    axes.legend(fontsize=8, ncols=len(parts), loc="upper right")
    axes.grid(axis="y", alpha=0.3, zorder=0)
    return figure
