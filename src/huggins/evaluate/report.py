"""The evaluation as a JSON report and a self-contained web page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from huggins.errors import OutputError
from huggins.evaluate.mistakes import PAGE_NAME, Shown, mistakes_section, show
from huggins.evaluate.page import Markup, bullets, document, folded, html, paragraph, table
from huggins.evaluate.sections import (
    by_class,
    calibration,
    confusions,
    coverage,
    in_bins,
    quasar_selection,
    redshifts,
    warning_bits,
)
from huggins.evaluate.summary import Headline, headlines, signed
from huggins.runs.files import check_replaceable, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from huggins.evaluate.comparison import Comparison
    from huggins.evaluate.evaluation import Evaluation
    from huggins.evaluate.figures import Figures
    from huggins.evaluate.intervals import Estimate, Paired

#: Names of the two files in the output folder.
JSON_NAME: Final = "report.json"
HTML_NAME: Final = "report.html"
# Gained and lost spectra that the page lists; the JSON report has all of them.
_CHANGES: Final = 60


def check(
    folder: str | Path, inputs: Iterable[str | Path] = (), *, overwrite: bool = False
) -> None:
    """Check that a report replaces nothing in its folder but another report.

    Parameters
    ----------
    folder
        May be missing.
    inputs, overwrite
        As for `huggins.runs.files.check_writable`.

    Raises
    ------
    OutputError
        If it would.
    """
    inputs = list(inputs)
    for name in () if overwrite else (JSON_NAME, HTML_NAME, PAGE_NAME):
        check_replaceable(Path(folder) / name, inputs=inputs)


def write_report(evaluation: Evaluation, folder: str | Path) -> tuple[Path, Path]:
    """Write the report into a folder, made where it is missing.

    It is ``report.html``, ``report.json`` and, where the spectra of its mistakes can be read,
    ``mistakes.html``, which an earlier report may have left.

    Returns
    -------
    tuple of Path
        Of the page and of the JSON.

    Raises
    ------
    OutputError
        If the folder or a file cannot be written.
    """
    folder = Path(folder)
    shown = show(evaluation)
    contents = {
        JSON_NAME: json.dumps(evaluation.to_json(), indent=1, allow_nan=False) + "\n",
        HTML_NAME: to_html(evaluation, shown),
    }
    if shown is not None:
        contents[PAGE_NAME] = shown.page
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if shown is None:
            (folder / PAGE_NAME).unlink(missing_ok=True)
        for name, text in contents.items():
            write_text(folder / name, text)
    except (OSError, OutputError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise OutputError(
            f"{folder}: the report cannot be written there: {reason}; name another folder "
            "with -o"
        ) from error
    return folder / HTML_NAME, folder / JSON_NAME


def to_html(evaluation: Evaluation, shown: Shown | None = None) -> str:
    """Return the report as one web page; `shown` are the spectra of the mistakes."""
    figures, against = evaluation.figures, evaluation.comparison
    # Side by side means the same spectra, which may be fewer than the table's.
    measured = figures if against is None else against.new
    old = None if against is None else against.old
    sections = [
        ("Summary", "Summary", _summary(evaluation)),
        *([("Comparison", "New against old", _comparison(against))] if against else []),
        # Where only sky fibres were measured there are no classes to be right about.
        *(_of_classes(evaluation, measured, old) if measured.classes.accuracy.n else []),
        ("Warnings", "Warnings and empty sky", warning_bits(measured)),
        *([("Groups", "Group by group", _groups(evaluation))] if evaluation.groups else []),
        ("Mistakes", "The most confident mistakes", mistakes_section(evaluation, shown)),
    ]
    about = evaluation.about
    name = about["model"]["name"]
    title = f"Evaluation of {name}" if name else f"Evaluation of {Path(about['table']).name}"
    return document(title, _head(title, about), sections)


def _of_classes(
    evaluation: Evaluation, shown: Figures, old: Figures | None
) -> list[tuple[str, str, Markup]]:
    by_quantity = "Accuracy against signal-to-noise and redshift"
    return [
        ("Classes", "What was taken for what", confusions(shown)),
        ("By class", "Precision and recall of each class", by_class(shown, old)),
        ("Quasars", "Quasar purity and completeness", quasar_selection(shown, old)),
        ("S/N and redshift", by_quantity, in_bins(shown, old)),
        ("Coverage", "Accuracy against coverage", coverage(shown, old)),
        ("Calibration", "Do the probabilities hold?", calibration(shown)),
        ("Redshifts", "Redshifts", redshifts(evaluation, shown)),
    ]


def _head(title: str, about: dict[str, Any]) -> Markup:
    model = about["model"]
    lines = [
        f"Results <code>{html(about['table'])}</code>",
        f"Truth <code>{html(about['truth'])}</code>",
        f"huggins {html(about['huggins'])}, {html(about['date'])} UTC",
    ]
    if about["where"]:
        lines.insert(2, f"Spectra with <code>{html(about['where'])}</code>")
    if model["name"]:
        version = f", version {model['version']}" if model["version"] else ""
        digest = f", hash <code>{html(model['hash'])}</code>" if model["hash"] else ""
        lines.insert(0, f"Model {html(model['name'])}{html(version)}{digest}")
    return Markup(f"<h1>{html(title)}</h1>" + "".join(f"<p>{line}</p>" for line in lines))


def _summary(evaluation: Evaluation) -> Markup:
    about, figures = evaluation.about, evaluation.figures
    cards = "".join(
        f'<div class="card"><div class="label">{html(h.label)}</div>'
        f'<div class="value">{html(h.text())}</div>'
        f'<div class="basis">{html(h.interval())}<br>{html(h.basis())}</div></div>'
        for h in headlines(figures)
    )
    lead = (
        f"{figures.n} spectra, matched to their truth by {about['matched_by']}. Below each "
        "figure: its 95 % interval and the counts."
    )
    return Markup(
        paragraph(lead, "lead")
        + f'<div class="cards">{cards}</div>'
        + bullets(_notes(evaluation), "notes")
    )


def _notes(evaluation: Evaluation) -> list[str]:
    about, figures = evaluation.about, evaluation.figures
    notes = [
        f"{about['matched']} rows of the results have a truth, {about['unmatched_table']} have "
        f"none; {about['unmatched_truth']} rows of the truth have no result"
        + (f"; the filter left out {about['filtered_out']}." if about["where"] else ".")
    ]
    if figures.failed:
        notes.append(f"{figures.failed} spectra could not be classified; they count as wrong.")
    if figures.unknown:
        notes.append(f"{figures.unknown} spectra are of unknown class; they count nowhere.")
    if about["doubtful_truth"]:
        notes.append(
            f"{about['doubtful_truth']} labels have a trust below 2 and count as truth all the "
            "same: leave them out with --where 'trust >= 2'."
        )
    zeros = about["placeholder_redshifts"]
    if zeros:
        shown = ", ".join(zeros[:5]) + (", ..." if len(zeros) > 5 else "")
        notes.append(
            f"{len(zeros)} stars have a true redshift of exactly 0, which stands for none; "
            f"they are left out of the redshifts: {shown}."
        )
    bal = next(score for score in figures.subclasses.scores if score.name == "BAL")
    if bal.precision.n > bal.precision.count:
        notes.append(
            "A survey pipeline never calls a quasar BAL: unless a person inspected it, a true "
            "BAL quasar is labelled QSO, and finding it counts as wrong here."
        )
    few = [s.name for s in figures.subclasses.scores if s.recall.n < 10]
    if few:
        notes.append(f"Fewer than 10 spectra, or none, of: {', '.join(few)}.")
    return notes


def _groups(evaluation: Evaluation) -> Markup:
    parts = []
    for column, groups in evaluation.groups.items():
        by_group = {name: {h.key: h for h in headlines(of)} for name, of in groups.items()}
        rows = [
            (h.label, *(_headline_cell(group.get(h.key)) for group in by_group.values()))
            for h in headlines(evaluation.figures)
            if any(h.key in group for group in by_group.values())
        ]
        header = [
            Markup(f"{html(name or '(empty)')} <small>{groups[name].n}</small>")
            for name in groups
        ]
        parts.append(f"<h3>By {html(column)}</h3>" + table(("", *header), rows))
    lead = "With 95 % intervals and numbers of spectra."
    return Markup(paragraph(lead, "lead") + "".join(parts))


def _comparison(against: Comparison) -> Markup:
    new = {h.key: h for h in headlines(against.new)}
    rows = []
    for before in headlines(against.old):
        after = new.get(before.key)
        if after is None:
            continue
        change = after.value.value - before.value.value
        kind = "" if change == 0 else "good" if change * before.better > 0 else "bad"
        rows.append(
            (
                before.label,
                _headline_cell(before),
                _headline_cell(after),
                _coloured(kind, signed(change, before.unit)),
            )
        )
    tests: list[tuple[str, Paired]] = [
        ("CLASS", against.classes),
        ("SUBCLASS", against.subclasses),
        *((f"redshift of {name}", paired) for name, paired in against.redshifts.items()),
    ]
    tested = [
        (
            name,
            paired.n,
            paired.only_new,
            paired.only_old,
            _signed_interval(paired.difference, paired),
            f"{paired.p_value:.3g}",
        )
        for name, paired in tests
    ]
    macro = against.macro_recall
    lead = (
        f"{against.n} spectra that both tables hold ({against.only_new} only in the new one, "
        f"{against.only_old} only in the old one). {against.verdict}"
    )
    lost, gained = _coloured("bad", "lost"), _coloured("good", "gained")
    changes = [
        (
            *(Path(c.file).name, c.index, c.truth, c.old or "–", c.new or "–"),
            gained if c.gained else lost,
        )
        for c in against.changes[:_CHANGES]
    ]
    return Markup(
        paragraph(lead)
        + table(("", "old", "new", "change"), rows)
        + "<h3>Paired tests</h3>"
        + table(("right", "n", "gained", "lost", "difference (95 %)", "p"), tested)
        + paragraph(
            "McNemar's exact test on the spectra that only one of the two has right. "
            f"Macro recall of the 13 classes: {_signed_interval(macro.value, macro)}.",
            "note",
        )
        + folded(
            f"Spectra whose CLASS was gained or lost ({len(against.changes)})",
            table(("file", "index", "true", "old", "new", ""), changes),
        )
    )


def _signed_interval(value: float, interval: Estimate | Paired) -> str:
    low, high = signed(interval.low, "%"), signed(interval.high, "%")
    return f"{signed(value, '%')} ({low} to {high})"


def _coloured(kind: str, text: str) -> Markup:
    return Markup(f'<span class="{kind}">{text}</span>')


def _headline_cell(headline: Headline | None) -> object:
    if headline is None:
        return "–"
    beside = f"{headline.interval()} · {headline.value.n}"
    return Markup(f"{html(headline.text())} <small>{html(beside)}</small>")
