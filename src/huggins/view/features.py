"""The network's features of a set of spectra: a map of all, and which are most alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins import __version__
from huggins.errors import HugginsError
from huggins.inference import load_model
from huggins.inference.features import FeatureNetwork
from huggins.runs.files import replacing
from huggins.tables.read import open_table
from huggins.tables.write import Numbers, OutputColumn, OutputTable, Texts, write_table
from huggins.view.results import Results
from huggins.weights import find

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum

    Array = NDArray[np.float32]

#: Endings of files of features.
ENDINGS: Final = (".npy", ".npz", ".parquet")
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


def holds_features(path: Path) -> bool:
    """Whether a file of ours holds features: only those in Parquet can be told."""
    if path.suffix.lower() != ".parquet":
        return True
    return any(name.startswith("FEATURE_") for name in open_table(path).names)


def write_features(table: Path, output: Path, model: str) -> None:
    """Write the features of the spectra in a table of results.

    Parameters
    ----------
    table
        Results of `huggins classify`.
    output
        ``.npy``: the features, (N, F), in the order of the table; ``.npz``: with FILE and
        INDEX; ``.parquet``: a column for each feature. NaN where a spectrum cannot be read.
    model
        Name or path of the network.
    """
    results = Results.read(table)
    found = of_rows(results, len(results), model, lambda done: None)
    files, index = results.table.text("FILE"), results.table.number("INDEX").astype(np.int32)
    kind = output.suffix.lower()
    if kind == ".parquet":
        count = len(results)
        none = np.zeros(count, bool)
        names = [f"FEATURE_{n:03d}" for n in range(found.shape[1])]
        columns = [
            OutputColumn("FILE", "str", "path of the spectrum"),
            OutputColumn("INDEX", "int32", "row or fibre in the file", masked=False),
            *(OutputColumn(name, "float32", "feature of the network") for name in names),
        ]
        cells: list[Numbers | Texts] = [
            Texts(files.tolist()),
            Numbers(index, none),
            *(Numbers(column, ~np.isfinite(column)) for column in found.T),
        ]
        network = load_model(model)
        metadata = {
            "CREATOR": f"huggins {__version__}",
            "MODEL": network.name,
            "MODELSHA": network.hash,
        }
        write_table(output, OutputTable("FEATURES", columns, count, [cells], metadata))
        return
    with replacing(output) as file:
        if kind == ".npz":
            np.savez_compressed(file, features=found, FILE=files, INDEX=index)
        else:
            np.save(file, found)


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
