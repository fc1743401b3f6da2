"""Widths of pulls: how far redshifts are off, in units of Z_ERR.

``python -m experiments.pulls DATA`` classifies the labelled real spectra and mocks of galaxies,
quasars and BAL quasars, and prints the robust width (1.4826 times the median of the absolute
value; 1 is right) of

- repeats: the difference of two spectra of one object over both errors; what they share (line
  shifts of a quasar, templates) is in Z_ERR and not in the difference;
- halves: the same of odd and even exposures of full spec files, and of single exposures, which
  share the plate and the night as well;
- mocks: against the true redshift;
- lines: of quasars against their own narrow lines, with the error of these;
- labels: against the redshift of the survey or of a person, which errs too: as it is, and with
  the label's own error added in quadrature. Of stars and galaxies that is what the survey
  states; labels of quasars are moved by their median from the narrow lines, and have the
  scatter about them, both as found on folds 2 to 4 (``label offsets``).

"noise" is the width with the floor of the class taken out of Z_ERR: what photons alone give.
``--page docs/results/redshift.md`` writes the tables of that page. Run it again after every
change of the basis, of the network, or of the decision parameters.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import huggins
from experiments.errors import exact, narrow, stated
from experiments.exposures import exposures, halves, neighbours
from experiments.native_mocks import native_mocks
from experiments.pages import replace_generated
from experiments.rule import RIGHT
from huggins.constants import SPEED_OF_LIGHT
from huggins.errors import HugginsError
from huggins.redshift.basis import load_basis
from huggins.redshift.frames import to_native
from huggins.redshift.parameters import DecisionParameters
from huggins.redshift.uncertainty import floor_of
from huggins.taxonomy import INDEX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from huggins.spectrum import Spectrum

#: Least number of pulls that have a width.
LEAST: Final = 8
BEGIN: Final = "<!-- BEGIN python -m experiments.pulls -->"
END: Final = "<!-- END pulls -->"
# Parts of the result that the first table of the page shows, and what they are called.
_TITLES: Final = {
    "mocks": "mocks",
    "lines": "real quasars against their narrow lines",
    "labels, their errors allowed for": "labels, their errors allowed for",
    "labels as they are": "labels as they are",
}
_CLASS: Final = {"GAL": "GALAXY", "QSO": "QSO", "BAL": "QSO"}


def width(pulls: Iterable[float]) -> dict[str, Any]:
    """Return n, the robust width, and its standard error; empty for too few."""
    value = np.array(list(pulls))
    if len(value) < LEAST:
        return {}
    robust = 1.4826 * float(np.median(np.abs(value)))
    # Of a Gaussian the median of |x| has 1.17 / sqrt(n) of itself as its error.
    return {"n": len(value), "width": round(robust, 2),
            "error": round(1.17 * robust / np.sqrt(len(value)), 2)}  # fmt: skip


def pull(z: float, truth: float, error: float, kind: str) -> float | None:
    """Return (z - truth) / error; None for another redshift altogether."""
    if abs(z - truth) / (1.0 + truth) * SPEED_OF_LIGHT > RIGHT[kind]:
        return None
    return (z - truth) / error


def widths(groups: dict[str, list[tuple[float, float]]]) -> dict[str, Any]:
    """Return widths of groups of pulls, each with that over the noise alone."""
    found = {}
    for name, some in sorted(groups.items()):
        got = width(one for one, _ in some)
        if got:
            found[name] = got | {"noise": width(two for _, two in some)["width"]}
    return found


def difference(one: dict[str, Any], two: dict[str, Any]) -> tuple[float, float] | None:
    """Return the pull of two spectra of one object, over all and over the noise of Z_ERR."""
    both = float(np.hypot(one["Z_ERR"], two["Z_ERR"]))
    found = pull(one["Z"], two["Z"], both, one["class3"])
    noise = float(np.hypot(one["NOISE"], two["NOISE"]))
    return None if found is None else (found, found * both / max(noise, 1e-9))


def repeats(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return widths of differences between spectra of one object, by class and surveys."""
    groups: dict[str, list[tuple[float, float]]] = {}
    by_object: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_object.setdefault(row["object"], []).append(row)
    for mine in by_object.values():
        for one, two in combinations(mine, 2):
            if one["class3"] != two["class3"]:
                continue
            found = difference(one, two)
            if found is not None:
                surveys = " and ".join(sorted({one["survey"], two["survey"]}))
                groups.setdefault(f"{one['class3']}, {surveys}", []).append(found)
    return widths(groups)


