"""Redshift accuracy on mocks, by class, redshift and signal-to-noise.

``python -m experiments.redshift_table DATA -o FIGURES.json --page PAGE.md`` draws mocks on
native pixels, from templates that nothing was trained on and with the noise of test folds,
classifies them as `huggins classify` does, network and fit together, and writes what came out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import huggins
from experiments.card import rate_text, table
from experiments.line_confusions import TOLERANCE, chance, line_confusion
from experiments.native_mocks import native_mocks
from experiments.pages import replace_generated
from huggins.constants import SPEED_OF_LIGHT
from huggins.errors import HugginsError
from huggins.evaluate import Rate, fraction, redshift_residuals, velocity
from huggins.evaluate.evaluation import plain
from huggins.inference import load_model
from huggins.inference.fitting import basis_hash
from huggins.inference.runner import run_spectra
from huggins.inference.settings import Settings
from huggins.inference.table import Rows
from huggins.redshift import load_basis
from huggins.runs.files import write_text
from huggins.taxonomy import BROAD, CLASSES
from huggins.train.measure import SN_BINS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from huggins.inference import Model
    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]
    Bools = NDArray[np.bool_]

#: Groups of the table: all stars are one.
GROUPS: Final = ("QSO", "BAL", "GAL", "STAR")
#: Largest |dv| of a correct redshift, km/s.
LIMITS: Final = {"QSO": 3000.0, "BAL": 3000.0, "GAL": 300.0, "STAR": 100.0}
#: Bins of redshift; of stars, of velocity over c: 100 km/s and 300 km/s.
Z_BINS: Final[dict[str, tuple[float, ...]]] = {
    "QSO": (0.0, 0.8, 1.6, 2.2, 3.0, 4.5, 6.2),
    "BAL": (1.5, 2.2, 3.0, 5.5),
    "GAL": (0.0, 0.1, 0.4, 0.7, 1.6),
    "STAR": (-0.0031, -0.00033, 0.00033, 0.0031),
}
#: Fraction of each group among the mocks.
_SHARES: Final = {"QSO": 0.35, "BAL": 0.2, "GAL": 0.25, "STAR": 0.2}
BEGIN: Final = "<!-- BEGIN python -m experiments.redshift_table -->"
END: Final = "<!-- END -->"


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """N mocks and their results.

    Attributes
    ----------
    kind, cls : ndarray of str, shape (N,)
        Of the 13 classes; CLASS of the table.
    true_z, sn, z, z_err : ndarray, shape (N,)
        NaN where no redshift was given.
    zwarning : ndarray of int, shape (N,)
    covered : ndarray, shape (N, 2)
        First and last wavelength with data, A.
    """

    kind: NDArray[np.str_]
    true_z: Array
    sn: Array
    covered: Array
    cls: NDArray[np.str_]
    z: Array
    z_err: Array
    zwarning: NDArray[np.int64]

    @property
    def broad(self) -> NDArray[np.str_]:
        """True CLASS, shape (N,)."""
        return np.array([BROAD[str(name)] for name in self.kind])

    def of(self, group: str) -> Bools:
        """Which of them belong to one of `GROUPS`, shape (N,)."""
        mine: Bools = (self.broad if group == "STAR" else self.kind) == group
        return mine

    def right(self, group: str) -> Bools:
        """Whether CLASS is correct and the redshift within the group's limit, shape (N,)."""
        with np.errstate(invalid="ignore"):
            near = np.abs(velocity(self.z, self.true_z)) <= LIMITS[group]
        found: Bools = near & (self.cls == self.broad)
        return found


def measure(
    data: Path, model: Model, count: int, folds: Sequence[int], seed: int, jobs: int = 0
) -> Answers:
    """Draw `count` mocks and classify them as `huggins classify` does."""
    truth: list[tuple[str, float, float, float, float]] = []

    def drawn() -> Iterator[Spectrum]:
        for mock in native_mocks(data, folds, count, seed, odds=_odds()):
            ends = mock.spectrum.wavelength[np.flatnonzero(mock.spectrum.good)[[0, -1]]]
            truth.append((mock.kind, mock.z, mock.sn, *ends.tolist()))
            yield mock.spectrum

    rows = Rows.join(list(run_spectra(drawn(), model, Settings(jobs=jobs))))
    kinds, *columns = zip(*truth, strict=True)
    true_z, sn, low, high = (np.array(column, np.float64) for column in columns)
    return Answers(
        np.array(kinds),
        true_z,
        sn,
        np.stack([low, high], axis=1),
        np.array(rows.texts["CLASS"]),
        rows.numbers["Z"].astype(np.float64),
        rows.numbers["Z_ERR"].astype(np.float64),
        rows.numbers["ZWARNING"].astype(np.int64),
    )


