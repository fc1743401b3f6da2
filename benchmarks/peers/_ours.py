"""Processor time and memory of our own code: ``python _ours.py LIST MODEL FIT``."""

import json
import resource
import sys
import time
from pathlib import Path

from huggins.formats import read
from huggins.inference import load_model
from huggins.inference.batch import classify_batch
from huggins.inference.settings import Settings

ROUNDS = 3


def main(listing: str, name: str, fit: str) -> None:
    spectra = [read(path)[0] for path in Path(listing).read_text().split("\n") if path]
    model = load_model(name, threads=1)
    settings = Settings(redshift=fit == "fit")
    classify_batch(spectra[:4], model, settings)
    times = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        classify_batch(spectra, model, settings)
        times.append((time.process_time() - begun) / len(spectra))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"processor_seconds": sorted(times)[ROUNDS // 2], "memory_mb": memory}))


if __name__ == "__main__":
    main(*sys.argv[1:4])
