"""How fast networks train on this machine's processors: ``python -m benchmarks train``.

Whole steps as an experiment makes them, mocks and real spectra included: a process makes
batches, the network learns them. Spectra per second after the first steps.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
STEPS = 80
WARM = 20


def run() -> dict[str, object]:
    """Measure each configuration; with two ways to share two cores."""
    if not (SHARED / "templates/stars.h5").is_file():
        return {"skipped": f"no templates: {SHARED} is not there"}
    try:
        import torch  # noqa: F401
    except ImportError:
        return {"skipped": "no torch: pip install 'huggins[train]'"}
    results: dict[str, object] = {"steps": STEPS, "cores": os.cpu_count()}
    for name in ("seed", "huggins", "linefinder", "dilated"):
        results[name] = {
            f"{threads} threads, 1 worker": _speed(name, threads) for threads in (1, 2)
        }
    return results


def _speed(name: str, threads: int) -> int:
    import csv

    from huggins.train.config import read_config
    from huggins.train.data import Batches
    from huggins.train.labelled import labelled
    from huggins.train.loop import train

    config = read_config(ROOT / f"configs/{name}.toml")
    data = replace(
        config.data, templates=str(SHARED / "templates"), spectra=str(SHARED / "spectra")
    )
    config = replace(config, steps=STEPS, every=WARM, threads=threads, workers=1, data=data)
    batches = Batches(config, labelled(data, data.folds))
    with tempfile.TemporaryDirectory() as folder:
        train(config, batches, folder, progress=_silent)
        with (Path(folder) / "log.csv").open(newline="") as file:
            rows: list[dict[str, Any]] = list(csv.DictReader(file))
    first, last = rows[0], rows[-1]
    seen = [float(row["step"]) * config.batch for row in (first, last)]
    spent = [n / float(row["speed"]) for n, row in zip(seen, (first, last), strict=True)]
    return round((seen[1] - seen[0]) / (spent[1] - spent[0]))


def _silent(_: str) -> None:
    pass
