"""How fast `huggins classify` is with the redshift fit, alone and against redrock.

The command runs as a process of its own on hard links to real BOSS spec files in the page
cache. On a machine that does other things too, processor time says more than the clock: spectra
a second on idle cores are the number of cores over the processor time of one spectrum.

Redrock 0.21 (PyPI) runs in an environment of its own, which REDROCK_PYTHON names::

    python -m venv /tmp/rr && /tmp/rr/bin/pip install redrock==0.21
    REDROCK_PYTHON=/tmp/rr/bin/python python -m benchmarks fit

It gets the same spectra, on one wavelength grid as on a plate, with a resolution matrix of one
pixel, and templates made of our own basis, on its own grids of redshift: 10 vectors of
galaxies, 6 of quasars, 5 of each of 8 types of stars, about as many as its own have.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.classify import CODE, SHARED, link
from huggins.errors import ReadError
from huggins.formats import read
from huggins.inference import load_model
from huggins.inference.batch import classify_batch
from huggins.inference.settings import Settings
from huggins.redshift import load_basis
from huggins.spectrum import Spectrum
from huggins.taxonomy import INDEX

COUNT, LONG = 2000, 6000
ROUNDS = 3
COMPARED = 24
# log10(wavelength) of the plates that redrock gets, in steps of 1e-4.
FIRST, LAST = 35510, 40170
STARS = ("B", "A", "F", "G", "K", "M", "L", "WD")


def run() -> dict[str, object]:
    """Measure the command with the fit, and both codes on the same spectra."""
    boss = sorted((SHARED / "spectra/boss").glob("**/*.fits"))
    if not boss:
        return {"skipped": f"no real spectra: {SHARED} is not there"}
    results: dict[str, object] = {}
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in boss:
            path.read_bytes()  # into the page cache
        links = link(folder / "some", boss, COUNT)
        runs = [command(folder, links) for _ in range(ROUNDS)]
        wall, processor = (
            statistics.median(column) for column in zip(*[run[:2] for run in runs], strict=True)
        )
        results["command"] = {
            "spectra": COUNT,
            "seconds": round(wall, 2),
            "spectra_per_second": round(COUNT / wall),
            "processor_ms_per_spectrum": round(1e3 * processor / COUNT, 2),
            "spectra_per_second_of_idle_cores": round(cores * COUNT / processor),
            "peak_memory_mb": round(max(memory for _, _, memory in runs)),
        }
        many = link(folder / "many", boss, LONG)
        results[f"peak_memory_mb_of_{LONG}"] = round(command(folder, many)[2])
        results["redrock"] = against_redrock(folder, boss)
    return results


def command(folder: Path, inputs: Path) -> tuple[float, float, float]:
    """Run the command; return seconds, processor seconds, and MB of its largest process."""
    out = folder / "out.fits"
    arguments = ["classify", "--quiet", "-o", str(out), str(inputs)]
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", CODE, *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # one of the real files holds no good pixel
        raise RuntimeError(f"huggins classify failed with status {process.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def against_redrock(folder: Path, files: list[Path]) -> dict[str, object]:
    """Classify the same spectra with both codes, one thread each."""
    interpreter = os.environ.get("REDROCK_PYTHON")
    if not interpreter:
        return {"skipped": "REDROCK_PYTHON names no interpreter with redrock"}
    spectra = on_one_grid(files)
    path = folder / "redrock.npz"
    np.savez(
        path,
        loglam=spectra[0].loglam,
        flux=np.array([s.flux for s in spectra]),
        ivar=np.array([s.ivar for s in spectra]),
        **templates(),
    )
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

    def call(*arguments: str, **changed: str) -> dict[str, Any]:
        environment = os.environ | one | changed
        said = subprocess.run(arguments, env=environment, check=True, capture_output=True)
        found: dict[str, Any] = json.loads(said.stdout)
        return found

    theirs = call(
        interpreter, str(Path(__file__).with_name("_redrock.py")), str(path), PYTHONPATH=""
    )
    code = f"from benchmarks.fit import classify_these; classify_these({str(path)!r})"
    ours = call(sys.executable, "-c", code)
    z = np.array(ours["z"])
    near = np.abs(z - np.array(theirs.pop("z"))) / (1.0 + z) < 0.01
    same = np.array(ours["class"]) == np.array(theirs.pop("spectype"))
    seconds = ours["processor_seconds_per_spectrum"]
    return {
        **{k: round(v, 4) if isinstance(v, float) else v for k, v in theirs.items()},
        "huggins_processor_seconds_per_spectrum": round(seconds, 5),
        "times_faster": round(theirs["processor_seconds_per_spectrum"] / seconds),
        "same_class_and_redshift": f"{int((near & same).sum())} of {len(spectra)}",
    }


def classify_these(path: str) -> None:
    """Classify the spectra that redrock got, in one thread, and print a line of JSON."""
    given = np.load(path)
    loglam = given["loglam"]
    pairs = zip(given["flux"], given["ivar"], strict=True)
    spectra = [Spectrum(loglam, flux, ivar) for flux, ivar in pairs]
    model, settings = load_model(threads=1), Settings()
    classify_batch(spectra, model, settings)
    times = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        rows = classify_batch(spectra, model, settings)
        times.append((time.process_time() - begun) / len(spectra))
    result = {
        "processor_seconds_per_spectrum": statistics.median(times),
        "z": rows.numbers["Z"].astype(float).tolist(),
        "class": rows.texts["CLASS"],
    }
    print(json.dumps(result))


def on_one_grid(files: list[Path]) -> list[Spectrum]:
    """Real spectra with all pixels of a plate; where one has none, ivar is 0."""
    loglam = np.arange(FIRST, LAST) * 1e-4
    found: list[Spectrum] = []
    for path in files[:: max(len(files) // (2 * COMPARED), 1)]:
        try:
            spectrum = read(str(path))[0]
        except ReadError:
            continue
        at = np.rint(spectrum.loglam * 1e4).astype(int) - FIRST
        inside = (at >= 0) & (at < len(loglam))
        if inside.mean() < 0.95 or np.abs(np.diff(at) - 1).any():
            continue
        flux, ivar = np.zeros((2, len(loglam)))
        good = spectrum.good & inside
        flux[at[good]], ivar[at[good]] = spectrum.flux[good], spectrum.ivar[good]
        found.append(Spectrum(loglam, flux, ivar))
    return found[:COMPARED]


def templates() -> dict[str, np.ndarray]:
    """Vectors of our basis under the names of redrock's kinds of templates."""
    basis = load_basis()
    out: dict[str, np.ndarray] = {
        "GALAXY": basis.galaxy.vectors,
        "QSO": basis.quasar.vectors,
        "start_GALAXY": np.array(basis.galaxy.start),
        "start_QSO": np.array(basis.quasar.start),
        "start_STAR": np.array(basis.star.start),
    }
    for name in STARS:
        mine = basis.star.vectors[basis.star.classes == INDEX[name]]
        out[f"STAR_{name}"] = mine[np.linspace(0, len(mine) - 1, 5).round().astype(int)]
    return out
