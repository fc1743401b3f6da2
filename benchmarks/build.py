"""Speed of making spectra small, of reading small ones, and of building the training file.

Spectra of BOSS's size and layout (4,600 pixels, a pipeline's row of 200 columns, in full files
with eight exposures) are made up; every file is in the page cache.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

from huggins.dataset.pack import Packed, pack
from huggins.dataset.shrink import shrink
from huggins.formats import open_file

if TYPE_CHECKING:
    from collections.abc import Iterable

PIXELS = 4600
SPECTRA = 10_000
ROUNDS = 3


def run() -> dict[str, object]:
    folder = Path(tempfile.mkdtemp())
    try:
        return _run(folder)
    finally:
        shutil.rmtree(folder)


def _run(folder: Path) -> dict[str, object]:
    full = folder / "full.fits"
    write_full(full)
    sizes = {"full": full.stat().st_size}
    seconds = []
    for _ in range(20):
        begun = time.perf_counter()
        shrink(full, folder / "small.fits")
        seconds.append(time.perf_counter() - begun)
    shrink(full, folder / "small.fits.gz", gzip=True)
    sizes["small"] = (folder / "small.fits").stat().st_size
    sizes["small, gzip"] = (folder / "small.fits.gz").stat().st_size
    many(folder / "small.fits", folder / "many", 1000)
    paths = sorted(map(str, (folder / "many").rglob("*.fits")))
    (packed,) = (p for p in pack(paths, folder / "packs") if isinstance(p, Packed))
    sizes["in a container of 1000"] = packed.after // 1000
    zipped = [str(folder / "small.fits.gz")] * 100
    figures: dict[str, object] = {
        "bytes": sizes,
        "shrink_ms": round(1e3 * float(np.median(seconds)), 1),
        "read_per_s": {
            "full": rate([str(full)] * 300),
            "small": rate(paths),
            "small, gzip": rate(zipped),
            "in a container of 1000": rate([str(packed.path)]),
        },
    }
    many(folder / "small.fits", folder / "many", SPECTRA)
    figures["build"] = {
        f"{layout}, {jobs} processes": build(folder, layout, jobs)
        for layout in ("huggins", "seed")
        for jobs in (1, 2)
    }
    return figures


def write_full(path: Path) -> None:
    """Write a full spec file of plate 3586, fibre 1."""
    rng = np.random.default_rng(0)
    loglam = (3.55 + 1e-4 * np.arange(PIXELS)).astype(np.float32)
    forms = dict.fromkeys(("flux", "loglam", "ivar"), "E")
    forms |= {"and_mask": "J", "or_mask": "J", "wdisp": "E", "sky": "E", "model": "E"}

    def table() -> fits.BinTableHDU:
        values = dict.fromkeys(forms, np.zeros(PIXELS)) | {
            "flux": 5 + rng.normal(size=PIXELS),
            "loglam": loglam,
            "ivar": rng.uniform(0.5, 2, PIXELS),
        }
        return fits.BinTableHDU.from_columns(
            [fits.Column(name, form, array=values[name]) for name, form in forms.items()]
        )

    row = {
        "PLATE": ("J", 3586),
        "MJD": ("J", 55181),
        "FIBERID": ("J", 1),
        "RUN2D": ("7A", "v5_13_2"),
        "PLUG_RA": ("D", 10.0),
        "PLUG_DEC": ("D", 0.0),
        "CLASS": ("6A", "QSO"),
        "SUBCLASS": ("21A", ""),
        "Z": ("E", 1.5),
        "ZWARNING": ("J", 0),
        **{f"FILLER{i}": ("5E", np.zeros(5)) for i in range(190)},
    }
    coadd = table()
    coadd.name = "COADD"
    spall = fits.BinTableHDU.from_columns(
        [fits.Column(name, form, array=[value]) for name, (form, value) in row.items()]
    )
    spall.name = "SPALL"
    primary = fits.PrimaryHDU()
    for i in range(120):
        primary.header[f"CARD{i}"] = (i, "one of the many cards of a primary header")
    fits.HDUList([primary, coadd, spall, *(table() for _ in range(8))]).writeto(path)


def many(small: Path, folder: Path, count: int) -> None:
    """Write copies of a small file that differ in plate and fibre."""
    content = bytearray(small.read_bytes())
    with fits.open(small) as file:
        row = file.fileinfo(2)["datLoc"]
    for i in range(count):
        plate, fibre = 3586 + i // 1000, i % 1000 + 1
        content[row : row + 4] = plate.to_bytes(4, "big")
        content[row + 8 : row + 12] = fibre.to_bytes(4, "big")
        path = folder / str(plate) / f"spec-{plate}-55181-{fibre:04d}.fits"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def rate(paths: Iterable[str]) -> int:
    """Spectra read a second, the best of some rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        count = sum(1 for path in paths for _ in open_file(path))
        best = max(best, count / (time.perf_counter() - begun))
    return round(best)


def build(folder: Path, layout: str, jobs: int) -> dict[str, float]:
    """Speed of the whole command, its start included: the best of some rounds."""
    code = "import sys; from huggins.cli import main; sys.exit(main())"
    argv = ["build", str(folder / "many"), "-q", "-o", str(folder / "out.h5")]
    argv += ["--layout", layout, "--jobs", str(jobs)]
    seconds, processor = [], []
    for _ in range(ROUNDS):
        begun, used = time.perf_counter(), cpu()
        subprocess.run([sys.executable, "-c", code, *argv], check=True)
        seconds.append(time.perf_counter() - begun)
        processor.append(cpu() - used)
    return {
        "spectra_per_s": round(SPECTRA / min(seconds)),
        "processor_ms": round(1e3 * min(processor) / SPECTRA, 2),
    }


def cpu() -> float:
    """Seconds of the processor that children have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
