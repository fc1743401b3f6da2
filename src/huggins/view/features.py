"""The network's features of a set of spectra: a map of all, and which are most alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.errors import HugginsError
from huggins.inference import load_model
from huggins.inference.features import FeatureNetwork
from huggins.weights import find

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum
    from huggins.view.results import Results

    Array = NDArray[np.float32]

# Spectra in one inference.
_BATCH: Final = 128


def of_rows(results: Results, count: int, model: str, advance: Callable[[int], None]) -> Array:
    """Return the features of the first rows of a set, (count, F); NaN where there are none.

    Parameters
    ----------
    results
    count
        Number of rows.
    model
        Name or path of the network.
    advance
        Told how many rows are done.
    """
    path = find(model)
    network = FeatureNetwork(path)
    contract = load_model(model).metadata.contract
    parts: list[Array] = []
    for start in range(0, count, _BATCH):
        spectra: list[Spectrum | None] = []
        for row in range(start, min(start + _BATCH, count)):
            try:
                spectra.append(results.spectrum(row))
            except HugginsError:
                spectra.append(None)
        known = [s for s in spectra if s is not None]
        size = parts[0].shape[1] if parts else 1
        values: Array = np.empty((0, size), np.float32)
        if known:
            with np.errstate(over="ignore", invalid="ignore"):
                values = network(contract.tensor(*contract.rebin(known)))
        part = np.full((len(spectra), values.shape[1]), np.nan, np.float32)
        part[[s is not None for s in spectra]] = values
        parts.append(part)
        advance(start + len(spectra))
    if not parts:
        return np.empty((0, 0), np.float32)
    widest = max(part.shape[1] for part in parts)
    return np.concatenate(
        [
            p if p.shape[1] == widest else np.full((len(p), widest), np.nan, np.float32)
            for p in parts
        ]
    )


def principal_plane(features: Array) -> Array:
    """Project features (N, F) on their first two principal components, (N, 2).

    Each feature is scaled by its standard deviation over the set first; rows that are not
    finite stay so.
    """
    known = np.isfinite(features).all(axis=1)
    out = np.full((len(features), 2), np.nan, np.float32)
    if known.sum() < 3:
        out[known] = 0.0
        return out
    values = features[known].astype(np.float64)
    values -= values.mean(axis=0)
    spread = values.std(axis=0)
    values /= np.where(spread > 0, spread, 1.0)
    _, vectors = np.linalg.eigh(values.T @ values)
    out[known] = values @ vectors[:, [-1, -2]]
    return out


def nearest(features: Array, row: int, count: int) -> tuple[NDArray[np.int64], Array]:
    """Return the rows most like one of them by the angle between features, itself first."""
    length = np.linalg.norm(features, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = features @ features[row] / (length * length[row])
    distance = np.where(np.isfinite(cosine), 1.0 - cosine, np.inf).astype(np.float32)
    distance[row] = -1.0
    order = np.argsort(distance, kind="stable")[:count]
    order = order[np.isfinite(distance[order])]
    return order, distance[order].clip(0.0)
