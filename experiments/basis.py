"""Learn the rest-frame basis of the redshift fit.

``python -m experiments.basis DATA -o basis.npz`` learns it from mocks without noise, from
templates and from the real spectra of the training folds. docs/decisions/0021-redshift-fit.md
says why each class has the basis it has and how its size was chosen.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from experiments.lowrank import blur, factorise
from huggins import simulate
from huggins.errors import HugginsError
from huggins.forest import in_forest
from huggins.prepare import LogGrid
from huggins.redshift.basis import STEP, Archetypes, Basis, Components
from huggins.redshift.frames import SIZE, START, to_native
from huggins.simulate import effects, galaxies, quasar_frame
from huggins.simulate.quasars import whole_quasars
from huggins.simulate.templates import complete, held_back
from huggins.taxonomy import INDEX
from huggins.train.quasar_labels import in_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.simulate.quasar_frame import QuasarFrame
    from huggins.simulate.templates import Library
    from huggins.spectrum import Spectrum

    Flux = NDArray[np.float32]
    Array = NDArray[np.float64]

#: Rest-frame ranges, as pixel indices, and redshifts of the linear bases.
QUASAR: Final = (26400, 40360)  # 437 to 10863 A
QUASAR_Z: Final = (-0.002, 7.0)
GALAXY: Final = (31100, 40360)  # 1288 to 10863 A
GALAXY_Z: Final = (-0.005, 1.7)
#: Quasars without noise that a basis is learned from.
MOCKS: Final = 3000
#: Largest radial velocity of a star that is searched, km/s.
VELOCITY: Final = 1500.0

# A real spectrum's pixel of this S/N or more counts as much as a noiseless one.
_CERTAIN = 15.0
# Largest error, km/s, with which a real quasar is brought to the frame, a tenth of the width of
# its lines: one that is moved by more blurs what is learned of them.
_PLACED = 100.0
# Weight of a real spectrum.
_REAL = 8.0

#: Emission lines of galaxies: those that vary together, as (vacuum A, relative flux). Balmer
#: decrement of case B (Osterbrock and Ferland 2006, table 4.4), H alpha once more alone for
#: dust; [O III] 2.98 to 1 and [N II] 3.05 to 1 (Storey and Zeippen 2000, MNRAS 312, 813).
LINES: Final = (
    ((6564.63, 2.86), (4862.69, 1.0), (4341.69, 0.468), (4102.90, 0.259), (3971.20, 0.159)),
    ((6564.63, 1.0),),
    ((3727.09, 0.43), (3729.88, 0.57)),
    ((5008.24, 1.0), (4960.30, 0.336), (3869.86, 0.09)),
    ((6585.27, 1.0), (6549.86, 0.328), (6718.29, 0.33), (6732.68, 0.27)),
)
# Width of these lines, pixels: 140 km/s, galaxy and spectrograph together.
_LINE_SIGMA = 2.0
# Spread of their height over the continuum.
_LINE_SPREAD = 2.0

#: Archetypes per class. Cool stars differ most.
QUOTA: Final = {
    "O": 4, "B": 6, "A": 8, "F": 10, "G": 9, "K": 10, "M": 11, "L": 4, "WD": 9, "C": 2,
}  # fmt: skip
# Sources whose rest frame is good to some 10 km/s, found by fitting each with the others, and
# the classes for which they are used (None: all).
_SOURCES: Final[dict[str, tuple[str, ...] | None]] = {
    "idlspec2d": None,
    "pyhammer": None,
    "calspec": ("O", "WD"),
    "sdss-cc": ("WD", "C"),
}
# Carbon stars came with their own radial velocities: pixels by which to move them to the red
# to agree with the BOSS pipeline's template, whose zero point its redshifts have.
_MOVED: Final = {"C_1": 3.0, "C_3": -2.0}


def to_rest(flux: Array, ivar: Array, log1z: Array, span: tuple[int, int]) -> tuple[Flux, Flux]:
    """Move spectra on the native grid to rest, brightness 1, weights at most 1.

    Parameters
    ----------
    flux, ivar : ndarray, shape (N, SIZE)
    log1z : ndarray, shape (N,)
        log10(1 + z).
    span
        First and last pixel (exclusive) of the rest frame, of R pixels.

    Returns
    -------
    flux, weight : ndarray, shape (N, R)
    """
    out = np.zeros((len(flux), span[1] - span[0]), np.float32)
    weight = np.zeros_like(out)
    for row, (f, w, shift) in enumerate(zip(flux, ivar, np.rint(log1z / STEP), strict=True)):
        first = START - int(shift) - span[0]
        inside = slice(max(0, -first), min(SIZE, span[1] - span[0] - first))
        at = slice(first + inside.start, first + inside.stop)
        level = np.sqrt((w * f**2).sum() / max(w.sum(), 1e-300))
        if not level > 0:
            continue
        certain = w[inside] * level**2 / _CERTAIN**2
        out[row, at] = f[inside] / level
        weight[row, at] = certain / (1.0 + certain)
    return out, weight


def quasar_basis(
    library: Library, real: tuple[Array, Array, Array], count: int, rng: np.random.Generator,
    *, mocks: int = MOCKS,
) -> Components:  # fmt: skip
    """Mean quasar and its principal variations; `real` is flux, ivar and log10(1 + z)."""
    flux, log1z = _quasars(library, mocks, rng)
    # Without noise all pixels have equal weight.
    ivar = np.full_like(flux, 1e4) / np.mean(flux**2, axis=1, keepdims=True)
    x, w = to_rest(flux, ivar, log1z, QUASAR)
    more, weight = to_rest(*real, QUASAR)
    x, w = np.concatenate([x, more]), np.concatenate([w, _REAL * weight])
    # Relative to a smooth mean, so that the blue does not outweigh the red.
    mean = (x * w).sum(axis=0) / np.maximum(w.sum(axis=0), 1e-9)
    scale = blur(mean[None], 300.0)[0]
    scale = scale.clip(0.05 * float(scale.max()), None)
    vectors, spread = factorise(x / scale, w, count, rng, smooth=1.5)
    return Components(QUASAR[0], vectors * scale, spread, (), *QUASAR_Z, forest=True)


def _quasars(library: Library, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Noiseless quasars as observed, (N, SIZE), and their log10(1 + z).

    Real coefficients, half of them drawn evenly in redshift, with host light and the Lyman
    limits of the far ones, in the frame of huggins.simulate.quasar_frame. Unlike those of
    huggins.simulate they have no absorption of their own, which would move the lines' centres;
    the mean forest, which the eigenspectra hold, is divided out.
    """
    grid = LogGrid((START - 0.5) * STEP, STEP, SIZE)
    known = library.quasar_z
    even = np.expm1(rng.uniform(np.log(1.05), np.log(7.0), count))
    z = np.where(rng.random(count) < 0.5, rng.choice(known, count), even)
    row = (np.searchsorted(known, z) + rng.integers(-10, 11, count)).clip(0, len(known) - 1)
    flux = np.zeros((count, SIZE))
    log1z, offset = np.log10(1.0 + z), library.quasar_offsets[row]
    for k in range(library.quasar_coefficients.shape[1]):
        vector, exact = library.quasar_vectors.sample(np.full(count, k), log1z - offset, grid)
        flux += library.quasar_coefficients[row, k, None] * vector
    exact = exact + offset
    whole = np.flatnonzero(rng.random(count) < 0.15)
    some = rng.integers(0, library.archetypes.count, len(whole))
    flux[whole], exact[whole] = whole_quasars(some, log1z[whole], library, grid)
    rest = grid.loglam - exact[:, None]
    flux /= np.median(np.abs(flux), axis=1, keepdims=True)
    # Mixtures at the edges of the known redshifts come out negative.
    sound = ((flux > 0.03) | (rest < np.log10(1220.0))).all(axis=1)
    flux, rest, exact = flux[sound], rest[sound], exact[sound]
    near = np.flatnonzero((10.0**exact < 1.8) & (rng.random(len(exact)) < 0.55))
    kind = rng.choice([0, 1, 5], len(near), p=[0.5, 0.35, 0.15])
    host, _ = galaxies.stellar(kind, 10.0 ** exact[near] - 1.0, library, grid, rng)
    share = rng.beta(1.2, 2.2, (len(near), 1)).clip(0.0, 0.75)
    flux[near] = (1.0 - share) * flux[near] + share * host
    far = np.flatnonzero(10.0**exact > 4.6)
    flux[far] *= effects.opaque(grid, exact[far], library.forest_from)
    flux /= in_forest(grid.loglam, exact)
    # Below the Lyman limit little light arrives.
    left = rng.random((len(exact), 1)) ** 1.5
    flux *= np.where(rest < np.log10(905.0), left, 1.0)
    return flux, exact


