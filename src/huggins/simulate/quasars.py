"""Mock quasars: redshifted, mixed and modified real ones, with broad absorption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.constants import LN10, SPEED_OF_LIGHT
from huggins.simulate import effects, galaxies
from huggins.simulate.templates import choose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.prepare import LogGrid
    from huggins.simulate.templates import Library

    Flux = NDArray[np.float32]
    Array = NDArray[np.float64]

# Lines whose strength is varied: rest wavelength (A), width (km/s), largest change.
_BROAD: Final = (
    (1215.67, 2500.0, 0.9),
    (1400.0, 3500.0, 0.15),
    (1549.06, 2300.0, 0.6),
    (1908.73, 3500.0, 0.25),
    (2798.75, 2300.0, 0.4),
    (4341.69, 2300.0, 0.12),
    (4862.69, 2200.0, 0.4),
    (6564.63, 2000.0, 1.5),
)
# Troughs by line: rest wavelength, depth relative to C IV (least, most).
_HIGH_IONISATION: Final = (
    (1549.06, 1.0, 1.0),
    (1396.76, 0.2, 1.0),
    (1240.14, 0.4, 1.0),
    (1215.67, 0.0, 0.7),
    (1033.82, 0.3, 1.0),
)
_LOW_IONISATION: Final = ((1857.0, 0.3, 0.9), (2798.75, 0.4, 1.0))
_IRON: Final = ((2380.0, 0.4, 1.0), (2600.0, 0.5, 1.0), (1608.0, 0.2, 0.8), (2750.0, 0.2, 0.8))


def quasar(
    count: int, library: Library, grid: LogGrid, rng: np.random.Generator
) -> tuple[Flux, Array]:
    """Draw noiseless quasars without broad absorption, z from 0.05 to 6.

    Returns
    -------
    flux : ndarray of float32, shape (N, G)
    z : ndarray, shape (N,)
    """
    z = _redshifts(count, library, rng)
    flux, log1z = _intrinsic(z, library, grid, rng)
    flux = _with_host(flux, log1z, library, grid, rng)
    return _observed(flux, log1z, grid, rng, library.forest_from)


def bal_quasar(
    count: int, library: Library, grid: LogGrid, rng: np.random.Generator
) -> tuple[Flux, Array]:
    """Draw noiseless broad-absorption-line quasars, C IV in range: z from 1.5 to 5.4.

    Returns
    -------
    flux : ndarray of float32, shape (N, G)
    z : ndarray, shape (N,)
    """
    near = 1.55 + rng.gamma(2.5, 0.38, count)
    z = np.where(rng.random(count) < 0.75, near, rng.uniform(1.55, 5.3, count)).clip(1.5, 5.4)
    flux, log1z = _intrinsic(z, library, grid, rng, reddening=0.06)
    flux *= broad_absorption(log1z, library, grid, rng)
    return _observed(flux, log1z, grid, rng, library.forest_from)


def _observed(
    flux: Flux, log1z: Array, grid: LogGrid, rng: np.random.Generator, forest_from: float
) -> tuple[Flux, Array]:
    """Add narrow and intergalactic absorption and Milky Way dust; return redshifts too."""
    flux *= _narrow_absorption(log1z, grid, rng)
    flux *= _intergalactic(log1z, grid, rng, forest_from)
    flux *= effects.redden(grid, rng.exponential(0.04, len(log1z)))
    return flux, _systemic(log1z, rng)


def _systemic(log1z: Array, rng: np.random.Generator) -> Array:
    """Redshift (N,) of quasars whose lines are at `log1z` (N,).

    Lines are shifted from the systemic redshift, single ones by 50 (narrow) to 200 km/s (Shen
    et al. 2016, ApJ 831, 7, table 3: [O II] 46, Mg II 205). Survey redshifts, from all lines,
    scatter about fits to real quasars of the training folds by about 50 km/s (pipeline) and 200
    km/s (visual inspection). Adopted: 40 km/s with narrow lines in range, below z = 0.9, and 70
    km/s beyond; Z_ERR must include this scatter.
    """
    z = 10.0**log1z - 1.0
    spread = np.where(z < 0.9, 40.0, 70.0) / SPEED_OF_LIGHT
    result: Array = (1.0 + z) * np.exp(spread * rng.standard_normal(len(z))) - 1.0
    return result


def broad_absorption(
    log1z: Array,
    library: Library,
    grid: LogGrid,
    rng: np.random.Generator,
    *,
    parametric: float = 0.5,
) -> Flux:
    """Draw transmissions (N, G) of broad absorption; `parametric`: fraction from formulas."""
    if not library.troughs.count:
        return _parametric_troughs(log1z, grid, rng)
    factor = np.empty((len(log1z), grid.size), np.float32)
    free = rng.random(len(log1z)) < parametric
    factor[~free] = _real_troughs(log1z[~free], library, grid, rng)
    factor[free] = _parametric_troughs(log1z[free], grid, rng)
    return factor


def _redshifts(count: int, library: Library, rng: np.random.Generator) -> Array:
    """Half drawn from BOSS and SDSS-I, half uniform in ln(1 + z), some at z < 1."""
    real = rng.choice(library.quasar_z, count) * np.exp(rng.normal(0.0, 0.01, count))
    flat = np.expm1(rng.uniform(np.log(1.05), np.log(7.0), count))
    low = rng.uniform(0.05, 0.9, count)
    part = rng.random(count)
    return np.select([part < 0.45, part < 0.85], [real, flat], low).clip(0.03, 6.1)


def _intrinsic(
    z: Array,
    library: Library,
    grid: LogGrid,
    rng: np.random.Generator,
    reddening: float = 0.02,
) -> tuple[Flux, Array]:
    """Continuum and broad lines with the mean forest, median 1, and the exact log10(1 + z)."""
    count = len(z)
    flux, log1z = _from_coefficients(z, library, grid, rng)
    for _ in range(2):  # some mixtures come out negative: draw those again
        wrong = np.flatnonzero(_negative(flux, log1z, grid))
        if len(wrong):
            flux[wrong], log1z[wrong] = _from_coefficients(z[wrong], library, grid, rng)
    whole = np.flatnonzero((rng.random(count) < 0.12) | _negative(flux, log1z, grid))
    rows = rng.integers(0, library.archetypes.count, len(whole))
    flux[whole], log1z[whole] = whole_quasars(rows, log1z[whole], library, grid)
    np.maximum(flux, 0.0, out=flux)
    flux /= effects.level(flux)
    tilt = rng.normal(0.0, 0.5, count).astype(np.float32)[:, None]
    flux *= np.exp(tilt * (LN10 * (grid.loglam - grid.loglam.mean())).astype("f4"))
    for wavelength, width, change in _BROAD:
        changed = np.flatnonzero(
            (rng.random(count) < 0.5)
            & (log1z + np.log10(wavelength) > grid.start - 0.02)
            & (log1z + np.log10(wavelength) < grid.loglam[-1] + 0.02)
        )
        sigma = width * 10.0 ** rng.normal(0.0, 0.2, len(changed)) / 1.5
        height = rng.uniform(-0.4, 1.0, len(changed)) * change
        line = effects.gaussian(grid, log1z[changed], np.full(len(changed), wavelength), sigma)
        flux[changed] *= 1.0 + height[:, None].astype(np.float32) * line
    # Some are all continuum: lines weakened by the light of a jet, or weak of themselves.
    weak = np.flatnonzero(rng.random(count) < 0.1)
    slope = rng.uniform(-2.2, 0.3, (len(weak), 1))
    jet = np.exp(slope * LN10 * (grid.loglam - grid.loglam.mean())).astype("f4")
    part = rng.uniform(0.3, 0.75, (len(weak), 1)).astype(np.float32)
    flux[weak] = (1.0 - part) * flux[weak] / effects.level(flux[weak]) + part * jet
    dust = np.where(rng.random(count) < 0.1, 0.2, reddening)
    flux *= effects.redden_rest(grid, rng.exponential(dust).clip(0.0, 0.8), log1z)
    return flux / effects.level(flux), log1z


def _negative(flux: Flux, log1z: Array, grid: LogGrid) -> NDArray[np.bool_]:
    """Whether flux redward of the Lyman-alpha line falls below 0.03 of its median, (N,)."""
    red = grid.loglam[None] - log1z[:, None] > np.log10(1220.0)
    low = red & (flux < 0.03)
    negative: NDArray[np.bool_] = low.any(axis=1)
    return negative


def _from_coefficients(
    z: Array, library: Library, grid: LogGrid, rng: np.random.Generator
) -> tuple[Flux, Array]:
    """Mix two real quasars near each redshift."""
    count, known = len(z), library.quasar_z
    # Neighbours within some 0.03 in ln(1 + z) where there are enough, else the nearest thirty.
    centre = np.searchsorted(known, z)
    low = np.searchsorted(known, (1.0 + z) * 0.97 - 1.0)
    high = np.searchsorted(known, (1.0 + z) * 1.03 - 1.0)
    low = np.minimum(low, centre - 15).clip(0, len(known) - 30)
    high = np.maximum(np.maximum(high, centre + 15), low + 30).clip(30, len(known))
    first = (low + rng.random(count) * (high - low)).astype(np.int64)
    second = (low + rng.random(count) * (high - low)).astype(np.int64)
    fraction = np.where(rng.random(count) < 0.4, 0.0, rng.uniform(0.0, 0.5, count))[:, None]
    coefficients = (1.0 - fraction) * library.quasar_coefficients[first]
    coefficients = coefficients + fraction * library.quasar_coefficients[second]
    # Lines lie where those of the two quasars do on average, the redshift in the frame.
    offset = library.quasar_offsets[first]
    offset = offset + fraction[:, 0] * (library.quasar_offsets[second] - offset)
    log1z = np.log10(1.0 + z) - offset
    flux = np.zeros((count, grid.size), np.float32)
    for row in range(library.quasar_vectors.count):
        vector, exact = library.quasar_vectors.sample(
            np.full(count, row, dtype=np.int64), log1z, grid
        )
        flux += coefficients[:, row, None].astype(np.float32) * vector
    return flux / effects.level(flux), exact + offset


def whole_quasars(
    rows: NDArray[np.int64], log1z: Array, library: Library, grid: LogGrid
) -> tuple[Flux, Array]:
    """Archetypes `rows` (N,) near log10(1 + z) (N,): flux (N, G), exact log10(1 + z)."""
    offset = library.archetype_offsets[rows]
    flux, exact = library.archetypes.sample(rows, log1z - offset, grid)
    return flux, exact + offset


def _with_host(
    flux: Flux, log1z: Array, library: Library, grid: LogGrid, rng: np.random.Generator
) -> Flux:
    """Add the host's starlight below z = 0.8 and narrow lines below z = 1.2."""
    z = 10.0**log1z - 1.0
    near = np.flatnonzero((z < 0.8) & (rng.random(len(z)) < 0.55))
    if len(near):
        kind = choose(rng, (0.5, 0.35, 0.0, 0.0, 0.0, 0.15), len(near))
        host, _ = galaxies.stellar(kind, z[near], library, grid, rng)
        fraction = rng.beta(1.2, 2.2, len(near)).clip(0.0, 0.75) * (1.0 - 0.6 * z[near])
        part = fraction.astype(np.float32)[:, None]
        flux[near] = (1.0 - part) * flux[near] + part * host
    lines = np.flatnonzero((z < 1.2) & (rng.random(len(z)) < 0.6))
    if len(lines):
        kind = choose(rng, (0.0, 0.12, 0.08, 0.8, 0.0, 0.0), len(lines))
        strength = 10.0 ** rng.normal(-0.7, 0.4, len(lines)).astype(np.float32)
        narrow = galaxies.emission(kind, log1z[lines], grid, rng)
        flux[lines] += strength[:, None] * narrow
    return flux


