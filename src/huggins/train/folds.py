"""Cross-validation: out-of-fold predictions for all labelled spectra."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.errors import InputError
from huggins.inference import load_model
from huggins.runs.files import check_replaceable, replacing
from huggins.runs.ours import same_columns
from huggins.taxonomy import CLASSES
from huggins.train.data import on_grid
from huggins.train.experiment import run
from huggins.train.labelled import folds_of, labelled
from huggins.train.measure import classify
from huggins.train.ranks import ALONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor

    from huggins.train.config import Config
    from huggins.train.ranks import Ranks

#: Fewest folds: one left out, one for validation, one for training.
_FEWEST: Final = 3
#: Name of the table.
TABLE: Final = "out-of-fold.csv"
_COLUMNS: Final = (
    "FILE", "INDEX", "OBJECT", "FOLD", "CLASS", "SUBCLASS", "PROB",
    *(f"P_{name}" for name in CLASSES), "P_NONE", "Z", "Z_ERR", "ZWARNING",
    "TRUE_CLASS", "TRUE_SUBCLASS", "TRUE_Z",
)  # fmt: skip


def run_folds(
    config: Config,
    folder: str | Path = "runs",
    *,
    resume: bool = False,
    overwrite: bool = False,
    mocks: int = 4000,
    progress: Callable[[str], None] = print,
    ranks: Ranks = ALONE,
    initial: Mapping[str, Tensor] | None = None,
) -> Path:
    """Train one network per fold, and predict each fold with the network not trained on it.

    The fold after the one left out serves for validation and calibration, so that nothing is
    fitted to the fold left out. The folds in `data.test` are not used.
    Parameters are those of `huggins.train.run`.

    Returns
    -------
    Path
        The table, ``out-of-fold.csv``: columns as of `huggins classify`, and the truth.

    Raises
    ------
    InputError
        If there are fewer than three folds.
    """
    path = Path(folder) / config.name / TABLE
    if ranks.first and not overwrite:
        check_replaceable(path, columns=same_columns(_COLUMNS))
    folds = folds_of(config.data)
    if len(folds) < _FEWEST:
        raise InputError(
            f'folds = "all" needs {_FEWEST} folds outside `test`; the labels have {folds}'
        )
    rows: list[list[object]] = []
    for i, left_out in enumerate(folds):
        after = folds[(i + 1) % len(folds)]
        kept = tuple(fold for fold in folds if fold not in (left_out, after))
        part = replace(
            config,
            name=f"{config.name}-fold{left_out}",
            data=replace(config.data, folds=kept, choose=(after,)),
        )
        done = Path(folder) / part.name / f"{part.name}.onnx"
        progress(f"fold {left_out}: trained on {kept}, validated on {after}")
        if not (resume and done.is_file()):
            done = run(
                part,
                folder,
                resume=resume,
                overwrite=overwrite,
                mocks=mocks,
                progress=progress,
                ranks=ranks,
                initial=initial,
            )
        if ranks.first:
            rows += _predictions(part, left_out, done)
    if ranks.first:
        _write(path, rows)
        progress(f"wrote {path}")
    return path


def _predictions(config: Config, fold: int, weights: Path) -> Iterator[list[object]]:
    real = labelled(config.data, (fold,))
    flux, ivar = on_grid(config, real.flux, real.ivar)
    model = load_model(weights)
    prediction = model.predict(flux, ivar)
    results = classify(prediction, flux, ivar, model.metadata)
    for i, row in enumerate(real.labels):
        z = [_number(value) for value in (prediction.z[i], prediction.z_err[i])]
        yield [
            row["path"], 0, row.get("object", ""), fold, results.broad[i], results.name[i],
            _number(results.probability[i]), *map(_number, prediction.probabilities[i]),
            _number(prediction.none[i]), *z, int(results.zwarning[i]),
            row["class3"], row["class13"], row["z"],
        ]  # fmt: skip


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6g}"


def _write(path: Path, rows: list[list[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows(rows)
