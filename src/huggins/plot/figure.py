"""The figure of a spectrum: layout of its panels."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins import quality
from huggins.inference.sources import is_row, spectrum_in
from huggins.plot.data import (
    CLASS_COLOURS,
    MODEL,
    SECOND,
    WAVELENGTH,
    draw_data,
    draw_residuals,
)
from huggins.plot.marks import draw_lines, height_of_names, lines_in_range
from huggins.plot.words import (
    describe,
    facts,
    fit_caption,
    get,
    name,
    probability_text,
    second_caption,
)
from huggins.spectrum import Spectrum
from huggins.taxonomy import BROAD, CLASSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

    from huggins.inference import FitDetails

    Array = NDArray[np.float64]

# Inches: the figure without panels of residuals, each of these, the gap above it, and what is
# kept for the title and for the axis at the foot.
_WIDTH, _HEIGHT, _PANEL, _GAP, _HEAD, _FOOT = 12.0, 6.0, 1.25, 0.07, 0.75, 0.63
_LABEL: Final = -0.05  # of the panels' width: labels of all y axes stand in one line
_RESIDUAL: Final = "residual (σ)"
_NAMES: Final = "numbers in the names of lines are vacuum wavelengths (Å)"
_PAPER: Final = {"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 1.5}
_DPI = 130
_GOOD, _WARNING, _QUIET = "#16806a", "#b3470a", "#5d6673"


def plot_spectrum(
    spectrum: Any,
    result: Any = None,
    *,
    fit: FitDetails | None = None,
    model: ArrayLike | None = None,
    second: bool = False,
    title: str | None = None,
) -> Figure:
    """Plot one spectrum with its results.

    The figure holds the flux on native pixels (with a smoothed line over it where the
    signal-to-noise is low), the 1-sigma errors, the masked pixels, the spectral lines at the
    redshift, and the probabilities of the 13 classes; with a fit, its model, and below it the
    residuals, (flux - model) / sigma, in grey, and smoothed in colour. It is unknown to
    pyplot: ``figure.savefig("a.png")`` writes it.

    Parameters
    ----------
    spectrum
        A `huggins.Spectrum` of L pixels, the path of a file with one, a row of the table that
        `huggins.classify` returns (which is then its `result` too), or any object with one
        spectrum that it takes.
    result
        Its row of the table that `huggins.classify` returns, or any mapping with such columns;
        columns that are absent or masked are left out of the figure.
    fit
        What `huggins.inference.fit_details` returns for this spectrum.
    model : array_like, shape (L,), optional
        Another model instead, on the spectrum's pixels and in the unit of its flux; NaN
        where there is none.
    second
        Whether to draw the next redshift of `fit` too, which DELTACHI2 speaks of.
    title
        Name to show instead of the file's.

    Raises
    ------
    ValueError
        If `model` is not of the spectrum's length.
    InputError, ReadError
        If there is not one spectrum, or it cannot be read.
    """
    from matplotlib.figure import Figure

    if not isinstance(spectrum, Spectrum):
        if result is None and is_row(spectrum):
            result = spectrum
        spectrum = spectrum_in(spectrum)

    models = _models(fit, model, second=second)
    for each in models:
        if each.flux.shape != spectrum.flux.shape:
            raise ValueError(
                f"model is of shape {each.flux.shape}, the flux of {spectrum.flux.shape}"
            )
    probabilities = _probabilities(result)
    marks = lines_in_range(spectrum, result)
    # Heights in inches from here on: panels keep their size whatever stands below them.
    height = _HEIGHT + _PANEL * len(models)
    figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, facecolor="white")
    left, right = 0.066, 0.988 if probabilities is None else 0.845

    def panel(bottom: float, top: float, label: str, **kwargs: Any) -> Axes:
        box = (left, bottom / height, right - left, (top - bottom) / height)
        return figure.add_axes(box, label=label, **kwargs)

    foot = _FOOT + _PANEL * len(models)
    strip_height = height_of_names(marks) if marks else 0.06
    top = height - _HEAD - strip_height
    main = panel(foot, top, "spectrum")
    chosen = fit is not None and model is None and fit.deltachi2 < 0.0
    called = "chosen fit" if chosen else "best fit"
    draw_data(main, spectrum, *(each.flux for each in models), called=called)
    main.yaxis.set_label_coords(_LABEL, 0.5)
    bottom = main
    for i, each in enumerate(models, start=1):
        bottom.set_xlabel("")
        bottom.tick_params(which="both", labelbottom=False)
        below = foot - _PANEL * i
        bottom = panel(below, below + _PANEL - _GAP, f"residuals {i}", sharex=main)
        draw_residuals(bottom, spectrum, each.flux, label=each.label, colour=each.colour)
        bottom.set_xlabel(WAVELENGTH)
        bottom.yaxis.set_label_coords(_LABEL, 0.5)
        if i == 1:
            bottom.text(
                0.994,
                0.06,
                "grey: (flux - model) / σ of each pixel; coloured: its running mean",
                transform=bottom.transAxes,
                ha="right",
                fontsize=7,
                color=_QUIET,
                bbox=_PAPER,
                zorder=6,
            )
        bottom.text(
            0.006,
            0.93,
            each.caption,
            transform=bottom.transAxes,
            va="top",
            fontsize=8.5,
            color=each.colour,
            bbox=_PAPER,
            zorder=6,
        )
    if marks:
        strip = panel(top, top + strip_height, "lines", sharex=main)
        draw_lines(main, strip, marks, inches=_WIDTH * (right - left))
    if probabilities is not None:
        box = (right + 0.045, 1.0 - (_HEIGHT - _FOOT) / height, 0.067, 0.73 * _HEIGHT / height)
        bars = figure.add_axes(box, label="probabilities")
        _draw_bars(bars, probabilities, best=get(result, "SUBCLASS"))
    causes = None if fit is None else fit.causes
    _write_titles(figure, spectrum, result, title, left, causes)
    if marks:
        figure.text(right, 0.17 / height, _NAMES, fontsize=7, color=_QUIET, ha="right")
    return figure


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """A model to be drawn."""

    flux: Array
    label: str
    colour: str
    caption: str


def _models(fit: FitDetails | None, model: ArrayLike | None, *, second: bool) -> list[_Drawn]:
    if model is not None:
        return [_Drawn(np.asarray(model, np.float64), _RESIDUAL, MODEL, "")]
    if fit is None:
        return []
    models = [_Drawn(fit.best.model, _RESIDUAL, MODEL, fit_caption(fit))]
    if second and fit.second is not None:
        models.append(_Drawn(fit.second.model, _RESIDUAL, SECOND, second_caption(fit)))
    return models


def _probabilities(result: Any) -> Array | None:
    values = [get(result, f"P_{name}") for name in CLASSES]
    if any(value is None for value in values):
        return None
    return np.array(values, dtype=np.float64)


def _draw_bars(axes: Axes, probabilities: Array, best: object) -> None:
    """Bars of the 13 class probabilities."""
    places = np.arange(len(CLASSES))
    colours = [CLASS_COLOURS[BROAD[name]] for name in CLASSES]
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
            axes.text(
                1.06,
                place,
                probability_text(value).lstrip("=").replace(" ", ""),
                va="center",
                fontsize=8,
                clip_on=False,
            )
    axes.set_title("probability", fontsize=9, color=_QUIET, loc="left", pad=4)


def _write_titles(
    figure: Figure,
    spectrum: Spectrum,
    result: Any,
    title: str | None,
    left: float,
    causes: Mapping[quality.ZWarning, str] | None,
) -> None:
    called = title if title is not None else name(spectrum)
    verdict = describe(result)
    height = float(figure.get_figheight())
    first, next_ = 1.0 - 0.29 / height, 1.0 - 0.59 / height
    figure.text(left, first, verdict or called, fontsize=14, fontweight="bold", va="center")
    known = [called, *facts(spectrum)] if verdict else facts(spectrum)
    figure.text(left, next_, "   ·   ".join(known), fontsize=9, color=_QUIET, va="center")
    bits = get(result, "ZWARNING")
    if bits is None:
        return
    words = "; ".join(quality.meanings(int(bits), causes)) or "no warning"
    figure.text(
        0.988,
        first,
        textwrap.fill(words, 85, max_lines=3, placeholder=" ..."),
        fontsize=9.5 if len(words) < 85 else 8,
        color=_WARNING if bits else _GOOD,
        ha="right",
        va="center",
    )
