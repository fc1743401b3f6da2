"""Speed and memory of the catalogue on tables of a survey's size.

``python -m benchmarks catalog`` writes a synthetic specObj of 1.6 GB with rows of 2.4 kB (spAll
of SDSS-V has 3.5 kB) and makes targets of it in a process of its own: size, rows, seconds,
seconds of the processor and peak resident memory; then the time of grouping positions into
objects.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.io import fits

_TYPES = ["F3/F5V (30743)", "A0IVn (25642)", "M0V", "WDhotter", "CV", "", "STARFORMING", "K3"]
_FILLER = 2300


def write_table(path: Path, rows: int) -> None:
    """Write a specObj of so many rows, in parts, without holding it."""
    record = np.dtype(
        [
            ("RUN2D", "S7"), ("PLATE", ">i4"), ("MJD", ">i4"), ("FIBERID", ">i4"),
            ("PLUG_RA", ">f8"), ("PLUG_DEC", ">f8"), ("CLASS", "S6"), ("SUBCLASS", "S21"),
            ("Z", ">f4"), ("Z_ERR", ">f4"), ("ZWARNING", ">i4"), ("SN_MEDIAN_ALL", ">f4"),
            ("THING_ID", ">i4"), ("OBJTYPE", "S16"), ("FILLER", "u1", (_FILLER,)),
        ]
    )  # fmt: skip
    rng = np.random.default_rng(0)
    head = fits.BinTableHDU(np.zeros(1, record)).header
    head["NAXIS2"] = rows
    with path.open("wb") as file:
        file.write(fits.PrimaryHDU().header.tostring().encode())
        file.write(head.tostring().encode())
        size = 0
        for start in range(0, rows, 20_000):
            count = min(20_000, rows - start)
            part = np.zeros(count, record)
            number = np.arange(start, start + count)
            part["RUN2D"] = "v5_13_0"
            part["PLATE"], part["FIBERID"] = 3586 + number // 1000, number % 1000 + 1
            part["MJD"] = 55_000 + number // 1000
            part["PLUG_RA"] = rng.uniform(0, 360, count)
            part["PLUG_DEC"] = np.degrees(np.arcsin(rng.uniform(-0.3, 0.95, count)))
            part["CLASS"] = np.array(["STAR", "GALAXY", "QSO"])[rng.integers(0, 3, count)]
            part["SUBCLASS"] = np.array(_TYPES)[rng.integers(0, len(_TYPES), count)]
            part["Z"] = rng.uniform(0, 3, count)
            part["THING_ID"] = np.where(rng.uniform(size=count) < 0.8, number + 1, -1)
            size += file.write(part.tobytes())
        file.write(b"\0" * (-size % 2880))


def make(path: str, out: str) -> None:
    from huggins.catalog import make_targets, report, write_targets

    begun = time.perf_counter()
    targets = make_targets([path])
    made = time.perf_counter()
    write_targets(Path(out), targets, "benchmark")
    written = time.perf_counter()
    report(targets)
    print(
        json.dumps(
            {
                "rows": len(targets),
                "seconds to make": round(made - begun, 2),
                "seconds to write": round(written - made, 2),
                "processor seconds": round(time.process_time(), 2),
                "peak MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


def group(count: int) -> dict[str, float]:
    from huggins.tables.sky import close_pairs, connected

    rng = np.random.default_rng(1)
    ra = rng.uniform(0, 360, count)
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    repeats = count // 5
    ra[-repeats:] = (ra[:repeats] + rng.normal(0, 1e-5, repeats)) % 360.0
    dec[-repeats:] = dec[:repeats]
    begun, used = time.perf_counter(), time.process_time()
    first, second = close_pairs(ra, dec)
    root = connected(count, first, second)
    return {
        "positions": count,
        "seconds": round(time.perf_counter() - begun, 2),
        "processor seconds": round(time.process_time() - used, 2),
        "objects": len(np.unique(root)),
    }


def run(gigabytes: float = 1.5) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "specObj.fits"
        write_table(path, int(gigabytes * 1e9 / 2390))
        result: dict[str, object] = {
            "table GB": round(path.stat().st_size / 1e9, 2),
            "bytes a row": 2390,
        }
        for end in ("parquet", "fits"):
            done = subprocess.run(
                [sys.executable, __file__, "--make", str(path), f"{folder}/t.{end}"],
                check=True,
                capture_output=True,
                text=True,
            )
            result[end] = json.loads(done.stdout)
    result["grouping"] = [group(n) for n in (1_000_000, 5_000_000)]
    return result


if __name__ == "__main__":
    if sys.argv[1:2] == ["--make"]:
        make(*sys.argv[2:])
    else:
        print(json.dumps(run(*map(float, sys.argv[1:2])), indent=2))
