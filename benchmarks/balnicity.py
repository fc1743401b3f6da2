"""How much broad absorption those real quasars have that huggins calls BAL.

``python -m benchmarks balnicity``: of the quasars of the test folds that are called BAL, and of
all that a person called BAL, the balnicity and absorption indices over the continuum of the
fit, smoothed over five pixels. BI: Weymann et al. (1991, ApJ 373, 23), from 0 as well as from
3000 km/s on; AI: troughs wider than 450 km/s (Hall et al. 2002, ApJS 141, 267, with BI's 0.9).
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

import huggins
from huggins.errors import ReadError
from huggins.inference import fit_details

SPECTRA = Path(__file__).resolve().parents[2] / "shared/data/spectra"
C_IV = 1549.06
LIGHT = 299792.458


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
        said = huggins.classify([spectrum])[0]
        if "BAL" in (row["class13"], said["SUBCLASS"]):
            results[Path(row["path"]).name] = {
                "label": f"{row['class13']}, {row['label_from']}, fold {row['fold']}",
                "P_BAL": round(float(said["P_BAL"]), 2),
                **indices(spectrum),
            }
    return results


def indices(spectrum: huggins.Spectrum) -> dict[str, int]:
    """BI from 3000 and from 0 km/s on, and AI, in km/s."""
    best = fit_details(spectrum).best
    flux = np.convolve(np.where(spectrum.good, spectrum.flux, 0.0), np.full(5, 0.2), "same")
    outflow = (1.0 - spectrum.wavelength / (C_IV * (1.0 + best.z))) * LIGHT
    order = np.argsort(outflow)
    velocity, depth = outflow[order], 1.0 - (flux / best.model)[order] / 0.9
    return {
        "BI": absorbed(velocity, depth, 3000.0, 2000.0),
        "BI from 0": absorbed(velocity, depth, 0.0, 2000.0),
        "AI": absorbed(velocity, depth, 0.0, 450.0),
    }


def absorbed(velocity: np.ndarray, depth: np.ndarray, slowest: float, width: float) -> int:
    """Sum the depth, km/s, where it has been above 0 for `width`, out to 25,000 km/s."""
    total = run_of = 0.0
    inside = (velocity >= slowest) & (velocity <= 25000.0)
    steps = np.diff(velocity[inside], prepend=velocity[inside][:1])
    for step, one in zip(steps.tolist(), depth[inside].tolist(), strict=True):
        run_of = run_of + step if one > 0 else 0.0
        total += one * step if run_of > width else 0.0
    return round(total)
