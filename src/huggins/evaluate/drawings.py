"""The diagrams of the report; each function returns a Figure unknown to pyplot.

Where an old model is given as well, it is drawn in grey behind the new one.
"""

from __future__ import annotations

import math
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec

import numpy as np

from huggins.evaluate.residuals import velocity
from huggins.evaluate.summary import number
from huggins.plot.data import CLASS_COLOURS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from huggins.evaluate.curves import Bin, PurityCompleteness
    from huggins.evaluate.figures import ClassFigures, QuasarFigures, RedshiftFigures
    from huggins.evaluate.metrics import ClassScore
    from huggins.evaluate.sample import Sample

P = ParamSpec("P")

_FIRST, _SECOND = "#1f4e8c", "#c8641f"
_OLD, _INK, _FAINT = "#a3abb8", "#2b3440", "#dfe3e9"
_WIDTH = 10.6  # inches
_STYLE: Final[dict[str, Any]] = {
    "axes.axisbelow": True,
    "font.size": 9.5,
    "axes.edgecolor": "#8a93a1",
    "axes.labelcolor": _INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "grid.color": _FAINT,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Let a function draw in the report's style, regardless of the user's settings."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Figure:
        from matplotlib import style

        with style.context(["default", _STYLE]):
            return draw(*args, **kwargs)

    return inside


@styled
def draw_scores(scores: Sequence[ClassScore], old: Sequence[ClassScore] = ()) -> Figure:
    """Draw recall and precision of each class with their intervals."""
    before = {score.name: score for score in old}
    figure, (left, right) = _figure(1, 2, height=0.7 + 0.27 * len(scores), sharey=True)
    for axes, which, title in (
        (left, "recall", "Recall (completeness)"),
        (right, "precision", "Precision (purity)"),
    ):
        for place, score in enumerate(scores):
            rate = getattr(score, which)
            if score.name in before:
                _dot(axes, place + 0.22, getattr(before[score.name], which), _OLD)
            _dot(axes, place, rate, _FIRST)
            count = f"{rate.count}/{rate.n}" if rate.n else "none"
            axes.text(1.02, place, count, va="center", fontsize=8, color="#66707e")
        axes.set_title(title)
        axes.set_xlim(-0.02, 1.01)
        axes.set_ylim(len(scores) - 0.4, -0.6)
        axes.set_yticks(range(len(scores)), [score.name for score in scores])
        axes.tick_params(axis="y", length=0)
        _percent(axes.xaxis)
        axes.grid(axis="x")
    return figure


@styled
def draw_quasars(quasars: QuasarFigures, old: QuasarFigures | None = None) -> Figure:
    """Draw purity and completeness of quasars against the threshold in probability."""
    figure, panels = _figure(1, 2, height=3.3, sharey=True)
    least = 1.0
    for axes, which, title in (
        (panels[0], "all", "All spectra"),
        (panels[1], "passed", "Spectra with ZWARNING = 0"),
    ):
        curve: PurityCompleteness = getattr(quasars, which)
        before: PurityCompleteness | None = None if old is None else getattr(old, which)
        for what, colour, style in (
            ("completeness", _FIRST, "-"),
            ("purity", _SECOND, "--"),
        ):
            value, low, high = (getattr(curve, what + end) for end in ("", "_low", "_high"))
            if before is not None:
                _old_line(axes, before.threshold, getattr(before, what), style, f"{what}, old")
            _band(axes, curve.threshold, (value, low, high), colour, what)
            inside = value[(curve.threshold <= 0.98) & (curve.threshold >= 0.02)]
            least = min(least, float(np.nanmin(inside, initial=1.0)))
        axes.set_title(title)
        axes.set_xlabel("threshold in P_QSO + P_BAL")
        axes.set_xlim(0, 1)
        _percent(axes.yaxis)
        axes.grid()
    panels[0].set_ylim(max(0.0, least - 0.08), 1.005)
    panels[0].legend(loc="lower left")
    return figure


@styled
def draw_bins(
    panels: Sequence[tuple[str, str, Mapping[str, Sequence[Bin]]]],
    old: Sequence[Mapping[str, Sequence[Bin]]] = (),
) -> Figure:
    """Draw fractions in bins, with intervals and numbers.

    Parameters
    ----------
    panels
        Of each its title, the name of the quantity and the bins by series.
    old
        The same series of an old model, panel by panel.
    """
    figure, grid = _figure(1, len(panels), height=3.2, sharey=True)
    colours = (_FIRST, _SECOND, "#3f8f6b")
    for i, (axes, (title, quantity, series)) in enumerate(zip(grid, panels, strict=True)):
        bins = _occupied(series)
        if not bins:
            axes.set_title(title)
            axes.text(0.5, 0.5, "no spectra", ha="center", transform=axes.transAxes)
            axes.set_xticks([])
            continue
        places = {limits: place for place, limits in enumerate(bins)}
        width = 0.5 / max(len(series), 1)
        for j, (name, values) in enumerate(series.items()):
            colour = CLASS_COLOURS.get(name, colours[j % 3])
            offset = width * (j - (len(series) - 1) / 2)
            for each in old[i].get(name, ()) if old else ():
                if each.limits in places:
                    place = places[each.limits] + offset + 0.5 * width
                    _dot(axes, place, each.rate, _OLD, upright=True)
            label = name  # only the first dot has one
            for each in values:
                if not each.rate.n:
                    continue
                place = places[each.limits] + offset
                _dot(axes, place, each.rate, colour, upright=True, label=label)
                label = ""
                axes.text(
                    place,
                    -0.03 - 0.045 * j,
                    str(each.rate.n),
                    ha="center",
                    va="top",
                    fontsize=7.5,
                    color=colour,
                    transform=axes.get_xaxis_transform(),
                )
        axes.set_title(title)
        axes.set_xticks(range(len(bins)), [label_of(*limits) for limits in bins], fontsize=8.5)
        axes.tick_params(axis="x", length=0, pad=8 + 8 * len(series))
        axes.set_xlim(-0.6, len(bins) - 0.4)
        axes.set_xlabel(f"{quantity}  (numbers above: spectra)")
        axes.set_ylim(-0.02, 1.04)
        _percent(axes.yaxis)
        axes.grid(axis="y")
        if len(series) > 1 or old:
            axes.legend(
                loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=3, borderaxespad=0.0
            )
    return figure


@styled
def draw_coverage(
    classes: ClassFigures,
    subclasses: ClassFigures,
    old: tuple[ClassFigures, ClassFigures] | None = None,
) -> Figure:
    """Draw the accuracy against coverage, the most confident spectra first."""
    figure, (axes, other) = _figure(1, 2, height=3.2)
    least = 1.0
    for i, (name, level, colour, style) in enumerate(
        (("CLASS", classes, _FIRST, "-"), ("SUBCLASS", subclasses, _SECOND, "--"))
    ):
        curve = level.coverage
        if not len(curve.coverage):
            continue
        if old is not None:
            before = old[i].coverage
            _old_line(axes, before.coverage, before.accuracy, style)
        _band(axes, curve.coverage, (curve.accuracy, curve.low, curve.high), colour, name)
        other.plot(curve.coverage, curve.threshold, color=colour, lw=1.8, label=name)
        least = min(least, float(curve.accuracy[curve.coverage >= 0.1].min()))
    axes.set_ylim(max(0.0, least - 0.06), 1.005)
    axes.set_title("Accuracy of the spectra kept")
    other.set_title("Probability threshold")
    other.set_ylim(-0.02, 1.02)
    for panel in (axes, other):
        panel.set_xlim(0, 1.0)
        panel.set_xlabel("coverage: fraction of spectra kept, most confident first")
        _percent(panel.xaxis)
        panel.grid()
        panel.legend(loc="lower left")
    _percent(axes.yaxis)
    return figure


@styled
def draw_reliability(levels: Mapping[str, ClassFigures]) -> Figure:
    """Draw the reliability diagrams: accuracy against confidence."""
    figure, panels = _figure(2, len(levels), height=4.6, sharex="col", height_ratios=(3.2, 1.0))
    for column, (name, level) in enumerate(levels.items()):
        axes, below = panels[0][column], panels[1][column]
        axes.plot([0, 1], [0, 1], color="#8a93a1", lw=1.0, ls=(0, (4, 3)))
        middles = [0.5 * (each.low + each.high) for each in level.reliability]
        counts = [each.accuracy.n for each in level.reliability]
        for each in level.reliability:
            _dot(axes, each.confidence, each.accuracy, _FIRST, upright=True)
        width = 0.9 / max(len(middles), 1)
        below.bar(middles, counts, width=width, color=_FIRST, alpha=0.75)
        below.set_yscale("symlog", linthresh=1.0)
        below.set_ylabel("spectra")
        below.set_xlabel(f"probability given to {name}")
        _percent(below.xaxis)
        error = level.calibration
        axes.set_title(name)
        axes.set_title(
            f"calibration error {error.error.value:.3f} "
            f"({error.error.low:.3f} to {error.error.high:.3f})\n"
            f"by chance alone {error.by_chance:.3f}, up to {error.by_chance_high:.3f}",
            loc="right",
            fontsize=8.5,
            fontweight="normal",
        )
        axes.set_ylabel("fraction correct")
        axes.set_xlim(0, 1.01)
        axes.set_ylim(-0.02, 1.03)
        _percent(axes.yaxis)
        axes.grid()
        below.grid(axis="y")
    return figure


@styled
def draw_residuals(
    sample: Sample, redshifts: Mapping[str, RedshiftFigures], old: Sample | None = None
) -> Figure:
    """Draw the distributions of dv and of dz / Z_ERR for each true class."""
    names = list(redshifts)
    figure, panels = _figure(2, len(names), height=5.0)
    pulls = np.linspace(-6.0, 6.0, 41)
    for column, name in enumerate(names):
        residuals = redshifts[name].residuals
        scatter = residuals.nmad.value
        reach = 5.0 * scatter if math.isfinite(scatter) and scatter > 0 else 3000.0
        bins = np.linspace(-reach, reach, 41)
        top, below = panels[0][column], panels[1][column]
        for of, colour, filled in ((old, _OLD, False), (sample, CLASS_COLOURS[name], True)):
            if of is None:
                continue
            dv, pull = _deviations(of, name)
            _histogram(top, dv, bins, colour, filled=filled)
            _histogram(below, pull, pulls, colour, filled=filled)
            if filled:
                outside = int((np.abs(dv) > reach).sum())
                top.set_title(f"{name}: {residuals.n} spectra, {outside} outside")
                height = len(pull) * (pulls[1] - pulls[0]) / math.sqrt(2.0 * math.pi)
        fine = np.linspace(-6.0, 6.0, 241)
        below.plot(fine, height * np.exp(-0.5 * fine**2), color=_INK, lw=1.0, ls="--")
        top.set_xlabel("dv = c dz / (1 + z)  (km/s)")
        _note(
            top,
            f"median |dv| {number(residuals.median_abs_dv.value, 'km/s')}\n"
            f"bias {number(residuals.median_dv.value, 'km/s')}\n"
            f"NMAD {number(scatter, 'km/s')}",
        )
        width = residuals.pull_width
        below.set_xlabel("(z - truth) / Z_ERR")
        _note(
            below,
            f"width {number(width.value, '')}\n({number(width.low, '')} to "
            f"{number(width.high, '')})\nn = {width.n}",
        )
    for row in panels:
        row[0].set_ylabel("spectra")
        for axes in row:  # room for the text
            axes.set_ylim(top=1.25 * axes.get_ylim()[1])
    return figure


def _deviations(sample: Sample, name: str) -> tuple[Any, Any]:
    """Velocity differences in km/s and pulls of the spectra of one true class."""
    of = sample.take(
        (sample.true_class == name) & np.isfinite(sample.true_z) & np.isfinite(sample.z)
    )
    dv = velocity(of.z, of.true_z)
    fair = (of.z_err > 0) & (np.abs(dv) <= 3000.0)
    return dv, ((of.z - of.true_z)[fair] / of.z_err[fair])


def _histogram(axes: Axes, values: Any, bins: Any, colour: str, *, filled: bool) -> None:
    axes.hist(
        values,
        bins=bins,
        histtype="stepfilled" if filled else "step",
        color=colour,
        alpha=0.55 if filled else 1.0,
        lw=1.2,
        zorder=2 if filled else 3,
    )


def _note(axes: Axes, text: str) -> None:
    axes.text(0.02, 0.97, text, transform=axes.transAxes, va="top", fontsize=8.5)


def _band(axes: Axes, x: Any, value: tuple[Any, Any, Any], colour: str, label: str) -> None:
    """Draw a curve, given as value, low and high, with its interval as a band."""
    middle, low, high = value
    known = np.isfinite(middle)
    axes.fill_between(x, low, high, where=known, color=colour, alpha=0.15, lw=0)
    axes.plot(x, middle, color=colour, lw=1.8, label=label)


def _old_line(axes: Axes, x: Any, y: Any, style: str, label: str = "") -> None:
    axes.plot(x, y, color=_OLD, lw=1.3, ls=style, label=label or "_")


def _dot(
    axes: Axes, place: float, rate: Any, colour: str, *, upright: bool = False, label: str = ""
) -> None:
    """Draw a fraction as a dot with its interval as a bar, unless it rests on nothing."""
    if not rate.n:
        return
    bar = [[max(rate.value - rate.low, 0.0)], [max(rate.high - rate.value, 0.0)]]
    axes.errorbar(
        [place] if upright else [rate.value],
        [rate.value] if upright else [place],
        yerr=bar if upright else None,
        xerr=None if upright else bar,
        fmt="o",
        ms=4.2,
        color=colour,
        elinewidth=1.6,
        label=label or "_",
        zorder=1 if colour == _OLD else 3,
    )


def _occupied(series: Mapping[str, Sequence[Bin]]) -> list[tuple[float, float]]:
    """Bins in which any series has spectra, rising."""
    return sorted({b.limits for bins in series.values() for b in bins if b.rate.n})


def label_of(low: float, high: float) -> str:
    """Return a bin's range in few characters.

    >>> label_of(-math.inf, 1.0), label_of(0.1, 0.3), label_of(50.0, math.inf)
    ('< 1', '0.1–0.3', '≥ 50')
    """
    if math.isinf(low):
        return f"< {high:g}"
    return f"≥ {low:g}" if math.isinf(high) else f"{low:g}–{high:g}"


def _percent(axis: Axis) -> None:
    """Label an axis of fractions in per cent."""
    axis.set_major_formatter(lambda value, _: f"{100.0 * value:.0f} %")


def _figure(
    rows: int,
    columns: int,
    *,
    height: float,
    **options: Any,
) -> tuple[Figure, Any]:
    """Make a figure with a grid of empty axes; other options are those of ``subplots``."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained", facecolor="none")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, (axes[0] if rows == 1 else axes)
