"""The spectra of the comparison, as files and as arrays on common grids, and their truth."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from huggins import simulate
from huggins.errors import ReadError
from huggins.formats import read
from huggins.prepare import STANDARD, LogGrid, rebin
from huggins.simulate.templates import complete
from huggins.spectrum import Spectrum
from huggins.taxonomy import ALL_CLASSES
from huggins.train.data import noise_bank, read_real
from huggins.train.labelled import read_labels

if TYPE_CHECKING:
    from pathlib import Path

#: Native pixels (69 km/s) that redrock gets: 3548 to 9999 A, which its galaxies cover.
NATIVE = LogGrid(3.55, 1e-4, 4500)
#: Mocks of each class, NONE included, that the trees learn from, besides the real spectra.
LEARNED = 700


@dataclass(frozen=True)
class Truth:
    """One spectrum: file, where its label is from, true classes and redshift."""

    path: str
    sample: str
    label_from: str
    cls: str
    subclass: str
    z: float


def real_truths(folder: Path) -> list[Truth]:
    """BOSS and SDSS-I in folds 0 and 1, with labels of trust 2 or more, empty sky included."""
    rows = [
        row for row in read_labels(folder, (0, 1), trust=2) if row["survey"] in ("BOSS", "SDSS")
    ]
    return [
        Truth(
            str(folder / row["path"]), "real", row["label_from"], row["class3"],
            row["class13"] if row["class3"] != "SKY" else "", _number(row["z"]),
        )
        for row in rows
    ]  # fmt: skip


def mock_truths(folder: Path, count: int) -> list[Truth]:
    """Return the first mocks of a folder that `huggins simulate` made."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:count]
    return [
        Truth(
            str(folder / row["path"]), "mock", "mock", row["class3"], row["class13"],
            _number(row["z"]),
        )
        for row in rows
    ]  # fmt: skip


def _number(text: str) -> float:
    return float(text) if text else float("nan")


def spectra_of(truths: list[Truth]) -> list[Spectrum]:
    """Read them; one that cannot be read is without data."""
    found = []
    for truth in truths:
        try:
            found.append(read(truth.path)[0])
        except ReadError:
            nothing = np.zeros(NATIVE.size)
            found.append(Spectrum(NATIVE.loglam, nothing, nothing))
    return found


def on_grid(spectra: list[Spectrum], grid: LogGrid) -> tuple[np.ndarray, np.ndarray]:
    """Flux and ivar on a grid, (N, G) float32 each; brought to a median flux near 1."""
    flux, ivar = rebin(spectra, grid)
    level = np.array(
        [
            np.median(np.abs(f[v > 0])) if (v > 0).any() else 1.0
            for f, v in zip(flux, ivar, strict=True)
        ]
    )
    level[level <= 0] = 1.0
    flux, ivar = flux / level[:, None], ivar * level[:, None] ** 2
    return flux.astype(np.float32), ivar.astype(np.float32)


def write_inputs(path: Path, spectra: list[Spectrum], data: Path) -> None:
    """Write what redrock gets: spectra on native pixels, and public templates."""
    flux, ivar = on_grid(spectra, NATIVE)
    np.savez(path, loglam=NATIVE.loglam, flux=flux, ivar=ivar, **redrock_templates(data))


def redrock_templates(data: Path) -> dict[str, Any]:
    """Public templates by redrock's names, each with the index of its first pixel.

    Galaxies: the five vectors of redrock's first public set (2016). Quasars: HIZ and LOZ 1.1,
    four vectors each. Stars: its own could not be had; for each type up to five principal
    components of the BOSS pipeline's templates.
    """
    out: dict[str, Any] = {}
    with h5py.File(data / "templates" / "galaxies.h5") as file:
        group = file["rrtemplate-galaxy-2016"]
        out["GALAXY"] = group["eigenvectors"][:]
        out["start_GALAXY"] = _first(group)
    with h5py.File(data / "templates" / "quasars.h5") as file:
        for name in ("HIZ", "LOZ"):
            group = file[f"rrtemplate-QSO-{name}-v1.1"]
            out[f"QSO_{name}"] = group["eigenvectors"][:]
            out[f"start_QSO_{name}"] = _first(group)
    with h5py.File(data / "templates" / "stars.h5") as file:
        kinds, sources = (file[key].asstr()[:] for key in ("class", "source"))
        flux = file["flux"][:].astype(np.float64)
        start = round(float(file.attrs["COEFF0"]) * 1e4)
    for kind in sorted(set(kinds)):
        rows = flux[(kinds == kind) & (sources == "idlspec2d")]
        rows = np.stack([complete(row, np.empty((0, rows.shape[1]))) for row in rows])
        rows = rows / np.mean(rows, axis=1, keepdims=True)
        mean = rows.mean(axis=0)
        vectors = np.linalg.svd(rows - mean, full_matrices=False)[2]
        out[f"STAR_{kind}"] = np.vstack([mean, vectors[: min(4, len(rows) - 1)]])
        out[f"start_STAR_{kind}"] = start
    return out


def _first(group: Any) -> int:
    return round(float(group.attrs["COEFF0"]) * 1e4)


def write_trees(path: Path, spectra: list[Spectrum], data: Path) -> None:
    """Write what the trees get: labelled real spectra of folds 2 to 4, mocks, and the test."""
    real = read_real(data / "spectra", read_labels(data / "spectra", (2, 3, 4), trust=2))
    single = real.allowed.sum(axis=1) == 1
    rng = np.random.default_rng(11)
    mocks = simulate.draw(
        LEARNED * len(ALL_CLASSES),
        simulate.load(data / "templates"),
        noise_bank(real),
        rng,
        odds=dict.fromkeys(ALL_CLASSES, 1.0),
    )
    test = STANDARD.rebin(spectra)
    np.savez(
        path,
        flux=np.concatenate([real.flux[single], mocks.flux]).astype(np.float32),
        ivar=np.concatenate([real.ivar[single], mocks.ivar]).astype(np.float32),
        kind=np.concatenate([real.allowed[single].argmax(axis=1), mocks.kind]),
        z=np.concatenate([real.z[single], mocks.z]),
        weight=np.concatenate([np.full(single.sum(), 3.0), np.ones(len(mocks.kind))]),
        test_flux=test[0].astype(np.float32),
        test_ivar=test[1].astype(np.float32),
        classes=np.array(ALL_CLASSES),
    )
