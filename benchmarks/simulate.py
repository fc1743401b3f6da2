"""How fast mocks are made: ``python -m benchmarks simulate``.

On the network's grid with noise, as training takes them (one thread, and all cores), and the
whole command into the data set's HDF5.
"""

from __future__ import annotations

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
MOCKS = 10_000


def run() -> dict[str, object]:
    """Measure; mocks per second."""
    if not (SHARED / "templates/stars.h5").is_file():
        return {"skipped": f"no templates: {SHARED} is not there"}
    from huggins import simulate
    from huggins.demo.mocks import load
    from huggins.prepare import STANDARD
    from huggins.simulate.files import LOT, Recipe, lot
    from huggins.simulate.files import simulate as to_file

    library = simulate.load(SHARED / "templates")
    spectra = [example.spectrum for example in load()]
    none = [False] * len(spectra)
    bank = simulate.NoiseBank.from_spectra(spectra, ["BOSS"] * len(none), none, STANDARD.grid)
    recipe = Recipe(MOCKS)
    lots = range(MOCKS // LOT)

    def draw(number: int) -> int:
        return len(lot(recipe, number, library, bank).kind)

    draw(0)
    began = time.perf_counter()
    cpu = time.process_time()
    total = sum(map(draw, lots))
    one = total / (time.perf_counter() - began)
    one_core = total / (time.process_time() - cpu)
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        total = sum(pool.map(draw, lots))
        every = total / (time.perf_counter() - began)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        to_file(recipe, library, bank, Path(folder) / "mocks.h5")
        whole = MOCKS / (time.perf_counter() - began)
    return {
        "mocks": MOCKS,
        "one_thread": round(one),
        "one_thread_of_processor_time": round(one_core),
        f"{threads}_threads": round(every),
        "into_hdf5": round(whole),
        "median_sn_of_a_lot": round(float(np.median(lot(recipe, 0, library, bank).sn)), 2),
    }