def _odds() -> dict[str, float]:
    stars = [name for name in CLASSES if BROAD[name] == "STAR"]
    odds = {name: value for name, value in _SHARES.items() if name != "STAR"}
    return odds | dict.fromkeys(stars, _SHARES["STAR"] / len(stars))


def figures(answers: Answers) -> dict[str, Any]:
    """Return all figures: for each group by redshift and S/N, by S/N, and confusions."""
    out: dict[str, Any] = {}
    for group in GROUPS:
        mine, right = answers.of(group), answers.right(group)
        edges = Z_BINS[group]
        cells = []
        for low, high in pairwise(edges):
            inside = mine & (answers.true_z >= low) & (answers.true_z < high)
            cells.append({"z": (low, high), "right": _by_sn(answers, inside, right)})
        out[group] = {
            "within_km_s": LIMITS[group],
            "by_redshift": cells,
            "right": _by_sn(answers, mine, right),
            "without_warning": _by_sn(answers, mine, answers.zwarning == 0),
            "right_of_those_without_warning": _by_sn(
                answers, mine & (answers.zwarning == 0), right
            ),
            "residuals": _residuals(answers, mine & (answers.cls == answers.broad)),
            "confusions": confusions(answers, mine),
        }
    return out


def _by_sn(answers: Answers, some: Bools, flags: Bools) -> dict[str, Rate]:
    return {name: fraction(flags[some & inside]) for name, inside in _sn_bins(answers)}


def _sn_bins(answers: Answers) -> Iterator[tuple[str, Bools]]:
    for low, high in SN_BINS:
        yield f"{low:g}-{high:g}", (answers.sn >= low) & (answers.sn < high)
    yield "all", np.ones(len(answers.sn), bool)


def _residuals(answers: Answers, some: Bools) -> dict[str, Any]:
    """Velocity and pull of those within 3000 km/s, by S/N."""
    out = {}
    for name, inside in _sn_bins(answers):
        use = some & inside
        use[use] &= np.abs(velocity(answers.z[use], answers.true_z[use])) <= 3000.0
        found = redshift_residuals(answers.z[use], answers.true_z[use], answers.z_err[use])
        out[name] = {
            "median_dv": found.median_dv,
            "median_abs_dv": found.median_abs_dv,
            "pull_median": found.pull_median,
            "pull_width": found.pull_width,
        }
    return out


def confusions(answers: Answers, mine: Bools) -> dict[str, Any]:
    """Count the wrong redshifts by the pair of lines that explains them.

    Returns
    -------
    dict
        ``wrong``: redshifts more than 3000 km/s off, whatever CLASS says; ``explained``: how
        many of them a pair of lines explains; ``by_chance``: how many it would if they were
        drawn at random; ``lines``: the pairs, ``wrong_without_warning`` those of ZWARNING 0.
    """
    basis = load_basis()
    fastest = basis.star.velocity / SPEED_OF_LIGHT
    searched = {
        "QSO": (basis.quasar.z_min, basis.quasar.z_max),
        "GALAXY": (basis.galaxy.z_min, basis.galaxy.z_max),
        "STAR": (-fastest, fastest),
    }
    with np.errstate(invalid="ignore"):
        off = np.abs(velocity(answers.z, answers.true_z)) > 3000.0
    pairs: Counter[str] = Counter()
    expected = 0.0
    wrong = np.flatnonzero(mine & off)
    for i in wrong:
        truth, said = str(answers.broad[i]), str(answers.cls[i])
        low, high = answers.covered[i].tolist()
        at = float(answers.true_z[i])
        expected += chance(truth, at, said, searched[said], (low, high))
        found = line_confusion(truth, at, said, float(answers.z[i]), (low, high))
        if found is not None:
            name = "{} taken for {}".format(*found)
            pairs[name if truth == said else f"{name} of a {said}"] += 1
    return {
        "wrong": fraction(off[mine]),
        "wrong_without_warning": int((answers.zwarning[wrong] == 0).sum()),
        "explained": sum(pairs.values()),
        "by_chance": expected,
        "tolerance": TOLERANCE,
        "lines": dict(pairs.most_common()),
    }


