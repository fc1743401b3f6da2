"""Figures of merit of a network on the test folds and on mocks from held-back templates."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins import simulate
from huggins.errors import InputError
from huggins.evaluate import Rate, expected_calibration_error, fraction
from huggins.inference import load_model
from huggins.prepare import STANDARD
from huggins.tables.labels import SKY
from huggins.taxonomy import ALL_CLASSES
from huggins.train.data import on_grid
from huggins.train.measure import (
    Classification,
    classify,
    mock_figures,
    real_figures,
    redshift_figures,
)
from huggins.train.validation import sample

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.train.config import Config
    from huggins.train.data import Real

    Flux = NDArray[np.floating]


def report(config: Config, weights: str | Path, mocks: int = 20000) -> dict[str, Any]:
    """Measure weights on the test folds and on mocks from held-back templates.

    Returns
    -------
    dict
        Plain values, for JSON: ``real``, ``mocks`` and ``calibration``.
    """
    model = load_model(weights)
    metadata = model.metadata
    tested = sample(config, config.data.test, mocks, config.seed + 2)
    results: list[Classification] = []
    if tested.mocks is None:
        raise InputError("the report needs mocks: real_share must be below 1")
    for part in tested.parts:
        flux, ivar = on_grid(config, part.flux, part.ivar)
        results.append(classify(model.predict(flux, ivar), flux, ivar, metadata))
    real, drawn = tested.real, tested.mocks
    errors = model.predict(*on_grid(config, real.flux, real.ivar)).z_err
    known = real.allowed.sum(axis=1) == 1
    known &= real.column("class3") != SKY
    right = real.allowed[np.arange(len(known)), [ALL_CLASSES.index(n) for n in results[0].name]]
    error = expected_calibration_error(results[0].probability[known], right[known])
    absorbed, kept = behind_troughs(config, real)
    called_bal = [
        classify(model.predict(flux, ivar), flux, ivar, metadata).name == "BAL"
        for flux, ivar in (on_grid(config, *absorbed), on_grid(config, *kept))
    ]
    return {
        "weights": {"name": model.name, "hash": model.hash, "threshold": metadata.threshold},
        "real": _plain(real_figures(real.labels, results[0])),
        "mocks": _plain(mock_figures(drawn.kind, drawn.z, drawn.sn, results[1])),
        "redshifts": _plain(redshift_figures(real.labels, real.z, results[0], errors)),
        "calibration": _plain(error),
        "real quasars": {
            "behind held-back troughs, called BAL": _plain(fraction(called_bal[0])),
            "without troughs, not called BAL": _plain(fraction(~called_bal[1])),
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
    use &= real.column("class13") == "QSO"
    rows = [i for i in np.flatnonzero(use) if float(real.labels[i]["sn"]) > 3.0]
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
    """Turn figures into what JSON knows, fractions rounded to four digits."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Rate):
        return _plain(asdict(value))
    if isinstance(value, float):
        return None if np.isnan(value) else round(value, 4)
    if hasattr(value, "__dataclass_fields__"):
        return _plain(asdict(value))
    return value
