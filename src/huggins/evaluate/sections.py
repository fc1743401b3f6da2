"""The report's sections: figures as diagrams and tables.

Where the figures of an old model are given as well, they are drawn behind the new ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.evaluate import drawings
from huggins.evaluate.comparison import common
from huggins.evaluate.page import Markup, confusion, drawing, folded, paragraph, table
from huggins.evaluate.summary import number, rate_cells
from huggins.quality import MEANING, ZWarning

if TYPE_CHECKING:
    from huggins.evaluate.evaluation import Evaluation
    from huggins.evaluate.figures import Figures
    from huggins.evaluate.residuals import Residuals

#: Title and quantity of a panel.
_SN = ("Signal-to-noise", "median S/N per pixel")


def confusions(figures: Figures) -> Markup:
    """Return the confusion matrices of CLASS and SUBCLASS."""
    return Markup(
        paragraph("By count, and as a fraction of each row (%), without sky fibres.", "lead")
        + "<h3>CLASS</h3>"
        + confusion(figures.classes.confusion)
        + "<h3>SUBCLASS</h3>"
        + confusion(figures.subclasses.confusion)
    )


def by_class(figures: Figures, old: Figures | None) -> Markup:
    """Return precision and recall of each class."""
    rows = [
        (s.name, *rate_cells(s.recall), *rate_cells(s.precision))
        for level in (figures.classes, figures.subclasses)
        for s in level.scores
        if s.recall.n or s.precision.n
    ]
    before = () if old is None else old.subclasses.scores
    return Markup(
        drawing(
            drawings.draw_scores(figures.subclasses.scores, before),
            _caption("Recall and precision of the 13 classes with 95 % intervals.", old),
            alt="Recall and precision of each class",
        )
        + folded(
            "All figures as a table",
            table(("class", "recall", "95 %", "n", "precision", "95 %", "n"), rows),
        )
    )


def quasar_selection(figures: Figures, old: Figures | None) -> Markup:
    """Return purity and completeness of quasars against the threshold."""
    curves = (figures.quasars.all, figures.quasars.passed)
    rows = []
    for value in (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99):
        at = int(np.argmin(np.abs(curves[0].threshold - value)))
        cells: list[object] = [f"{value:g}"]
        for curve in curves:
            for what in ("purity", "completeness"):
                low, high = (getattr(curve, f"{what}_{end}")[at] for end in ("low", "high"))
                fraction = number(float(getattr(curve, what)[at]), "%")
                ends = [number(float(end), "%", bare=True) for end in (low, high)]
                text = f"{fraction} <small>{' to '.join(ends)}</small>"
                cells.append(Markup(text if curve.selected[at] else "–"))
        rows.append(cells)
    header = ("at least", "purity", "completeness", "purity, ZWARNING = 0", "completeness")
    return Markup(
        drawing(
            drawings.draw_quasars(figures.quasars, None if old is None else old.quasars),
            _caption(
                "A spectrum is selected where P_QSO + P_BAL is at least the threshold. "
                "Completeness is of all quasars, those with a warning included.",
                old,
            ),
            alt="Purity and completeness of quasars against the threshold",
        )
        + folded("Some thresholds as a table", table(header, rows))
    )


def in_bins(figures: Figures, old: Figures | None) -> Markup:
    """Return accuracy against signal-to-noise and redshift."""

    def panels(of: Figures) -> list[tuple[str, str, dict[str, Any]]]:
        by_sn = {"CLASS": of.classes.by_sn, "SUBCLASS": of.subclasses.by_sn}
        pair = [(*_SN, by_sn), ("CLASS, by redshift", "true redshift", of.by_z)]
        # The redshift panel exists for both or for none, since the spectra are the same.
        return [panel for panel in pair if panel[2]]

    before = () if old is None else [series for _, _, series in panels(old)]
    rows = [
        (f"{quantity}: {name}", drawings.label_of(*each.limits), *rate_cells(each.rate))
        for _, quantity, series in panels(figures)
        for name, bins in series.items()
        for each in bins
        if each.rate.n
    ]
    return Markup(
        drawing(
            drawings.draw_bins(panels(figures), before),
            _caption("Fraction of correct spectra, with 95 % intervals.", old),
            alt="Accuracy against signal-to-noise and redshift",
        )
        + folded("As a table", table(("", "bin", "right", "95 %", "n"), rows))
    )


def coverage(figures: Figures, old: Figures | None) -> Markup:
    """Return accuracy against the fraction of spectra that is kept."""
    before = None if old is None else (old.classes, old.subclasses)
    return drawing(
        drawings.draw_coverage(figures.classes, figures.subclasses, before),
        _caption(
            "What accuracy is bought by leaving out the least sure spectra: CLASS by the sum "
            "of the probabilities of its subclasses, SUBCLASS by PROB. Right: the probability "
            "at which to cut for a given fraction.",
            old,
        ),
        alt="Accuracy against the fraction of spectra that is kept",
    )


def calibration(figures: Figures) -> Markup:
    """Return the reliability diagrams."""
    return drawing(
        drawings.draw_reliability({"CLASS": figures.classes, "SUBCLASS": figures.subclasses}),
        "Above the dashed line the model is better than it says, below it worse. Few spectra "
        "show a calibration error even if every probability is right: the error by chance "
        "alone is what a perfectly calibrated model would show here.",
        alt="Reliability diagram",
    )


def redshifts(evaluation: Evaluation, figures: Figures) -> Markup:
    """Return the residuals of redshifts."""
    if not figures.redshifts:
        return paragraph("The table, or the truth, holds no redshifts.", "lead")
    by_class = figures.redshifts
    rows = [
        (f"{name}, {which}", r.n, r.missing, *_residual_cells(r))
        for name, redshift in by_class.items()
        for which, r in (("all", redshift.residuals), ("ZWARNING = 0", redshift.passed))
    ]
    header = (
        "true class", "n", "missing", "median |dv|", "bias", "NMAD", "within 100 km/s",
        "300", "3000", "|dz|/(1+z) < 0.02", "pull width",
    )  # fmt: skip
    sample, old_sample = evaluation.sample, evaluation.old_sample
    if old_sample is not None:
        sample, old_sample = common(sample, old_sample)
    panels = [
        (*_SN, {k: z.by_sn for k, z in by_class.items()}),
        ("Redshift", "true redshift", {k: z.by_z for k, z in by_class.items() if z.by_z}),
    ]
    limits = ", ".join(f"{z.limit:.0f} km/s for {name}" for name, z in by_class.items())
    return Markup(
        drawing(
            drawings.draw_residuals(sample, by_class, old_sample),
            _caption(
                "Above: velocity differences. Below: differences in units of Z_ERR, with the "
                "normal distribution that correct errors would follow.",
                None if old_sample is None else figures,
            ),
            alt="Distributions of redshift residuals and pulls",
        )
        + drawing(
            drawings.draw_bins([panel for panel in panels if panel[2]]),
            f"Fraction of correct redshifts, with 95 % intervals. Right: |dv| up to {limits}.",
            alt="Right redshifts against signal-to-noise and redshift",
        )
        + table(header, rows)
        + paragraph(
            "Velocities in km/s. A missing redshift counts as wrong in every fraction. The "
            "pull width rests on redshifts within 3000 km/s and is 1 where Z_ERR is correct.",
            "note",
        )
    )


def warning_bits(figures: Figures) -> Markup:
    """Return how ZWARNING relates to correctness, and the results of sky fibres."""
    warnings, sky = figures.doubts, figures.sky
    rows: list[tuple[object, ...]] = [
        ("ZWARNING = 0", *rate_cells(warnings.passed)),
        ("CLASS right where ZWARNING = 0", *rate_cells(warnings.right_if_passed)),
        ("ZWARNING = 0 and CLASS right", *rate_cells(warnings.passed_and_right)),
    ]
    if sky.passed.n:
        rows.append(("sky fibres with ZWARNING = 0", *rate_cells(sky.passed)))
    bits = [
        (bit.name, MEANING[ZWarning[bit.name]], bit.raised.count, *rate_cells(bit.right))
        for bit in warnings.bits
    ]
    taken = ", ".join(
        f"{count} for {name or 'nothing'}" for name, count in sky.taken_for.items()
    )
    return Markup(
        table(("", "fraction", "95 %", "n"), rows)
        + (paragraph(f"Sky fibres that passed were taken: {taken}.", "note") if taken else "")
        + "<h3>Bits that were set (sky fibres not counted)</h3>"
        + table(("bit", "meaning", "spectra", "CLASS right", "95 %", "n"), bits, text=(1,))
    )


def _residual_cells(r: Residuals) -> tuple[str, ...]:
    fractions = (r.within_100, r.within_300, r.within_3000, r.within_002)
    return (
        number(r.median_abs_dv.value, "km/s", bare=True),
        number(r.median_dv.value, "km/s", bare=True),
        number(r.nmad.value, "km/s", bare=True),
        *(number(fraction.value, "%") for fraction in fractions),
        number(r.pull_width.value, ""),
    )


def _caption(text: str, old: Figures | None) -> str:
    return text if old is None else f"{text} Grey: the old model on the same spectra."
