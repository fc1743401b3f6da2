"""Fit the decision parameters of the redshift fit: weights and thresholds.

``python -m experiments.rule DATA BASIS --model huggins`` searches the real spectra of the
training folds and mocks from held-back templates, fits the constants of
`huggins.redshift.parameters.DecisionParameters` and writes them into BASIS. Those of the
errors stay: ``python -m experiments.errors`` fits them, afterwards.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from experiments.basis import MOCKS, quasar_basis, real_quasars
from experiments.native_mocks import native_mocks
from huggins import simulate
from huggins.constants import SPEED_OF_LIGHT
from huggins.errors import HugginsError
from huggins.redshift.basis import STEP, Basis, load_basis
from huggins.redshift.border import BroadLines
from huggins.redshift.case import MEMBERSHIP
from huggins.redshift.decide import choose, scores
from huggins.redshift.frames import to_native
from huggins.redshift.parameters import DecisionParameters
from huggins.redshift.proposals import Proposal, proposals
from huggins.redshift.search import Search
from huggins.simulate.quasar_frame import JOIN
from huggins.taxonomy import BROAD
from huggins.train.data import read_real
from huggins.train.labelled import read_labels
from huggins.train.quasar_labels import read_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.inference.network import Model
    from huggins.redshift.candidates import Candidates
    from huggins.redshift.decide import Choice
    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]

#: How close a redshift must be to count as right, km/s.
RIGHT: Final = {"STAR": 600.0, "GALAXY": 1000.0, "QSO": 3000.0}
#: Limits of the softness: half a unit of reduced chi2 beyond 1 is common where nothing is
#: wrong; a fit three units beyond must not overrule a network that is sure.
SOFT: Final = (0.5, 3.0)
#: Least margin, gap and feature. Few wrong answers are at hand to fit them to; a chi2 gap of 10
#: is 3 sigma, and a feature needs more, because it is searched at a thousand redshifts.
LEAST: Final = (1.0, 10.0, 28.0)
#: Trials of the random search for the weights of the decision.
DRAWS: Final = 400
#: Least log odds that a perfect fit can overturn: the network gave its class 1 %.
POWER: Final = 4.7
#: Fraction of sky fibres that may pass for objects.
SKY_PASSES: Final = 0.02
_LINES: Final = BroadLines()


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One spectrum of known class and redshift, searched.

    Attributes
    ----------
    kind
        One of `KINDS`; empty for sky.
    cls
        Of the 13, where known.
    z
        NaN for sky.
    exact
        Whether `z` is good enough to judge errors of tens of km/s.
    real
        Whether it is no mock.
    unseen
        Whether the network was not trained on it.
    """

    kind: str
    cls: str
    z: float
    exact: bool
    real: bool
    unseen: bool
    spectrum: Spectrum
    network: Array
    proposal: Proposal
    candidates: Candidates
    offset: float

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which candidates have the true class and redshift."""
        found = []
        for solution in self.candidates.solutions:
            z = 10.0 ** ((solution.shift + self.offset) * STEP) - 1.0
            apart = abs(z - self.z) / (1.0 + self.z) * SPEED_OF_LIGHT
            found.append(solution.kind == self.kind and apart < RIGHT[solution.kind])
        return np.array(found, bool)

    def decide(self, rule: DecisionParameters) -> Choice:
        """Return the decision as a `huggins.redshift.Fitter` takes it."""
        frames = to_native([self.spectrum])
        lines = partial(_LINES, frames.flux[0], frames.ivar[0])
        return choose(self.candidates, self.network @ MEMBERSHIP, self.proposal, rule, lines)


def cases(
    spectra: Sequence[Spectrum],
    truth: Sequence[tuple[str, str, float, bool]],
    model: Model,
    search: Search,
    *,
    real: bool,
    unseen: Sequence[bool] | None = None,
) -> list[Case]:
    """Search spectra with the network's proposals; `truth` is (kind, class, z, exact)."""
    probabilities, density = predict(model, spectra)
    grid = model.metadata.redshift
    assert grid is not None
    frames = to_native(spectra)
    offered = proposals(density, probabilities, grid.start, grid.step)
    found = []
    for n, (kind, cls, z, exact) in enumerate(truth):
        proposal = offered[n]
        candidates = search.run(frames, n, proposal)
        if candidates.solutions:
            found.append(
                Case(
                    kind,
                    cls,
                    z,
                    exact,
                    real,
                    unseen is None or unseen[n],
                    spectra[n],
                    probabilities[n],
                    proposal,
                    candidates,
                    float(frames.offset[n]),
                )
            )
    return found


