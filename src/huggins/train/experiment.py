"""An experiment from its configuration to calibrated weights and their figures."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import huggins
from huggins import simulate
from huggins.errors import InputError
from huggins.evaluate import Rate, expected_calibration_error, share
from huggins.inference import load_model
from huggins.inference.network import Prediction, predict_scores
from huggins.prepare import STANDARD
from huggins.taxonomy import ALL_CLASSES, BROAD
from huggins.train import calibrate
from huggins.train.data import (
    Batches,
    Real,
    coarser,
    noise_bank,
    redshift_target,
)
from huggins.train.labelled import labelled
from huggins.train.loop import HELD_LOSS, train
from huggins.train.measure import Verdict, mock_figures, real_figures, redshift_figures, verdict
from huggins.train.networks import build, contract_of
from huggins.train.package import write_package
from huggins.train.ranks import ALONE
from huggins.weights import Metadata, RedshiftGrid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from huggins.simulate import Mocks
    from huggins.train.config import Config
    from huggins.train.ranks import Ranks

    Array = NDArray[np.float64]
    Flux = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Sample:
    """Labelled real spectra; mocks from held-back templates with their noise, if there are."""

    real: Real
    mocks: Mocks | None

    @property
    def parts(self) -> list[Real | Mocks]:
        """The real spectra and, where there are, the mocks."""
        return [self.real] if self.mocks is None else [self.real, self.mocks]


def sample(config: Config, folds: tuple[int, ...], mocks: int, seed: int) -> Sample:
    """Read the real spectra of these folds and draw mocks, even in class and in log S/N.

    An experiment without mocks has none here either.
    """
    real = labelled(config.data, folds)
    if config.data.real_share >= 1.0:
        return Sample(real, None)
    drawn = simulate.draw(
        mocks,
        simulate.load(config.data.templates, test=True),
        noise_bank(real),
        np.random.default_rng(seed),
        odds=dict.fromkeys(ALL_CLASSES, 1.0),
        sn=(1.0, 40.0),
    )
    return Sample(real, drawn)


def on_grid(
    config: Config, flux: NDArray[np.floating], ivar: NDArray[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Carry spectra from the standard grid to that of the experiment's network."""
    return coarser(flux, ivar) if config.network == "seed" else (flux, ivar)


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


def description(config: Config) -> Metadata:
    """Metadata of an experiment before its calibration."""
    plain = config.network == "seed"
    return Metadata(
        name=config.name,
        version=huggins.__version__,
        classes=ALL_CLASSES[:-1] if plain else ALL_CLASSES,
        contract=contract_of(config),
        redshift=None if plain else RedshiftGrid(),
    )


def run(
    config: Config,
    folder: str | Path = "runs",
    *,
    resume: bool = False,
    mocks: int = 4000,
    say: Callable[[str], None] = print,
    ranks: Ranks = ALONE,
    initial: Mapping[str, Tensor] | None = None,
) -> Path:
    """Train, calibrate and export.

    Parameters
    ----------
    config
    folder
        Checkpoint, log, curves and weights go into a folder of the experiment's name inside.
    resume
        Go on where an interrupted run stopped.
    mocks
        Mocks from held-back templates that it is watched and calibrated on.
    say
        What is done with each line of progress.
    ranks
        Device, and the processes that train together; the first of them writes.
    initial
        Weights to start from.

    Returns
    -------
    Path
        The weights, ``NAME.onnx``.
    """
    home = Path(folder) / config.name
    real = labelled(config.data, config.data.folds, say)
    batches = Batches(config, real, ranks)
    watched = _Watched(config, mocks)
    network = train(
        config,
        batches,
        home,
        resume=resume,
        watch=watched,
        say=say,
        ranks=ranks,
        initial=initial,
    )
    path = home / f"{config.name}.onnx"
    if ranks.first:
        from huggins.evaluate.training import draw_log

        draw_log(home / "log.csv", home / "log.png")
        write_package(network, watched.description(network, real), home)
        say(f"wrote {path}")
    return path


