r"""The tables of accuracy in the documents, from results and labels of real spectra.

    huggins classify ../shared/data/spectra -o real.fits
    python -m experiments.accuracy real.fits ../shared/data/spectra/labels.csv

measures folds 0 and 1, to which nothing was fitted, writes ``docs/results/accuracy.json`` and
puts the table into ``docs/results/accuracy.md``, its most important rows into the README and
those of ZWARNING 0 into ``docs/reference/zwarning.md``.
With mocks of templates that nothing was trained on, and the noise of these folds,

    huggins simulate -n 2600 -o mocks --templates ../shared/data/templates --held-back \
        --noise ../shared/data/spectra --folds 0,1 --sn 1 40 --seed 13 --odds QSO=1 ... (all 13)
    huggins classify mocks -o mocks.fits
    python -m experiments.accuracy real.fits ../shared/data/spectra/labels.csv \
        --mocks mocks.fits mocks/labels.csv

it also writes accuracy by class and signal-to-noise, and by class and redshift:
``docs/results/accuracy-by-class.csv``, its page and its picture.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from experiments import accuracy_bins as bins
from huggins.evaluate import evaluate
from huggins.evaluate.figures import figures_of
from huggins.evaluate.summary import number
from huggins.plot import save_figure
from huggins.quality import ZWarning
from huggins.runs.files import write_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggins.evaluate.figures import Figures
    from huggins.evaluate.intervals import Estimate, Rate
    from huggins.evaluate.sample import Sample

ROOT: Final = Path(__file__).resolve().parents[1]
RESULT: Final = ROOT / "docs" / "results" / "accuracy.json"
PAGE: Final = ROOT / "docs" / "results" / "accuracy.md"
README: Final = ROOT / "README.md"
WARNINGS: Final = ROOT / "docs" / "reference" / "zwarning.md"
WHERE: Final = "trust >= 2 and fold in (0, 1)"
_BLOCK: Final = re.compile(
    r"(?<=<!-- ACCURACY-TABLE-BEGIN -->\n).*?(?=<!-- ACCURACY-TABLE-END -->)", re.DOTALL
)


def _redshift(name: str) -> Callable[[Figures], Rate | None]:
    def right(figures: Figures) -> Rate | None:
        group = figures.redshifts.get(name)
        if group is None:
            return None
        rate: Rate = getattr(group.residuals, f"within_{group.limit:.0f}")
        return rate

    return right


def _score(name: str, kind: str) -> Callable[[Figures], Rate]:
    def rate(figures: Figures) -> Rate:
        score = next(score for score in figures.classes.scores if score.name == name)
        found: Rate = getattr(score, kind)
        return found

    return rate


def _selections(sample: Sample) -> dict[str, Sample]:
    """Return the sets of spectra that the table has rows of."""
    sets = {"all": sample, "reliable": sample.take(sample.zwarning == 0)}
    # That a file gives no errors says nothing of the answer.
    other = sample.zwarning & ~int(ZWarning.NO_UNCERTAINTY)
    sets["errors or none"] = replace(sample, zwarning=other)
    sets["visual"] = sample.take(sample.groups["label_from"] == "visual")
    for survey in ("BOSS", "SDSS", "LAMOST"):
        sets[survey] = sample.take(sample.groups["survey"] == survey)
    for low, high in ((-99.0, 2.0), (2.0, 5.0), (5.0, 1e9)):
        sets[f"S/N {low:g} to {high:g}"] = sample.take((sample.sn >= low) & (sample.sn < high))
    return sets


#: Label, set of spectra, and what of it.
ROWS: Final[tuple[tuple[str, str, Callable[[Figures], Rate | None]], ...]] = (
    ("CLASS", "all", lambda f: f.classes.accuracy),
    ("CLASS, visually inspected (BOSS)", "visual", lambda f: f.classes.accuracy),
    ("CLASS, BOSS", "BOSS", lambda f: f.classes.accuracy),
    ("CLASS, SDSS-I", "SDSS", lambda f: f.classes.accuracy),
    ("CLASS, LAMOST", "LAMOST", lambda f: f.classes.accuracy),
    ("CLASS at S/N below 2", "S/N -99 to 2", lambda f: f.classes.accuracy),
    ("CLASS at S/N 2 to 5", "S/N 2 to 5", lambda f: f.classes.accuracy),
    ("CLASS at S/N above 5", "S/N 5 to 1e+09", lambda f: f.classes.accuracy),
    ("STAR completeness", "all", _score("STAR", "recall")),
    ("STAR purity", "all", _score("STAR", "precision")),
    ("QSO completeness", "all", _score("QSO", "recall")),
    ("QSO purity", "all", _score("QSO", "precision")),
    ("GALAXY completeness", "all", _score("GALAXY", "recall")),
    ("GALAXY purity", "all", _score("GALAXY", "precision")),
    ("SUBCLASS, one of 13", "all", lambda f: f.subclasses.accuracy),
    ("letter of a star, exact", "all", lambda f: f.letters.right),
    ("letter of a star, exact or next", "all", lambda f: f.letters.within_one),
    ("Z of a quasar, within 3000 km/s", "all", _redshift("QSO")),
    ("Z of a galaxy, within 300 km/s", "all", _redshift("GALAXY")),
    ("Z of a star, within 100 km/s", "all", _redshift("STAR")),
    ("empty sky with ZWARNING 0", "all", lambda f: f.sky.passed),
    ("**where ZWARNING is 0:** CLASS", "reliable", lambda f: f.classes.accuracy),
    ("SUBCLASS, one of 13", "reliable", lambda f: f.subclasses.accuracy),
    ("letter of a star, exact", "reliable", lambda f: f.letters.right),
    ("letter of a star, exact or next", "reliable", lambda f: f.letters.within_one),
    ("Z of a quasar, within 3000 km/s", "reliable", _redshift("QSO")),
    ("Z of a galaxy, within 300 km/s", "reliable", _redshift("GALAXY")),
    ("Z of a star, within 100 km/s", "reliable", _redshift("STAR")),
    ("ZWARNING is 0", "all", lambda f: f.doubts.passed),
    ("ZWARNING is 0 or NO_UNCERTAINTY", "errors or none", lambda f: f.doubts.passed),
)


#: Rows of the README: label, and label and set of the row.
SHORT: Final = (
    ("CLASS", "CLASS", "all"),
    ("quasars found", "QSO completeness", "all"),
    ("quasars pure", "QSO purity", "all"),
    ("letter of a star, exact or next", "letter of a star, exact or next", "all"),
    ("ZWARNING is 0", "ZWARNING is 0", "all"),
    ("**where ZWARNING is 0:** CLASS", "**where ZWARNING is 0:** CLASS", "reliable"),
    ("Z of a quasar, within 3000 km/s", "Z of a quasar, within 3000 km/s", "reliable"),
    ("Z of a galaxy, within 300 km/s", "Z of a galaxy, within 300 km/s", "reliable"),
    ("Z of a star, within 100 km/s", "Z of a star, within 100 km/s", "reliable"),
)


def measure(table: Path, labels: Path) -> dict[str, Any]:
    """Return the figures of a table of results, as the JSON file holds them."""
    result = evaluate(table, labels, where=WHERE)
    sets = {name: figures_of(some) for name, some in _selections(result.sample).items()}
    rows = [
        {"label": label, "set": name, "count": rate.count, "n": rate.n}
        | {key: round(float(getattr(rate, key)), 5) for key in ("value", "low", "high")}
        for label, name, of in ROWS
        if (rate := of(sets[name])) is not None and rate.n
    ]
    medians = {
        name: {key: round(float(getattr(dv, key)), 2) for key in ("value", "low", "high")}
        for name in ("QSO", "GALAXY", "STAR")
        if (dv := _median(sets["all"], name)) is not None and dv.n
    }
    errors = {
        "calibration_error": sets["all"].subclasses.calibration.error,
        "class_calibration_error": sets["all"].classes.calibration.error,
    }
    return {
        "model": result.about["model"],
        "where": WHERE,
        "rows": rows,
        "median_abs_dv": medians,
        **{
            name: {
                key: round(float(getattr(error, key)), 4) for key in ("value", "low", "high")
            }
            for name, error in errors.items()
        },
    }


def _median(figures: Figures, name: str) -> Estimate | None:
    group = figures.redshifts.get(name)
    return None if group is None else group.residuals.median_abs_dv


def as_markdown(result: dict[str, Any]) -> str:
    """Return the complete table."""
    names = {"QSO": "quasars", "GALAXY": "galaxies", "STAR": "stars"}
    medians = ", ".join(
        f"{number(value['value'], 'km/s')} for {names[name]}"
        for name, value in result["median_abs_dv"].items()
    )
    error, coarse = result["calibration_error"], result["class_calibration_error"]
    lines = [
        *_table(result["rows"]),
        "",
        f"The median redshift offset is {medians}.",
        "The expected calibration error of PROB is "
        f"{error['value']:.3f} ({error['low']:.3f} to {error['high']:.3f}), of PROB_CLASS "
        f"{coarse['value']:.3f} ({coarse['low']:.3f} to {coarse['high']:.3f}).",
    ]
    return "\n".join(lines) + "\n"


def as_short_markdown(result: dict[str, Any]) -> str:
    """Return the table of the README."""
    rows = {(row["label"], row["set"]): row for row in result["rows"]}
    short = [
        {**rows[label, name], "label": said}
        for said, label, name in SHORT
        if (label, name) in rows
    ]
    return "\n".join(_table(short)) + "\n"


def as_sentences(result: dict[str, Any]) -> str:
    """Return what ZWARNING 0 is worth."""
    words = [row for row in result["rows"] if row["set"] == "reliable"]
    rates = [
        f"{100 * row['value']:.1f} % ({100 * row['low']:.1f} to {100 * row['high']:.1f})"
        for row in words
    ]
    text = (
        "On real spectra to which nothing was fitted, `CLASS` is then right in {}, the "
        "redshift of a quasar within 3000 km/s in {}, of a galaxy within 300 km/s in {} and "
        "of a star within 100 km/s in {}. It says little about `SUBCLASS`: one of the 13 is "
        "right in {}, the letter of a star in {}, that or the next in {}; for it, "
        "look at `PROB`."
    ).format(rates[0], *rates[4:7], *rates[1:4])
    return "\n".join(wrap(text, 118)) + "\n"


def _table(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| | correct | 95 % interval | n |", "|---|---|---|---|"]
    for row in rows:
        low, high = (number(row[key], "%", bare=True) for key in ("low", "high"))
        share = number(row["value"], "%")
        lines.append(
            f"| {row['label']} | {share} | {low} to {high} | {row['count']} of {row['n']} |"
        )
    return lines


def _put(page: Path, table: str) -> None:
    text = page.read_text(encoding="utf-8")
    page.write_text(_BLOCK.sub(lambda _: table, text), encoding="utf-8")


def main() -> None:
    """Measure, record, and put the tables into the documents."""
    parser = argparse.ArgumentParser(prog="python -m experiments.accuracy", description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--mocks", type=Path, nargs=2, metavar=("TABLE", "LABELS"))
    given = parser.parse_args()
    result = measure(given.table, given.labels)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    _put(PAGE, as_markdown(result))
    _put(README, as_short_markdown(result))
    _put(WARNINGS, as_sentences(result))
    if given.mocks is not None:
        samples = {
            "real": evaluate(given.table, given.labels, where=WHERE).sample,
            "mock": evaluate(*given.mocks).sample,
        }
        rows = [row for name, some in samples.items() for row in bins.rows_of(name, some)]
        write_text(bins.DATA, bins.as_csv(rows))
        _put(bins.PAGE, bins.as_markdown(rows))
        save_figure(bins.draw(rows), bins.PICTURE)


if __name__ == "__main__":
    main()
