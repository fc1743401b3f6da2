"""The network that reads spectral subtypes: train it, calibrate its error, measure it.

``python -m experiments.sptype DATA -o docs/results/sptype.json`` trains `huggins.sptype` on
mocks of stars from templates that are not held back and on labelled stars of folds 2 to 4,
scales its error by one that has not seen fold 4 and by mocks of held-back templates, writes
``sptype.npz`` beside it, and measures what `huggins.classify` says of mocks of held-back
templates (with ``redshift=False``) and of labelled stars of folds 0 and 1.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import huggins
from huggins import simulate, sptype
from huggins.constants import SPEED_OF_LIGHT
from huggins.evaluate.intervals import wilson
from huggins.simulate import effects
from huggins.simulate.templates import _RETYPED, held_back
from huggins.spectrum import Spectrum
from huggins.taxonomy import SEQUENCE, spectral_place
from huggins.train.data import noise_bank, read_real
from huggins.train.labelled import read_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Flux = NDArray[np.float32]

#: Odds of the letters among mocks: none rare, more where subtypes are many.
ODDS: Final = {
    **{"O": 0.06, "B": 0.10, "A": 0.15, "F": 0.16, "G": 0.16, "K": 0.16, "M": 0.14},
    "L": 0.07,
}
#: Widths of the two hidden layers, and the fraction of them that is left out in training.
HIDDEN: Final = (128, 48)
DROPOUT: Final = 0.2
#: How often each labelled star counts against a mock.
REAL: Final = 10.0
#: Bins of median S/N that are reported.
EDGES: Final = (1.0, 3.0, 5.0, 10.0, 20.0, 1000.0)
#: Bins of SPTYPE_ERR that are reported.
SAID: Final = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)


@dataclass(frozen=True, slots=True, eq=False)
class Stars:
    """N stars of known subtype.

    Attributes
    ----------
    features : ndarray, shape (N, F)
        As `huggins.sptype.features`.
    place, sn : ndarray, shape (N,)
        As `huggins.taxonomy.spectral_place`, and median S/N.
    source : ndarray of str, shape (N,)
        Library of the template, or survey.
    spectra : list of Spectrum
        Where they are kept.
    """

    features: Flux
    place: Array
    sn: Array
    source: NDArray[np.str_]
    spectra: list[Spectrum]

    def of(self, here: NDArray[np.bool_]) -> Stars:
        """Return some of them."""
        spectra = [s for s, take in zip(self.spectra, here, strict=False) if take]
        return Stars(
            self.features[here], self.place[here], self.sn[here], self.source[here], spectra
        )


def mocks_of(data: Path, folds: Sequence[int], count: int, seed: int, *, test: bool) -> Stars:
    """Return mock stars of known subtype; spectra are kept of test ones.

    Other than those that class networks are trained on, a mock mixes templates only if their
    subtypes are within 1.5, since the sum of A0 and A8 is no A4.

    Parameters
    ----------
    data, folds
        Folder of spectra/ and templates/, and whose noise the mocks get.
    count, seed
    test
        Take the templates that are held back, and mix none.
    """
    real = read_real(data / "spectra", read_labels(data / "spectra", folds, trust=2))
    bank = noise_bank(real)
    library = simulate.load(data / "templates", test=test)
    sources = sources_of(data / "templates", test=test)
    rng = np.random.default_rng(seed)
    odds = np.array(list(ODDS.values()))
    parts = []
    spectra = []
    for first in range(0, count, 4000):
        number = min(4000, count - first)
        names = rng.choice(list(ODDS), number, p=odds / odds.sum())
        clean = np.zeros((number, bank.grid.size), np.float32)
        place = np.full(number, np.nan)
        source = np.full(number, "", "U12")
        for name in ODDS:
            mine = np.flatnonzero(names == name)
            clean[mine], place[mine], rows = _stars(
                name, len(mine), library, bank.grid, rng, mixed=not test
            )
            source[mine] = np.array(sources[name])[rows]
        asked = np.exp(rng.uniform(np.log(1.5), np.log(60.0), number))
        empty = np.zeros(number, bool)
        flux, ivar, sn = simulate.observe(clean, empty, bank, rng, asked, None, True)
        known = np.isfinite(place) & ((ivar > 0).sum(axis=1) > 200)
        features = sptype.features(flux[known], ivar[known])
        parts.append((features, place[known], sn[known], source[known]))
        if test:
            spectra += [
                Spectrum(bank.grid.loglam, flux[n], ivar[n]) for n in np.flatnonzero(known)
            ]
    features, place, sn, source = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Stars(features, place, sn, source, spectra)


def sources_of(templates: Path, *, test: bool) -> dict[str, list[str]]:
    """Return the source of each template of `huggins.simulate.Library.stars`, by class."""
    import h5py

    with h5py.File(templates / "stars.h5") as file:
        name, kind, source, subclass = (
            [word.decode() for word in file[key][:]]
            for key in ("name", "class", "source", "subclass")
        )
    kind = [_RETYPED.get(n, k) for n, k in zip(name, kind, strict=True)]
    found: dict[str, list[str]] = {}
    for cls in ODDS:
        rows = [
            n
            for n, k in enumerate(kind)
            if k == cls and subclass[n] not in ("AGB", "GB") and held_back(name[n], cls) == test
        ]
        if test:
            rows = [n for n in rows if source[n] != "pickles"] or rows
        found[cls] = [source[n] for n in rows]
    return found


def _stars(
    name: str, count: int, library: Any, grid: Any, rng: np.random.Generator, *, mixed: bool
) -> tuple[Flux, Array, NDArray[np.int64]]:
    """Return noiseless stars (N, G) of one letter, their places and templates, (N,) each."""
    stack, odds, places = (
        part[name] for part in (library.stars, library.star_weights, library.star_places)
    )
    spread = np.where(rng.random(count) < 0.8, 80.0, 250.0)
    log1z = np.log10(1.0 + np.clip(rng.normal(0.0, spread), -900.0, 900.0) / SPEED_OF_LIGHT)
    odds = np.where(np.isfinite(places), odds, 0.0)
    # The square root: templates of rare subtypes and sources count more than in a survey.
    odds = np.sqrt(odds) / np.sqrt(odds).sum()
    rows = rng.choice(len(odds), count, p=odds)
    flux, log1z = stack.sample(rows, log1z, grid)
    flux /= effects.level(flux)
    place = places[rows].copy()
    for n in np.flatnonzero(rng.random(count) < (0.4 if mixed else 0.0)):
        near = np.flatnonzero(np.abs(places - places[rows[n]]) <= 0.15)
        other = int(rng.choice(near))
        share = rng.uniform(0.0, 0.5)
        second, _ = stack.sample(np.array([other]), log1z[n : n + 1], grid)
        flux[n] += np.float32(share) * (second[0] / effects.level(second)[0] - flux[n])
        place[n] += share * (places[other] - place[n])
    ebv = rng.exponential(0.1, count).clip(0.0, 1.2)
    ebv[rng.random(count) < 0.3] = 0.0
    flux *= effects.redden(grid, ebv)
    return flux, place, rows


def stars_of(data: Path, folds: Sequence[int]) -> Stars:
    """Return labelled stars of known subtype."""
    labels = [
        row
        for row in read_labels(data / "spectra", folds, trust=2)
        if row["class3"] == "STAR"
        and row["class13"] in SEQUENCE
        and np.isfinite(spectral_place(row["subclass"]))
    ]
    real = read_real(data / "spectra", labels)
    place = np.array([spectral_place(row["subclass"]) for row in real.labels])
    sn = np.array([spectrum.median_sn() for spectrum in real.spectra])
    features = sptype.features(real.flux, real.ivar)
    return Stars(features, place, sn, real.column("survey"), real.spectra)


def train(
    stars: Sequence[tuple[Stars, float]], *, steps: int, seed: int
) -> list[tuple[Flux, Flux]]:
    """Return weights and offsets of the layers, with the least negative log likelihood.

    Parameters
    ----------
    stars
        Samples, and how often each star of them counts.
    steps
        Batches of 128.
    seed
        The same one gives the same layers.
    """
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)  # the matrices are too small for more
    x = torch.from_numpy(np.concatenate([some.features for some, _ in stars]))
    place = np.concatenate([some.place for some, _ in stars])
    y = torch.from_numpy(10.0 * place.astype(np.float32))
    weight = np.concatenate([np.full(len(some.place), count) for some, count in stars])
    sizes = [x.shape[1], *HIDDEN, 2]
    layers: list[Any] = []
    for n, (size, following) in enumerate(pairwise(sizes)):
        layers.append(torch.nn.Linear(size, following))
        if n < len(sizes) - 2:
            layers += [torch.nn.GELU(approximate="tanh"), torch.nn.Dropout(DROPOUT)]
    network = torch.nn.Sequential(*layers)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    rng = np.random.default_rng(seed)
    edges = np.cumsum(weight) / weight.sum()
    for _ in range(steps):
        rows = torch.from_numpy(np.searchsorted(edges, rng.random(128)))
        out = network(x[rows])
        mean = sptype.MIDDLE + sptype.RANGE * out[:, 0]
        log_width = out[:, 1].clamp(-2.0, 4.0)
        # A Laplace likelihood: labels have tails.
        loss = (torch.abs(y[rows] - mean) * torch.exp(-log_width) + log_width).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return [
        (layer.weight.detach().numpy(), layer.bias.detach().numpy())
        for layer in network
        if isinstance(layer, torch.nn.Linear)
    ]


def scale_of(layers: list[tuple[Flux, Flux]], stars: Stars) -> float:
    """Return by what widths must be multiplied for 68 % of the errors to be below them."""
    subtype, width = sptype.run(layers, stars.features)
    return float(np.percentile(np.abs(10.0 * stars.place - subtype) / width, 68.0))


def classified(stars: Stars, *, redshift: bool) -> tuple[Array, Array]:
    """Return subtypes on the sequence by `huggins.classify`, NaN where masked, and errors."""
    table = huggins.classify(stars.spectra, redshift=redshift, jobs=1)
    place = [spectral_place(str(word)) for word in np.ma.filled(table["SPTYPE"], "")]
    return 10.0 * np.array(place), np.ma.filled(table["SPTYPE_ERR"].astype(float), np.nan)


def measure(stars: Stars, subtype: Array, said: Array) -> dict[str, Any]:
    """Return how many subtypes are within 2, by letter and by S/N."""
    error = subtype - 10.0 * stars.place
    letters = np.array([SEQUENCE[min(int(p), len(SEQUENCE) - 1)] for p in stars.place])
    groups = {"all": np.ones(len(error), bool), "sn above 5": stars.sn > 5.0}
    groups |= {name: letters == name for name in SEQUENCE}
    groups |= {
        f"sn {low:g} to {high:g}": (stars.sn >= low) & (stars.sn < high)
        for low, high in pairwise(EDGES)
    }
    groups |= {
        f"error {low:g} to {high:g}": (said >= low) & (said < high)
        for low, high in pairwise(SAID)
    }
    found = {}
    for name, here in groups.items():
        given = here & np.isfinite(error)
        n, good = int(given.sum()), int((np.abs(error[given]) <= 2.0).sum())
        if not n:
            continue
        low, high = wilson(good, n)
        found[name] = {
            "stars": int(here.sum()),
            "given": n,
            "within_2": good,
            "interval": [round(float(low), 3), round(float(high), 3)],
            "within_3": int((np.abs(error[given]) <= 3.0).sum()),
            "median_error": round(float(np.median(error[given])), 2),
            "inside_1_sigma": int((np.abs(error[given]) <= said[given]).sum()),
        }
    return found


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.sptype", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of spectra/ and templates/")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--mocks", type=int, default=40_000)
    parser.add_argument("--steps", type=int, default=7000)
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args(argv)
    data, seed = given.data, given.seed
    mocks = mocks_of(data, (2, 3, 4), given.mocks, seed, test=False)
    held = mocks_of(data, (2, 3, 4), 4000, seed + 1, test=True)
    # What the error is multiplied by comes from stars that a network has not seen: those of
    # fold 4 by one without them, and mocks of held-back templates.
    without = train(
        [(mocks, 1.0), (stars_of(data, (2, 3)), REAL)], steps=given.steps, seed=seed
    )
    scales = [scale_of(without, stars_of(data, (4,))), scale_of(without, held)]
    layers = train(
        [(mocks, 1.0), (stars_of(data, (2, 3, 4)), REAL)], steps=given.steps, seed=seed
    )
    sptype.save(layers, max(scales))
    sptype.load.cache_clear()
    report: dict[str, Any] = {
        "made": f"python -m experiments.sptype DATA --mocks {given.mocks} "
        f"--steps {given.steps} --seed {seed}",
        "scales": [round(value, 3) for value in scales],
    }
    test = mocks_of(data, (0, 1), 4000, seed + 2, test=True)
    report["mocks of held-back templates"] = measure(test, *classified(test, redshift=False))
    for name in ("miles", "pyhammer", "idlspec2d"):
        some = test.of(test.source == name)
        report[f"mocks, {name}"] = measure(some, *classified(some, redshift=False))
    real = stars_of(data, (0, 1))
    for name in np.unique(real.source).tolist():
        some = real.of(real.source == name)
        report[f"{name}, folds 0 and 1"] = measure(some, *classified(some, redshift=True))
    given.output.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
