"""The way from survey tables to a trained network and its report, with the shared spectra.

``python -m benchmarks pipeline`` makes two survey tables of what the shared spectra say of
themselves and of what people saw in them, lays the spectra out as the archive of SDSS does,
serves them on this machine, and runs every verb from ``huggins catalog`` to ``huggins
evaluate``. Folds 0 and 1 are for the report alone: their tables are apart from the first verb
on. ``docs/how-to/end-to-end.md`` records a run; ``tests/test_end_to_end.py`` runs a few.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import h5py
import numpy as np
from astropy.io import fits
from astropy.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHARED: Final = Path(__file__).resolve().parents[1].parent / "shared" / "data"
CODE: Final = "import sys; from huggins.cli import main; sys.exit(main())"
#: Folds whose spectra are only reported on.
HELD_OUT: Final = (0, 1)
#: The reduction of release 17 is in its addresses; the shared files are of earlier ones.
RUN2D: Final = {"BOSS": "v5_13_2", "SDSS": "26"}
#: CLASS_PERSON of the superset of DR12Q.
PERSON: Final = {"STAR": 1, "QSO": 3, "GALAXY": 4, "BAL": 30}
CONFIG: Final = """\
name = "small"
steps = 300
batch = 64
warmup = 30
every = 100
threads = 1
workers = 0
bfloat16 = false

[data]
templates = "{templates}"
real_share = 0.3

[standard]
widths = [16, 32, 48, 48]
kernels = [9, 7, 5, 3]
hidden = 128
"""


def spectra(shared: Path = SHARED) -> list[dict[str, str]]:
    """Shared labels of spectra with their archive names and with results of the pipeline."""
    with (shared / "spectra/labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rows = [row for row in rows if row["survey"] in RUN2D and row["zwarning"]]
    return [row | found.groupdict() for row in rows if (found := NAME.search(row["path"]))]


NAME: Final = re.compile(r"spec-(?P<plate>\d{4})-(?P<mjd>\d{5})-(?P<fiber>\d{4})\.fits$")


def address(row: dict[str, str]) -> str:
    """Where release 17 has a spectrum, below the root of the archive."""
    survey = {"BOSS": "eboss", "SDSS": "sdss"}[row["survey"]]
    name = f"spec-{row['plate']}-{row['mjd']}-{row['fiber']}.fits"
    redux = f"dr17/{survey}/spectro/redux/{RUN2D[row['survey']]}"
    return f"{redux}/spectra/lite/{row['plate']}/{name}"


def lay_out(rows: Iterable[dict[str, str]], archive: Path, shared: Path = SHARED) -> None:
    """Copy spectra to where the archive has them."""
    for row in rows:
        place = archive / address(row)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shared / "spectra" / row["path"], place)


def survey_tables(
    rows: list[dict[str, str]], folder: Path, shared: Path = SHARED
) -> tuple[Path, Path]:
    """Write specObj, which the pipeline's rows in the files make, and the visual superset."""
    pipeline = [pipeline_row(shared / "spectra" / row["path"], row) for row in rows]
    Table(rows=pipeline).write(folder / "specObj.fits")
    seen = [
        {
            "PLATE": int(row["plate"]),
            "MJD": int(row["mjd"]),
            "FIBERID": int(row["fiber"]),
            "RA": float(row["ra"]),
            "DEC": float(row["dec"]),
            "Z_VI": float(row["z"]),
            "CLASS_PERSON": PERSON["BAL" if row["class13"] == "BAL" else row["class3"]],
            "Z_CONF_PERSON": 3,
        }
        for row in rows
        if row["label_from"] == "visual"
    ]
    Table(rows=seen).write(folder / "Superset_DR12Q.fits")
    return folder / "specObj.fits", folder / "Superset_DR12Q.fits"


