"""How much faster one checkout of huggins is than another, side by side.

``python -m benchmarks._trees OLD NEW [ROUNDS]`` runs `huggins classify` of both checkouts in
turn on the same files, with and without the fit, and compares the processor time that they
take. On a machine that does other things as well only such ratios mean anything.
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