def galaxy_basis(
    library: Library, count: int, rng: np.random.Generator, *, mocks: int = MOCKS // 2
) -> Components:
    """Stellar light of galaxies in `count` vectors, and emission lines."""
    grid = LogGrid((START - 0.5) * STEP, STEP, SIZE)
    kind = rng.choice(5, mocks, p=[0.35, 0.35, 0.15, 0.1, 0.05])
    z = np.where(
        rng.random(mocks) < 0.6, rng.uniform(0.0, 0.8, mocks), rng.uniform(0, 1.7, mocks)
    )
    flux, log1z = galaxies.stellar(kind, z, library, grid, rng)
    broadened = np.concatenate(
        [
            blur(part, s)
            for part, s in zip(np.array_split(flux, 3), (0.5, 1.8, 3.2), strict=True)
        ]
    ).astype(np.float64)
    ivar = np.full_like(broadened, 1e4) / np.mean(broadened**2, axis=1, keepdims=True)
    x, w = to_rest(broadened, ivar, log1z, GALAXY)
    mean = (x * w).sum(axis=0) / np.maximum(w.sum(axis=0), 1e-9)
    scale = blur(mean[None], 300.0)[0]
    scale = scale.clip(0.1 * float(scale.max()), None)
    vectors, spread = factorise(x / scale, w, count, rng)
    lines = _line_vectors(GALAXY)
    return Components(
        GALAXY[0],
        np.concatenate([vectors * scale, lines]),
        np.concatenate([spread, np.full(len(lines), _LINE_SPREAD)]),
        tuple(range(count, count + len(lines))),
        *GALAXY_Z,
    )


