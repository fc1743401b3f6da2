"""How fast and how right the redshift fit is, on the real spectra of folds 0 and 1.

Time is the processor time of one thread for the whole call, network included, without reading
files; `benchmarks.fit` measures the command. Right are class and redshift, the latter within
3000 km/s (quasars), 300 km/s (galaxies) or 100 km/s (stars).
"""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from huggins.errors import ReadError
from huggins.formats import read
from huggins.inference import load_model
from huggins.inference.batch import classify_batch
from huggins.inference.settings import Settings
from huggins.inference.table import Rows

if TYPE_CHECKING:
    from huggins.spectrum import Spectrum

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
LIMITS = {"QSO": 3000.0, "GALAXY": 300.0, "STAR": 100.0}
BATCH = 64


def run() -> dict[str, object]:
    """Measure speed and accuracy."""
    path = SHARED / "spectra" / "labels.csv"
    if not path.is_file():
        return {"skipped": f"no real spectra: {SHARED} is not there"}
    labels, spectra = [], []
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["fold"] not in "01":
                continue
            try:
                spectra.append(read(path.parent / row["path"])[0])
            except ReadError:
                continue
            labels.append(row)
    model, settings = load_model(threads=1), Settings()
    boss = [s for s, row in zip(spectra, labels, strict=True) if row["survey"] == "BOSS"] * 4
    batches = [boss[i : i + BATCH] for i in range(0, len(boss), BATCH)]
    classify_batch(batches[0], model, settings)
    begun = time.process_time()
    for batch in batches:
        classify_batch(batch, model, settings)
    processor = (time.process_time() - begun) / len(boss)
    rows = Rows.join(
        [
            classify_batch(spectra[i : i + BATCH], model, settings)
            for i in range(0, len(spectra), BATCH)
        ]
    )
    return {
        "processor_ms_per_spectrum": round(1e3 * processor, 2),
        **accuracy(labels, rows, spectra),
    }


def accuracy(
    labels: list[dict[str, str]], rows: Rows, spectra: list[Spectrum]
) -> dict[str, object]:
    """Figures by class and origin of the truth."""
    cls = np.array(rows.texts["CLASS"])
    z = rows.numbers["Z"].astype(np.float64)
    error = rows.numbers["Z_ERR"].astype(np.float64)
    warned = rows.numbers["ZWARNING"] != 0
    kind = np.array([row["class3"] for row in labels])
    trust = np.array([int(row["trust"]) for row in labels])
    visual = np.array([row["label_from"] == "visual" for row in labels])
    truth = np.array([float(row["z"] or "nan") for row in labels])
    off = (z - truth) / (1.0 + truth) * 299792.458
    out: dict[str, object] = {}
    for name, chosen in (("visual", visual), ("pipeline", ~visual & (trust == 2))):
        for one, limit in LIMITS.items():
            some = chosen & (kind == one)
            if not some.any() or (name == "visual" and one == "STAR"):
                continue  # visual redshifts of stars are all zero
            right = some & (cls == one)
            out[f"{name}_{one}"] = {
                "spectra": int(some.sum()),
                "class_right": round(float(np.mean(cls[some] == one)), 4),
                f"within_{limit:.0f}_km_s": round(float(np.mean(np.abs(off[some]) < limit)), 4),
                "median_km_s": round(float(np.median(np.abs(off[some]))), 1),
                "pull_width": round(
                    float(1.4826 * np.median(np.abs((z - truth) / error)[right])), 2
                ),
            }
    real = (trust >= 2) & (kind != "SKY")
    sky = kind == "SKY"
    out["class_right"] = round(float(np.mean((cls == kind)[real])), 4)
    out["zwarning_0_and_class_right"] = round(
        float(np.mean((~warned & (cls == kind))[real])), 4
    )
    out["zwarning_0_of_sky"] = f"{int((~warned)[sky].sum())} of {int(sky.sum())}"
    return out
