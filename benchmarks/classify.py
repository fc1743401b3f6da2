"""How fast `huggins classify` is from files to table, and how much memory it takes.

The command runs as a process of its own on hard links to real BOSS spec files (0.2 MB each),
which are in the page cache. What is measured is the whole process; the start-up is the time
that the same command takes for one file.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from huggins.inference import load_model
from huggins.inference.settings import BATCH

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
CODE = "import sys; from huggins.cli import main; sys.exit(main())"
ROUNDS = 3


def run() -> dict[str, object]:
    """Measure the command on 5,000 and 50,000 files, and inference alone."""
    results: dict[str, object] = {"inference_alone": inference()}
    boss = sorted((SHARED / "spectra/boss").glob("**/*.fits"))
    if not boss:
        return {"skipped": f"no real spectra: {SHARED} is not there", **results}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in boss:
            path.read_bytes()  # into the page cache
        startup = statistics.median(classify(folder, boss[:1])[0] for _ in range(5))
        results["startup_seconds"] = round(startup, 2)
        for count, rounds in ((5_000, ROUNDS), (50_000, 1)):
            links = link(folder / str(count), boss, count)
            runs = [classify(folder, [links]) for _ in range(rounds)]
            seconds, _, processor = (statistics.median(c) for c in zip(*runs, strict=True))
            results[f"{count}_files"] = {
                "seconds": round(seconds, 2),
                "spectra_per_second": round(count / seconds),
                "spectra_per_second_after_startup": round(count / (seconds - startup)),
                "processor_ms_per_spectrum": round(1e3 * processor / count, 3),
                "peak_memory_mb": round(max(memory for _, memory, _ in runs)),
            }
        links = folder / "5000"
        for jobs in (1, 2):
            seconds, *_ = classify(folder, [links], "--jobs", str(jobs))
            results[f"5000_files_{jobs}_jobs_seconds"] = round(seconds, 2)
    return results


def link(folder: Path, files: list[Path], count: int) -> Path:
    """Make a folder of `count` links to some files, 1000 in a folder."""
    for i, path in enumerate(islice(cycle(files), count)):
        target = folder / f"{i // 1000:03d}" / f"{i:06d}.fits"
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.hardlink_to(path)
        except OSError:  # another file system
            target.symlink_to(path)
    return folder


def classify(folder: Path, inputs: list[Path], *options: str) -> tuple[float, float, float]:
    """Run the command; return seconds, MB of its largest process, and processor seconds."""
    out = folder / "out.fits"
    command = ["classify", "--no-redshift", "--quiet", "-o", str(out), *options]
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", CODE, *command, *map(str, inputs)])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # one of the real files holds no good pixel
        raise RuntimeError(f"huggins classify failed with status {process.returncode}")
    return seconds, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


def inference() -> dict[str, object]:
    """Measure ONNX Runtime alone, with two threads, on prepared input."""
    results: dict[str, object] = {}
    model = load_model(threads=2)
    contract = model.metadata.contract
    flux = np.random.default_rng(0).normal(3.0, 1.0, (BATCH, contract.grid.size))
    tensor = contract.tensor(flux, np.ones_like(flux))
    model.run(tensor)
    times = []
    for _ in range(15):
        start = time.perf_counter()
        for _ in range(4):
            model.run(tensor)
        times.append(time.perf_counter() - start)
    results["model"] = f"{model.name} {model.hash}"
    results["spectra_per_second"] = round(4 * BATCH / statistics.median(times))
    return results