def _line_vectors(span: tuple[int, int]) -> Flux:
    """Return groups of Gaussian lines, the highest of each group 1, shape (G, R)."""
    pixel = np.arange(*span)
    rows = []
    for group in LINES:
        row = np.zeros(len(pixel))
        for wavelength, flux in group:
            # The width is constant in velocity, so the height goes as flux over wavelength.
            centre = np.log10(wavelength) / STEP
            row += flux / wavelength * np.exp(-0.5 * ((pixel - centre) / _LINE_SIGMA) ** 2)
        rows.append(row / row.max())
    return np.array(rows, np.float32)


def star_archetypes(folder: Path, *, test: bool = False) -> Archetypes:
    """Few templates that represent all, chosen for each class.

    Of each class as many as `QUOTA` says, one after another the one that most reduces the
    mean distance of all templates of the class to the nearest chosen one.
    """
    import h5py

    with h5py.File(folder / "stars.h5") as file:
        start = round(float(file.attrs["COEFF0"]) / STEP)
        flux = file["flux"][:].astype(np.float64)
        name, kind, source, sub = (
            [value.decode() for value in file[key][:]]
            for key in ("name", "class", "source", "subclass")
        )
    flux /= np.nanmean(flux, axis=1, keepdims=True)
    chosen: list[int] = []
    whole = np.zeros_like(flux)
    for cls, quota in QUOTA.items():
        donors = flux[[i for i, s in enumerate(source) if kind[i] == cls and s == "idlspec2d"]]
        rows = [
            i
            for i, s in enumerate(source)
            if kind[i] == cls
            and s in _SOURCES
            and cls in (_SOURCES[s] or QUOTA)
            and held_back(name[i], cls) == test
        ]
        for i in rows:
            whole[i] = complete(flux[i], donors)
            pixel = np.arange(flux.shape[1])
            whole[i] = np.interp(pixel - _MOVED.get(name[i], 0.0), pixel, whole[i])
        chosen += [rows[k] for k in _spread_out(whole[rows], quota)]
    vectors = whole[chosen] / whole[chosen].mean(axis=1, keepdims=True)
    return Archetypes(
        start,
        vectors.astype(np.float32),
        np.array([INDEX[kind[i]] for i in chosen]),
        tuple(f"{source[i]} {sub[i]}" for i in chosen),
        VELOCITY,
    )


