"""``python -m experiments.realism CONFIG``: whether a network can tell mocks from real ones.

For every real spectrum of the folds that may be fitted to, a mock of the same class, survey and
signal-to-noise is drawn. A small network is told to separate the two, on some folds, and is
measured on the fold that it did not see. An accuracy of 50 % means that it cannot.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from huggins import simulate
from huggins.errors import InputError
from huggins.evaluate import Rate, fraction
from huggins.evaluate.mock_page import Spectra, matched
from huggins.prepare import STANDARD
from huggins.train.config import read_config
from huggins.train.data import noise_bank
from huggins.train.labelled import labelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from huggins.train.config import Config
    from huggins.train.data import Real

#: Mocks per real spectrum: the first is for measuring, all are for training.
EACH: Final = 6
# Mocks per real spectrum that the matched ones are chosen from.
_POOL: Final = 40
_EPOCHS: Final = 14
_BATCH: Final = 128


@dataclass(frozen=True, slots=True)
class Pairs:
    """N real spectra, each with its mocks.

    Attributes
    ----------
    survey, kind : ndarray of str, shape (N,)
    fold : ndarray of int, shape (N,)
    real : ndarray of float32, shape (N, C, G)
        Input of the network.
    mocks : ndarray of float32, shape (N, E, C, G)
    """

    survey: NDArray[np.str_]
    kind: NDArray[np.str_]
    fold: NDArray[np.int64]
    real: NDArray[np.float32]
    mocks: NDArray[np.float32]


def pairs(config: Config, seed: int = 0) -> Pairs:
    """Read the spectra of the folds `folds` and `choose`, and draw mocks like them.

    Only spectra of one known class (or of empty sky) count; the folds of `test` are not read.
    """
    folds = (*config.data.folds, *config.data.choose)
    real = labelled(config.data, folds)
    library = simulate.load(config.data.templates)
    bank = noise_bank(real)
    kind = np.array(["NONE" if r["class3"] == "SKY" else r["class13"] for r in real.labels])
    survey = np.array([row["survey"] for row in real.labels])
    rng = np.random.default_rng(seed)
    chosen, mocks = [], []
    for name in np.unique(survey[kind != ""]):
        for cls in np.unique(kind[(survey == name) & (kind != "")]):
            rows = np.flatnonzero((survey == name) & (kind == cls))
            partners = _partners(real, rows, str(cls), str(name), library, bank, rng)
            whole = [k for k, partner in enumerate(partners) if partner is not None]
            chosen += [rows[k] for k in whole]
            mocks += [partners[k] for k in whole]
    if not chosen:
        raise InputError(f"{config.data.spectra}: no spectra of a known class to compare with")
    at = np.array(chosen)
    fold = np.array([int(row["fold"]) for row in real.labels])
    flux, ivar = real.flux[at], real.ivar[at]
    return Pairs(
        survey[at],
        kind[at],
        fold[at],
        STANDARD.tensor(flux, ivar),
        np.stack(mocks),  # type: ignore[arg-type]
    )


def _partners(
    real: Real,
    rows: NDArray[np.intp],
    kind: str,
    survey: str,
    library: simulate.Library,
    bank: simulate.NoiseBank,
    rng: np.random.Generator,
) -> list[NDArray[np.float32] | None]:
    """Input of the network of EACH mocks for each row; None where there are not enough."""
    names = np.full(len(rows), kind)
    mine = Spectra(real.flux[rows], real.ivar[rows], names, real.z[rows], names)
    pixels = np.sqrt(STANDARD.grid.step / 1e-4)
    sn = np.maximum(mine.sn / pixels, 0.3)
    drawn = simulate.draw(
        max(300, _POOL * len(rows)),
        library,
        bank,
        rng,
        odds={kind: 1.0},
        sn=(0.8 * float(sn.min()), 1.25 * float(sn.max())) if kind != "NONE" else None,
        survey=survey,
    )
    kinds = np.full(len(drawn.kind), kind)
    made = Spectra(drawn.flux, drawn.ivar, kinds, drawn.z, kinds)
    at = matched(mine, made, EACH)
    return [
        STANDARD.tensor(drawn.flux[row], drawn.ivar[row]) if (row >= 0).all() else None
        for row in at
    ]


class _Small(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = channels
        for width, kernel in ((16, 9), (32, 7), (48, 5), (64, 5)):
            layers += [
                nn.Conv1d(before, width, kernel, stride=2, padding=kernel // 2, bias=False),
                nn.BatchNorm1d(width),
                nn.ReLU(),
            ]
            before = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(2 * before, 48), nn.ReLU(), nn.Linear(48, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        features = self.features(x)
        pooled = torch.cat([features.mean(dim=2), features.amax(dim=2)], dim=1)
        scores: Tensor = self.head(pooled)
        return scores[:, 0]


def separate(
    data: Pairs, *, epochs: int = _EPOCHS, progress: Callable[[str], None] = print
) -> NDArray[np.bool_]:
    """Train on all folds but one, classify that one, for each fold.

    Returns
    -------
    ndarray of bool, shape (N, 2)
        Whether the real spectrum, and its first mock, were recognised.
    """
    right = np.zeros((len(data.kind), 2), bool)
    for fold in np.unique(data.fold):
        held = data.fold == fold
        network = _fitted(data.real[~held], data.mocks[~held], int(fold), epochs)
        with torch.no_grad():
            real = network(torch.from_numpy(data.real[held])).numpy()
            mock = network(torch.from_numpy(data.mocks[held, 0])).numpy()
        right[held, 0], right[held, 1] = real > 0, mock < 0
        progress(f"fold {fold}: {right[held].mean():.3f} of {2 * held.sum()}")
    return right


def _fitted(
    real: NDArray[np.float32], mocks: NDArray[np.float32], seed: int, epochs: int
) -> nn.Module:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = _Small(real.shape[1])
    steps = max(1, 2 * len(real) * EACH // _BATCH // 2)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=epochs * steps)
    half = _BATCH // 2
    target = torch.cat([torch.ones(half), torch.zeros(half)])
    for _ in range(epochs * steps):
        one = real[rng.integers(0, len(real), half)]
        two = mocks[rng.integers(0, len(mocks), half), rng.integers(0, mocks.shape[1], half)]
        scores = network(torch.from_numpy(np.concatenate([one, two])))
        value = functional.binary_cross_entropy_with_logits(scores, target)
        optimiser.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return network.eval()


def figures(data: Pairs, right: NDArray[np.bool_]) -> dict[str, Rate]:
    """Fraction of real and mock spectra recognised: of all, by survey, by survey and class."""
    found = {"all": fraction(right.ravel())}
    for survey in np.unique(data.survey):
        of = data.survey == survey
        found[str(survey)] = fraction(right[of].ravel())
        for kind in np.unique(data.kind[of]):
            found[f"{survey} {kind}"] = fraction(right[of & (data.kind == kind)].ravel())
    return found


def main(argv: list[str] | None = None) -> int:
    """Measure, and print a Markdown table; with a second argument, write JSON there too."""
    arguments = argv or sys.argv[1:]
    config = read_config(arguments[0])
    torch.set_num_threads(config.threads)
    data = pairs(config)
    right = separate(data, progress=lambda line: print(line, file=sys.stderr))
    found = figures(data, right)
    lines = ["| spectra | recognised, % | interval (95 %) | n |", "|---|---|---|---|"]
    plain: dict[str, Any] = {}
    for name, rate in found.items():
        low, high = 100 * rate.low, 100 * rate.high
        lines.append(
            f"| {name} | {100 * rate.value:.1f} | {low:.1f} to {high:.1f} | {rate.n} |"
        )
        plain[name] = {"value": rate.value, "low": rate.low, "high": rate.high, "n": rate.n}
    print("\n".join(lines))
    if len(arguments) > 1:
        Path(arguments[1]).write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
