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
from huggins.evaluate import Rate, expected_calibration_error, share
from huggins.inference import load_model
from huggins.inference.network import Prediction, predict_scores
from huggins.prepare import STANDARD
from huggins.simulate import KINDS
from huggins.taxonomy import BROAD
from huggins.train import calibrate
from huggins.train.data import (
    Batches,
    Real,
    coarser,
    contract_of,
    noise_bank,
    read_labels,
    read_real,
    redshift_target,
)
from huggins.train.export import export
from huggins.train.loop import train
from huggins.train.measure import Verdict, mock_figures, real_figures, redshift_figures, verdict
from huggins.weights import Metadata, RedshiftGrid

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import nn

    from huggins.simulate import Mocks
    from huggins.train.config import Config

    Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """Labelled real spectra; mocks from held-back templates with their noise."""

    real: Real
    mocks: Mocks


def sample(config: Config, folds: tuple[int, ...], mocks: int, seed: int) -> Sample:
    """Read the real spectra of these folds and draw mocks, even in class and in log S/N."""
    folder = config.data.spectra
    real = read_real(folder, read_labels(folder, folds, config.data.trust))
    library = simulate.load(config.data.templates, test=True)
    drawn = simulate.draw(
        mocks,
        library,
        noise_bank(real),
        np.random.default_rng(seed),
        odds=dict.fromkeys(KINDS, 1.0),
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
    with torch.no_grad():
        for batch in torch.split(torch.from_numpy(tensor), 512):
            for name, value in zip(parts, network(batch), strict=True):
                if value is not None:
                    parts[name].append(value.double().numpy())
    return {name: np.concatenate(part) for name, part in parts.items() if part}


def description(config: Config) -> Metadata:
    """Metadata of an experiment before its calibration."""
    plain = config.network == "seed"
    return Metadata(
        name=config.name,
        version=huggins.__version__,
        classes=KINDS[:-1] if plain else KINDS,
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
) -> Path:
    """Train, calibrate and export.

    Parameters
    ----------
    config
    folder
        Checkpoint, log and weights go into a folder of the experiment's name inside.
    resume
        Go on where an interrupted run stopped.
    mocks
        Mocks from held-back templates that it is watched and calibrated on.
    say
        What is done with each line of progress.

    Returns
    -------
    Path
        The weights, ``NAME.onnx``.
    """
    home = Path(folder) / config.name
    labels = read_labels(config.data.spectra, config.data.folds, config.data.trust)
    real = read_real(config.data.spectra, labels)
    chosen = sample(config, config.data.choose, mocks, config.seed + 1)
    plain = description(config)
    inputs = [
        plain.contract.tensor(*on_grid(config, part.flux, part.ivar))
        for part in (chosen.real, chosen.mocks)
    ]

    def watch(network: nn.Module) -> dict[str, float]:
        found = [predict_scores(scores_of(network, x), plain) for x in inputs]
        return _summary(config, plain, chosen, found)

    network = train(config, Batches(config, real), home, resume=resume, watch=watch, say=say)
    metadata = _calibrated(config, plain, chosen, [scores_of(network, x) for x in inputs])
    metadata = replace(metadata, data=_data(config, real), trained={"config": config.to_dict()})
    path = home / f"{config.name}.onnx"
    export(network, metadata, path)
    say(f"wrote {path}")
    return path


def _calibrated(
    config: Config, plain: Metadata, chosen: Sample, scores: list[dict[str, Array]]
) -> Metadata:
    """Fit temperatures, error scale and thresholds, real and mock spectra weighing the same."""
    real, mocks = chosen.real, chosen.mocks
    allowed = np.concatenate([real.allowed, mocks.kind[:, None] == np.arange(len(KINDS))])
    allowed = allowed[:, : len(plain.classes)]
    weight = np.concatenate(
        [np.full(len(real), 1.0 / len(real)), np.full(len(mocks.kind), 1.0 / len(mocks.kind))]
    )
    use = allowed.any(axis=1)
    both = {name: np.concatenate([s[name] for s in scores]) for name in scores[0]}
    metadata = replace(
        plain, temperature=calibrate.temperature(both["class"][use], allowed[use], weight[use])
    )
    z = np.concatenate([real.z, mocks.z])
    if plain.redshift is not None:
        target = redshift_target(z, config.redshift_width)
        warm = calibrate.redshift_temperature(both["redshift"], target, weight)
        metadata = replace(metadata, redshift_temperature=warm)
        found = predict_scores(scores[0], metadata)
        quasar = np.array([row["class3"] == "QSO" for row in real.labels])
        scale = calibrate.error_scale(found.z[quasar], found.z_err[quasar], real.z[quasar])
        metadata = replace(metadata, redshift_error_scale=scale)
    known = [row["class3"] for row in real.labels]
    drawn = [BROAD.get(KINDS[kind], "NONE") for kind in mocks.kind]
    truth = np.array(known + drawn)
    empty = (mocks.kind == KINDS.index("NONE")) & (mocks.sn < 0.5)
    sky = np.concatenate([np.array(known) == "SKY", empty])
    return calibrate.thresholds(metadata, predict_scores(both, metadata), truth, sky, weight)


def _summary(
    config: Config, metadata: Metadata, chosen: Sample, found: list[Prediction]
) -> dict[str, float]:
    """Return the few figures that are logged while training."""
    real, mocks = chosen.real, chosen.mocks
    said = verdict(found[0], *on_grid(config, real.flux, real.ivar), metadata)
    figures = real_figures(real.labels, said)
    said = verdict(found[1], *on_grid(config, mocks.flux, mocks.ivar), metadata)
    bins = mock_figures(mocks.kind, mocks.z, mocks.sn, said)
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
    result["mock5"] = bins["5-40"]["macro recall"]
    result["mock2"] = bins["2-5"]["macro recall"]
    result["mock_z"] = bins["5-40"]["quasar z"].value
    return result


def _data(config: Config, real: Real) -> dict[str, Any]:
    digest = hashlib.sha256()
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
    for part in (measured.real, measured.mocks):
        flux, ivar = on_grid(config, part.flux, part.ivar)
        said.append(verdict(model.predict(flux, ivar), flux, ivar, metadata))
    real, drawn = measured.real, measured.mocks
    errors = model.predict(*on_grid(config, real.flux, real.ivar)).z_err
    known = real.allowed.sum(axis=1) == 1
    known &= np.array([row["class3"] != "SKY" for row in real.labels])
    right = real.allowed[np.arange(len(known)), [KINDS.index(n) for n in said[0].name]]
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


def behind_troughs(
    config: Config, real: Real
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
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