def to_markdown(found: dict[str, Any]) -> str:
    """Return the tables of a file of figures."""
    about = found["about"]
    parts = [
        f"{about['mocks']:,} mocks; network `{about['model']}` ({about['model_hash']}), basis "
        f"{about['basis']}, huggins {about['huggins']}; made by `{about['command']}`.\n"
    ]
    for group, values in found["groups"].items():
        bins = list(values["right"])
        rows = [
            [_range(cell["z"], group), *(rate_text(cell["right"][name]) for name in bins)]
            for cell in values["by_redshift"]
        ]
        rows.append(["all", *(rate_text(values["right"][name]) for name in bins)])
        for key in ("without_warning", "right_of_those_without_warning"):
            words = {"without_warning": "ZWARNING = 0"}.get(key, "correct among these")
            rows.append([words, *(rate_text(values[key][name]) for name in bins)])
        rows.append(["median dv, km/s", *_estimates(values, "median_dv", bins)])
        rows.append(["median absolute dv, km/s", *_estimates(values, "median_abs_dv", bins)])
        rows.append(["width of the pulls", *_estimates(values, "pull_width", bins)])
        head = f"{group}, within {values['within_km_s']:.0f} km/s"
        parts.append(table([head, *(f"S/N {name}" for name in bins)], rows))
    parts.append(_confusion_table(found["groups"]))
    return "\n".join(parts)


def _confusion_table(groups: dict[str, Any]) -> str:
    rows = []
    for group, values in groups.items():
        found = values["confusions"]
        rows.append(
            [
                group,
                rate_text(found["wrong"]),
                str(found["wrong_without_warning"]),
                f"{found['explained']} ({found['by_chance']:.1f})",
                "; ".join(f"{n} {pair}" for pair, n in found["lines"].items()),
            ]
        )
    head = [
        "",
        "z off by more than 3000 km/s",
        "of these with ZWARNING = 0",
        "line confusions (expected by chance)",
        "lines",
    ]
    return table(head, rows)


def _range(ends: Sequence[float], group: str) -> str:
    if group == "STAR":
        low, high = (round(SPEED_OF_LIGHT * value / 10.0) * 10 for value in ends)
        return f"v {low} to {high} km/s"
    return f"z {ends[0]:g} to {ends[1]:g}"


def _estimates(values: dict[str, Any], key: str, bins: Sequence[str]) -> list[str]:
    cells = []
    for name in bins:
        one = values["residuals"][name][key]
        digits = 2 if key == "pull_width" else 0
        cells.append(
            "-"
            if one["value"] is None
            else f"{one['value']:.{digits}f} ({one['low']:.{digits}f} to "
            f"{one['high']:.{digits}f})"
        )
    return cells


def main(argv: list[str] | None = None) -> int:
    """Run from the command line and return the exit status, 0 or 2."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.redshift_table", description=__doc__
    )
    parser.add_argument("data", type=Path, help="folder of spectra/ and templates/")
    parser.add_argument("--model", default="huggins", help="name or path of the network")
    parser.add_argument("--mocks", type=int, default=2000)
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 1], help="of the noise")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, help="JSON file of the figures")
    parser.add_argument("--page", type=Path, help="Markdown page with markers for the tables")
    given = parser.parse_args(argv)
    try:
        model = load_model(given.model, threads=1)
        answers = measure(given.data, model, given.mocks, given.folds, given.seed, given.jobs)
        about = {
            "command": (
                f"python -m experiments.redshift_table DATA --model {model.name} "
                f"--mocks {given.mocks} --seed {given.seed}"
            ),
            "huggins": huggins.__version__,
            "model": model.name,
            "model_hash": model.hash,
            "basis": basis_hash(),
            "mocks": len(answers.z),
            "noise_of_folds": given.folds,
        }
        found = plain({"about": about, "groups": figures(answers)})
        text = to_markdown(found)
        if given.output is not None:
            write_text(given.output, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        if given.page is not None:
            replace_generated(given.page, text, BEGIN, END)
    except HugginsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