def _intergalactic(
    log1z: Array, grid: LogGrid, rng: np.random.Generator, forest_from: float
) -> Flux:
    """Forest, Lyman-limit and damped absorbers; `forest_from` as in `Library`."""
    count = len(log1z)
    factor = np.ones((count, grid.size), np.float32)
    z = 10.0**log1z - 1.0
    far = np.flatnonzero(z > 1.85)
    if len(far):
        factor[far] = effects.forest(grid, log1z[far], rng)
    high = np.flatnonzero(z > max(forest_from, 1.85))
    if len(high):
        factor[high] *= effects.opaque(grid, log1z[high], forest_from)
    # One damped absorber in six sight lines; Lyman limits in most from z = 3 on.
    some = np.flatnonzero((z > 2.0) & (rng.random(count) < 0.17))
    if len(some):
        absorber = log1z[some] - rng.uniform(0.0, 0.07, len(some))
        factor[some] *= effects.damped(grid, absorber, rng.uniform(20.2, 21.6, len(some)))
    some = np.flatnonzero((z > 2.7) & (rng.random(count) < 0.6))
    if len(some):
        absorber = log1z[some] - rng.exponential(0.04, len(some))
        depth = 10.0 ** rng.uniform(-0.5, 1.2, len(some))
        factor[some] *= effects.lyman_limit(grid, absorber, depth)
    return factor


