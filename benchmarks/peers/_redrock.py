"""Redrock's answers: runs in an interpreter that has redrock and no huggins.

``python _redrock.py INPUT.npz OUT.csv`` appends a row per spectrum, so an interrupted run goes
on; the last line of its standard output is JSON: version, seconds and memory.
"""

import contextlib
import csv
import io
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import redrock
import redrock.zfind
from redrock.targets import DistTargetsCopy, Spectrum, Target
from redrock.templates import DistTemplate, Template

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a script, and no part of a package
from _resolution import gaussian

# Redrock's own grids of redshift.
GRIDS = {
    "GALAXY": 10 ** np.arange(np.log10(1 - 0.005), np.log10(1 + 1.7), 3e-4) - 1,
    "QSO_LOZ": 10 ** np.arange(np.log10(1 + 0.05), np.log10(1 + 1.6), 5e-4) - 1,
    "QSO_HIZ": 10 ** np.arange(np.log10(1 + 1.4), np.log10(1 + 6.9), 5e-4) - 1,
    "STAR": np.arange(-0.002, 0.00201, 4e-5),
}
BATCH = 8


def main(source: str, out: str) -> None:
    given = np.load(source)
    wave = 10.0 ** given["loglam"]
    flux, ivar = given["flux"].astype(float), given["ivar"].astype(float)
    resolution = gaussian(len(wave))
    sparse = resolution.tocsr()
    templates = []
    for name in given.files:
        kind, _, subtype = name.partition("_")
        if kind not in ("GALAXY", "QSO", "STAR"):
            continue
        vectors = given[name].astype(float)
        grid = 10.0 ** ((int(given[f"start_{name}"]) + np.arange(vectors.shape[1])) * 1e-4)
        templates.append(
            Template(
                spectype=kind, redshifts=GRIDS.get(name, GRIDS.get(kind)),
                wave=grid, flux=vectors, subtype=subtype, method="PCA", version="0",
                igm_model="None" if kind == "STAR" else "Inoue14",
            )
        )  # fmt: skip
    path = Path(out)
    done = sum(1 for _ in path.open()) if path.exists() else 0
    begun, first, ready = None, done, None
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        while done < len(flux):
            rows = range(done, min(done + BATCH, len(flux)))
            targets = [
                Target(i, [Spectrum(wave, flux[i].copy(), ivar[i].copy(), resolution, sparse)])
                for i in rows
            ]
            if ready is None:
                grids = DistTargetsCopy(targets).wavegrids()
                ready = [DistTemplate(t, grids) for t in templates]
                redrock.zfind.zfind(DistTargetsCopy(targets[:1]), ready)  # compiles
                begun = time.process_time(), time.perf_counter()
            _, found = redrock.zfind.zfind(DistTargetsCopy(targets), ready)
            best = {int(row["targetid"]): row for row in found[found["znum"] == 0]}
            for i in rows:
                row = best[i]
                kind = str(row["spectype"]).strip()
                values = [row["z"], row["zerr"], row["zwarn"], row["deltachi2"]]
                writer.writerow([kind, str(row["subtype"]).strip(), *map(float, values)])
            file.flush()
            done = rows[-1] + 1
            print(f"redrock: {done} of {len(flux)}", file=sys.stderr, flush=True)
    count = max(done - first, 1)
    result = {"version": redrock.__version__, "templates": len(templates)}
    if begun is not None:
        result["processor_seconds"] = (time.process_time() - begun[0]) / count
        result["wall_seconds"] = (time.perf_counter() - begun[1]) / count
        result["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        path.with_suffix(".json").write_text(json.dumps(result))


if __name__ == "__main__":
    with contextlib.redirect_stdout(io.StringIO()):  # redrock talks
        main(sys.argv[1], sys.argv[2])
