"""How much faster one checkout of huggins is than another, side by side.

``python -m benchmarks._trees OLD NEW [ROUNDS]`` runs `huggins classify` of both checkouts in
turn on the same files, with and without the fit, and compares the processor time that they
take; and that of the fit alone, in one process each that fits the same spectra over and over.
On a machine that does other things as well only such ratios mean anything.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.classify import CODE, SHARED, link

#: Files that are classified, and options.
RUNS = {"with the fit": (2000, ()), "network only": (5000, ("--no-redshift",))}
#: Spectra that are fitted, in batches, by survey.
FITTED, BATCH = 256, 32
SURVEYS = ("boss", "sdss", "lamost")
# One thread, and memory that is kept, as workers have it.
ONE = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**28),
    "MALLOC_TRIM_THRESHOLD_": str(2**29),
}
# Fits once and then once more for every line that it reads; writes milliseconds a spectrum.
FIT = f"""
import sys, time
from huggins.errors import ReadError
from huggins.formats import read
from huggins.inference import load_model
from huggins.redshift import Fitter

spectra = []
for path in sys.argv[1:]:
    try:
        spectra += read(path)
    except ReadError:
        pass
spectra = spectra[:{FITTED}]
model, fitter = load_model(threads=1), Fitter()
found = model.predict(*model.prepare(spectra))
grid = model.metadata.redshift

def fit():
    for n in range(0, len(spectra), {BATCH}):
        part = slice(n, n + {BATCH})
        p, d = found.probabilities[part], found.density[part]
        fitter.fit(spectra[part], p, d, start=grid.start, step=grid.step)

fit()
print(len(spectra), flush=True)
for _ in sys.stdin:
    begun = time.process_time()
    fit()
    print(1e3 * (time.process_time() - begun) / len(spectra), flush=True)
"""


def main(old: str, new: str, rounds: int = 3) -> None:
    """Print the medians of both, and of their ratio."""
    boss = sorted((SHARED / "spectra/boss").glob("**/*.fits"))
    with tempfile.TemporaryDirectory() as name:
        for what, (count, options) in RUNS.items():
            links = link(Path(name) / str(count), boss, count)
            pairs = [
                [
                    1e3 * processor(tree, links, Path(name), options) / count
                    for tree in (old, new)
                ]
                for _ in range(rounds)
            ]
            before, after = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratio = statistics.median(a / b for a, b in pairs)
            print(
                f"{what}, {count} files: {before:.2f} and {after:.2f} ms of processor a "
                f"spectrum, ratio {ratio:.2f}",
                flush=True,
            )
    for survey in SURVEYS:
        print(f"the fit alone, {survey}: {fits((old, new), survey, 3 * rounds)}", flush=True)


def fits(trees: tuple[str, str], survey: str, rounds: int) -> str:
    """Fit spectra of a survey with both checkouts in turn; return what came of it in words."""
    files = sorted(map(str, (SHARED / "spectra" / survey).glob("**/*.fits*")))[: 2 * FITTED]
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", FIT, *files],
            env=os.environ | {"PYTHONPATH": str(Path(tree).resolve() / "src")} | ONE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for tree in trees
    ]
    times: list[list[float]] = [[], []]
    count = 0
    for turn in range(rounds + 1):
        for process, found in zip(processes, times, strict=True):
            assert process.stdin is not None
            assert process.stdout is not None
            if turn:
                process.stdin.write("\n")
                process.stdin.flush()
                found.append(float(process.stdout.readline()))
            else:
                count = int(process.stdout.readline())
    for process in processes:
        process.communicate()
    before, after = map(statistics.median, times)
    ratio = statistics.median(a / b for a, b in zip(*times, strict=True))
    return f"{before:.2f} and {after:.2f} ms, ratio {ratio:.2f} ({count} spectra)"


def processor(tree: str, links: Path, folder: Path, options: tuple[str, ...]) -> float:
    """Classify with one checkout; return seconds of processor, start-up included."""
    arguments = ["classify", "--quiet", *options, "-o", str(folder / "out.fits"), str(links)]
    environment = os.environ | {"PYTHONPATH": str(Path(tree).resolve() / "src")}
    process = subprocess.Popen([sys.executable, "-c", CODE, *arguments], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # one of the real files holds no good pixel
        raise RuntimeError(f"huggins classify of {tree} failed: {process.returncode}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:4]))