def _narrow_absorption(log1z: Array, grid: LogGrid, rng: np.random.Generator) -> Flux:
    """Associated and intervening C IV and Mg II doublets and mini-BALs of non-BAL quasars.

    Some are saturated: a BAL is defined by its width, above 2000 km/s, not its depth.
    """
    count = len(log1z)
    factor = np.ones((count, grid.size), np.float32)
    carbon, magnesium = (1548.2, 1550.8), (2796.4, 2803.5)
    for pair, odds in ((carbon, 0.25), (carbon, 0.1), (magnesium, 0.15)):
        some = np.flatnonzero(rng.random(count) < odds)
        if not len(some):
            continue
        shift = np.where(rng.random(len(some)) < 0.5, 0.0, rng.exponential(0.04, len(some)))
        shift -= rng.normal(0.0, 1200.0, len(some)) / SPEED_OF_LIGHT / LN10
        sigma = rng.uniform(120.0, 260.0, len(some))
        depth = rng.uniform(0.1, 1.0, len(some)).astype(np.float32)
        for line in pair:
            profile = effects.gaussian(
                grid, log1z[some] - shift, np.full(len(some), line), sigma
            )
            factor[some] *= 1.0 - depth[:, None] * profile
    some = np.flatnonzero(rng.random(count) < 0.07)
    if len(some):
        slow = rng.uniform(-500.0, 6000.0, len(some)) + rng.exponential(5000.0, len(some))
        fast = slow + rng.uniform(500.0, 1500.0, len(some))
        deep = rng.uniform(0.2, 0.95, len(some))
        factor[some] *= effects.trough(grid, log1z[some], 1549.06, fast, slow, deep)
    return factor