def finish(config: Config, weights: Mapping[str, Tensor], folder: Path, mocks: int) -> Path:
    """Calibrate and export the weights of a checkpoint; returns the ``.onnx`` file."""
    network = build(config)
    network.load_state_dict(weights)
    network.eval()
    real = labelled(config.data, config.data.folds)
    return write_package(network, _Watched(config, mocks).description(network, real), folder)


class _Watched:
    """The `choose` folds: what a network says of them, and its calibration by them."""

    def __init__(self, config: Config, mocks: int) -> None:
        self.config = config
        self.plain = description(config)
        self.chosen = sample(config, config.data.choose, mocks, config.seed + 1)
        self.inputs = [
            self.plain.contract.tensor(*on_grid(config, part.flux, part.ivar))
            for part in self.chosen.parts
        ]

    def __call__(self, network: nn.Module) -> dict[str, float]:
        """Return figures to be logged."""
        scores = [scores_of(network, x) for x in self.inputs]
        found = [predict_scores(s, self.plain) for s in scores]
        figures = {HELD_LOSS: _held_loss(self.chosen, scores)}
        return figures | _summary(self.config, self.plain, self.chosen, found)

    def description(self, network: nn.Module, real: Real) -> Metadata:
        """Return the calibrated description of a network trained on these real spectra."""
        config = self.config
        scores = [scores_of(network, x) for x in self.inputs]
        metadata = _calibrated(config, self.plain, self.chosen, scores)
        return replace(metadata, data=_data(config, real), trained={"config": config.to_dict()})


def _truths(chosen: Sample, classes: int) -> list[NDArray[np.bool_]]:
    """Classes that each spectrum may be, (N, K), of the real spectra and of the mocks."""
    every = [chosen.real.allowed]
    if chosen.mocks is not None:
        every.append(chosen.mocks.kind[:, None] == np.arange(len(ALL_CLASSES)))
    return [allowed[:, :classes] for allowed in every]


def _held_loss(chosen: Sample, scores: list[dict[str, Array]]) -> float:
    """Mean -ln of the probability of what is true, real and mock spectra weighing the same."""
    losses = []
    for allowed, said in zip(_truths(chosen, scores[0]["class"].shape[1]), scores, strict=True):
        use = allowed.any(axis=1)
        score = said["class"][use]
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
        found = predict_scores(scores[0], metadata)
        quasar = np.array([row["class3"] == "QSO" for row in real.labels])
        quasar &= np.isfinite(real.z)
        scale = calibrate.error_scale(found.z[quasar], found.z_err[quasar], real.z[quasar])
        metadata = replace(metadata, redshift_error_scale=scale)
    truth, sky = _broad_truth(chosen)
    return calibrate.thresholds(metadata, predict_scores(both, metadata), truth, sky, weight)


def _broad_truth(chosen: Sample) -> tuple[NDArray[np.str_], NDArray[np.bool_]]:
    """CLASS of the real spectra and the mocks, and which of them are empty sky."""
    truth = [row["class3"] for row in chosen.real.labels]
    sky = [word == "SKY" for word in truth]
    if chosen.mocks is not None:
        mocks = chosen.mocks
        truth += [BROAD.get(ALL_CLASSES[kind], "NONE") for kind in mocks.kind]
        sky += ((mocks.kind == ALL_CLASSES.index("NONE")) & (mocks.sn < 0.5)).tolist()
    return np.array(truth), np.array(sky)


def _summary(
    config: Config, metadata: Metadata, chosen: Sample, found: list[Prediction]
) -> dict[str, float]:
    """Return the few figures that are logged while training."""
    real, mocks = chosen.real, chosen.mocks
    said = verdict(found[0], *on_grid(config, real.flux, real.ivar), metadata)
    figures = real_figures(real.labels, said)
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
    result = {name: figures[key].value for name, key in short.items()}
    if mocks is None:
        return result
    said = verdict(found[1], *on_grid(config, mocks.flux, mocks.ivar), metadata)
    bins = mock_figures(mocks.kind, mocks.z, mocks.sn, said)
    result["mock5"] = bins["5-40"]["macro recall"]
    result["mock2"] = bins["2-5"]["macro recall"]
    result["mock_z"] = bins["5-40"]["quasar z"].value
    return result


