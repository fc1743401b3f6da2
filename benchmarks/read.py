"""How fast spectra are read, side by side with astropy in the same process.

``python -m benchmarks.read`` prints what `run` returns. Single thread, files in the page cache,
medians of five rounds in which the two take turns.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.errors import ReadError
from huggins.fits import Fits
from huggins.fits.source import Source
from huggins.formats import open_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
ROUNDS = 5
COLUMNS = ("flux", "loglam", "ivar", "and_mask")
ROW = ("PLATE", "MJD", "FIBERID", "CLASS", "SUBCLASS", "Z", "ZWARNING", "PLUG_RA", "PLUG_DEC")


def run() -> dict[str, object]:
    """Measure everything; times in milliseconds a file unless the name says otherwise."""
    results: dict[str, object] = {}
    boss = sorted((SHARED / "spectra/boss").glob("**/*.fits"))
    if boss:
        _same_arrays(boss)
        columns = _compare(boss, _columns_huggins, _columns_astropy)
        # astropy takes 0.1 s to read the 236 columns of the pipeline's row: some files will do.
        # Some people's files have lost that row.
        some = [path for path in boss[::10] if _has_row(path)]
        whole = _compare(some, _whole_huggins, _whole_astropy)
        results["boss_files"] = len(boss)
        results["boss_four_columns"] = columns
        results["boss_open_file_and_pipeline_row"] = whole
        results["lamost_image"] = _median(
            sorted((SHARED / "spectra/lamost").glob("**/*.fits")), _whole_huggins
        )
        results["lamost_gzip"] = _median(
            sorted((SHARED / "spectra/lamost").glob("**/*.fits.gz")), _whole_huggins
        )
    else:
        results["skipped"] = f"no real spectra: {SHARED} is not there"
    results["spplate_1000_fibres_seconds"] = _plate()
    return results


def _columns_huggins(path: Path) -> list[np.ndarray]:
    with Source(path) as source:
        hdu = Fits(source).hdu(1)
        assert hdu is not None
        return [
            hdu.column(name.upper(), np.int32 if name == "and_mask" else np.float32)
            for name in COLUMNS
        ]


def _columns_astropy(path: Path) -> list[np.ndarray]:
    from astropy.io import fits

    # Without memory mapping, which costs astropy more than it saves on files this small.
    with fits.open(path, memmap=False) as file:
        table = file[1].data
        return [
            np.asarray(table[name], dtype=table[name].dtype.newbyteorder("="))
            for name in COLUMNS
        ]


def _whole_huggins(path: Path) -> list[Any]:
    return list(open_file(path))


def _whole_astropy(path: Path) -> list[Any]:
    from astropy.io import fits

    with fits.open(path, memmap=False) as file:
        table, row = file[1].data, file[2].data[0]
        pixels = [np.array(table[name]) for name in COLUMNS]
        return [*pixels, *(row[name] for name in ROW)]


def _has_row(path: Path) -> bool:
    with Source(path) as source:
        return Fits(source).hdu(2) is not None


def _same_arrays(paths: Sequence[Path]) -> None:
    for path in paths:
        for ours, theirs in zip(_columns_huggins(path), _columns_astropy(path), strict=True):
            if ours.tobytes() != theirs.tobytes():
                raise AssertionError(f"{path}: not what astropy reads")


def _round(paths: Sequence[Path], read: Callable[[Path], object]) -> float:
    start = time.perf_counter()
    for path in paths:
        read(path)
    return (time.perf_counter() - start) / len(paths) * 1e3


def _median(paths: Sequence[Path], read: Callable[[Path], object]) -> float:
    _round(paths, read)
    return round(statistics.median(_round(paths, read) for _ in range(ROUNDS)), 4)


def _compare(
    paths: Sequence[Path], ours: Callable[[Path], object], theirs: Callable[[Path], object]
) -> dict[str, float]:
    _round(paths, ours)
    _round(paths[:10], theirs)
    pairs = [(_round(paths, ours), _round(paths, theirs)) for _ in range(ROUNDS)]
    return {
        "huggins": round(statistics.median(a for a, _ in pairs), 4),
        "astropy": round(statistics.median(b for _, b in pairs), 4),
        "ratio": round(statistics.median(b / a for a, b in pairs), 1),
    }


def _plate(fibres: int = 1000, pixels: int = 4648) -> float:
    """Read a plate with its redshifts; seconds."""
    from astropy.io import fits

    rng = np.random.default_rng(0)
    number = np.arange(1, fibres + 1)
    primary = fits.PrimaryHDU(rng.normal(1, 1, (fibres, pixels)).astype(">f4"))
    primary.header.update(COEFF0=3.5525, COEFF1=1e-4, PLATEID=7102, MJD=56666, RUN2D="v5_7_0")
    images = [
        fits.ImageHDU(np.ones((fibres, pixels), ">f4")),
        *(fits.ImageHDU(np.zeros((fibres, pixels), ">i4")) for _ in range(2)),
    ]
    plugs = fits.BinTableHDU.from_columns(
        [
            fits.Column("RA", "D", array=number / 10),
            fits.Column("DEC", "D", array=number / 20),
            fits.Column("FIBERID", "J", array=number),
        ]
    )
    best = fits.BinTableHDU.from_columns(
        [
            fits.Column("FIBERID", "J", array=number),
            fits.Column("CLASS", "6A", array=["QSO"] * fibres),
            fits.Column("Z", "E", array=number / 1000),
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spPlate-7102-56666.fits"
        fits.HDUList([primary, *images, plugs]).writeto(path)
        fits.HDUList([fits.PrimaryHDU(), best]).writeto(
            path.with_name("spZbest-7102-56666.fits")
        )
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            spectra = list(open_file(path))
            times.append(time.perf_counter() - start)
            if len(spectra) != fibres or any(isinstance(s, ReadError) for s in spectra):
                raise AssertionError("the plate was not read whole")
    return round(statistics.median(times), 4)


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