def _real_troughs(
    log1z: Array, library: Library, grid: LogGrid, rng: np.random.Generator
) -> Flux:
    """Measured transmissions, shifted by up to some 3000 km/s, with modified depth."""
    count = len(log1z)
    rows = rng.integers(0, library.troughs.count, count)
    move = rng.normal(0.0, 1500.0, count) / SPEED_OF_LIGHT / LN10
    absorption, _ = library.troughs.sample(rows, log1z + move, grid)
    strength = rng.uniform(0.85, 1.5, count).astype(np.float32)[:, None]
    # Strength as a power of the transmission: saturated troughs stay saturated.
    factor: Flux = np.clip(1.0 - absorption, 0.02, 1.15) ** strength
    low = np.flatnonzero(rng.random(count) < 0.1)
    if len(low):
        factor[low] *= _parametric_troughs(log1z[low], grid, rng)
    return factor


def _parametric_troughs(log1z: Array, grid: LogGrid, rng: np.random.Generator) -> Flux:
    """One to three troughs in every line of the ionisation of the outflow."""
    count = len(log1z)
    factor = np.ones((count, grid.size), np.float32)
    low_ionisation = rng.random(count) < 0.2
    iron = low_ionisation & (rng.random(count) < 0.25)
    for component in range(3):
        active = np.ones(count, bool) if component == 0 else rng.random(count) < 0.35
        # A trough counts from 3000 km/s outwards, wider than 2000 km/s and deeper than 0.1.
        slow = rng.uniform(500.0, 3500.0, count) + rng.exponential(4000.0, count).clip(0, 16e3)
        wide = rng.uniform(2000.0, 4500.0, count) + rng.exponential(3000.0, count).clip(0, 9e3)
        wide += np.maximum(3000.0 - slow, 0.0)
        fast = np.minimum(slow + wide, 25500.0)
        depth = np.where(active, rng.uniform(0.25, 0.97, count), 0.0)
        for lines, where in (
            (_HIGH_IONISATION, None),
            (_LOW_IONISATION, low_ionisation),
            (_IRON, iron),
        ):
            of = np.flatnonzero(active if where is None else active & where)
            if not len(of):
                continue
            for wavelength, least, most in lines:
                relative = rng.uniform(least, most, len(of))
                factor[of] *= effects.trough(
                    grid, log1z[of], wavelength, fast[of], slow[of], depth[of] * relative
                )
    return factor
