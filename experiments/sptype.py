"""The network that reads spectral subtypes: train it, calibrate it, measure it.

``python -m experiments.sptype DATA -o docs/results/sptype.json`` trains `huggins.sptype` on
mocks of stars from templates that are not held back and on labelled stars of folds 2 to 4. By
one that has not seen fold 4, as the class network has not, and by mocks of held-back templates
it finds how letters are decided by both networks and what scales the error. It writes
``sptype.npz`` and measures what `huggins.classify` says of mocks of held-back templates
(with ``redshift=False``) and of labelled stars of folds 0 and 1; ``--measure`` does only that.
A new class network needs ``--keep``.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from experiments.sptype_figures import Unseen, calibrate, figures, recall, repeats
from huggins import simulate, sptype
from huggins.constants import SPEED_OF_LIGHT
from huggins.prepare import STANDARD
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
#: What ships was trained with: mocks, batches, seed.
MOCKS: Final = 40_000
STEPS: Final = 7000
SEED: Final = 5
#: Networks that are averaged, the widths of their two hidden layers, and the fraction of them
#: that is left out in training.
NETWORKS: Final = 4
HIDDEN: Final = (96, 48)
DROPOUT: Final = 0.2
#: How often each labelled star counts against a mock; the subclasses of SDSS are those of the
#: nearest of few templates.
REAL: Final = {"LAMOST": 30.0, "BOSS": 10.0, "SDSS": 10.0}
#: How often each of them is varied in training, and what share of its weight that gets.
VARIED: Final = 8
VARIED_SHARE: Final = 0.7
#: Width in subtypes of the Gaussian that stands for a label: libraries differ by as much.
LABEL: Final = 1.3


@dataclass(frozen=True, slots=True, eq=False)
class Stars:
    """N stars of known subtype.

    Attributes
    ----------
    features : ndarray, shape (N, F)
        As `huggins.sptype.features`.
    place, sn : ndarray, shape (N,)
        As `huggins.taxonomy.spectral_place`, and median S/N.
    source, name : ndarray of str, shape (N,)
        Library and name of the template, or survey and object.
    spectra : list of Spectrum
        Where they are kept.
    """

    features: Flux
    place: Array
    sn: Array
    source: NDArray[np.str_]
    name: NDArray[np.str_]
    spectra: list[Spectrum]

    def of(self, here: NDArray[np.bool_]) -> Stars:
        """Return some of them."""
        spectra = [s for s, take in zip(self.spectra, here, strict=False) if take]
        return Stars(
            self.features[here],
            self.place[here],
            self.sn[here],
            self.source[here],
            self.name[here],
            spectra,
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
    origins = origins_of(data / "templates", test=test)
    rng = np.random.default_rng(seed)
    odds = np.array(list(ODDS.values()))
    parts = []
    spectra = []
    for first in range(0, count, 4000):
        number = min(4000, count - first)
        names = rng.choice(list(ODDS), number, p=odds / odds.sum())
        clean = np.zeros((number, bank.grid.size), np.float32)
        place = np.full(number, np.nan)
        origin = np.full((number, 2), "", "U40")
        for name in ODDS:
            mine = np.flatnonzero(names == name)
            clean[mine], place[mine], rows = _stars(
                name, len(mine), library, bank.grid, rng, mixed=not test
            )
            origin[mine] = np.array(origins[name])[rows]
        asked = np.exp(rng.uniform(np.log(1.5), np.log(60.0), number))
        empty = np.zeros(number, bool)
        flux, ivar, sn = simulate.observe(clean, empty, bank, rng, asked, None, True)
        known = np.isfinite(place) & ((ivar > 0).sum(axis=1) > 200)
        features = sptype.features(flux[known], ivar[known])
        parts.append((features, place[known], sn[known], origin[known]))
        if test:
            spectra += [
                Spectrum(bank.grid.loglam, flux[n], ivar[n]) for n in np.flatnonzero(known)
            ]
    features, place, sn, origin = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Stars(features, place, sn, origin[:, 0], origin[:, 1], spectra)


def origins_of(templates: Path, *, test: bool) -> dict[str, list[tuple[str, str]]]:
    """Return library and name of each template of `huggins.simulate.Library`, by class."""
    import h5py

    with h5py.File(templates / "stars.h5") as file:
        name, kind, source, subclass = (
            [word.decode() for word in file[key][:]]
            for key in ("name", "class", "source", "subclass")
        )
    kind = [_RETYPED.get(n, k) for n, k in zip(name, kind, strict=True)]
    found: dict[str, list[tuple[str, str]]] = {}
    for cls in ODDS:
        rows = [
            n
            for n, k in enumerate(kind)
            if k == cls and subclass[n] not in ("AGB", "GB") and held_back(name[n], cls) == test
        ]
        if test:
            rows = [n for n in rows if source[n] != "pickles"] or rows
        found[cls] = [(source[n], name[n]) for n in rows]
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


def stars_of(data: Path, folds: Sequence[int], *, varied: int = 0, seed: int = 0) -> Stars:
    """Return labelled stars of known subtype.

    Parameters
    ----------
    data, folds
    varied
        How many times each of them is returned, each time with other noise added to it, another
        reddening, calibration and velocity; with 0 once, as it is.
    seed
        Of what is varied.
    """
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
    source, name = real.column("survey"), real.column("object")
    if not varied:
        features = sptype.features(real.flux, real.ivar)
        return Stars(features, place, sn, source, name, real.spectra)
    rng = np.random.default_rng(seed)
    features = np.concatenate(
        [sptype.features(*_varied(real.flux, real.ivar, rng)) for _ in range(varied)]
    )
    place, sn, source, name = (np.tile(values, varied) for values in (place, sn, source, name))
    return Stars(features, place, sn, source, name, [])


def _varied(
    flux: NDArray[np.floating], ivar: NDArray[np.floating], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return spectra (N, G) as they would look a little redder, moved, and noisier."""
    count = len(flux)
    pixels = np.arange(flux.shape[1])
    moved = zip(rng.uniform(-0.4, 0.4, count), flux, strict=True)
    changed = np.array([np.interp(pixels + shift, pixels, row) for shift, row in moved])
    changed *= effects.redden(STANDARD.grid, rng.normal(0.0, 0.06, count))
    changed *= effects.warp(STANDARD.grid, rng, np.full(count, 0.08))
    # Up to four times the noise, added in 60 % of them.
    factor = np.exp(rng.uniform(0.0, np.log(4.0), count)) * (rng.random(count) < 0.6)
    seen = ivar > 0
    sigma = np.where(seen, ivar, 1.0) ** -0.5
    more = np.where(seen, factor[:, None] * sigma, 0.0)
    changed = np.where(seen, changed + more * rng.normal(size=flux.shape), 0.0)
    return changed, np.where(seen, 1.0 / (sigma**2 + more**2), 0.0)


