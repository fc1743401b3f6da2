"""Classifying very many spectra on two local Dask workers, killed in the middle and resumed.

``python -m benchmarks.scale N`` (20,000 where N is left out) makes N hard links to 500 small
spectra, classifies them by the network alone with ``huggins classify --cluster``, kills the
command half-way with SIGKILL, resumes it, and prints rates and the memory of all processes,
sampled twice a second.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from astropy.io import fits

from benchmarks.build import many, write_full
from huggins.dataset.shrink import shrink

DISTINCT = 500
CODE = "import sys; from huggins.cli import main; sys.exit(main())"


def run(count: int = 20_000) -> dict[str, object]:
    folder = Path(tempfile.mkdtemp())
    started: list[subprocess.Popen[bytes]] = []
    try:
        links(folder, count)
        address = f"tcp://127.0.0.1:{free_port()}"
        started.append(dask("scheduler", "--port", address.rpartition(":")[2]))
        time.sleep(3)
        started += [dask("worker", address, "--nthreads", "1") for _ in range(2)]
        time.sleep(5)
        return measure(folder, count, address, [process.pid for process in started[1:]])
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(20)
        shutil.rmtree(folder)


def measure(folder: Path, count: int, address: str, workers: list[int]) -> dict[str, object]:
    out = folder / "out.fits"
    command = ["classify", str(folder / "links"), "-o", str(out), "--cluster", address]
    command += ["--no-redshift", "-q"]
    journal = out.with_name("out.fits.part")
    first = watch(command, workers, lambda: size(journal) > 200 * count // 2)
    second = watch([*command, "--resume"], workers)
    with fits.open(out) as file:
        rows = len(file[1].data)
        names = len(set(file[1].data["FILE"].tolist()))
    assert rows == names == count, (rows, names)
    return {
        "spectra": count,
        "killed_after_s": first["seconds"],
        "resumed_s": second["seconds"],
        "spectra_per_s": round(count / (first["seconds"] + second["seconds"])),
        "client_mb": {"killed": first["client"], "resumed": second["client"]},
        "workers_mb": {"killed": first["workers"], "resumed": second["workers"]},
    }


def watch(command: list[str], workers: list[int], enough: object = None) -> dict[str, object]:
    """Run a command to its end, or kill it when it is enough; sample memory meanwhile."""
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", CODE, *command])
    client: list[int] = []
    theirs: list[int] = []
    while process.poll() is None:
        if callable(enough) and enough():
            process.kill()
        client.append(memory([process.pid]))
        theirs.append(memory(workers))
        time.sleep(0.5)
    seconds = time.perf_counter() - begun
    if enough is None and process.returncode:
        raise RuntimeError(f"huggins {' '.join(command)}: status {process.returncode}")
    return {
        "seconds": round(seconds, 1),
        "client": tenths(client),
        "workers": tenths(theirs),
    }


def tenths(values: list[int]) -> list[int]:
    """Largest value in each tenth of the run, in MB: flat where memory does not grow."""
    step = max(len(values) // 10, 1)
    return [max(values[i : i + step]) // 10**6 for i in range(0, len(values), step)]


def links(folder: Path, count: int) -> None:
    write_full(folder / "full.fits")
    shrink(folder / "full.fits", folder / "small.fits")
    many(folder / "small.fits", folder / "distinct", DISTINCT)
    sources = sorted((folder / "distinct").rglob("*.fits"))
    for i in range(count):
        place = folder / "links" / f"{i // 1000:05d}"
        if i % 1000 == 0:
            place.mkdir(parents=True)
        # File systems bound the links to one file, most to 65,000.
        os.link(sources[i % DISTINCT], place / f"{i % 1000:03d}.fits")


def dask(*argv: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *argv, "--no-dashboard"],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def memory(pids: list[int]) -> int:
    """Resident bytes of processes and their children."""
    total = 0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            for each in (process, *process.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    total += each.memory_info().rss
    return total


def size(path: Path) -> int:
    """Return the size of a journal and of SQLite's log beside it."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000), indent=2))
