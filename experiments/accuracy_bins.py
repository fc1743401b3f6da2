"""Accuracy by class and signal-to-noise, and by class and redshift: rows, page and picture.

Part of `python -m experiments.accuracy`, which names the inputs.
"""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.evaluate.figures import GOOD_DV
from huggins.evaluate.intervals import fraction
from huggins.evaluate.residuals import velocity
from huggins.evaluate.summary import number
from huggins.taxonomy import BROAD, BROAD_CLASSES, CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from huggins.evaluate.intervals import Rate
    from huggins.evaluate.sample import Sample

    Bools = NDArray[np.bool_]

FOLDER: Final = Path(__file__).resolve().parents[1] / "docs" / "results"
DATA: Final = FOLDER / "accuracy-by-class.csv"
PAGE: Final = FOLDER / "accuracy-by-class.md"
PICTURE: Final = FOLDER / "accuracy-by-class.png"
#: Bins of the median signal-to-noise of a pixel of the file.
SN: Final = (-np.inf, 2.0, 5.0, 10.0, 20.0, np.inf)
#: Bins of the true redshift.
Z: Final = {
    "QSO": (0.0, 0.8, 1.6, 2.2, 3.0, 4.5, 7.0),
    "BAL": (1.5, 2.2, 3.0, 5.5),
    "GALAXY": (0.0, 0.1, 0.4, 0.7, 2.0),
}
#: What is counted, and what it means.
QUANTITIES: Final = {
    "CLASS": "CLASS is right, of all spectra of the class",
    "SUBCLASS": "SUBCLASS is right, one of 13, of all spectra of the class",
    "Z": "Z is right (STAR 100, GALAXY 300, QSO 3000 km/s), whatever CLASS is, of all spectra "
    "of the class with a known redshift",
    "PURITY": "of all spectra that are called so: the class is right",
    "RELIABLE": "ZWARNING is 0, of all spectra of the class",
    "CLASS where ZWARNING is 0": "CLASS is right, of those of the class without a warning",
}
COLUMNS: Final = ("sample", "quantity", "of", "class", "bin_of", "low", "high")
# Values of the column `of`: the class is one of the three of CLASS, or one of the 13.
_BROAD: Final = "CLASS"
_NARROW: Final = "SUBCLASS"


def rows_of(name: str, sample: Sample) -> list[dict[str, Any]]:
    """Count everything in a sample; rows without a spectrum are left out.

    Parameters
    ----------
    name
        ``real`` or ``mock``.
    sample
        Spectra with their truth.
    """
    rows = []
    for where, column, low, high, of, cls in _bins(sample):
        inside = where & _of(sample, of, cls)
        for quantity, rate in _rates(sample, of, cls, inside, where):
            if rate.n:
                keys = (name, quantity, of, cls, column, low, high)
                rows.append(
                    dict(zip(COLUMNS, keys, strict=True))
                    | {"count": rate.count, "n": rate.n}
                    | {k: round(float(getattr(rate, k)), 4) for k in ("value",)}
                    | {"value_low": round(rate.low, 4), "value_high": round(rate.high, 4)}
                )
    return rows


def _bins(sample: Sample) -> Iterator[tuple[Bools, str, float, float, str, str]]:
    everywhere = np.ones(len(sample), bool)
    classes = [*((_BROAD, c) for c in BROAD_CLASSES), *((_NARROW, c) for c in CLASSES)]
    for of, cls in classes:
        yield everywhere, "all", -np.inf, np.inf, of, cls
        for low, high in pairwise(SN):
            yield (sample.sn >= low) & (sample.sn < high), "sn", low, high, of, cls
        for low, high in pairwise(Z.get("GALAXY" if cls == "GAL" else cls, ())):
            with np.errstate(invalid="ignore"):
                inside = (sample.true_z >= low) & (sample.true_z < high)
            yield inside, "z", low, high, of, cls


def _of(sample: Sample, of: str, cls: str) -> Bools:
    """Whether the truth is a class; QSO of CLASS includes BAL, that of the 13 does not."""
    mine: Bools = (sample.true_class if of == _BROAD else sample.true_subclass) == cls
    return mine


def _rates(
    sample: Sample, of: str, cls: str, inside: Bools, where: Bools
) -> Iterator[tuple[str, Rate]]:
    broad = of == _BROAD
    right = sample.cls == sample.true_class
    yield "CLASS", fraction(right[inside])
    if not broad:
        typed = inside & sample.typed
        yield "SUBCLASS", fraction((sample.subclass == sample.true_subclass)[typed])
    known = inside & np.isfinite(sample.true_z)
    limit = GOOD_DV[cls if broad else BROAD[cls]]
    with np.errstate(invalid="ignore"):
        near = np.abs(velocity(sample.z, sample.true_z)) <= limit
    yield "Z", fraction(near[known])
    called = where & ((sample.cls if broad else sample.subclass) == cls)
    called &= sample.classed if broad else sample.typed
    yield "PURITY", fraction(_of(sample, of, cls)[called])
    yield "RELIABLE", fraction((sample.zwarning == 0)[inside])
    yield "CLASS where ZWARNING is 0", fraction(right[inside & (sample.zwarning == 0)])


