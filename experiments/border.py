"""Galaxy or quasar at one redshift: constants, and how right PROB is near the border.

``python -m experiments.border DATA`` searches the real spectra of
trust 2 and more and mocks below z = 0.95, galaxies of every kind and quasars in hosts. Of
those found at their redshift, as a galaxy and as a quasar, folds 2 to 4 and mocks with their
noise give the constants of `huggins.redshift.border`, which are written there: a real spectrum
counts for three mocks, and only if the network was not trained on it. Folds 0 and 1 and mocks
with their noise tell what PROB is worth with and without the lines: docs/results/border.json,
and the table of docs/explanation/host.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from experiments.native_mocks import native_mocks
from experiments.pages import replace_constants, replace_generated
from experiments.rule import RIGHT, cases, real_cases
from huggins.constants import SPEED_OF_LIGHT
from huggins.inference import load_model
from huggins.redshift import border
from huggins.redshift.basis import STEP, load_basis
from huggins.redshift.case import MEMBERSHIP
from huggins.redshift.decide import border_case, choose
from huggins.redshift.frames import to_native
from huggins.redshift.parameters import DecisionParameters
from huggins.redshift.search import Search
from huggins.runs.files import write_text
from huggins.taxonomy import BROAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from experiments.rule import Case
    from huggins.inference.network import Model

    Array = NDArray[np.float64]

#: Odds of the mocks: a fifth of the quasars are this near.
ODDS: Final = {"QSO": 0.7, "GAL": 0.3}
_Z_MAX: Final = 0.95
#: Edges of the bins of the larger probability; the border is all but the last.
EDGES: Final = (0.5, 0.7, 0.9, 0.98, 1.0)
_BINS: Final = tuple(pairwise(EDGES))
_GROUPS: Final = {
    "reported real": "real, folds 0 and 1",
    "fitted real": "real, folds 2 to 4",
    "reported mocks": "mocks, noise of folds 0 and 1",
    "fitted mocks": "mocks, noise of folds 2 to 4",
}
_DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
RESULT: Final = _DOCS / "results" / "border.json"
PAGE: Final = _DOCS / "explanation" / "host.md"
_MARKS: Final = ("<!-- BORDER BEGIN -->", "<!-- BORDER END -->")
#: Weight of a real spectrum, and strength of the pull of constants to 0.
_REAL, _RIDGE = 3.0, 1e-4
# Spectra searched at a time.
_PART: Final = 500


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """A spectrum of a galaxy or quasar, found as both at its redshift.

    Attributes
    ----------
    features : ndarray, shape (6,)
        Of `huggins.redshift.border`.
    quasar
        Whether it is one.
    before
        Probability of a quasar, of the two, without lines.
    real, unseen
        As in `experiments.rule.Case`.
    """

    features: Array
    quasar: bool
    before: float
    real: bool
    unseen: bool


def near(known: Sequence[Case], rule: DecisionParameters) -> list[Near]:
    """Return what the border is about, of searched spectra."""
    measure = border.BroadLines()
    found = []
    for case in known:
        network = case.network @ MEMBERSHIP
        at = border_case(case.candidates, network, case.proposal, rule)
        if at is None or case.kind not in ("GALAXY", "QSO"):
            continue
        shift, gap = at
        z = 10.0 ** ((shift + case.offset) * STEP) - 1.0
        if abs(z - case.z) / (1.0 + case.z) * SPEED_OF_LIGHT > RIGHT["QSO"]:
            continue
        frames = to_native([case.spectrum])
        lines = measure(frames.flux[0], frames.ivar[0], shift)
        said = choose(case.candidates, network, case.proposal, rule).probabilities
        found.append(
            Near(
                border.features(network, gap, lines),
                case.kind == "QSO",
                float(said[2] / said[1:].sum()),
                case.real,
                case.unseen,
            )
        )
    return found


def fit(known: Sequence[Near]) -> Array:
    """Return the constants under which the right class is most probable."""
    x = np.array([one.features for one in known])
    y = np.array([float(one.quasar) for one in known])
    weight = np.array([_REAL if one.real else 1.0 for one in known])
    held = _RIDGE * weight.sum() * np.diag([0.0] + [1.0] * (x.shape[1] - 1))
    constants = np.zeros(x.shape[1])
    for _ in range(50):  # Newton's method; it converges in ten steps
        p = _logistic(x @ constants)
        slope = x.T @ (weight * (p - y)) + held @ constants
        bend = (x.T * (weight * p * (1.0 - p))) @ x + held
        constants -= np.linalg.solve(bend + 1e-9 * np.eye(len(bend)), slope)
    return constants


def measure(known: Sequence[Near]) -> dict[str, Any]:
    """Return how right the probabilities are, without lines and with them."""
    x = np.array([one.features for one in known])
    quasar = np.array([one.quasar for one in known])
    before = np.array([one.before for one in known])
    after = _logistic(x @ np.array(border.CONSTANTS))
    return {"n": len(known)} | {
        name: _calibration(p, quasar) for name, p in (("without", before), ("with", after))
    }


def _calibration(p: Array, quasar: NDArray[np.bool_]) -> dict[str, Any]:
    said = np.where(p > 0.5, p, 1.0 - p)
    right = (p > 0.5) == quasar
    truth = np.where(quasar, p, 1.0 - p).clip(1e-9, 1.0)
    bins = []
    for low, high in _BINS:
        here = (said >= low) & ((said < high) | (high == 1.0))
        if here.any():
            bins.append(
                {
                    "from": low,
                    "to": high,
                    "n": int(here.sum()),
                    "said": round(float(said[here].mean()), 4),
                    "right": int(right[here].sum()),
                }
            )
    return {
        "wrong": int(np.count_nonzero(~right)),
        "log_loss": round(float(-np.log(truth).mean()), 4),
        "bins": bins,
    }


def _logistic(x: Array) -> Array:
    out: Array = 1.0 / (1.0 + np.exp(-np.clip(x, -50.0, 50.0)))
    return out


def near_mocks(
    data: Path,
    folds: Sequence[int],
    count: int,
    model: Model,
    search: Search,
    rule: DecisionParameters,
    seed: int,
) -> list[Near]:
    """Return the same of mocks of galaxies and quasars at low redshift, `count` drawn."""
    found: list[Near] = []
    drawn = native_mocks(data, folds, count, seed, odds=ODDS)
    # What was searched is 1 MB a spectrum.
    low = (mock for mock in drawn if mock.z < _Z_MAX)
    while part := list(islice(low, _PART)):
        truth = [(BROAD[mock.kind], mock.kind, mock.z, True) for mock in part]
        spectra = [mock.spectrum for mock in part]
        found += near(cases(spectra, truth, model, search, real=False), rule)
    return found


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.border", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of spectra/ and templates/")
    parser.add_argument("--model", default="huggins", help="name or path of the network")
    parser.add_argument("--mocks", type=int, default=14000, help="drawn; half are near enough")
    parser.add_argument("--seed", type=int, default=21)
    given = parser.parse_args(argv)
    model = load_model(given.model, threads=1)
    basis = load_basis()
    search, rule = Search(basis), DecisionParameters.from_dict(basis.parameters)
    groups: dict[str, list[Near]] = {}
    for name, folds, part in (("fitted", (2, 3, 4), 1), ("reported", (0, 1), 2)):
        groups[f"{name} real"] = [
            one
            for fold in folds
            for one in near(real_cases(given.data, [fold], model, search), rule)
        ]
        groups[f"{name} mocks"] = near_mocks(
            given.data, folds, given.mocks // part, model, search, rule, given.seed + part
        )
    use = [*groups["fitted real"], *groups["fitted mocks"]]
    constants = fit([one for one in use if one.unseen or not one.real])
    fitted = tuple(round(float(value), 3) for value in constants)
    replace_constants(border, {"CONSTANTS": fitted})
    report = {
        "made": f"python -m experiments.border DATA --mocks {given.mocks} "
        f"--model {model.name} ({model.hash})",
        "constants": list(fitted),
        **{name: measure(known) for name, known in groups.items() if known},
    }
    write_text(RESULT, json.dumps(report, indent=1) + "\n")
    replace_generated(PAGE, as_markdown(report), *_MARKS)
    return 0


def as_markdown(report: dict[str, Any]) -> str:
    """Return the table of the page."""
    head = [f"{low:g} to {high:g}" if high < 1.0 else f"above {low:g}" for low, high in _BINS]
    lines = [f"| | lines | wrong | log loss | {' | '.join(head)} |", "|---" * 8 + "|"]
    for name, label in _GROUPS.items():
        if name not in report:
            continue
        for way in ("without", "with"):
            found = report[name][way]
            bins = {one["from"]: one for one in found["bins"]}
            cells = [
                f"{bins[low]['right']:,} of {bins[low]['n']:,}; {bins[low]['said']:.3f}"
                if low in bins
                else ""
                for low, _ in _BINS
            ]
            wrong = f"{found['wrong']} of {report[name]['n']:,}"
            lines.append(
                f"| {label} | {way} | {wrong} | {found['log_loss']:.4f} | {' | '.join(cells)} |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