def _data(config: Config, real: Real) -> dict[str, Any]:
    digest = hashlib.sha256()
    if config.data.real_share < 1.0:
        for name in ("stars", "quasars", "galaxies", "bal"):
            digest.update((Path(config.data.templates) / f"{name}.h5").read_bytes())
    for row in real.labels:
        digest.update(json.dumps(row, sort_keys=True).encode())
    return {
        "sha256": digest.hexdigest()[:16],
        "real spectra": len(real),
        "mocks": round(config.steps * config.batch * (1.0 - config.data.real_share)),
        "folds": list(config.data.folds),
    }


def report(config: Config, weights: str | Path, mocks: int = 20000) -> dict[str, Any]:
    """Measure weights on the test folds and on mocks from held-back templates.

    Returns
    -------
    dict
        Plain values, for JSON: ``real``, ``mocks`` and ``calibration``.
    """
    model = load_model(weights)
    metadata = model.metadata
    measured = sample(config, config.data.test, mocks, config.seed + 2)
    said: list[Verdict] = []
    if measured.mocks is None:
        raise InputError("the report needs mocks: real_share must be below 1")
    for part in measured.parts:
        flux, ivar = on_grid(config, part.flux, part.ivar)
        said.append(verdict(model.predict(flux, ivar), flux, ivar, metadata))
    real, drawn = measured.real, measured.mocks
    errors = model.predict(*on_grid(config, real.flux, real.ivar)).z_err
    known = real.allowed.sum(axis=1) == 1
    known &= np.array([row["class3"] != "SKY" for row in real.labels])
    right = real.allowed[np.arange(len(known)), [ALL_CLASSES.index(n) for n in said[0].name]]
    error = expected_calibration_error(said[0].probability[known], right[known])
    absorbed, kept = behind_troughs(config, real)
    said_bal = [
        verdict(model.predict(flux, ivar), flux, ivar, metadata).name == "BAL"
        for flux, ivar in (on_grid(config, *absorbed), on_grid(config, *kept))
    ]
    return {
        "weights": {"name": model.name, "hash": model.hash, "threshold": metadata.threshold},
        "real": _plain(real_figures(real.labels, said[0])),
        "mocks": _plain(mock_figures(drawn.kind, drawn.z, drawn.sn, said[1])),
        "redshifts": _plain(redshift_figures(real.labels, real.z, said[0], errors)),
        "calibration": _plain(error),
        "real quasars": {
            "behind held-back troughs, called BAL": _plain(share(said_bal[0])),
            "without troughs, not called BAL": _plain(share(~said_bal[1])),
        },
    }


def behind_troughs(config: Config, real: Real) -> tuple[tuple[Flux, Flux], tuple[Flux, Flux]]:
    """Put real quasars behind the troughs of real BAL quasars that training never saw.

    Quasars of S/N above 3 and z 1.6 to 5, behind each held-back transmission, unmoved and
    unaltered. All of these have BI(C IV) above 200 km/s.

    Returns
    -------
    absorbed, plain : (flux, ivar), each of shape (N, G)
        N spectra behind troughs, and the quasars as they are.
    """
    library = simulate.load(config.data.templates, test=True)
    with np.errstate(invalid="ignore"):
        use = (real.z > 1.6) & (real.z < 5.0)
    rows = [
        i
        for i in np.flatnonzero(use)
        if real.labels[i]["class13"] == "QSO" and float(real.labels[i]["sn"]) > 3.0
    ]
    flux, ivar = real.flux[rows], real.ivar[rows]
    log1z = np.log10(1.0 + real.z[rows])
    absorbed = []
    for trough in range(library.troughs.count):
        at = np.full(len(rows), trough)
        depth, _ = library.troughs.sample(at, log1z, STANDARD.grid)
        absorbed.append(flux * np.clip(1.0 - depth, 0.0, None))
    count = library.troughs.count
    return (np.concatenate(absorbed), np.tile(ivar, (count, 1))), (flux, ivar)


def _plain(value: Any) -> Any:
    """Turn figures into what JSON knows, shares rounded to four digits."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Rate):
        return _plain(asdict(value))
    if isinstance(value, float):
        return None if np.isnan(value) else round(value, 4)
    if hasattr(value, "__dataclass_fields__"):
        return _plain(asdict(value))
    return value