def of_exposures(data: Path, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return widths of differences between exposures of one file, by class.

    `rows` are of `classified`; files without exposures are passed over.
    """
    groups: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row["survey"] not in ("BOSS", "SDSS") or not row["path"].endswith(".fits"):
            continue
        some = exposures(data / "spectra" / row["path"])
        for name, cut in (("halves", halves), ("single exposures", neighbours)):
            for pair in cut(some):
                one, two = (
                    {"class3": row["class3"], **numbers(answer)}
                    for answer in huggins.classify(list(pair))
                )
                found = difference(one, two)
                if found is not None and one["CLASS"] == two["CLASS"] == row["class3"]:
                    groups.setdefault(f"{row['class3']}, {name}", []).append(found)
                    groups.setdefault(f"all, {name}", []).append(found)
    return widths(groups)


def numbers(answer: Any) -> dict[str, Any]:
    """Return what is needed of a row of a table: CLASS, Z, Z_ERR, and the noise in Z_ERR."""
    z, error = float(answer["Z"]), float(answer["Z_ERR"])
    kind = answer["SUBCLASS"] if answer["CLASS"] == "STAR" else answer["CLASS"]
    index = INDEX.get({"GALAXY": "GAL"}.get(kind, kind), INDEX["G"])
    rule = DecisionParameters.from_dict(load_basis().parameters)
    floor = floor_of(index, z, rule) / SPEED_OF_LIGHT * (1.0 + z)
    return {"CLASS": answer["CLASS"], "Z": z, "Z_ERR": error,
            "NOISE": max(error**2 - floor**2, 0.0) ** 0.5}  # fmt: skip


def lines(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return widths of quasars against their narrow lines, by survey and folds."""
    groups: dict[str, list[float]] = {}
    for row in rows:
        if row.get("narrow") is not None:
            velocity, error = row["narrow"]
            own = row["Z_ERR"] / (1.0 + row["Z"]) * SPEED_OF_LIGHT
            name = f"{row['survey']}, {folds_of(row)}"
            groups.setdefault(name, []).append(-velocity / float(np.hypot(own, error)))
    return {name: got for name, some in sorted(groups.items()) if (got := width(some))}


def folds_of(row: dict[str, Any]) -> str:
    """Return in words whether a row is of the folds that nothing was fitted to."""
    return "folds 0 and 1" if int(row["fold"]) < 2 else "folds 2 to 4"


def offsets(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Median and scatter of labels of quasars about their narrow lines, by survey, km/s."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row.get("narrow") is not None and folds_of(row) == "folds 2 to 4":
            line, error = row["narrow"]
            velocity = (row["z"] - row["Z"]) / (1.0 + row["Z"]) * SPEED_OF_LIGHT - line
            found.setdefault(row["survey"], []).append((velocity, error))
    out = {}
    for survey, some in found.items():
        velocity, error = np.array(some).T
        middle = float(np.median(velocity))
        spread = 1.4826 * float(np.median(np.abs(velocity - middle)))
        scatter = max(spread**2 - float(np.median(error)) ** 2, 0.0) ** 0.5
        out[survey] = {"n": len(some), "median": round(middle, 1), "scatter": round(scatter, 1)}
    return out


def labels(
    rows: Sequence[dict[str, Any]], moved: dict[str, dict[str, float]] | None = None
) -> dict[str, Any]:
    """Return widths against labels, by class, survey and folds.

    With `moved`, of `offsets`, the errors of the labels are allowed for.
    """
    groups: dict[str, list[float]] = {}
    for row in rows:
        truth, error = row["z"], row["Z_ERR"]
        if moved is not None:
            unit = (1.0 + truth) / SPEED_OF_LIGHT
            known = moved.get(row["survey"]) if row["class3"] == "QSO" else None
            own = row["stated"] if known is None else known["scatter"]
            truth -= 0.0 if known is None else known["median"] * unit
            error = float(np.hypot(error, own * unit))
        found = pull(row["Z"], truth, error, row["class3"])
        if found is not None:
            name = f"{row['class3']}, {row['survey']}, {folds_of(row)}"
            groups.setdefault(name, []).append(found)
    return {name: got for name, some in sorted(groups.items()) if (got := width(some))}


def mocks(data: Path, count: int, seed: int) -> dict[str, Any]:
    """Return widths of mocks from held-back templates, by class and S/N."""
    drawn = list(native_mocks(data, (2, 3, 4), count, seed, odds=dict.fromkeys(_CLASS, 1.0)))
    table = huggins.classify([mock.spectrum for mock in drawn])
    groups: dict[str, list[float]] = {}
    for mock, row in zip(drawn, table, strict=True):
        kind = _CLASS[mock.kind]
        if row["ZWARNING"] != 0 or row["CLASS"] != kind:
            continue
        found = pull(float(row["Z"]), mock.z, float(row["Z_ERR"]), kind)
        if found is not None:
            noise = next(sn for sn in (3, 10, 40) if mock.sn <= sn)
            groups.setdefault(mock.kind, []).append(found)
            groups.setdefault(f"{mock.kind}, S/N to {noise}", []).append(found)
    return {name: got for name, some in sorted(groups.items()) if (got := width(some))}


def classified(data: Path) -> list[dict[str, Any]]:
    """Return labelled spectra of trust 2 and 3 without a warning, with label and answer."""
    with (data / "spectra" / "labels.csv").open(encoding="utf-8") as lines:
        rows = [
            row
            for row in csv.DictReader(lines)
            if row["trust"] in "23" and row["z"] and exact(row)
        ]
    spectra, kept = [], []
    for row in rows:
        try:
            spectra.append(huggins.read(data / "spectra" / row["path"])[0])
        except HugginsError as error:
            sys.stderr.write(f"{error}\n")
            continue
        kept.append(row)
    found: list[dict[str, Any]] = []
    for row, answer, spectrum in zip(kept, huggins.classify(spectra), spectra, strict=True):
        if answer["ZWARNING"] == 0 and answer["CLASS"] == row["class3"]:
            own: dict[str, Any] = {"z": float(row["z"]), "stated": stated(data, row)}
            if row["class3"] == "QSO":
                own["narrow"] = _narrow(spectrum, float(answer["Z"]))
            found.append({**row, **numbers(answer), **own})
    return found


def _narrow(spectrum: Spectrum, z: float) -> tuple[float, float] | None:
    frames = to_native([spectrum])
    return narrow(frames.flux[0], frames.ivar[0], float(frames.offset[0]), z)


def page(result: dict[str, Any]) -> str:
    """Return the tables of a result, for the page of results."""
    lines = ["| | n | width |", "|---|---|---|"]
    for key, title in _TITLES.items():
        for name, got in result[key].items():
            width_ = f"{got['width']:.2f} ± {got['error']:.2f}"
            lines.append(f"| {title}: {_named(name)} | {got['n']} | {width_} |")
    moved = "; ".join(
        f"{survey}: {got['median']:+.0f} and {got['scatter']:.0f} km/s (n = {got['n']:.0f})"
        for survey, got in sorted(result["label offsets"].items())
    )
    lines += [
        "",
        "Labels of quasars against the narrow lines of the same spectra (folds 2 to 4), median",
        f"and scatter, by which they are moved and widened above: {moved}.",
        "",
        "| | n | width | over noise alone |",
        "|---|---|---|---|",
    ]
    for key in ("repeats", "halves"):
        for name, got in result[key].items():
            cells = f"{got['n']} | {got['width']:.2f} ± {got['error']:.2f} | {got['noise']:.2f}"
            lines.append(f"| {_named(name)} | {cells} |")
    return "\n".join(lines) + "\n"


def _named(name: str) -> str:
    """Name of a group in words."""
    for cls, words in (("GALAXY", "galaxies"), ("STAR", "stars"), ("QSO", "quasars"),
                       ("GAL", "galaxies"), ("BAL", "BAL quasars")):  # fmt: skip
        first, comma, rest = name.partition(",")
        if first == cls:
            name = words + comma + rest
    return name.replace("halves", "odd against even exposures").replace(
        "single exposures", "an exposure against the next"
    )


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.pulls", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of spectra/ and templates/")
    parser.add_argument("--mocks", type=int, default=3000)
    parser.add_argument("--page", type=Path, help="document whose tables are replaced")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args(argv)
    rows = classified(given.data)
    moved = offsets(rows)
    result = {
        "repeats": repeats(rows),
        "halves": of_exposures(given.data, rows),
        "mocks": mocks(given.data, given.mocks, given.seed),
        "lines": lines(rows),
        "label offsets": moved,
        "labels as they are": labels(rows),
        "labels, their errors allowed for": labels(rows, moved),
    }
    sys.stdout.write(json.dumps(result, indent=1) + "\n")
    if given.page is not None:
        try:
            replace_generated(given.page, page(result), BEGIN, END)
        except HugginsError as error:
            sys.stderr.write(f"{error}\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