def _spread_out(flux: Array, quota: int) -> list[int]:
    """Rows that represent all rows, at most `quota`; see `star_archetypes`."""
    first = START - 35000
    binned = flux[:, first : first + 4800].reshape(len(flux), -1, 3).mean(axis=2)
    poly = np.polynomial.legendre.legvander(np.linspace(-1.0, 1.0, binned.shape[1]), 3)
    distance = np.zeros((len(flux), len(flux)))
    for a, target in enumerate(binned):
        scale = 1.0 / np.maximum(np.abs(target), 0.05 * target.mean())
        for b, other in enumerate(binned):
            matrix = poly * (other * scale)[:, None]
            found = np.linalg.lstsq(matrix, target * scale, rcond=None)[0]
            distance[a, b] = np.sqrt(np.mean((matrix @ found - target * scale) ** 2))
    chosen: list[int] = []
    nearest = np.full(len(flux), np.inf)
    for _ in range(min(quota, len(flux))):
        total = np.minimum(nearest[:, None], distance).sum(axis=0)
        total[chosen] = np.inf
        chosen.append(int(total.argmin()))
        nearest = np.minimum(nearest, distance[:, chosen[-1]])
    return chosen


def real_quasars(
    labels: Sequence[dict[str, str]], spectra: Sequence[Spectrum], frame: QuasarFrame
) -> tuple[Array, Array, Array]:
    """Flux, ivar and log10(1 + z) of the trusted quasars without broad absorption.

    In the frame, and without the mean forest; those that cannot be brought there are left out.
    """
    some = [
        i
        for i, row in enumerate(labels)
        if row["class3"] == "QSO" and int(row["trust"]) >= 2 and row["class13"] != "BAL"
    ]
    z = in_frame([labels[i] for i in some], [spectra[i] for i in some], frame, certain=_PLACED)
    frames = to_native([spectra[i] for i in some])
    # Sub-pixel offsets belong to the grid, not to the redshift.
    log1z = np.log10(1.0 + z) - frames.offset * STEP
    known = np.isfinite(log1z)
    flux, ivar, log1z = frames.flux[known], frames.ivar[known], log1z[known]
    passed = in_forest((START + np.arange(SIZE)) * STEP, log1z)
    return flux / passed, ivar * passed**2, log1z


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.basis", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of spectra/ and templates/")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--folds", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--quasar", type=int, default=6, help="vectors of quasars")
    parser.add_argument("--galaxy", type=int, default=5, help="vectors of starlight")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mocks", type=int, default=MOCKS, help="of quasars")
    given = parser.parse_args(argv)
    try:
        basis = learn(
            given.data, given.folds, given.quasar, given.galaxy, given.seed, mocks=given.mocks
        )
    except HugginsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    basis.save(given.output)
    sys.stdout.write(f"{given.output}: {given.output.stat().st_size / 1e6:.2f} MB\n")
    return 0


def learn(
    data: Path,
    folds: Sequence[int],
    quasar: int,
    galaxy: int,
    seed: int,
    rule: Any = None,
    *,
    mocks: int = MOCKS,
) -> Basis:
    """Learn everything but the decision parameters, which are fitted with the basis.

    `mocks` is the number of quasars without noise; of galaxies there are half as many.
    """
    from huggins.train.data import read_real
    from huggins.train.labelled import read_labels
    from huggins.train.quasar_labels import read_frame

    rng = np.random.default_rng(seed)
    library = simulate.load(data / "templates")
    real = read_real(data / "spectra", read_labels(data / "spectra", folds, trust=2))
    made = {
        "command": "python -m experiments.basis",
        "folds": list(folds),
        "quasar": quasar,
        "galaxy": galaxy,
        "seed": seed,
        "mocks": mocks,
        "frame": quasar_frame.NAME,
    }
    known = real_quasars(real.labels, real.spectra, read_frame(data / "templates"))
    return Basis(
        quasar_basis(library, known, quasar, rng, mocks=mocks),
        galaxy_basis(library, galaxy, rng, mocks=mocks // 2),
        star_archetypes(data / "templates"),
        rule or {},
        made,
    )


if __name__ == "__main__":
    sys.exit(main())
