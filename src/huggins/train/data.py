"""Batches of mocks and real spectra."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch.utils.data import Dataset

from huggins import simulate
from huggins.errors import InputError, ReadError
from huggins.prepare import SEED, STANDARD
from huggins.quality import ZWarning
from huggins.simulate.effects import warp
from huggins.tables.labels import SKY
from huggins.taxonomy import ALL_CLASSES, BROAD, SEQUENCE, spectral_place
from huggins.train.networks import contract_of
from huggins.train.quasar_labels import in_frame, read_frame
from huggins.train.ranks import ALONE
from huggins.weights import RedshiftGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum
    from huggins.train.config import Config
    from huggins.train.ranks import Ranks

    Array = NDArray[np.float64]

#: ``label_from`` of mocks that stand where labelled spectra would.
MOCK: Final = "mock"
# Spectra whose noise is enough.
_NOISY = 3000


@dataclass(frozen=True, slots=True)
class Real:
    """N labelled real spectra on the network's grid.

    Attributes
    ----------
    labels
        Rows of labels.csv.
    spectra
        As read.
    flux, ivar : ndarray, shape (N, G)
    allowed : ndarray of bool, shape (N, K)
        Classes that the label leaves open: all star types where only STAR is known.
    z : ndarray, shape (N,)
        NaN where unknown.
    """

    labels: list[dict[str, str]]
    spectra: list[Spectrum]
    flux: NDArray[np.floating]
    ivar: NDArray[np.floating]
    allowed: NDArray[np.bool_]
    z: Array

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def genuine(self) -> int:
        """Number of them that are real: 0 where mocks stand in (`stand_ins`)."""
        return sum(row["label_from"] != MOCK for row in self.labels)

    def column(self, name: str) -> NDArray[np.str_]:
        """Return a column of the labels as text, shape (N,)."""
        return np.array([row[name] for row in self.labels])


def read_real(folder: str | Path, labels: list[dict[str, str]]) -> Real:
    """Read the spectra of these labels, except unreadable ones and ones without errors.

    Raises
    ------
    InputError
        If a label names a class that is none of the 13, or nothing can be read.
    """
    from huggins.formats import read

    kept, spectra = [], []
    for row in labels:
        try:
            number = int(row.get("index") or 0)
            spectrum = read(Path(folder) / row["path"], index=number or ())[0]
        except ReadError:
            continue
        # Noise measured from the spectrum itself is not the noise of its survey.
        if not spectrum.zwarning & ZWarning.NO_UNCERTAINTY:
            spectra.append(spectrum)
            kept.append(row)
    if not spectra:
        raise InputError(f"{folder}: none of the {len(labels)} labelled spectra can be read")
    return _real(kept, spectra)


def _real(labels: list[dict[str, str]], spectra: list[Spectrum]) -> Real:
    """Rebin labelled spectra."""
    flux, ivar = STANDARD.rebin(spectra)
    allowed = np.stack([allowed_by(row) for row in labels])
    z = np.array([float(row["z"]) if row["z"] else np.nan for row in labels])
    return Real(labels, spectra, flux, ivar, allowed, z)


def allowed_by(row: dict[str, str]) -> NDArray[np.bool_]:
    """Which of the K classes a label leaves open, shape (K,).

    Raises
    ------
    InputError
        If it names none of them.
    """
    name = "NONE" if row["class3"] == SKY else row["class13"]
    if name == "QSO" and row["label_from"] != "visual" and float(row["z"] or 0) > 1.5:
        names = {"QSO", "BAL"}  # a pipeline does not say which
    elif name in ALL_CLASSES:
        names = {name}
    elif name == "" and row["class3"] == "STAR":
        names = {kind for kind, broad in BROAD.items() if broad == "STAR"}
    else:
        raise InputError(
            f"labels.csv: {row['path']} is of class {name!r} ({row['class3']!r}); "
            f"known are {', '.join(ALL_CLASSES)}"
        )
    return np.array([kind in names for kind in ALL_CLASSES])


def noise_bank(real: Real) -> simulate.NoiseBank:
    """Noise of these real spectra, or of 3000 of them, on the standard grid."""
    rows = np.arange(len(real))
    if len(rows) > _NOISY:
        rows = np.sort(np.random.default_rng(0).choice(rows, _NOISY, replace=False))
    surveys, sky = real.column("survey")[rows].tolist(), real.column("class3")[rows] == SKY
    spectra = [real.spectra[i] for i in rows]
    return simulate.NoiseBank.from_spectra(spectra, surveys, sky.tolist(), STANDARD.grid)


def stand_ins() -> Real:
    """Return the spectra whose noise ships with huggins, for training on mocks alone.

    Mocks themselves, of all classes; nothing is learned from them but noise and coverage.
    """
    from huggins.demo.mocks import load

    examples = load()
    labels = [
        {
            "path": example.spectrum.file,
            "survey": "BOSS",
            "object": example.spectrum.file,
            "fold": "",
            "label_from": MOCK,
            "trust": "2",
            "class3": BROAD[example.cls],
            "class13": example.cls,
            "subclass": "",
            "z": f"{example.z or 0.0}",
            "sn": "",
        }
        for example in examples
    ]
    spectra = [example.spectrum for example in examples]
    return _real(labels, spectra)


def as_real(mocks: simulate.Mocks) -> Real:
    """Return mocks as if they were labelled real spectra, without their native pixels."""
    names = [ALL_CLASSES[kind] for kind in mocks.kind]
    labels = [
        {
            "path": f"mock {i}",
            "survey": MOCK,
            "object": f"mock {i}",
            "fold": "",
            "label_from": MOCK,
            "trust": "2",
            "class3": SKY if name == "NONE" else BROAD[name],
            "class13": "" if name == "NONE" else name,
            "subclass": "",
            "z": f"{mocks.z[i]}" if np.isfinite(mocks.z[i]) else "",
            "sn": f"{mocks.sn[i]}",
        }
        for i, name in enumerate(names)
    ]
    allowed = mocks.kind[:, None] == np.arange(len(ALL_CLASSES))
    return Real(labels, [], mocks.flux, mocks.ivar, allowed, np.asarray(mocks.z, np.float64))


class Batches(Dataset[dict[str, torch.Tensor]]):
    """Batch `step` of an experiment, the same whenever it is asked for.

    A batch of N spectra has ``input`` (N, C, G), ``allowed`` (N, K), ``soft`` (N, K) of
    `type_fractions`, and ``redshift`` (N, B), which sums to 1, or to 0 where the redshift is
    unknown or beyond the bins.

    Parameters
    ----------
    config
    real
        Labelled spectra of the training folds.
    ranks
        Where several processes train together each makes its own share of every batch.

    Raises
    ------
    InputError
        If a class that the network tells occurs neither among the mocks nor in `real`.
    """

    def __init__(self, config: Config, real: Real, ranks: Ranks = ALONE) -> None:
        self.config = config
        self.contract = contract_of(config)
        self.real = real
        self.share = (ranks.rank, ranks.world)
        self.chances = _chances(real)
        self.places = np.array([_place(row) for row in real.labels])
        self.odds = config.odds or simulate.ODDS
        require_classes(config, real)
        self.bank = self.templates = None
        if config.data.real_share < 1.0:
            self.bank = noise_bank(real)
            self.templates = simulate.load(config.data.templates)
            # Mocks and real quasars teach redshifts of one frame.
            frame = read_frame(config.data.templates)
            self.real = replace(real, z=in_frame(real.labels, real.spectra, frame))

    def __len__(self) -> int:
        return self.config.steps

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        rank, world = self.share
        seed = [self.config.seed, step] if world == 1 else [self.config.seed, step, rank]
        rng = np.random.default_rng(seed)
        count = self.config.batch // world
        number = int(rng.binomial(count, self.config.data.real_share))
        parts = []
        if self.templates is not None and self.bank is not None:
            mocks = simulate.draw(
                count - number, self.templates, self.bank, rng, odds=self.odds
            )
            known = np.zeros((len(mocks.kind), len(ALL_CLASSES)), bool)
            known[np.arange(len(known)), mocks.kind] = True
            parts.append((mocks.flux, mocks.ivar, known, mocks.z, mocks.place))
        rows = rng.choice(len(self.real), number, p=self.chances)
        parts.append((*_augmented(self.real, rows, self.templates, rng), self.places[rows]))
        flux, ivar, allowed, z, place = (
            np.concatenate(part) for part in zip(*parts, strict=True)
        )
        flux, ivar = on_grid(self.config, flux, ivar)
        return {
            "input": torch.from_numpy(self.contract.tensor(flux, ivar)),
            "allowed": torch.from_numpy(allowed),
            "soft": torch.from_numpy(type_fractions(allowed, place, self.config.type_error)),
            "redshift": torch.from_numpy(redshift_target(z, self.config.redshift_width)),
        }


def require_classes(config: Config, real: Real) -> None:
    """Check that every class occurs in the training data.

    Raises
    ------
    InputError
        Which class, and what to do.
    """
    mocks = {} if config.data.real_share >= 1.0 else config.odds or simulate.ODDS
    seen: NDArray[np.bool_] = np.zeros(len(ALL_CLASSES), bool)
    if config.data.real_share > 0.0:
        seen |= real.allowed.any(axis=0)
    needed = ALL_CLASSES[:-1] if config.network == "seed" else ALL_CLASSES
    missing = [
        name
        for i, name in enumerate(needed)
        if mocks.get(name, 0.0) == 0.0 and not seen[i] and name != "NONE"
    ]
    if missing:
        raise InputError(
            f"no spectrum of class {', '.join(missing)} in the data: the network "
            "could not learn it; add labelled ones, or mocks (real_share below 1, and the "
            "class in [odds])"
        )


def type_fractions(
    allowed: NDArray[np.bool_], place: Array, error: float
) -> NDArray[np.float32]:
    """How a star's label is shared between its type and the next, shape (N, K).

    An F9 of one library is a G0 of another, so its label says F no more than G; an F5 is an F
    to all. The fraction of a letter is the part that a Gaussian around the place has in it.

    Parameters
    ----------
    allowed : ndarray of bool, shape (N, K)
    place : ndarray, shape (N,)
        `huggins.taxonomy.spectral_place`; NaN where unknown.
    error
        Standard deviation of a type between libraries, in letters.

    Returns
    -------
    ndarray
        Rows sum to 1; those of other spectra, and of stars without a place, are 0.
    """
    out = np.zeros(allowed.shape, np.float32)
    if error <= 0.0:
        return out
    letters = [ALL_CLASSES.index(letter) for letter in SEQUENCE]
    known = np.isfinite(place) & (allowed.sum(axis=1) == 1)
    known &= allowed[:, letters].any(axis=1)
    edges = np.arange(len(SEQUENCE) + 1) - place[known, None]
    below = torch.special.ndtr(torch.from_numpy(edges / error)).numpy()
    fraction = np.diff(below, axis=1)
    out[np.ix_(known, letters)] = fraction / fraction.sum(axis=1, keepdims=True)
    return out


def _place(row: dict[str, str]) -> float:
    """Where the type that a label names lies; NaN where its class is no such type."""
    place = spectral_place(row.get("subclass", ""))
    known = np.isfinite(place) and SEQUENCE[int(place)] == row["class13"]
    return place if known else np.nan


def redshift_target(z: Array, width: float) -> NDArray[np.float32]:
    """Gaussian over the redshift bins, shape (N, B); all 0 where z is NaN or out of range."""
    grid = RedshiftGrid()
    with np.errstate(invalid="ignore"):
        place = (np.log1p(z) - grid.start) / grid.step - 0.5
        inside = (place > -0.5) & (place < grid.size - 0.5)
    place = np.where(inside, place, 0.0)
    u = (np.arange(grid.size) - place[:, None]) / width
    target = np.exp(-0.5 * np.minimum(u * u, 60.0)) * inside[:, None]
    total = target.sum(axis=1, keepdims=True)
    return (target / np.where(total > 0, total, 1.0)).astype(np.float32)


def on_grid(
    config: Config, flux: NDArray[np.floating], ivar: NDArray[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Rebin spectra from the standard grid to that of the network."""
    return coarser(flux, ivar) if config.network == "seed" else (flux, ivar)


