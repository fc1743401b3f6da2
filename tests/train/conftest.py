"""A user's own labelled spectra, and experiments too short to learn anything."""

import csv

import numpy as np
import pytest

from huggins.model.standard import StandardConfig
from huggins.taxonomy import CLASSES
from huggins.train.config import Config, DataConfig


@pytest.fixture(scope="session")
def labels(tmp_path_factory):
    """A table of spectra of all classes in folds 2 to 4: noise about a level of their own."""
    folder = tmp_path_factory.mktemp("labelled")
    rng = np.random.default_rng(0)
    wave = np.linspace(3600.0, 9000.0, 300)
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "class", "z", "fold"])
        for fold in (2, 3, 4):
            for i, name in enumerate((*CLASSES, "NONE")):
                path = folder / f"{name}{fold}.csv"
                flux = 1.0 + 0.1 * i + 0.1 * rng.standard_normal(300)
                table = np.column_stack([wave, flux, np.full(300, 0.1)])
                header = "wavelength,flux,error"
                np.savetxt(path, table, delimiter=",", header=header, comments="")
                writer.writerow([path.name, name, 0.1, fold])
    return folder / "labels.csv"


@pytest.fixture(scope="session")
def own(labels):
    """An experiment on these spectra alone, without mocks."""
    return Config(
        name="own",
        steps=6,
        batch=16,
        warmup=2,
        every=2,
        workers=0,
        threads=1,
        bfloat16=False,
        data=DataConfig(spectra=str(labels), real_share=1.0, folds=(2, 3)),
        standard=StandardConfig(widths=(4, 4, 4, 4), kernels=(5, 3, 3, 3), blocks=1, hidden=8),
    )
