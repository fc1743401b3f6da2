"""``python -m experiments.demo CONFIG OUT``: the mocks that ship for ``huggins demo``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from huggins import simulate
from huggins.prepare import LogGrid
from huggins.runs.files import temporary_path
from huggins.taxonomy import ALL_CLASSES, CLASSES
from huggins.train.config import read_config
from huggins.train.data import read_real
from huggins.train.labelled import read_labels

#: Pixels of a BOSS file: centres at whole multiples of 1e-4 dex, 3548 to 10,350 A.
NATIVE = LogGrid(start=3.55 - 0.5e-4, step=1e-4, size=4650)
_EACH = 2
_SEED = 2019


def main(argv: list[str] | None = None) -> int:
    """Draw two mocks per class with BOSS noise from held-back templates, and write them."""
    config_file, out = argv or sys.argv[1:]
    config = read_config(config_file)
    labels = read_labels(config.data.spectra, config.data.folds, config.data.trust)
    real = read_real(config.data.spectra, labels)
    surveys = real.column("survey").tolist()
    sky = (real.column("class3") == "SKY").tolist()
    bank = simulate.NoiseBank.from_spectra(real.spectra, surveys, sky, NATIVE)
    library = simulate.load(config.data.templates, test=True)
    rng = np.random.default_rng(_SEED)
    kinds = np.repeat([ALL_CLASSES.index(name) for name in CLASSES], _EACH)
    parts = [
        simulate.draw(
            1, library, bank, rng,
            odds={ALL_CLASSES[kind]: 1.0}, sn=(8.0, 20.0), survey="BOSS", flaws=False,
        )
        for kind in kinds
    ]  # fmt: skip
    with temporary_path(Path(out)) as path:
        np.savez_compressed(
            path,
            loglam=np.round(NATIVE.loglam, 4),
            flux=np.concatenate([p.flux for p in parts]).astype(np.float16),
            ivar=np.concatenate([p.ivar for p in parts]).astype(np.float16),
            cls=np.array([ALL_CLASSES[kind] for kind in kinds]),
            z=np.concatenate([p.z for p in parts]),
            sn=np.concatenate([p.sn for p in parts]),
            seed=np.array(_SEED),
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
