"""Spectral lines at the redshift, with labels that do not overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huggins import lines
from huggins.plot.words import get
from huggins.taxonomy import BROAD_CLASSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from huggins.spectrum import Spectrum

LABEL_SIZE = 8.5  # points
_LEADER = 0.19  # inches from the plot to the name of a line
COLOURS = {"emission": "#16806a", "absorption": "#7d4fa0"}


def lines_in_range(spectrum: Spectrum, result: Any) -> list[tuple[str, float, str]]:
    """Name, observed wavelength and kind of the lines to mark, bluest first."""
    z, broad = get(result, "Z"), str(get(result, "CLASS") or "")
    if z is None or broad not in BROAD_CLASSES:
        return []
    good = spectrum.wavelength[spectrum.good]
    if len(good) == 0:
        return []
    marks: list[tuple[str, float, str]] = []
    for kind, known in lines.of_class(str(get(result, "SUBCLASS") or broad)).items():
        for name, wavelength in known.items():
            observed = wavelength * (1.0 + float(z))
            if good[0] <= observed <= good[-1]:
                marks.append((name, observed, kind))
    return sorted(marks, key=lambda mark: mark[1])


def height_of_names(marks: list[tuple[str, float, str]]) -> float:
    """Return the height in inches of the strip that the names need, upright."""
    longest = max(len(name) for name, _, _ in marks)
    return _LEADER + 0.06 + longest * 0.62 * LABEL_SIZE / 72.0


def draw_lines(
    axes: Axes, strip: Axes, marks: list[tuple[str, float, str]], *, inches: float
) -> None:
    """Mark the lines in the plot and label them in the strip above it without overlap."""
    first, last = axes.get_xlim()
    room = (last - first) * 1.35 * LABEL_SIZE / 72.0 / inches
    places = spread_out([observed for _, observed, _ in marks], room, first, last)
    strip.set_ylim(0.0, height_of_names(marks))  # in inches
    strip.axis("off")
    for (name, observed, kind), place in zip(marks, places, strict=True):
        colour = COLOURS[kind]
        axes.axvline(observed, color=colour, lw=0.8, ls=(0, (4, 3)), alpha=0.55, zorder=1.5)
        strip.plot(
            [observed, place, place], [0.0, 0.7 * _LEADER, _LEADER], color=colour, lw=0.7
        )
        strip.text(
            place,
            _LEADER + 0.04,
            name,
            rotation=90,
            ha="center",
            va="bottom",
            fontsize=LABEL_SIZE,
            color=colour,
        )


def spread_out(wanted: list[float], room: float, first: float, last: float) -> list[float]:
    """Places at least `room` apart, between two ends, as near as can be to where wanted.

    Parameters
    ----------
    wanted
        Sorted positions.
    room
        Smallest distance between two places; less where they would not fit otherwise.
    first, last
        The ends.

    Returns
    -------
    list of float
        The least-squares solution, by pooling neighbours that are too close.
    """
    count = len(wanted)
    if count == 0:
        return []
    room = min(room, (last - first) / count)
    # With i * room taken off, "at least room apart" becomes "not decreasing".
    pools: list[tuple[float, int]] = []  # mean, number
    for i, place in enumerate(wanted):
        mean, number = place - i * room, 1
        while pools and pools[-1][0] > mean:
            before, others = pools.pop()
            mean = (mean * number + before * others) / (number + others)
            number += others
        pools.append((mean, number))
    flat = [mean for mean, number in pools for _ in range(number)]
    low, high = first + 0.5 * room, last - (count - 0.5) * room
    return [min(max(place, low), high) + i * room for i, place in enumerate(flat)]