def predict(model: Model, spectra: Sequence[Spectrum]) -> tuple[Array, Array]:
    """Return the network's class probabilities (N, 13) and redshift distributions (N, B)."""
    contract = model.metadata.contract
    probabilities, density = [], []
    for first in range(0, len(spectra), 128):
        part = contract.tensor(*contract.rebin(spectra[first : first + 128]))
        said = model.run(part)
        probabilities.append(said.probabilities)
        assert said.density is not None
        density.append(said.density)
    return np.concatenate(probabilities), np.concatenate(density)


def real_cases(data: Path, folds: Sequence[int], model: Model, search: Search) -> list[Case]:
    """Return the trusted real spectra of some folds, sky fibres among them."""
    labels = read_labels(data / "spectra", folds, trust=2)
    real = read_real(data / "spectra", labels)
    trained = set(model.metadata.data.get("folds", folds))
    truth, spectra, unseen = [], [], []
    for row, spectrum in zip(real.labels, real.spectra, strict=True):
        unseen.append(int(row["fold"]) not in trained)
        sky = row["class3"] == "SKY"
        truth.append(
            (
                "" if sky else row["class3"],
                row["class13"],
                np.nan if sky else float(row["z"]),
                _exact(row),
            )
        )
        spectra.append(spectrum)
    return cases(spectra, truth, model, search, real=True, unseen=unseen)


def _exact(row: dict[str, str]) -> bool:
    """Whether errors of tens of km/s can be judged by this label.

    Visual redshifts are rounded: of stars to 0, of quasars to three digits, some 30 km/s, a
    fifth of what the lines of one quasar differ by. Beyond z = 1.3 labels of quasars scatter
    about the frame by 100 to 500 km/s; there mocks, which are in it, tell.
    """
    if row["class3"] == "QSO":
        return float(row["z"]) < JOIN[0]
    return row["label_from"] == "pipeline"


def mock_cases(
    data: Path, folds: Sequence[int], count: int, model: Model, search: Search, seed: int
) -> list[Case]:
    """Return mocks from held-back templates with noise of the training folds."""
    mocks = list(native_mocks(data, folds, count, seed))
    truth = [(BROAD[mock.kind], mock.kind, mock.z, True) for mock in mocks]
    return cases([mock.spectrum for mock in mocks], truth, model, search, real=False)


def fit_decision(
    known: Sequence[Case], rng: np.random.Generator, draws: int = DRAWS
) -> DecisionParameters:
    """Find the weights of the score under which the right candidates are most probable.

    Only spectra that the network was not trained on count, or it would look infallible.
    Random search, then a narrower one around the best: seven constants, and a loss that is
    bounded for each spectrum, so that one wrong label or hopeless spectrum cannot lead. The
    network's calibrated probabilities may be softened, not sharpened, and a perfect fit must
    be able to overrule them.
    """
    usable = [case for case in known if case.kind and case.unseen and case.right.any()]

    def loss(rule: DecisionParameters) -> float:
        total = 0.0
        for case in usable:
            score = scores(case.candidates, case.network @ MEMBERSHIP, case.proposal, rule)
            weight = np.exp(score - score.max())
            share = float(weight[case.right].sum() / weight.sum())
            total += (3.0 if case.real else 1.0) * min(-np.log(share + 1e-12), 6.0)
        return total

    best = DecisionParameters()
    lowest = loss(best)
    for turn in range(draws):
        width = 1.0 if turn < draws // 2 else 0.3
        network, density, ceiling, soft, same = (
            float(value * np.exp(0.6 * width * rng.normal()))
            for value in (
                best.class_weight,
                best.redshift_weight,
                best.chi2_ceiling,
                best.misfit_scale,
                best.class_chi2_ceiling,
            )
        )
        galaxy, quasar = (
            value + float(width * rng.normal()) for value in best.class_offset[1:]
        )
        trial = replace(
            best,
            class_weight=min(network, 1.0),
            redshift_weight=min(density, 1.0),
            chi2_ceiling=ceiling,
            misfit_scale=min(max(soft, SOFT[0]), SOFT[1]),
            class_chi2_ceiling=same,
            class_offset=(0.0, galaxy, quasar),
        )
        if ceiling / 2.0 - (max(trial.class_offset) - min(trial.class_offset)) < POWER:
            continue
        value = loss(trial)
        if value < lowest:
            best, lowest = trial, value
    return best


