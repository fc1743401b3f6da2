"""The figure: where everything stands."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins import quality
from huggins.plot.data import draw_data
from huggins.plot.marks import draw_lines, height_of_names, lines_in_range
from huggins.plot.words import describe, facts, get, name
from huggins.taxonomy import BROAD, CLASSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]

_WIDTH, _HEIGHT = 12.0, 6.0  # inches
_DPI = 130
_GOOD, _WARNING, _QUIET = "#16806a", "#b3470a", "#5d6673"
_BROAD_COLOURS: Final = {"QSO": "#3567a8", "STAR": "#d99a2b", "GALAXY": "#b4475a"}


def plot_spectrum(
    spectrum: Spectrum,
    result: Any = None,
    *,
    model: ArrayLike | None = None,
    title: str | None = None,
) -> Figure:
    """Draw one spectrum and what is known of it.

    The figure holds the flux on native pixels (with a smoothed line over it where the
    signal-to-noise is low), the 1-sigma errors, the masked pixels, the spectral lines at the
    redshift, and the probabilities of the 13 classes. It belongs to no pyplot state:
    ``figure.savefig("a.png")`` writes it.

    Parameters
    ----------
    spectrum
        Of L pixels.
    result
        Its row of the table that `huggins.classify` returns, or any mapping with such columns;
        columns that are absent or masked are left out of the figure.
    model : array_like, shape (L,), optional
        Best-fit model on the spectrum's pixels, in the unit of its flux; NaN where there is
        none.
    title
        Name to show instead of the file's.

    Raises
    ------
    ValueError
        If `model` is not of the spectrum's length.
    """
    from matplotlib.figure import Figure

    fit = None if model is None else np.asarray(model, dtype=np.float64)
    if fit is not None and fit.shape != spectrum.flux.shape:
        raise ValueError(f"model is of shape {fit.shape}, the flux of {spectrum.flux.shape}")
    probabilities = _probabilities(result)
    marks = lines_in_range(spectrum, result)
    figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=_DPI, facecolor="white")
    left, right = 0.066, 0.988 if probabilities is None else 0.845
    strip_height = height_of_names(marks) / _HEIGHT if marks else 0.01
    top = 0.875 - strip_height
    main = figure.add_axes((left, 0.105, right - left, top - 0.105), label="spectrum")
    draw_data(main, spectrum, fit)
    if marks:
        strip = figure.add_axes(
            (left, top, right - left, strip_height), sharex=main, label="lines"
        )
        draw_lines(main, strip, marks, inches=_WIDTH * (right - left))
    if probabilities is not None:
        bars = figure.add_axes((right + 0.045, 0.105, 0.075, 0.73), label="probabilities")
        _draw_bars(bars, probabilities, best=get(result, "SUBCLASS"))
    _write_titles(figure, spectrum, result, title, left)
    return figure


def _probabilities(result: Any) -> Array | None:
    values = [get(result, f"P_{name}") for name in CLASSES]
    if any(value is None for value in values):
        return None
    return np.array(values, dtype=np.float64)


def _draw_bars(axes: Axes, probabilities: Array, best: object) -> None:
    """Bars of the 13 class probabilities."""
    places = np.arange(len(CLASSES))
    colours = [_BROAD_COLOURS[BROAD[name]] for name in CLASSES]
    axes.barh(places, np.ones(len(CLASSES)), color="#eef0f3", height=0.74, zorder=1)
    axes.barh(places, probabilities, color=colours, height=0.74, zorder=2)
    axes.set_yticks(places, CLASSES, fontsize=9)
    for label in axes.get_yticklabels():
        if label.get_text() == str(best):
            label.set_fontweight("bold")
    axes.invert_yaxis()
    axes.set_xlim(0.0, 1.0)
    axes.set_xticks([])
    axes.tick_params(left=False)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    for place, value in enumerate(probabilities.tolist()):
        if value >= 0.0005:
            axes.text(1.06, place, f"{value:.3f}", va="center", fontsize=8, clip_on=False)
    axes.set_title("probability", fontsize=9, color=_QUIET, loc="left", pad=4)


def _write_titles(
    figure: Figure, spectrum: Spectrum, result: Any, title: str | None, left: float
) -> None:
    called = title if title is not None else name(spectrum)
    verdict = describe(result)
    figure.text(left, 0.952, verdict or called, fontsize=14, fontweight="bold", va="center")
    known = [called, *facts(spectrum)] if verdict else facts(spectrum)
    figure.text(left, 0.902, "   ·   ".join(known), fontsize=9, color=_QUIET, va="center")
    bits = get(result, "ZWARNING")
    if bits is None:
        return
    words = "; ".join(quality.meanings(int(bits))) or "no warning"
    figure.text(
        0.988,
        0.952,
        textwrap.fill(words, 85, max_lines=3, placeholder=" ..."),
        fontsize=9.5 if len(words) < 85 else 8,
        color=_WARNING if bits else _GOOD,
        ha="right",
        va="center",
    )
