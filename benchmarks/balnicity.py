"""How much broad absorption those real quasars have that huggins calls BAL.

``python -m benchmarks balnicity``: of the quasars of the test folds that are called BAL, and of
all that a person called BAL, the C IV absorption as the table has it.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

import huggins
from huggins.errors import ReadError
from huggins.redshift.balnicity import COLUMNS

SPECTRA = Path(__file__).resolve().parents[2] / "shared/data/spectra"


def run() -> dict[str, object]:
    if not (SPECTRA / "labels.csv").is_file():
        return {"skipped": f"no spectra: {SPECTRA} is not there"}
    with (SPECTRA / "labels.csv").open(newline="", encoding="utf-8") as file:
        labels = [row for row in csv.DictReader(file) if row["class3"] == "QSO"]
    results: dict[str, object] = {}
    for row in labels:
        if row["fold"] not in "01" and row["class13"] != "BAL":
            continue
        try:
            (spectrum,) = huggins.read(SPECTRA / row["path"])
        except ReadError:
            continue
        result = huggins.classify([spectrum])[0]
        if "BAL" in (row["class13"], result["SUBCLASS"]):
            results[Path(row["path"]).name] = {
                "label": f"{row['class13']}, {row['label_from']}, fold {row['fold']}",
                "P_BAL": round(float(result["P_BAL"]), 2),
                **{name: number(result[name]) for name in COLUMNS},
            }
    return results


def number(value: object) -> float | None:
    """Return a cell rounded to km/s; None where it is masked."""
    return None if np.ma.is_masked(value) else round(float(value))