def coarser(flux: NDArray[np.floating], ivar: NDArray[np.floating]) -> tuple[Array, Array]:
    """Carry spectra from the standard grid to the seed's, inverse variance weighted."""
    old, new = STANDARD.grid.edges, SEED.grid.edges
    fraction = np.minimum(old[1:, None], new[1:]) - np.maximum(old[:-1, None], new[:-1])
    fraction = np.clip(fraction, 0.0, None) / STANDARD.grid.step  # (old, new)
    weight: Array = ivar @ fraction
    total: Array = (np.asarray(flux) * ivar) @ fraction
    good = weight > 0
    mean: Array = np.divide(total, weight, out=np.zeros_like(total), where=good)
    return mean, weight


def _chances(real: Real) -> Array:
    """Probability of drawing each spectrum: a group (survey, class) counts by root N."""
    columns = np.stack([real.column(name) for name in ("survey", "class3", "class13")])
    _, group, count = np.unique(columns, axis=1, return_inverse=True, return_counts=True)
    odds = count[group.ravel()].astype(np.float64) ** -0.5
    odds /= odds.sum()
    return odds


def _augmented(
    real: Real,
    rows: NDArray[np.int64],
    library: simulate.Library | None,
    rng: np.random.Generator,
) -> tuple[Any, Any, NDArray[np.bool_], Array]:
    """Real spectra with their redshift, noise, calibration and coverage varied."""
    count = len(rows)
    flux, ivar = real.flux[rows].astype("f4"), real.ivar[rows].astype("f4")
    allowed, z = real.allowed[rows], real.z[rows]
    size = STANDARD.grid.size
    # Move quasars and galaxies by whole pixels, noise and all: some 0.02 in redshift.
    star = (z < 0.003) | ~np.isfinite(z)
    shift = np.where(star, rng.integers(-1, 2, count), rng.integers(-15, 16, count))
    shift[rng.random(count) < 0.3] = 0
    at = np.arange(size)[None] - shift[:, None]
    inside = (at >= 0) & (at < size)
    at = at.clip(0, size - 1)
    flux = np.take_along_axis(flux, at, axis=1)
    ivar = np.where(inside, np.take_along_axis(ivar, at, axis=1), 0.0)
    z = (1.0 + z) * 10.0 ** (shift * STANDARD.grid.step) - 1.0
    if library is not None:
        flux = flux * _absorbed(allowed, z, library, rng)
    flux = flux * warp(STANDARD.grid, rng, rng.uniform(0.0, 0.15, count))
    # More noise: up to five times the spectrum's own, in half of them.
    more = np.where(rng.random(count) < 0.5, 0.0, 10.0 ** rng.uniform(-1.0, 0.7, count))
    sky = allowed[:, ALL_CLASSES.index("NONE")]
    more[sky] = 0.0
    with np.errstate(divide="ignore"):
        sigma = np.where(ivar > 0, 1.0 / np.sqrt(ivar), 0.0)
    extra = rng.standard_normal(flux.shape, dtype=np.float32)
    flux = flux + extra * sigma * more[:, None]
    ivar = ivar / (1.0 + more[:, None] ** 2)
    ivar *= np.exp(rng.normal(0.0, 0.15, (count, 1)))
    cut = rng.random(count) < 0.12
    high = np.where(cut, rng.uniform(3.78, 4.0, count), 5.0)
    cut = rng.random(count) < 0.06
    low = np.where(cut, rng.uniform(3.56, 3.65, count), 3.0)
    loglam = STANDARD.grid.loglam
    ivar[(loglam > high[:, None]) | (loglam < low[:, None])] = 0.0
    return flux.astype("f4"), ivar.astype("f4"), allowed, z


def _absorbed(
    allowed: NDArray[np.bool_], z: Array, library: simulate.Library, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Put a third of the real quasars with C IV in range behind broad absorption troughs.

    Returns the transmission (N, G) and changes their rows of `allowed` to BAL.
    """
    factor = np.ones((len(z), STANDARD.grid.size), np.float32)
    with np.errstate(invalid="ignore"):
        chosen = allowed[:, ALL_CLASSES.index("QSO")] & (z > 1.6) & (z < 5.0)
    rows = np.flatnonzero(chosen & (rng.random(len(z)) < 0.35))
    log1z = np.log10(1.0 + z[rows])
    factor[rows] = simulate.broad_absorption(log1z, library, STANDARD.grid, rng)
    allowed[rows] = np.array(ALL_CLASSES) == "BAL"
    return factor
