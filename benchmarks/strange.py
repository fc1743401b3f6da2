"""Which score finds what is none of the classes: ``python -m benchmarks strange``.

The probability of NONE, against scores that need no teaching: the energy of the 13 class
scores (Liu et al. 2020, NeurIPS 33, 21464), one minus the highest probability, and the
Mahalanobis distance of the dense layer to the nearest class (Lee et al. 2018, NeurIPS 31).
Real spectra are of fold 4, which the shipped network's thresholds were chosen on; mocks are of
held-back templates. Area under the curve, and the share found where 95 % of what is one of the
classes is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
EACH = 400
KEPT = 0.95


def run() -> dict[str, object]:
    """Measure."""
    if not (SHARED / "templates/stars.h5").is_file():
        return {"skipped": f"no templates: {SHARED} is not there"}
    try:
        import torch  # noqa: F401
    except ImportError:
        return {"skipped": "no torch: pip install 'huggins[train]'"}
    from huggins import simulate
    from huggins.prepare import STANDARD
    from huggins.simulate.noise import observe
    from huggins.taxonomy import ALL_CLASSES
    from huggins.train.config import DataConfig
    from huggins.train.data import noise_bank
    from huggins.train.labelled import labelled

    data = DataConfig(templates=str(SHARED / "templates"), spectra=str(SHARED / "spectra"))
    real, bank = labelled(data, (4,)), noise_bank(labelled(data, (2, 3)))
    rng = np.random.default_rng(5)
    thirteen = dict.fromkeys(ALL_CLASSES[:-1], 1.0)
    score = _Scores(
        simulate.draw(4000, simulate.load(data.templates), bank, rng, odds=thirteen)
    )
    library = simulate.load(data.templates, test=True)
    known = simulate.draw(2600, library, bank, rng, odds=thirteen, sn=(3.0, 20.0))
    usual = score(known.flux, known.ivar)
    results: dict[str, Any] = {}
    sky = np.array([row["class3"] == "SKY" for row in real.labels])
    of_real = score(real.flux, real.ivar)
    results["real sky against real spectra"] = {
        name: _compared(values[~sky], values[sky]) for name, values in of_real.items()
    }
    sn = np.exp(rng.uniform(np.log(3.0), np.log(20.0), EACH))
    for name, flux in _strange(library, STANDARD.grid, rng).items():
        observed = observe(flux, np.zeros(EACH, bool), bank, rng, sn)[:2]
        found = score(*observed)
        results[name] = {key: _compared(usual[key], found[key]) for key in found}
    return results


def _strange(library: Any, grid: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Noiseless spectra of none of the classes: two kinds taught, two not."""
    from huggins.simulate.galaxies import galaxy
    from huggins.simulate.nothing import _cataclysmic
    from huggins.simulate.stars import star

    red, other = star("M", EACH, library, grid, rng)[0], galaxy(EACH, library, grid, rng)[0]
    bumps, comb = (np.ones((EACH, grid.size), np.float32) for _ in range(2))
    for target, count, sizes, widths in (
        (bumps, 6, (-0.6, 0.9), (0.006, 0.02)),  # broad features, as supernovae have
        (comb, 12, (0.3, 2.0), (0.0008, 0.00081)),  # narrow lines anywhere
    ):
        for _ in range(count):
            at = rng.uniform(3.56, 3.98, (EACH, 1))
            u = (grid.loglam - at) / rng.uniform(*widths, (EACH, 1))
            target += (rng.uniform(*sizes, (EACH, 1)) * np.exp(-0.5 * u * u)).astype("f4")
    return {
        "cataclysmic variables": _cataclysmic(EACH, grid, rng),
        "blends": 0.5 * red + 0.5 * other,
        "broad bumps, never taught": np.maximum(bumps, 0.02),
        "combs of lines, never taught": comb,
    }


class _Scores:
    """Scores of the shipped network, the higher the stranger."""

    def __init__(self, mocks: Any) -> None:
        from huggins.train.config import Config
        from huggins.train.networks import build
        from huggins.train.starting import starting_weights

        config, weights = starting_weights(Config(), "huggins")
        self.network = build(config)
        self.network.load_state_dict(weights)
        self.network.eval()
        _, hidden = self._run(mocks.flux, mocks.ivar)
        self.means = np.stack([hidden[mocks.kind == k].mean(axis=0) for k in range(13)])
        spread = np.cov((hidden - self.means[mocks.kind]).T)
        self.inverse = np.linalg.inv(spread + 1e-3 * np.eye(len(spread)))

    def _run(self, flux: np.ndarray, ivar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        import torch

        from huggins.prepare import STANDARD

        network: Any = self.network
        with torch.no_grad():
            hidden = network.dense(
                network.features(torch.from_numpy(STANDARD.tensor(flux, ivar)))
            )
            return network.classes(hidden).double().numpy(), hidden.double().numpy()

    def __call__(self, flux: np.ndarray, ivar: np.ndarray) -> dict[str, np.ndarray]:
        scores, hidden = self._run(flux, ivar)
        power = np.exp(scores - scores.max(axis=1, keepdims=True))
        chance = power / power.sum(axis=1, keepdims=True)
        apart = hidden[:, None] - self.means
        return {
            "NONE": chance[:, 13],
            "energy": -np.logaddexp.reduce(scores[:, :13], axis=1),
            "highest probability": 1.0 - chance[:, :13].max(axis=1),
            "Mahalanobis": np.einsum("nki,ij,nkj->nk", apart, self.inverse, apart).min(axis=1),
        }


def _compared(usual: np.ndarray, strange: np.ndarray) -> dict[str, float]:
    order = np.argsort(np.argsort(np.concatenate([usual, strange])))
    above = order[len(usual) :].sum() - len(strange) * (len(strange) - 1) / 2
    found = (strange > np.quantile(usual, KEPT)).mean()
    return {
        "auc": round(float(above / (len(usual) * len(strange))), 3),
        "found": round(float(found), 3),
    }
