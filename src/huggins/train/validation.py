"""Validation: the spectra that a network is watched, chosen and calibrated on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from huggins import simulate
from huggins.inference.network import Prediction, predict_scores
from huggins.tables.labels import SKY
from huggins.taxonomy import ALL_CLASSES, BROAD
from huggins.train import calibrate
from huggins.train.data import Real, as_real, noise_bank, on_grid, redshift_target
from huggins.train.labelled import labelled
from huggins.train.loop import HELD_LOSS
from huggins.train.measure import classify, mock_figures, real_figures
from huggins.train.networks import description

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from huggins.simulate import Mocks
    from huggins.train.config import Config
    from huggins.weights import Metadata

    Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """Labelled real spectra and, if any, mocks from held-back templates with their noise."""

    real: Real
    mocks: Mocks | None

    @property
    def parts(self) -> list[Real | Mocks]:
        """The real spectra and, where there are, the mocks."""
        return [self.real] if self.mocks is None else [self.real, self.mocks]


def sample(config: Config, folds: tuple[int, ...], mocks: int, seed: int) -> Sample:
    """Read the real spectra of these folds and draw mocks, even in class and in log S/N.

    An experiment without mocks has none here either. One without labelled spectra has other
    mocks in their place, of survey-like S/N.
    """
    real = labelled(config.data, folds)
    if config.data.real_share >= 1.0:
        return Sample(real, None)
    library = simulate.load(config.data.templates, test=True)
    bank, even = noise_bank(real), dict.fromkeys(ALL_CLASSES, 1.0)
    if not real.genuine:
        rng = np.random.default_rng([seed, 1])
        real = as_real(simulate.draw(max(mocks // 4, 1), library, bank, rng, odds=even))
    rng = np.random.default_rng(seed)
    return Sample(real, simulate.draw(mocks, library, bank, rng, odds=even, sn=(1.0, 40.0)))


def scores_of(network: nn.Module, tensor: NDArray[np.float32]) -> dict[str, Array]:
    """Scores of a network, as its exported file would give them."""
    parts: dict[str, list[Array]] = {"class": [], "redshift": []}
    device = next(network.parameters()).device
    with torch.no_grad():
        for batch in torch.split(torch.from_numpy(tensor), 512):
            for name, value in zip(parts, network(batch.to(device)), strict=True):
                if value is not None:
                    parts[name].append(value.cpu().double().numpy())
    return {name: np.concatenate(part) for name, part in parts.items() if part}


class Validation:
    """The `choose` folds, on which a network is watched in training and then calibrated."""

    def __init__(self, config: Config, mocks: int) -> None:
        self.config = config
        self.plain = description(config)
        self.chosen = sample(config, config.data.choose, mocks, config.seed + 1)
        self.inputs = [
            self.plain.contract.tensor(*on_grid(config, part.flux, part.ivar))
            for part in self.chosen.parts
        ]

    def __call__(self, network: nn.Module) -> dict[str, float]:
        """Return the figures to be logged."""
        scores = [scores_of(network, x) for x in self.inputs]
        predictions = [predict_scores(s, self.plain) for s in scores]
        figures = {HELD_LOSS: _held_loss(self.chosen, scores)}
        return figures | _summary(self.config, self.plain, self.chosen, predictions)

    def description(self, network: nn.Module, real: Real) -> Metadata:
        """Return the calibrated description of a network trained on these real spectra."""
        config = self.config
        scores = [scores_of(network, x) for x in self.inputs]
        metadata = _calibrated(config, self.plain, self.chosen, scores)
        return replace(metadata, data=_data(config, real), trained={"config": config.to_dict()})


def _truths(chosen: Sample, classes: int) -> list[NDArray[np.bool_]]:
    """Classes that each spectrum may be, (N, K), of the real spectra and of the mocks."""
    parts = [chosen.real.allowed]
    if chosen.mocks is not None:
        parts.append(chosen.mocks.kind[:, None] == np.arange(len(ALL_CLASSES)))
    return [allowed[:, :classes] for allowed in parts]


def _held_loss(chosen: Sample, scores: list[dict[str, Array]]) -> float:
    """Mean -ln of the probability of the truth, real and mock spectra weighing the same."""
    losses = []
    for allowed, part in zip(_truths(chosen, scores[0]["class"].shape[1]), scores, strict=True):
        use = allowed.any(axis=1)
        score = part["class"][use]
        total = np.logaddexp.reduce(score, axis=1)
        right = np.logaddexp.reduce(np.where(allowed[use], score, -np.inf), axis=1)
        losses.append(float((total - right).mean()))
    return float(np.mean(losses))


def _calibrated(
    config: Config, plain: Metadata, chosen: Sample, scores: list[dict[str, Array]]
) -> Metadata:
    """Fit temperatures, error scale and thresholds, real and mock spectra weighing the same."""
    real = chosen.real
    truths = _truths(chosen, len(plain.classes))
    allowed = np.concatenate(truths)
    weight = np.concatenate([np.full(len(part), 1.0 / len(part)) for part in truths])
    use = allowed.any(axis=1)
    both = {name: np.concatenate([s[name] for s in scores]) for name in scores[0]}
    metadata = replace(
        plain, temperature=calibrate.temperature(both["class"][use], allowed[use], weight[use])
    )
    z = np.concatenate([part.z for part in chosen.parts])
    if plain.redshift is not None and np.isfinite(z).any():
        target = redshift_target(z, config.redshift_width)
        warm = calibrate.redshift_temperature(both["redshift"], target, weight)
        metadata = replace(metadata, redshift_temperature=warm)
        prediction = predict_scores(scores[0], metadata)
        quasar = (real.column("class3") == "QSO") & np.isfinite(real.z)
        scale = calibrate.error_scale(
            prediction.z[quasar], prediction.z_err[quasar], real.z[quasar]
        )
        metadata = replace(metadata, redshift_error_scale=scale)
    truth, sky = _broad_truth(chosen)
    return calibrate.thresholds(metadata, predict_scores(both, metadata), truth, sky, weight)


def _broad_truth(chosen: Sample) -> tuple[NDArray[np.str_], NDArray[np.bool_]]:
    """CLASS of the real spectra and the mocks, and which of them are empty sky."""
    truth = chosen.real.column("class3").tolist()
    sky = [word == SKY for word in truth]
    if chosen.mocks is not None:
        mocks = chosen.mocks
        truth += [BROAD.get(ALL_CLASSES[kind], "NONE") for kind in mocks.kind]
        sky += ((mocks.kind == ALL_CLASSES.index("NONE")) & (mocks.sn < 0.5)).tolist()
    return np.array(truth), np.array(sky)


def _summary(
    config: Config, metadata: Metadata, chosen: Sample, predictions: list[Prediction]
) -> dict[str, float]:
    """Return the few figures that are logged while training."""
    real, mocks = chosen.real, chosen.mocks
    result = classify(predictions[0], *on_grid(config, real.flux, real.ivar), metadata)
    figures = real_figures(real.labels, result)
    short = {
        "visual": "CLASS, visual BOSS",
        "sdss": "CLASS, trust 2 BOSS and SDSS-I",
        "quasar_z": "quasar z within 0.02 (1 + z)",
        "galaxies": "galaxies found",
        "letter": "LAMOST star letter",
        "neighbour": "LAMOST star letter or neighbour",
        "sky": "sky fibres with no warning",
        "kept": "real spectra with no warning and right",
    }
    summary = {name: figures[key].value for name, key in short.items()}
    if mocks is None:
        return summary
    result = classify(predictions[1], *on_grid(config, mocks.flux, mocks.ivar), metadata)
    bins = mock_figures(mocks.kind, mocks.z, mocks.sn, result)
    summary["mock5"] = bins["5-40"]["macro recall"]
    summary["mock2"] = bins["2-5"]["macro recall"]
    summary["mock_z"] = bins["5-40"]["quasar z"].value
    return summary


def _data(config: Config, real: Real) -> dict[str, Any]:
    digest = hashlib.sha256()
    if config.data.real_share < 1.0:
        for path in simulate.template_files(config.data.templates):
            digest.update(path.read_bytes())
    for row in real.labels:
        digest.update(json.dumps(row, sort_keys=True).encode())
    return {
        "sha256": digest.hexdigest()[:16],
        "real spectra": real.genuine,
        "mocks": round(config.steps * config.batch * (1.0 - config.data.real_share)),
        "folds": list(config.data.folds),
    }