def pipeline_row(path: Path, row: dict[str, str]) -> dict[str, Any]:
    """Return the row of specObj of a spectrum, from the last table of its file."""
    with fits.open(path) as file:
        data = file[2].data
        held = {name.upper(): data[name][0] for name in data.columns.names}
    return {
        "PLATE": np.int32(held["PLATE"]),
        "MJD": np.int32(held["MJD"]),
        "FIBERID": np.int32(held["FIBERID"]),
        "RUN2D": RUN2D[row["survey"]],
        "PLUG_RA": float(held["PLUG_RA"]),
        "PLUG_DEC": float(held["PLUG_DEC"]),
        "CLASS": held["CLASS"].strip(),
        "SUBCLASS": held["SUBCLASS"].strip(),
        "Z": np.float32(held["Z"]),
        "Z_ERR": np.float32(held["Z_ERR"]),
        "ZWARNING": np.int32(held["ZWARNING"]),
        "THING_ID": np.int32(held.get("THING_ID", -1)),
        "SN_MEDIAN_ALL": np.float32(held["SN_MEDIAN_ALL"]),
        "OBJTYPE": (held.get("OBJTYPE") or held.get("SOURCETYPE")).strip(),
    }


def verbs(base: str) -> list[str]:
    """Return the commands, in order; they run in the folder of the tables."""
    return [
        "catalog fit/specObj.fits fit/Superset_DR12Q.fits -o fit.parquet --plot counts.png "
        "--where 'CLASS != \"\"'",
        "catalog held-out/specObj.fits held-out/Superset_DR12Q.fits -o held-out.parquet "
        "--where 'CLASS != \"\"'",
        f"download fit.parquet held-out.parquet -o sas --base {base}",
        "shrink sas -o packs --pack",
        "build packs -o fit.h5 --targets fit.parquet --min-trust 2 --validation 0.25 --test 0",
        "train small.toml --labels fit.h5",
        "classify packs -o results.fits --model runs/small/small.onnx",
        "labels held-out.parquet --predictions results.fits --match plate -o suspects.csv",
        "evaluate results.fits --truth held-out.parquet --match plate "
        "--column class3=CLASS --column class13=SUBCLASS --where 'TRUST >= 2' -o report",
    ]


def run() -> dict[str, object]:
    folder = Path(tempfile.mkdtemp())
    try:
        return measure(folder)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path) -> dict[str, object]:
    rows = spectra()
    for name in ("fit", "held-out"):
        (folder / name).mkdir()
        held_out = name == "held-out"
        some = [row for row in rows if (int(row["fold"]) in HELD_OUT) == held_out]
        survey_tables(some, folder / name)
    lay_out(rows, folder / "archive")
    templates = SHARED / "templates"
    (folder / "small.toml").write_text(CONFIG.format(templates=templates.as_posix()))
    steps = []
    with served(folder / "archive") as base:
        for command in verbs(base):
            begun = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", CODE, *shlex.split(command)],
                cwd=folder,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
            seconds = time.perf_counter() - begun
            print(f"$ huggins {command}\n{done.stdout}{done.stderr}", file=sys.stderr)
            if done.returncode not in (0, 1):
                raise RuntimeError(f"huggins {command}: status {done.returncode}")
            steps.append(
                {
                    "command": f"huggins {command}".replace(base, "ARCHIVE"),
                    "status": done.returncode,
                    "seconds": round(seconds, 1),
                }
            )
    print((folder / "fit.h5.card.md").read_text(encoding="utf-8"), file=sys.stderr)
    return {
        "spectra": len(rows),
        "steps": steps,
        "file": built(folder / "fit.h5"),
        "report": report(folder / "report/report.json"),
    }


@contextmanager
def served(archive: Path) -> Iterator[str]:
    """Serve a folder on this machine while the block runs."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd=archive,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        base = re.search(r"http://[\d.]+:\d+", said)
        if base is None:
            raise RuntimeError(f"the server did not start: {said!r}")
        with urllib.request.urlopen(base[0]):
            pass
        yield base[0]
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def built(path: Path) -> dict[str, object]:
    """Return what the training file holds."""
    with h5py.File(path) as file:
        names = str(file.attrs["classes"]).split()
        index, split = file["class_index"][:], file["split"][:]
        size = path.stat().st_size
    return {
        "spectra": len(index),
        "by class": {n: int((index == i).sum()) for i, n in enumerate(names)},
        "type not known": int((index < 0).sum()),
        "for validation": int((split == 1).sum()),
        "megabytes": round(size / 1e6, 1),
    }


def report(path: Path) -> dict[str, object]:
    """Return the main figures of the report, each as right ones out of how many."""
    figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
    return {
        name: f"{figures[name]['accuracy']['count']} of {figures[name]['accuracy']['n']}"
        for name in ("classes", "subclasses")
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
