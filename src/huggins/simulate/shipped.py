"""Templates that ship with huggins: those of its redshift fit, in place of libraries.

They are fewer and smoother than the public libraries: some seventy stars, and linear bases of
quasars and galaxies, of which whole spectra are drawn at random. Enough to keep a network from
forgetting a class while it is fine-tuned, not to train a good one from nothing
(docs/how-to/train.md has the measured difference).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.redshift.basis import STEP, load_basis
from huggins.taxonomy import CLASSES, spectral_place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.redshift.basis import Components

    Array = NDArray[np.float64]

#: Quasars and galaxies that are drawn of the bases.
_QUASARS: Final = 3000
_GALAXIES: Final = 90
# One in so many stars of a class is held back for tests, where there are that many.
_HELD_BACK: Final = 4
# Spread of the random coefficients, relative to that of real objects: the sum of independent
# ones would otherwise leave the range of real spectra.
_NARROWER: Final = 0.7


def stars(*, test: bool = False) -> tuple[dict[str, Array], dict[str, Array], float]:
    """Stars of the redshift basis by class.

    Returns
    -------
    flux : dict of str to ndarray, shape (n, L)
    places : dict of str to ndarray, shape (n,)
        As `huggins.taxonomy.spectral_place`; NaN where unknown.
    start
        log10 of the first vacuum wavelength (A); the step is 1e-4.
    """
    basis = load_basis().star
    flux: dict[str, Array] = {}
    places: dict[str, Array] = {}
    for index in sorted(set(basis.classes.tolist()) - {-1}):
        rows = np.flatnonzero(basis.classes == index)
        if len(rows) >= _HELD_BACK:
            held = np.arange(len(rows)) % _HELD_BACK == _HELD_BACK - 1
            rows = rows[held == test]
        name = CLASSES[index]
        flux[name] = np.nan_to_num(basis.vectors[rows].astype(np.float64))
        # Names are of source and subclass.
        words = [basis.names[row].replace("/", " ").split() for row in rows]
        known = [[p for p in map(spectral_place, w) if np.isfinite(p)] for w in words]
        places[name] = np.array([p[-1] if p else np.nan for p in known])
    return flux, places, basis.start * STEP


def quasars(*, test: bool = False) -> tuple[Array, Array, Array, float]:
    """Linear basis of quasars, and coefficients and redshifts of made-up ones.

    Returns
    -------
    vectors : ndarray, shape (K, L)
    coefficients : ndarray, shape (Q, K)
        Of norm 1.
    z : ndarray, shape (Q,)
        Rising, even in ln(1 + z) between 0.05 and 6.
    start
        As of `stars`.
    """
    basis = load_basis().quasar
    rng = np.random.default_rng([2, test])
    coefficients = _coefficients(basis, _QUASARS, rng)
    coefficients /= np.sqrt(np.square(coefficients).sum(axis=1, keepdims=True))
    z = np.expm1(np.sort(rng.uniform(np.log(1.05), np.log(7.0), _QUASARS)))
    return basis.vectors.astype(np.float64), coefficients, z, basis.start * STEP


def whole_quasars(*, test: bool = False) -> tuple[Array, float]:
    """Return a few whole quasars (n, L), positive everywhere, and their start."""
    return _whole(load_basis().quasar, 24, np.random.default_rng([3, test]))


def galaxies(
    *, test: bool = False
) -> tuple[Array, NDArray[np.int64], NDArray[np.int64], float]:
    """Starlight of galaxies (n, L); which rows are young and which old; start."""
    basis = load_basis().galaxy
    flux, start = _whole(basis, _GALAXIES, np.random.default_rng([4, test]))
    loglam = start + STEP * np.arange(flux.shape[1])
    below, above = (
        flux[:, (loglam > np.log10(low)) & (loglam < np.log10(high))].mean(axis=1)
        for low, high in ((3850.0, 3950.0), (4000.0, 4100.0))
    )
    order = np.argsort(above / below)  # by the break at 4000 A, which grows with age
    third = len(order) // 3
    return flux, order[:third], order[third:], start


def _coefficients(basis: Components, count: int, rng: np.random.Generator) -> Array:
    """Draw coefficients (count, K), the first 1, those of pure emission lines 0."""
    spread = _NARROWER * basis.spread
    result: Array = spread * rng.standard_normal((count, len(spread)))
    result[:, 0] = 1.0
    result[:, list(basis.lines)] = 0.0
    return result


def _whole(basis: Components, count: int, rng: np.random.Generator) -> tuple[Array, float]:
    """Draw spectra (count, L) that are positive where the mean is; narrower where they fail."""
    mean = basis.vectors[0].astype(np.float64)
    floor = 0.02 * np.median(mean[mean > 0])
    rows: list[Array] = []
    for attempt in range(50 * count):
        coefficients = _coefficients(basis, 1, rng)[0]
        coefficients[1:] *= 0.98 ** (attempt / 10)
        flux = coefficients @ basis.vectors.astype(np.float64)
        if (flux[mean > floor] > 0.2 * floor).all():
            rows.append(np.maximum(flux, 0.0))
        if len(rows) == count:
            break
    rows += [np.maximum(mean, 0.0)] * (count - len(rows))
    return np.stack(rows), basis.start * STEP