def as_csv(rows: Iterable[dict[str, Any]]) -> str:
    """Return the data file: a row for each rate; open ends of bins are empty."""
    stream = io.StringIO()
    names = (*COLUMNS, "value", "value_low", "value_high", "count", "n")
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        ends = {k: "" if np.isinf(row[k]) else f"{row[k]:g}" for k in ("low", "high")}
        writer.writerow(row | ends)
    return stream.getvalue()


def as_markdown(rows: list[dict[str, Any]]) -> str:
    """Return the tables of the page: each quantity by S/N and by redshift, real and mock."""
    parts = []
    for column, title in (("sn", "signal-to-noise"), ("z", "redshift")):
        for quantity, meaning in QUANTITIES.items():
            if quantity == "RELIABLE" and column == "z":
                continue
            parts += [f"## {quantity} by class and {title}\n", f"Fraction where {meaning}.\n"]
            for name, what in (("real", "Real spectra"), ("mock", "Simulated spectra")):
                mine = [
                    row
                    for row in rows
                    if (row["sample"], row["quantity"]) == (name, quantity)
                    and row["bin_of"] in ("all", column)
                ]
                parts += [f"{what}:\n", *_tables(mine, column)]
    return "\n".join(parts)


def _tables(rows: list[dict[str, Any]], column: str) -> Iterator[str]:
    """Yield a table for all classes, or, by redshift, one for each class."""
    every = [*((_BROAD, c) for c in BROAD_CLASSES), *((_NARROW, c) for c in CLASSES)]
    alone = [[e] for e in every if e[1] in Z]
    for group in [every] if column == "sn" else alone:
        mine = [row for row in rows if (row["of"], row["class"]) in group]
        bins = sorted({(r["low"], r["high"]) for r in mine if r["bin_of"] == column})
        if not bins:
            continue
        heads = [_range(low, high, "S/N" if column == "sn" else "z") for low, high in bins]
        lines = ["| | all | " + " | ".join(heads) + " |", "|---" * (len(bins) + 2) + "|"]
        for of, cls in group:
            cells = {
                (r["bin_of"], r["low"], r["high"]): _cell(r)
                for r in mine
                if (r["of"], r["class"]) == (of, cls)
            }
            if cells:
                total = cells.get(("all", -np.inf, np.inf), "")
                row = [cells.get((column, low, high), "") for low, high in bins]
                said = f"CLASS {cls}" if of == _BROAD else cls
                lines.append(f"| {said} | {total} | " + " | ".join(row) + " |")
        yield "\n".join(lines) + "\n"


def _range(low: float, high: float, name: str) -> str:
    if np.isinf(low):
        return f"{name} < {high:g}"
    return f"{name} > {low:g}" if np.isinf(high) else f"{low:g} to {high:g}"


def _cell(row: dict[str, Any]) -> str:
    low, high = (number(row[f"value_{k}"], "%", bare=True) for k in ("low", "high"))
    return f"{number(row['value'], '%')} ({low} to {high}), n = {row['n']}"


def draw(rows: list[dict[str, Any]]) -> Figure:
    """Draw recall of SUBCLASS against S/N, a panel for each of the 13, real beside mock."""
    from matplotlib.figure import Figure

    edges = (1.0, *SN[1:-1], 60.0)
    centres = [float(np.sqrt(a * b)) for a, b in pairwise(edges)]
    figure = Figure(figsize=(10.5, 7.6), dpi=110, layout="constrained")
    panels = figure.subplots(3, 5, sharex=True, sharey=True).ravel()
    for axes, cls in zip(panels, CLASSES, strict=False):
        axes.set_title(cls, loc="left", fontsize=10, fontweight="bold")
        axes.grid(visible=True, axis="y", color="#dfe3e9", linewidth=0.7)
        axes.spines[["top", "right"]].set_visible(False)
        for name, colour, shift in (("mock", "#8a93a1", 1.06), ("real", "#1f4e8c", 0.94)):
            mine = [
                r
                for r in rows
                if (r["sample"], r["quantity"], r["of"], r["class"], r["bin_of"])
                == (name, "SUBCLASS", _NARROW, cls, "sn")
            ]
            at = [centres[SN.index(r["low"])] * shift for r in mine]
            value = np.array([r["value"] for r in mine])
            reach = [
                value - [r["value_low"] for r in mine],
                np.array([r["value_high"] for r in mine]) - value,
            ]
            line = "-" if name == "mock" else "none"  # real spectra are few
            style = {"color": colour, "capsize": 2, "linestyle": line, "marker": "o"}
            axes.errorbar(at, value, np.abs(reach), markersize=4, label=name, **style)
        axes.set_xscale("log")
        axes.set_xticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
        axes.minorticks_off()
        axes.set_ylim(0.0, 1.04)
        axes.yaxis.set_major_formatter("{x:.0%}")
    panels[10].set_xlabel("median S/N of a pixel")
    panels[5].set_ylabel("SUBCLASS right, of all spectra of the class")
    handles, names = panels[0].get_legend_handles_labels()
    panels[13].legend(handles, names, loc="center", frameon=False)
    for axes in panels[len(CLASSES) :]:
        axes.set_axis_off()
    return figure
