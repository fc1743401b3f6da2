"""Redrock's side of `benchmarks.fit`: runs in an interpreter that has redrock and no huggins.

``python benchmarks/_redrock.py INPUT.npz`` reads spectra and templates, prints a line of JSON.
"""

import contextlib
import io
import json
import sys
import time

import numpy as np
import redrock
import redrock.zfind
from _resolution import gaussian
from redrock.targets import DistTargetsCopy, Spectrum, Target
from redrock.templates import DistTemplate, Template

# Redrock's own grids of redshift, where a template file brings none.
GALAXY = 10 ** np.arange(np.log10(1 - 0.005), np.log10(1 + 1.7), 3e-4) - 1
QSO = 10 ** np.arange(np.log10(1 + 0.05), np.log10(1 + 6.0), 5e-4) - 1
STAR = np.arange(-0.002, 0.00201, 4e-5)


def main(path: str) -> None:
    given = np.load(path)
    wave = 10.0 ** given["loglam"]
    resolution = gaussian(len(wave))
    targets = [
        Target(i, [Spectrum(wave, flux.copy(), ivar.copy(), resolution, resolution.tocsr())])
        for i, (flux, ivar) in enumerate(zip(given["flux"], given["ivar"], strict=True))
    ]
    templates = []
    for name in given.files:
        kind, _, subtype = name.partition("_")
        if kind not in ("GALAXY", "QSO", "STAR"):
            continue
        vectors = given[name]
        grid = 10.0 ** ((given[f"start_{kind}"] + np.arange(vectors.shape[1])) * 1e-4)
        redshifts = {"GALAXY": GALAXY, "QSO": QSO, "STAR": STAR}[kind]
        igm = "None" if kind == "STAR" else "Inoue14"
        templates.append(
            Template(
                spectype=kind, redshifts=redshifts, wave=grid, igm_model=igm,
                flux=vectors.astype(float), subtype=subtype, method="PCA", version="0",
            )
        )  # fmt: skip
    begun = time.perf_counter()
    ready = [DistTemplate(t, DistTargetsCopy(targets).wavegrids()) for t in templates]
    setup = time.perf_counter() - begun
    redrock.zfind.zfind(DistTargetsCopy(targets[:1]), ready)  # compiles
    begun = time.process_time(), time.perf_counter()
    _, found = redrock.zfind.zfind(DistTargetsCopy(targets), ready)
    processor, wall = time.process_time() - begun[0], time.perf_counter() - begun[1]
    best = found[found["znum"] == 0]
    best.sort("targetid")
    result = {
        "version": redrock.__version__,
        "spectra": len(targets),
        "templates": len(templates),
        "setup_seconds": setup,
        "processor_seconds_per_spectrum": processor / len(targets),
        "wall_seconds_per_spectrum": wall / len(targets),
        "z": [float(z) for z in best["z"]],
        "spectype": [str(t) for t in best["spectype"]],
    }
    sys.__stdout__.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    with contextlib.redirect_stdout(io.StringIO()):  # redrock talks
        main(sys.argv[1])