def train(
    mocks: Stars, real: Stars, varied: Stars, *, steps: int, seed: int
) -> list[tuple[Flux, Flux]]:
    """Return weights and offsets of the layers, with the least cross entropy.

    Parameters
    ----------
    mocks, real, varied
        Stars, real ones as they are and as `stars_of` varies them.
    steps
        Batches of 128.
    seed
        The same one gives the same layers.
    """
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)  # the matrices are too small for more
    stars = (mocks, real, varied)
    x = torch.from_numpy(np.concatenate([some.features for some in stars]))
    place = np.concatenate([some.place for some in stars])
    # A Gaussian about the label, since labels have errors.
    middle = np.arange(len(SEQUENCE) * sptype.TENTHS) + 0.5
    apart = (10.0 * place[:, None] - middle) / LABEL
    target = np.exp(-0.5 * apart**2)
    y = torch.from_numpy((target / target.sum(axis=1, keepdims=True)).astype(np.float32))
    often, seldom = (
        np.array([REAL[name] for name in some.source.tolist()]) for some in (real, varied)
    )
    often *= 1.0 - VARIED_SHARE
    seldom *= VARIED_SHARE / VARIED
    weight = np.concatenate([np.ones(len(mocks.place)), often, seldom])
    sizes = [x.shape[1], *HIDDEN, len(middle)]
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
        logs = torch.log_softmax(network(x[rows]), dim=1)
        loss: Any = -(y[rows] * logs).sum(dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return [
        (layer.weight.detach().numpy(), layer.bias.detach().numpy())
        for layer in network
        if isinstance(layer, torch.nn.Linear)
    ]


def networks(
    data: Path, folds: Sequence[int], mocks: Stars, *, steps: int, seed: int
) -> list[tuple[Flux, Flux]]:
    """Return the layers of all networks, trained on mocks and on the real stars of folds."""
    real = stars_of(data, folds)
    varied = stars_of(data, folds, varied=VARIED, seed=seed)
    each = [train(mocks, real, varied, steps=steps, seed=seed + n) for n in range(NETWORKS)]
    return [
        (np.stack([w for w, _ in layer]), np.stack([o for _, o in layer]))
        for layer in zip(*each, strict=True)
    ]


def networks_without(data: Path, fold: int) -> list[tuple[Flux, Flux]]:
    """Return the layers of networks as they ship that have not seen one of folds 2 to 4."""
    mocks = mocks_of(data, (2, 3, 4), MOCKS, SEED, test=False)
    others = [other for other in (2, 3, 4) if other != fold]
    return networks(data, others, mocks, steps=STEPS, seed=SEED)


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.sptype", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of spectra/ and templates/")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--mocks", type=int, default=MOCKS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--measure", action="store_true", help="only measure what ships")
    parser.add_argument(
        "--keep", action="store_true", help="keep the network; calibrate it again and measure"
    )
    given = parser.parse_args(argv)
    data, seed = given.data, given.seed
    report: dict[str, Any] = {}
    if given.measure:
        report = json.loads(given.output.read_text("utf-8"))
    else:
        report["made"] = (
            f"python -m experiments.sptype DATA --mocks {given.mocks} "
            f"--steps {given.steps} --seed {seed}{' --keep' * given.keep}"
        )
        report["calibration"] = make(data, given.mocks, given.steps, seed, keep=given.keep)
        given.output.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    test = mocks_of(data, (0, 1), 4000, seed + 2, test=True)
    real = stars_of(data, (0, 1))
    report["figures"] = figures(test, real)
    report["recall"] = recall(data, seed + 3)
    report["LAMOST, repeats"] = repeats(data)
    given.output.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    return 0


def make(data: Path, mocks: int, steps: int, seed: int, *, keep: bool) -> dict[str, Any]:
    """Train and calibrate the network and write it; return how it was calibrated.

    With `keep` the network stays what it is, as is right where the class network is new.
    """
    made = mocks_of(data, (2, 3, 4), mocks, seed, test=False)
    held = mocks_of(data, (2, 3, 4), 4000, seed + 1, test=True)

    # The class network has not seen fold 4 either.
    without = networks(data, (2, 3), made, steps=steps, seed=seed)
    real = stars_of(data, (4,))
    calibration, report = calibrate([Unseen.of(held, without), Unseen.of(real, without)])
    layers = (
        sptype.load()[0] if keep else networks(data, (2, 3, 4), made, steps=steps, seed=seed)
    )
    sptype.save(layers, calibration)
    sptype.load.cache_clear()
    return asdict(calibration) | report


if __name__ == "__main__":
    raise SystemExit(main())
