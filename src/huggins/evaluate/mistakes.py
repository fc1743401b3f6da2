"""The most confident mistakes as a part of the report, each with its spectrum.

Spectra are read again from where FILE says, and drawn by the modules of `huggins view`: small
in the report, and on a page of their own (`PAGE_NAME`) with everything that is known of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.evaluate.page import Markup, html, paragraph
from huggins.quality import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggins.evaluate.evaluation import Evaluation, Mistake
    from huggins.tables.columns import Columns

#: Name of the page of mistakes in the output folder.
PAGE_NAME: Final = "mistakes.html"
_HEADINGS = {
    "CLASS": "CLASS is wrong",
    "SUBCLASS": "CLASS is right, SUBCLASS is not",
    "Z": "CLASS is right, the redshift is more than 3000 km/s off",
}


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """The spectra of the mistakes, in the order of `Evaluation.mistakes`.

    Attributes
    ----------
    spectra : sequence of dict
        Everything about each; ``failed`` says why one cannot be shown.
    lines : sequence of dict
        Lines of all classes.
    page : str
        The page of them: HTML.
    """

    spectra: Sequence[dict[str, Any]]
    lines: Sequence[dict[str, Any]]
    page: str


def show(evaluation: Evaluation) -> Shown | None:
    """Read and fit the spectra of the mistakes; None where none of the files is there."""
    from huggins.view.report import opened, report_of, spectra_of
    from huggins.view.results import Results

    if not evaluation.mistakes:
        return None
    path = Path(evaluation.about["table"])
    results = Results(
        _table(evaluation.results, evaluation.mistakes),
        f"mistakes of {path.name}",
        str(path),
        path.parent,
    )
    if not any(results.path_of(row) for row in range(len(results))):
        return None
    with opened(results) as session:
        spectra = spectra_of(session, range(len(results)))
        return Shown(spectra, session.about()["lines"], report_of(session, spectra))


def _table(results: Columns, mistakes: Sequence[Mistake]) -> Columns:
    """Return the rows of the mistakes, with the truth beside."""
    from huggins.tables.columns import Columns

    rows = np.array([mistake.row for mistake in mistakes])
    values = {name: column[rows] for name, column in results.values.items()}
    true = {
        "MISTAKE": np.array([mistake.kind for mistake in mistakes]),
        "TRUE_CLASS": np.array([mistake.truth for mistake in mistakes]),
        "TRUE_Z": np.array([mistake.true_z for mistake in mistakes]),
    }
    masked = {name: np.ma.MaskedArray(column) for name, column in true.items()}
    return Columns(results.path, values | masked, results.metadata)


def mistakes_section(evaluation: Evaluation, shown: Shown | None) -> Markup:
    """Return the list of mistakes."""
    from huggins.view import gallery

    if not evaluation.mistakes:
        return paragraph("None.", "lead")
    drawn: list[dict[str, Any]] = []
    parts = dict.fromkeys(_HEADINGS, "")
    for number, mistake in enumerate(evaluation.mistakes):
        picture = _no_picture("the file is not where the table says: run where `huggins "
                              "classify` ran")  # fmt: skip
        if shown is not None:
            spectrum = shown.spectra[number]
            if "failed" in spectrum:
                picture = _no_picture(spectrum["failed"])
            else:
                alt = f"{_title(mistake)}: the spectrum"
                picture = _link(number, Markup(gallery.place(len(drawn), alt=alt)))
                if spectrum["difference"]:
                    note = paragraph(spectrum["difference"], "note")
                    picture = Markup(picture + note)
                drawn.append(spectrum)
        parts[mistake.kind] += _mistake(mistake, number, picture, linked=shown is not None)
    lead = (
        "The most confident ones of each kind. Some will be errors of the labels: "
        "check the spectrum first. Red is the fit at the redshift of the table, "
        "below it the residuals in sigma; the lines are marked at that redshift."
    )
    if shown is not None:
        lead += (
            f" A click opens the spectrum in {PAGE_NAME} beside this page, to zoom, to try "
            "other redshifts and to see what the class rests on."
        )
    text = "".join(
        f"<h3>{html(heading)}</h3>{parts[kind]}"
        for kind, heading in _HEADINGS.items()
        if parts[kind]
    )
    after = gallery.head() + gallery.scripts(drawn, shown.lines) if drawn and shown else ""
    return Markup(paragraph(lead, "lead") + text + after)


def _no_picture(why: str) -> Markup:
    return paragraph(f"No picture: {why.removesuffix('.')}.", "note")


def _link(number: int, content: Markup) -> Markup:
    return Markup(f'<a href="{PAGE_NAME}#row={number}">{content}</a>')


def _title(mistake: Mistake) -> str:
    if mistake.kind == "Z":
        return f"{mistake.truth} at z = {mistake.true_z:.4f}, given z = {mistake.z:.4f}"
    title = f"{mistake.truth} taken for {mistake.said}"
    return title + (f", true z = {mistake.true_z:.4f}" if math.isfinite(mistake.true_z) else "")


def _mistake(mistake: Mistake, number: int, picture: Markup, *, linked: bool) -> Markup:
    from huggins.plot.words import probability_text

    title = Markup(html(_title(mistake)))
    facts = [
        f"probability of {'CLASS' if mistake.kind == 'CLASS' else 'SUBCLASS'} "
        f"{probability_text(mistake.probability).removeprefix('= ')}",
        f"S/N {mistake.sn:.1f}" if math.isfinite(mistake.sn) else "",
        f"dv = {mistake.dv:.0f} km/s" if mistake.kind == "Z" else "",
        f"ZWARNING {' '.join(names(mistake.zwarning)) or '0'}",
        f"{mistake.file} [{mistake.index}]" if mistake.index else mistake.file,
    ]
    return Markup(
        f'<div class="mistake"><h4>{_link(number, title) if linked else title}</h4>'
        f"<p>{html(' · '.join(fact for fact in facts if fact))}</p>{picture}</div>"
    )
