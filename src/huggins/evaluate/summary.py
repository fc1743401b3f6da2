"""The figures that come first: on the terminal, at the head of the report, group by group."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from huggins.evaluate.intervals import Estimate, Rate

if TYPE_CHECKING:
    from huggins.evaluate.figures import Figures


@dataclass(frozen=True, slots=True)
class Headline:
    """One figure with its name.

    Attributes
    ----------
    key : str
        Stable name, for tables that show two sets side by side.
    label : str
        In words.
    value : Rate or Estimate
    unit : str
        ``%`` (of a fraction), ``km/s``, or empty.
    better : int
        1 where more is better, -1 where less is.
    """

    key: str
    label: str
    value: Rate | Estimate
    unit: str
    better: int = 1

    def text(self) -> str:
        """Return the value alone, such as ``96.9 %``."""
        return number(self.value.value, self.unit)

    def interval(self) -> str:
        """Return the interval, such as ``94.3 to 98.3``."""
        low, high = (number(v, self.unit, bare=True) for v in (self.value.low, self.value.high))
        return f"{low} to {high}"

    def basis(self) -> str:
        """Return what it rests on, such as ``252 of 260``."""
        if isinstance(self.value, Rate):
            return f"{self.value.count} of {self.value.n}"
        return f"n = {self.value.n}"


def headlines(figures: Figures) -> tuple[Headline, ...]:
    """Return the main figures of a set of spectra; those that rest on nothing are left out."""
    classes, subclasses = figures.classes, figures.subclasses
    quasar = next(score for score in classes.scores if score.name == "QSO")
    rows = [
        Headline("class", "CLASS right", classes.accuracy, "%"),
        Headline("subclass", "SUBCLASS right", subclasses.accuracy, "%"),
        Headline("macro_recall", "Macro recall, 13 classes", subclasses.macro_recall, "%"),
        Headline("letter", "Star's letter right", figures.letters.right, "%"),
        Headline("neighbour", "Letter right or next", figures.letters.within_one, "%"),
        Headline("completeness", "Quasar completeness", quasar.recall, "%"),
        Headline("purity", "Quasar purity", quasar.precision, "%"),
        Headline("relied", "ZWARNING = 0 and right", figures.doubts.passed_and_right, "%"),
        Headline("reliable", "Right where ZWARNING = 0", figures.doubts.right_if_passed, "%"),
        Headline("sky", "Sky with ZWARNING = 0", figures.sky.passed, "%", better=-1),
    ]
    for key, level in (("class", classes), ("subclass", subclasses)):
        name = f"Calibration error, {key.upper()}"
        rows.append(Headline(f"ece_{key}", name, level.calibration.error, "", better=-1))
    for name, plural in (("QSO", "Quasar"), ("GALAXY", "Galaxy"), ("STAR", "Star")):
        if name not in figures.redshifts:
            continue
        residuals, limit = figures.redshifts[name].residuals, figures.redshifts[name].limit
        good = getattr(residuals, f"within_{limit:.0f}")
        dv = residuals.median_abs_dv
        rows += [
            Headline(f"z_{name}", f"{plural} z within {limit:.0f} km/s", good, "%"),
            Headline(f"dv_{name}", f"{plural} median |dv|", dv, "km/s", better=-1),
        ]
    return tuple(row for row in rows if row.value.n > 0)


def number(value: float, unit: str, *, bare: bool = False) -> str:
    """Format a value for display; a dash where it is not defined.

    >>> number(0.96923, "%"), number(205.8, "km/s"), number(0.01234, "")
    ('96.9 %', '206 km/s', '0.012')
    """
    if not math.isfinite(value):
        return "–"
    if unit == "%":
        text = f"{100.0 * value:.1f}"
    elif unit == "km/s":
        text = f"{value:.0f}" if abs(value) >= 10.0 else f"{value:.1f}"
    else:
        text = f"{value:.3f}"
    text = text.replace("-", "−")
    return text if bare or not unit else f"{text} {unit}"


def as_text(figures: Figures) -> str:
    """Return the main figures as lines for a terminal."""
    rows = [(h.label, h.text(), f"({h.interval()})", h.basis()) for h in headlines(figures)]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return "\n".join(
        f"{label:<{widths[0]}}  {value:>{widths[1]}}  {interval:<{widths[2]}}  {basis}"
        for label, value, interval, basis in rows
    )


def rate_cells(rate: Rate) -> tuple[str, str, str]:
    """Return a fraction, its interval and what it rests on, for three cells of a table."""
    headline = Headline("", "", rate, "%")
    return (
        (headline.text(), headline.interval(), headline.basis()) if rate.n else ("–", "", "0")
    )


def signed(value: float, unit: str) -> str:
    """Write a difference with its sign.

    >>> signed(-0.012, "%"), signed(0.5, "")
    ('−1.2 %', '+0.500')
    """
    if not math.isfinite(value):
        return "–"
    text = number(abs(value), unit)
    if not any(digit in text for digit in "123456789"):
        return text
    return f"{'+' if value >= 0 else '−'}{text}"
