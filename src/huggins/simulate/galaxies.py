"""Mock galaxies: mixed stellar populations, dust, and observed emission-line ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.simulate import effects
from huggins.simulate.templates import choose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.prepare import LogGrid
    from huggins.simulate.templates import Library

    Flux = NDArray[np.float32]
    Array = NDArray[np.float64]

# Vacuum wavelengths (A; NIST). The order is that of the columns of `_ratios`.
_LINES: Final = (
    6564.63, 4862.69, 4341.69, 4102.90, 3971.20, 3890.16,  # Balmer, H alpha first
    3727.09, 3729.88,  # [O II]
    4364.44, 4960.30, 5008.24,  # [O III]
    6549.86, 6585.27,  # [N II]
    6718.29, 6732.68,  # [S II]
    3869.86, 3968.59,  # [Ne III]
    5877.25, 4472.73, 7067.2,  # He I
    6302.05, 6365.54,  # [O I]
    7137.77, 9071.09, 9533.21,  # [Ar III], [S III]
    3426.84, 4687.02,  # [Ne V], He II
    2796.35, 2803.53,  # Mg II
    1906.68, 1908.73,  # C III]
    1549.48, 1640.42, 1215.67,  # C IV, He II, Ly alpha
)  # fmt: skip


def galaxy(
    count: int, library: Library, grid: LogGrid, rng: np.random.Generator
) -> tuple[Flux, Array]:
    """Draw noiseless galaxies without broad lines, z from 0 to 1.6.

    Returns
    -------
    flux : ndarray of float32, shape (N, G)
    z : ndarray, shape (N,)
    """
    # passive, star-forming, strong dwarf or H II, Seyfert 2, LINER, E+A
    kind = choose(rng, (0.3, 0.28, 0.2, 0.12, 0.06, 0.04), count)
    z = _redshifts(kind, rng)
    flux, log1z = stellar(kind, z, library, grid, rng)
    flux += emission(kind, log1z, grid, rng)
    # Some galaxies show weak broad H alpha without being quasars.
    weak = np.flatnonzero((kind >= 3) & (rng.random(count) < 0.3))
    sigma = rng.uniform(800.0, 2500.0, len(weak))
    height = 10.0 ** rng.normal(-1.0, 0.25, len(weak))
    broad = effects.gaussian(grid, log1z[weak], np.full(len(weak), 6564.63), sigma)
    flux[weak] += height.astype(np.float32)[:, None] * broad
    # Foreground dust, mostly little.
    flux *= effects.redden(grid, rng.exponential(0.05, count))
    return flux, 10.0**log1z - 1.0


def _redshifts(kind: NDArray[np.int64], rng: np.random.Generator) -> Array:
    count = len(kind)
    near = rng.gamma(2.0, 0.07, count)
    middle = rng.uniform(0.2, 0.85, count)
    far = rng.uniform(0.7, 1.6, count)
    local = np.abs(rng.normal(0.0, 0.012, count)) + 2e-4
    part = rng.random(count)
    z = np.select([part < 0.5, part < 0.85], [near, middle], far)
    z = np.where((kind == 0) & (z > 1.0), rng.uniform(0.3, 0.9, count), z)
    dwarf = (kind == 2) & (rng.random(count) < 0.4)
    # Where the redshift says nothing, a galaxy must be told from a star by its light alone.
    forming = (kind == 1) & (rng.random(count) < 0.15)
    return np.where(dwarf | forming | (rng.random(count) < 0.05), local, z)


def stellar(
    kind: NDArray[np.int64],
    z: Array,
    library: Library,
    grid: LogGrid,
    rng: np.random.Generator,
) -> tuple[Flux, Array]:
    """Starlight: an old and a young population, each with dust, of median 1.

    Returns flux (N, G) and the exact log10(1 + z) (N,).
    """
    count = len(kind)
    stack = library.galaxies
    log1z = np.log10(1.0 + z)
    old, log1z = stack.sample(rng.choice(library.old, count), log1z, grid)
    other, _ = stack.sample(rng.choice(library.old, count), log1z, grid)
    young, _ = stack.sample(rng.choice(library.young, count), log1z, grid)
    # Share of the light of the young population, by kind.
    low = np.array([0.0, 0.1, 0.5, 0.0, 0.0, 0.2])[kind]
    high = np.array([0.05, 0.9, 1.0, 0.5, 0.2, 0.7])[kind]
    fraction = rng.uniform(low, high).astype(np.float32)[:, None]
    mix = rng.random((count, 1)).astype(np.float32)
    old = mix * old / effects.level(old) + (1.0 - mix) * other / effects.level(other)
    dusty = np.where(kind == 0, 0.05, 0.2)
    curve = effects.redden_rest(grid, rng.exponential(dusty), log1z)
    flux = (1.0 - fraction) * old + fraction * young / effects.level(young)
    flux *= curve
    scaled: Flux = (flux / effects.level(flux)).astype(np.float32)
    return scaled, log1z


def emission(
    kind: NDArray[np.int64], log1z: Array, grid: LogGrid, rng: np.random.Generator
) -> Flux:
    """Emission lines over a continuum of 1, shape (N, G)."""
    # Equivalent width of H alpha in Angstrom, log10: mean and spread by kind.
    mean = np.array([-0.5, 1.3, 2.1, 1.3, 0.5, -0.5])[kind]
    spread = np.array([0.4, 0.4, 0.5, 0.4, 0.3, 0.4])[kind]
    width = 10.0 ** rng.normal(mean, spread).clip(-1.5, 3.3)
    # In the strongest emission the continuum is blue and its level near H alpha below 1.
    area = width[:, None] * _ratios(kind, rng)
    thick = rng.exponential(np.where(kind == 2, 0.08, 0.2))
    lam = np.asarray(_LINES)
    dust = 10.0 ** (-0.4 * 1.39 * thick[:, None] * ((lam / 1e4) ** -1.2 - 0.6564**-1.2))
    narrow = 10.0 ** rng.normal(np.where(kind >= 3, 2.2, 1.9), 0.15)
    sigma = np.sqrt(narrow**2 + 65.0**2)
    return effects.narrow_lines(grid, log1z, _LINES, area * dust, sigma)


def _ratios(kind: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Line fluxes over H alpha, shape (N, K), before dust.

    Star-forming galaxies follow log([O III]/H beta) = 0.61 / (log([N II]/H alpha) + 0.08) + 1.1
    (Kewley et al. 2013, ApJ 774, L10, eq. 3); Seyferts and LINERs lie in their fields of the
    same diagram (Kewley et al. 2006, MNRAS 372, 961). Balmer ratios: case B at 10,000 K
    (Osterbrock and Ferland 2006, table 4.4).
    """
    count = len(kind)

    def scatter(mean: Array | float, dex: float = 0.1) -> Array:
        return 10.0 ** (mean + rng.normal(0.0, dex, count))

    rich = np.where(kind == 2, rng.uniform(-2.3, -0.7, count), rng.uniform(-1.3, -0.25, count))
    star_o3 = 0.61 / (rich + 0.08 - 0.02) + 1.1
    seyfert, liner = kind == 3, kind == 4
    n2 = np.where(seyfert, rng.uniform(-0.4, 0.25, count), rich)
    n2 = np.where(liner, rng.uniform(-0.2, 0.3, count), n2)
    log_o3 = np.where(seyfert, rng.uniform(0.5, 1.15, count), star_o3)
    log_o3 = np.where(liner, rng.uniform(0.0, 0.5, count), log_o3)
    beta = 1.0 / 2.86
    o3 = scatter(log_o3, 0.08) * beta
    n2 = scatter(n2, 0.03)
    active = (seyfert | liner).astype(np.float64)
    o2 = scatter(np.where(kind == 2, 0.15, 0.4), 0.2) * beta
    s2 = scatter(np.where(liner, -0.1, np.clip(-0.5 + 0.3 * (rich + 0.5), -1.3, -0.3)), 0.1)
    ne3 = o3 * scatter(-1.1, 0.15)
    hot = scatter(np.where(kind == 2, -1.8, -2.3), 0.2)
    he1 = scatter(-0.95, 0.08) * beta
    o1 = scatter(np.where(active > 0, -0.8, -1.7), 0.2)
    ar3, s3 = scatter(-1.1, 0.1) * beta, scatter(-0.4, 0.15) * beta
    ne5 = o3 * scatter(-1.1, 0.3) * seyfert
    he2 = scatter(-0.7, 0.2) * beta * (active + 0.1 * (rng.random(count) < 0.3))
    mg2 = scatter(-0.5, 0.3) * beta * (rng.random(count) < 0.5)
    c3 = scatter(-0.2, 0.3) * beta * ((kind == 2) | seyfert) * (rng.random(count) < 0.6)
    c4 = scatter(0.1, 0.4) * beta * seyfert
    alpha = scatter(0.5, 0.4) * beta * seyfert
    doublet = rng.uniform(0.6, 0.75, count)
    sulphur = rng.uniform(0.5, 0.6, count)
    columns = (
        np.ones(count), np.full(count, beta), 0.468 * beta + 0 * o3, 0.259 * beta + 0 * o3,
        0.159 * beta + 0 * o3, 0.105 * beta + 0 * o3,
        (1.0 - doublet * 0.8) * o2, doublet * 0.8 * o2,
        o3 * hot, o3 / 2.98, o3, n2 / 3.05, n2, sulphur * s2, (1.0 - sulphur) * s2,
        ne3, 0.31 * ne3, he1, 0.37 * he1, 0.2 * he1, o1, o1 / 3.0, ar3, s3, 2.5 * s3,
        ne5, he2, mg2, 0.6 * mg2, 0.6 * c3, 0.4 * c3, c4, he2 * 5.0 * seyfert, alpha,
    )  # fmt: skip
    return np.stack(columns, axis=1)