def fit_thresholds(known: Sequence[Case], rule: DecisionParameters) -> DecisionParameters:
    """Choose margin, gap and feature: few real spectra lost, sky kept out."""
    rows = []
    for case in known:
        choice = case.decide(rule)
        chosen = case.candidates.solutions[choice.best]
        reduced = max(chosen.chi2 / case.candidates.good, 1.0)
        gap = choice.deltachi2 / reduced
        rows.append(
            (
                float(not case.kind),
                float(bool(case.kind) and bool(case.right[choice.best])),
                choice.margin,
                np.inf if np.isnan(gap) else gap,
                (case.candidates.smooth - chosen.chi2) / reduced,
            )
        )
    table = np.array(rows)
    sky, right = table[:, 0] > 0, table[:, 1] > 0
    best = (-np.inf, rule.min_margin, rule.min_deltachi2, rule.min_feature)
    for m in np.arange(LEAST[0], 8.0, 0.5):
        for d in np.arange(LEAST[1], 40.0, 2.0):
            for g in np.arange(LEAST[2], 120.0, 4.0):
                passes = (table[:, 2] >= m) & (table[:, 3] >= d) & (table[:, 4] >= g)
                if np.count_nonzero(passes & sky) > SKY_PASSES * np.count_nonzero(sky):
                    continue
                # A wrong answer that passes is worse than a right one that does not. Of
                # thresholds that do equally well the strictest: few wrong ones are at hand.
                value = np.mean((passes & right)[~sky]) - 3.0 * np.mean((passes & ~right)[~sky])
                value += 1e-3 * (m / 8.0 + d / 40.0 + g / 120.0)
                best = max(best, (float(value), float(m), float(d), float(g)))
    return replace(rule, min_margin=best[1], min_deltachi2=best[2], min_feature=best[3])


def parser_of(name: str, description: str | None, *, mocks: int) -> argparse.ArgumentParser:
    """Return the arguments of an experiment that writes what it fits into a basis."""
    parser = argparse.ArgumentParser(
        prog=f"python -m experiments.{name}", description=description
    )
    parser.add_argument("data", type=Path, help="folder of spectra/ and templates/")
    parser.add_argument("basis", type=Path, help="basis to fit and to write into")
    parser.add_argument("--model", default="huggins", help="name or path of the network")
    parser.add_argument("--folds", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--mocks", type=int, default=mocks)
    parser.add_argument("--seed", type=int, default=1)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = parser_of("rule", __doc__, mocks=1500)
    parser.add_argument("--draws", type=int, default=DRAWS, help="trials of the decision")
    given = parser.parse_args(argv)
    if len(given.folds) < 2:
        parser.error("--folds: give two at least: each is searched with what the others taught")
    try:
        return _run(given)
    except HugginsError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _run(given: argparse.Namespace) -> int:
    from huggins.inference import load_model
    from huggins.inference.verification import record

    model = load_model(given.model, threads=1)
    basis = load_basis(given.basis)
    library = simulate.load(given.data / "templates")
    known: list[Case] = []
    for fold in given.folds:
        # Real spectra are searched with a basis that has not seen them.
        others = [other for other in given.folds if other != fold]
        search = Search(without(basis, library, given.data, others, given.seed))
        known += real_cases(given.data, [fold], model, search)
    search = Search(basis)
    known += mock_cases(given.data, given.folds, given.mocks, model, search, given.seed)
    rule = fit_rule(known, basis, np.random.default_rng(given.seed), given.draws)
    made: dict[str, Any] = {
        **basis.made,
        "rule": f"python -m experiments.rule --model {model.name} --mocks {given.mocks}",
        "network": model.hash,
    }
    replace(basis, parameters=rule.to_dict(), made=made).save(given.basis)
    record(given.basis)
    sys.stdout.write(json.dumps(rule.to_dict(), indent=1) + "\n")
    return 0


def without(
    basis: Basis, library: simulate.Library, data: Path, folds: Sequence[int], seed: int
) -> Basis:
    """Return the basis with quasars learned from the real ones of these folds alone."""
    real = read_real(data / "spectra", read_labels(data / "spectra", folds, trust=2))
    quasar = quasar_basis(
        library,
        real_quasars(real.labels, real.spectra, read_frame(data / "templates")),
        len(basis.quasar.vectors),
        np.random.default_rng(seed),
        mocks=basis.made.get("mocks", MOCKS),
    )
    return replace(basis, quasar=quasar)


def fit_rule(
    known: Sequence[Case], basis: Basis, rng: np.random.Generator, draws: int = DRAWS
) -> DecisionParameters:
    """Fit decision and thresholds, one after the other; errors as in the basis."""
    rule = fit_thresholds(known, fit_decision(known, rng, draws))
    before = DecisionParameters.from_dict(basis.parameters)
    return replace(
        rule,
        error_factor=before.error_factor,
        error_floor=before.error_floor,
        error_floor_far=before.error_floor_far,
    )


if __name__ == "__main__":
    sys.exit(main())
