r"""Compare huggins with its peers on the same spectra, and write the page of results.

    python -m venv peers-venv && peers-venv/bin/pip install redrock==0.21 scikit-learn h5py
    huggins train configs/linefinder.toml
    python -m benchmarks.peers WORK --mocks mocks --python peers-venv/bin/python \
        --linefinder runs/linefinder/linefinder.onnx

WORK keeps what each peer answered: a second call asks only those that have not answered yet,
and ``--again huggins`` asks ours anew after a change of the weights. Real spectra are BOSS and
SDSS-I of folds 0 and 1 of ``../shared/data/spectra``, mocks the first of a folder that
`huggins simulate` made (docs/results/accuracy-by-class.md has the command).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.peers import answers, page, score
from benchmarks.peers.inputs import (
    mock_truths,
    real_truths,
    spectra_of,
    write_inputs,
    write_trees,
)

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
#: Spectra that are timed.
TIMED = 48


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("work", type=Path, help="folder of what each peer answered")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--mocks", type=Path, required=True)
    parser.add_argument("--count", type=int, default=260, help="mocks that are used")
    parser.add_argument("--python", default=os.environ.get("PEERS_PYTHON", ""))
    parser.add_argument("--linefinder", type=Path)
    parser.add_argument("--again", action="append", default=[], help="huggins, trees, redrock")
    given = parser.parse_args()
    work: Path = given.work
    work.mkdir(parents=True, exist_ok=True)
    truths = real_truths(given.data / "spectra") + mock_truths(given.mocks, given.count)
    listing = work / "spectra.txt"
    listing.write_text("\n".join(t.path for t in truths) + "\n")
    for name in given.again:
        for path in work.glob(f"{name}*.*"):
            path.unlink()
    spectra = None
    if given.python:
        if not (work / "redrock.npz").exists() or not (work / "trees.npz").exists():
            spectra = spectra_of(truths)
        if not (work / "redrock.npz").exists():
            write_inputs(work / "redrock.npz", spectra, given.data)
        if not (work / "trees.npz").exists():
            write_trees(work / "trees.npz", spectra, given.data)
        _outside(given.python, work, "redrock", len(truths))
        _outside(given.python, work, "trees", len(truths))
    peers = _ours(work, listing, given.linefinder)
    peers["pipeline"] = answers.of_pipeline(work / "huggins.fits")
    # Other labels are its own.
    independent = [t.label_from == "visual" or t.cls == "SKY" for t in truths]
    peers["pipeline"].given &= independent
    if (work / "redrock.csv").exists():
        peers["redrock"] = answers.of_redrock(work / "redrock.csv", len(truths))
    if (work / "trees.csv").exists():
        peers["trees"] = answers.of_trees(work / "trees.csv")
    result = {
        "peers": {
            name: {
                "cost": peer.cost,
                **{s: score.figures(truths, peer, s) for s in score.SAMPLES},
            }
            for name, peer in peers.items()
        },
        "load": round(os.getloadavg()[0], 1),
    }
    page.write(result, truths, peers)


def _outside(python: str, work: Path, name: str, count: int) -> None:
    """Ask a peer that lives in another environment, unless it has answered."""
    out = work / f"{name}.csv"
    if out.exists() and sum(1 for _ in out.open()) >= count:
        return
    command = [python, str(HERE / f"_{name}.py"), str(work / f"{name}.npz"), str(out)]
    subprocess.run(command, check=True, env={**os.environ, **ONE, "PYTHONPATH": ""})


def _ours(work: Path, listing: Path, linefinder: Path | None) -> dict[str, answers.Answers]:
    """Classify with our own models; a table that is there is taken as it is."""
    models = {
        "huggins": ("huggins", True, {"subclass", "bal", "z", "warning"}),
        "huggins_network": ("huggins", False, {"subclass", "bal", "z", "warning"}),
        "seed": ("seed", False, {"subclass", "bal", "warning"}),
    }
    if linefinder is not None:
        models["linefinder"] = (str(linefinder), False, {"subclass", "bal", "z", "warning"})
    real = [line for line in listing.read_text().splitlines() if "mock" not in line][:TIMED]
    timed = work / "timed.txt"
    timed.write_text("\n".join(real))
    peers = {}
    for name, (model, fit, says) in models.items():
        out, cost = work / f"{name}.fits", work / f"{name}.json"
        environment = {**os.environ, **ONE}
        if not out.exists():
            command = [
                sys.executable,
                "-m",
                "huggins",
                "classify",
                f"@{listing}",
                "-o",
                str(out),
            ]
            command += ["--model", model, "-j", "1", "-q", *([] if fit else ["--no-redshift"])]
            ended = subprocess.run(command, check=False, env=environment)
            if ended.returncode not in (0, 1):
                raise SystemExit(f"{' '.join(command)} failed")
        if not cost.exists():
            words = [
                sys.executable,
                str(HERE / "_ours.py"),
                str(timed),
                model,
                "fit" if fit else "no",
            ]
            said = subprocess.run(words, check=True, env=environment, capture_output=True)
            cost.write_bytes(said.stdout)
        peers[name] = answers.of_huggins(out, says)
        peers[name].cost = json.loads(cost.read_text())
    return peers


if __name__ == "__main__":
    main()
