"""The probability of the different redshifts of a spectrum: constants, and how good they are.

``python -m experiments.alternatives DATA`` searches the real spectra of trust 2 and more, and
mocks from templates and noise of the same folds. On folds 2 to 4 it fits T, a, b and w of
`huggins.redshift.alternatives`, and writes them there: a real spectrum counts for three mocks,
and only if the network was not trained on it. On folds 0 and 1 it measures what they are worth,
and how often the right redshift lies between Z_P16 and Z_P84: docs/results/alternatives.json
and tables of docs/reference/columns.md and docs/results/redshift.md.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import huggins
from experiments.pages import replace_constants, replace_generated
from experiments.rule import RIGHT, mock_cases, real_cases
from huggins.constants import SPEED_OF_LIGHT
from huggins.evaluate.intervals import wilson
from huggins.inference import load_model
from huggins.redshift import alternatives
from huggins.redshift.alternatives import distinct
from huggins.redshift.basis import STEP, load_basis
from huggins.redshift.parameters import DecisionParameters
from huggins.redshift.search import Search
from huggins.runs.files import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astropy.table import Table
    from numpy.typing import NDArray

    from experiments.rule import Case
    from huggins.inference import Model

    Array = NDArray[np.float64]

#: Trials of the fit.
DRAWS: Final = 300
#: Values of w that are tried.
BEYOND: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
#: Edges of the bins of probability that are reported.
EDGES: Final = (0.0, 0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 1.0)

_DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
RESULT: Final = _DOCS / "results" / "alternatives.json"
COLUMNS: Final = _DOCS / "reference" / "columns.md"
PAGE: Final = _DOCS / "results" / "redshift.md"
_MARKS: Final = tuple(
    (f"<!-- {name} BEGIN -->", f"<!-- {name} END -->") for name in ("CANDIDATES", "PERCENTILES")
)


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """The different redshifts of one spectrum.

    Attributes
    ----------
    score : ndarray, shape (n,)
        Decreasing.
    right
        Which of them is right; -1 where none is.
    real
    unseen
        Whether the network was not trained on it.
    """

    score: Array
    right: int
    real: bool
    unseen: bool


def listed(case: Case, parameters: DecisionParameters) -> Listed:
    """Return the different redshifts of one searched spectrum."""
    solutions = case.candidates.solutions
    score = case.decide(parameters).score
    shift = np.array([solution.shift for solution in solutions])
    places = distinct(shift, score)
    z = 10.0 ** ((shift[places] + case.offset) * STEP) - 1.0
    apart = np.abs(z - case.z) / (1.0 + case.z) * SPEED_OF_LIGHT
    right = int(apart.argmin()) if apart.min() < RIGHT[case.kind] else -1
    return Listed(score[places], right, case.real, case.unseen)


def shares(score: Array, constants: Sequence[float]) -> Array:
    """Return `huggins.redshift.alternatives.shares` under other constants."""
    heat, listed_, lead = constants
    before = alternatives.HEAT, alternatives.LISTED, alternatives.LISTED_LEAD
    try:
        _set(heat, listed_, lead)
        return alternatives.shares(score)
    finally:
        _set(*before)


def _set(heat: float, listed_: float, lead: float) -> None:
    vars(alternatives).update(HEAT=heat, LISTED=listed_, LISTED_LEAD=lead)


def fit(known: Sequence[Listed]) -> tuple[float, float, float]:
    """Return T, a and b with the least loss (logarithmic, at most 8 for one spectrum)."""

    def loss(given: Array) -> float:
        return _loss(known, (float(np.exp(given[0])), given[1], given[2]))

    # A random search that narrows: three constants, and a loss that is smooth.
    rng = np.random.default_rng(1)
    best = np.array([0.5, 2.5, 0.4])
    lowest = loss(best)
    for turn in range(DRAWS):
        trial = best + rng.normal(size=3) * [0.3, 0.6, 0.2] * 0.985**turn
        value = loss(trial)
        if value < lowest:
            best, lowest = trial, value
    return float(np.exp(best[0])), float(best[1]), float(best[2])


def _loss(known: Sequence[Listed], constants: Sequence[float]) -> float:
    total = 0.0
    for one in known:
        prob = shares(one.score, constants)
        said = prob[one.right] if one.right >= 0 else 1.0 - prob.sum()
        total += (3.0 if one.real else 1.0) * min(-np.log(max(said, 1e-12)), 8.0)
    return total


def fit_all(
    known: Sequence[Case], parameters: DecisionParameters
) -> tuple[float, float, float, float]:
    """Return T, a, b and w with the least loss."""
    before = alternatives.BEYOND
    found = []
    try:
        for beyond in BEYOND:
            vars(alternatives).update(BEYOND=beyond)
            those = [listed(case, parameters) for case in known]
            constants = fit(those)
            found.append((_loss(those, constants), *constants, beyond))
    finally:
        vars(alternatives).update(BEYOND=before)
    _, heat, listed_, lead, beyond = min(found)
    return heat, listed_, lead, beyond


def measure(known: Sequence[Listed]) -> dict[str, Any]:
    """Return how often redshifts are right, against what was said."""
    prob = np.concatenate([alternatives.shares(one.score) for one in known])
    right = np.concatenate([np.arange(len(one.score)) == one.right for one in known])
    place = np.digitize(prob, EDGES[1:-1])
    bins = []
    error = 0.0
    for k in range(len(EDGES) - 1):
        here = place == k
        if not here.any():
            continue
        said, was = float(prob[here].mean()), float(right[here].mean())
        error += abs(said - was) * here.mean()
        bins.append(
            {
                "from": EDGES[k],
                "to": EDGES[k + 1],
                "n": int(here.sum()),
                "said": round(said, 4),
                "right": int(right[here].sum()),
            }
        )
    return {
        "spectra": len(known),
        "redshifts": len(prob),
        "first_right": sum(one.right == 0 for one in known),
        "second_right": sum(one.right == 1 for one in known),
        "later_right": sum(one.right > 1 for one in known),
        "none_right": sum(one.right < 0 for one in known),
        "calibration_error": round(error, 4),
        "bins": bins,
    }


def coverage(known: Sequence[Case], table: Table) -> dict[str, Any]:
    """Return how often the right redshift lies between the percentiles, by class.

    Only spectra whose redshift is known well enough count. ``unsure`` are those of which the
    first redshift has less than 0.9: the others lie where Z_ERR says.
    """
    first = table.candidates[table.candidates["RANK"] == 1]
    prob = dict(zip(first["FILE"].tolist(), first["PROB"].tolist(), strict=True))
    rows: dict[str, list[bool]] = {}
    for case, row in zip(known, table, strict=True):
        if not case.exact or not np.isfinite(np.ma.filled(row["Z_P16"], np.nan)):
            continue
        inside = bool(row["Z_P16"] <= case.z <= row["Z_P84"])
        names = [case.cls or case.kind, case.kind, "all"]
        names += ["unsure"] if prob[row["FILE"]] < 0.9 else []
        for name in dict.fromkeys(names):
            rows.setdefault(name, []).append(inside)
    return {
        name: {
            "inside": sum(inside),
            "n": len(inside),
            "interval": [round(float(edge), 3) for edge in wilson(sum(inside), len(inside))],
        }
        for name, inside in sorted(rows.items())
    }


def classified(known: Sequence[Case], model: Model) -> Table:
    """Return the table of results of searched spectra, with candidates."""
    spectra = [replace(case.spectrum, file=str(n), zwarning=0) for n, case in enumerate(known)]
    return huggins.classify(spectra, model=model, candidates=2)


def _light(case: Case) -> Case:
    """Return a case without what minimises its chi2, which is 1 MB."""
    return replace(case, candidates=replace(case.candidates, tracks=()))


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.alternatives", description=__doc__
    )
    parser.add_argument("data", type=Path, help="folder of spectra/ and templates/")
    parser.add_argument("--model", default="huggins", help="name or path of the network")
    parser.add_argument("--mocks", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=11)
    given = parser.parse_args(argv)
    model = load_model(given.model, threads=1)
    basis = load_basis()
    search = Search(basis)
    rule = DecisionParameters.from_dict(basis.parameters)
    searched: dict[str, list[Case]] = {}
    for name, folds, seed in (("fitted", (2, 3, 4), 0), ("reported", (0, 1), 1)):
        real = real_cases(given.data, folds, model, search)
        count = given.mocks if name == "fitted" else given.mocks // 2
        mocks = mock_cases(given.data, folds, count, model, search, given.seed + seed)
        searched[f"{name} real"] = [_light(case) for case in real if case.kind]
        searched[f"{name} mocks"] = [_light(case) for case in mocks]
    unseen = [case for case in searched["fitted real"] if case.unseen]
    names = ("HEAT", "LISTED", "LISTED_LEAD", "BEYOND")
    found = fit_all([*unseen, *searched["fitted mocks"]], rule)
    fitted = {name: round(value, 3) for name, value in zip(names, found, strict=True)}
    replace_constants(alternatives, fitted)
    report = {
        "made": f"python -m experiments.alternatives DATA --mocks {given.mocks} "
        f"--model {model.name} ({model.hash})",
        "constants": fitted,
        **{
            name: measure([listed(case, rule) for case in known])
            for name, known in searched.items()
        },
        "percentiles reported": {
            name: coverage(known, classified(known, model))
            for name, known in (
                ("real", searched["reported real"]),
                ("mocks", searched["reported mocks"]),
            )
        },
    }
    write_text(RESULT, json.dumps(report, indent=1) + "\n")
    replace_generated(COLUMNS, as_markdown(report), *_MARKS[0])
    replace_generated(PAGE, covered_markdown(report), *_MARKS[1])
    return 0


def as_markdown(report: dict[str, Any]) -> str:
    """Return how often redshifts are right, by what was said of them."""
    groups = [report["reported real"], report["reported mocks"]]
    lines = [
        "| `PROB` | real: right of how many | said | mocks: right of how many | said |",
        "|---|---|---|---|---|",
    ]
    for low, high in reversed([*pairwise(EDGES)]):
        cells = []
        for group in groups:
            one = next((part for part in group["bins"] if part["from"] == low), None)
            cells += (
                ["", ""]
                if one is None
                else [f"{one['right']} of {one['n']:,}", f"{one['said']:.3g}"]
            )
        name = f"{low:g} to {high:g}" if low else f"below {high:g}"
        lines.append(f"| {name} | {' | '.join(cells)} |")
    ranks = [
        "{first_right} of {spectra}, in rank 2 for {second_right}, further down for "
        "{later_right} and not there for {none_right}".format(**group)
        for group in groups
    ]
    said = (
        f"The right redshift is in rank 1 for {ranks[0]} (real, trust 2 and more); of mocks in "
        f"rank 1 for {ranks[1]}."
    )
    return "\n".join([*lines, "", *wrap(said, 118)]) + "\n"


def covered_markdown(report: dict[str, Any]) -> str:
    """Return how often percentiles hold the right redshift between them."""
    lines = ["| | real | mocks |", "|---|---|---|"]
    names = {"all": "all", "STAR": "STAR", "GALAXY": "GALAXY", "QSO": "QSO"}
    names["unsure"] = "the best redshift has less than 0.9"
    for name, label in names.items():
        cells = []
        for group in ("real", "mocks"):
            one = report["percentiles reported"][group].get(name)
            low, high = one["interval"] if one else (0.0, 0.0)
            cells.append(
                f"{one['inside'] / one['n']:.1%} ({low:.0%} to {high:.0%}), "
                f"{one['inside']} of {one['n']}".replace("%", " %")
                if one
                else ""
            )
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
