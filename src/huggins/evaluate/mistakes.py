"""The most confident mistakes as a part of the report, each with its spectrum."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.errors import HugginsError, ReadError
from huggins.evaluate.page import Markup, html, paragraph, photograph
from huggins.evaluate.residuals import velocity
from huggins.quality import names
from huggins.taxonomy import BROAD

if TYPE_CHECKING:
    from huggins.evaluate.evaluation import Evaluation, Mistake
    from huggins.inference import FitDetails, Model
    from huggins.spectrum import Spectrum
    from huggins.tables.columns import Columns

_HEADINGS = {
    "CLASS": "CLASS is wrong",
    "SUBCLASS": "CLASS is right, SUBCLASS is not",
    "Z": "CLASS is right, the redshift is more than 3000 km/s off",
}


def mistakes_section(evaluation: Evaluation) -> Markup:
    """Return the list of mistakes; spectra are read again from where FILE says."""
    from huggins.inference import load_model

    if not evaluation.mistakes:
        return paragraph("None.", "lead")
    there = any(Path(mistake.file).is_file() for mistake in evaluation.mistakes)
    model = load_model(threads=1) if there else None
    parts = []
    for kind, heading in _HEADINGS.items():
        some = [mistake for mistake in evaluation.mistakes if mistake.kind == kind]
        if some:
            parts.append(f"<h3>{html(heading)}</h3>")
            parts += [_mistake(evaluation.results, mistake, model) for mistake in some]
    lead = (
        "The most confident ones of each kind. Some will be errors of the labels: "
        "check the spectrum first. Red is the fit at the redshift of the table, "
        "below it the residuals in sigma; the lines are marked at that redshift."
    )
    return Markup(paragraph(lead, "lead") + "".join(parts))


def read_spectrum(file: str, index: int) -> Spectrum | str:
    """Return one spectrum of a file, or why it cannot be read."""
    from huggins.formats import open_file

    if not Path(file).is_file():
        return "the file is not where the table says: run where `huggins classify` ran"
    for item in open_file(file):
        if item.index == index:
            return item.what if isinstance(item, ReadError) else item
    return f"the file holds no spectrum {index}"


def row_of(results: Columns, row: int) -> dict[str, Any]:
    """Return one row of a table of results; what is missing is None."""
    values = {name: column[row] for name, column in results.values.items()}
    return {name: None if np.ma.is_masked(v) else v for name, v in values.items()}


def fit_of(spectrum: Spectrum, mistake: Mistake, model: Model) -> FitDetails | str:
    """Fit a spectrum again; return the fit if it is the table's answer, else why there is none.

    The table records neither the file of its network nor the fit. So a fit with the shipped
    network counts if it gives the table's CLASS and, to 1000 km/s, its redshift.
    """
    from huggins.inference import fit_details

    try:
        fit = fit_details(spectrum, model=model)
    except HugginsError as error:
        return str(error)
    near = math.isfinite(mistake.z) and abs(float(velocity(fit.best.z, mistake.z))) <= 1000.0
    if near and fit.best.cls == BROAD.get(mistake.said):
        return fit
    return (
        f"the table's answer comes from another network or fit; this huggins' own is "
        f"{fit.best.cls} at z = {fit.best.z:.4f}"
    )


def _mistake(results: Columns, mistake: Mistake, model: Model | None) -> Markup:
    from huggins.plot import plot_spectrum
    from huggins.plot.words import probability_text

    title = f"{mistake.truth} taken for {mistake.said}"
    if mistake.kind == "Z":
        title = f"{mistake.truth} at z = {mistake.true_z:.4f}, given z = {mistake.z:.4f}"
    elif math.isfinite(mistake.true_z):
        title += f", true z = {mistake.true_z:.4f}"
    facts = [
        f"probability of {'CLASS' if mistake.kind == 'CLASS' else 'SUBCLASS'} "
        f"{probability_text(mistake.probability).removeprefix('= ')}",
        f"S/N {mistake.sn:.1f}" if math.isfinite(mistake.sn) else "",
        f"dv = {mistake.dv:.0f} km/s" if mistake.kind == "Z" else "",
        f"ZWARNING {' '.join(names(mistake.zwarning)) or '0'}",
        f"{mistake.file} [{mistake.index}]" if mistake.index else mistake.file,
    ]
    spectrum = read_spectrum(mistake.file, mistake.index)
    if isinstance(spectrum, str):
        picture = paragraph(f"No picture: {spectrum}.", "note")
    else:
        fit = None if model is None else fit_of(spectrum, mistake, model)
        drawn = None if isinstance(fit, str) else fit
        figure = plot_spectrum(spectrum, row_of(results, mistake.row), fit=drawn)
        picture = photograph(figure, alt=f"{title}: the spectrum")
        if isinstance(fit, str):
            note = paragraph(f"No fit is drawn: {fit}.", "note")
            picture = Markup(picture + note)
    return Markup(
        f'<div class="mistake"><h4>{html(title)}</h4>'
        f"<p>{html(' · '.join(fact for fact in facts if fact))}</p>{picture}</div>"
    )
