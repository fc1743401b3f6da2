"""Mock stars: mixtures of templates, and models of classes with few templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.constants import LN10, SPEED_OF_LIGHT
from huggins.simulate import effects
from huggins.simulate.templates import choose

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from huggins.prepare import LogGrid
    from huggins.simulate.templates import Library

    Flux = NDArray[np.float32]
    Array = NDArray[np.float64]
    Lines = Iterable[tuple[float, float]]

_HYDROGEN: Final = (6564.63, 4862.69, 4341.69, 4102.90, 3971.20, 3890.16, 3836.48, 3798.98)
_HELIUM: Final = (3889.75, 4027.33, 4472.73, 4714.46, 4923.31, 5017.08, 5877.25, 6679.99)
# 4686, 4542, 5412 and 4200 A in air, converted to vacuum.
_IONISED_HELIUM: Final = (4687.02, 4542.86, 5413.03, 4201.02)
_CALCIUM: Final = (3934.78, 3969.59, 4227.92, 3830.45, 5185.05)
# Heads of the C2 Swan bands and of CN, degraded to the violet or the red (A, vacuum), with
# strength relative to the strongest; positions of Pearse and Gaydon (1976), converted to
# vacuum.
_SWAN: Final = ((4383.0, 0.5), (4738.4, 0.9), (5166.7, 1.0), (5637.1, 0.7), (6193.0, 0.35))
_CYANOGEN: Final = ((4217.0, 0.4), (7090.0, 0.3), (7876.0, 0.5), (8068.0, 0.5), (9140.0, 0.6))


def star(
    cls: str, count: int, library: Library, grid: LogGrid, rng: np.random.Generator
) -> tuple[Flux, Array, Array]:
    """Draw noiseless stars of a class.

    Parameters
    ----------
    cls
        O, B, A, F, G, K, M, L, WD or C.
    count
        N.
    library, grid, rng

    Returns
    -------
    flux : ndarray of float32, shape (N, G)
    z : ndarray, shape (N,)
        Radial velocity over c.
    place : ndarray, shape (N,)
        On the sequence O to L, as `huggins.taxonomy.spectral_place`; NaN where unknown for
        the template.
    """
    stack, odds = library.stars[cls], library.star_weights[cls]
    places = library.star_places[cls]
    spread = np.where(rng.random(count) < 0.8, 80.0, 250.0)
    velocity = np.clip(rng.normal(0.0, spread), -900.0, 900.0)
    log1z = np.log10(1.0 + velocity / SPEED_OF_LIGHT)
    first = choose(rng, odds, count)
    flux, log1z = stack.sample(first, log1z, grid)
    flux /= effects.level(flux)
    place = places[first]
    if stack.count > 1:
        other = choose(rng, odds, count)
        second, _ = stack.sample(other, log1z, grid)
        fraction = np.where(rng.random(count) < 0.5, 0.0, rng.uniform(0.0, 0.5, count))
        flux += fraction[:, None].astype(np.float32) * (second / effects.level(second) - flux)
        mixed = fraction > 0
        place[mixed] += (fraction * (places[other] - place))[mixed]
    if cls == "WD":
        dwarf = rng.random(count) < 0.6
        flux[dwarf] = _white_dwarf(int(dwarf.sum()), log1z[dwarf], grid, rng)
    elif cls == "C":
        carbon = rng.random(count) < 0.6
        flux[carbon] = _carbon(int(carbon.sum()), log1z[carbon], library, grid, rng)
    elif cls in ("O", "B"):
        drawn = rng.random(count) < (0.35 if cls == "O" else 0.12)
        flux[drawn] = _subdwarf(cls, int(drawn.sum()), log1z[drawn], grid, rng)
        place[drawn] = np.nan
    if cls in ("M", "L"):
        active = np.flatnonzero(rng.random(count) < 0.25)
        flux[active] += _active(len(active), log1z[active], grid, rng)
    hot = cls in ("O", "B", "A", "WD")
    ebv = rng.exponential(0.15 if hot else 0.1, count).clip(0.0, 1.2)
    ebv[rng.random(count) < 0.3] = 0.0
    flux *= effects.redden(grid, ebv)
    return flux, 10.0**log1z - 1.0, place


def _active(count: int, log1z: Array, grid: LogGrid, rng: np.random.Generator) -> Flux:
    """Balmer emission of active dwarfs over a continuum of about 1."""
    alpha = 10.0 ** rng.normal(0.5, 0.4, count)  # equivalent width, A
    area = (
        alpha[:, None] * np.array([1.0, 0.25, 0.12, 0.08]) * rng.uniform(0.5, 1.5, (count, 1))
    )
    return effects.narrow_lines(grid, log1z, _HYDROGEN[:4], area, np.full(count, 80.0))


def blackbody(grid: LogGrid, temperature: Array) -> Flux:
    """Planck function per unit wavelength at `temperature` (N,) K, median 1, shape (N, G)."""
    lam = 10.0**grid.loglam
    with np.errstate(over="ignore"):
        flux = lam**-5 / np.expm1(1.43877688e8 / (lam * np.asarray(temperature)[:, None]))
    flux /= np.median(flux, axis=1, keepdims=True)
    return flux.astype(np.float32)


def _white_dwarf(count: int, log1z: Array, grid: LogGrid, rng: np.random.Generator) -> Flux:
    """Parametric DA, DB, DC, DZ and DQ white dwarfs."""
    kind = choose(rng, (0.55, 0.17, 0.13, 0.09, 0.06), count)
    hot = 10.0 ** rng.uniform(np.log10(7500.0), np.log10(60000.0), count)
    cool = 10.0 ** rng.uniform(np.log10(4800.0), np.log10(11000.0), count)
    temperature = np.select([kind == 0, kind == 1], [hot, rng.uniform(12e3, 30e3, count)], cool)
    flux = blackbody(grid, temperature)
    # Balmer lines are strongest near 13,000 K and broadened by pressure (Stark).
    balmer = np.exp(-0.5 * (np.log(temperature / 13000.0) / 0.75) ** 2)
    balmer = np.where(kind == 0, balmer * rng.uniform(0.45, 0.75, count), 0.0)
    width = rng.uniform(1800.0, 4200.0, count) * (0.5 + balmer)
    lines = zip(_HYDROGEN, (0.85, 1.0, 1.0, 0.95, 0.85, 0.65, 0.45, 0.25), strict=True)
    _absorb(flux, grid, log1z, lines, balmer, width)
    helium = np.where(kind == 1, rng.uniform(0.15, 0.55, count), 0.0)
    width = rng.uniform(700.0, 2200.0, count)
    lines = zip(_HELIUM, (0.6, 0.7, 1.0, 0.5, 0.6, 0.5, 0.8, 0.5), strict=True)
    _absorb(flux, grid, log1z, lines, helium, width)
    calcium = np.where(kind == 3, rng.uniform(0.3, 0.9, count), 0.0)
    width = rng.uniform(300.0, 1800.0, count)
    lines = zip(_CALCIUM, (1.0, 0.9, 0.35, 0.35, 0.25), strict=True)
    _absorb(flux, grid, log1z, lines, calcium, width)
    carbon = np.where(kind == 4, rng.uniform(0.1, 0.6, count), 0.0)
    banded: Flux = flux * _bands(grid, log1z, _SWAN, carbon)
    return banded


def _subdwarf(
    cls: str, count: int, log1z: Array, grid: LogGrid, rng: np.random.Generator
) -> Flux:
    """Parametric hot subdwarfs, most of the O and B stars in faint surveys.

    Subdwarfs B: Balmer lines wider than those of the main sequence, narrower than those of
    white dwarfs, and weak neutral helium. Subdwarfs O are hotter, with ionised helium; in one
    in four helium rules and hydrogen is weak. Widths and depths span those of Moehler et al.
    (1990, A&AS 86, 53) and Drilling et al. (2013, A&A 551, A31).
    """
    ionised = cls == "O"
    temperature = rng.uniform(34e3, 70e3, count) if ionised else rng.uniform(20e3, 36e3, count)
    flux = blackbody(grid, temperature)
    rich = (rng.random(count) < 0.25) & ionised
    balmer = rng.uniform(0.12, 0.42, count) if ionised else rng.uniform(0.25, 0.6, count)
    balmer[rich] *= rng.uniform(0.1, 0.6, int(rich.sum()))
    width = rng.uniform(500.0, 1500.0, count)
    lines = zip(_HYDROGEN, (0.75, 0.95, 1.0, 1.0, 0.95, 0.85, 0.7, 0.5), strict=True)
    _absorb(flux, grid, log1z, lines, balmer, width)
    neutral = rng.uniform(0.0, 0.18, count) if ionised else rng.uniform(0.02, 0.25, count)
    neutral[rich] = rng.uniform(0.1, 0.45, int(rich.sum()))
    narrow = rng.uniform(150.0, 500.0, count)
    lines = zip(_HELIUM, (0.6, 0.7, 1.0, 0.4, 0.5, 0.5, 0.8, 0.5), strict=True)
    _absorb(flux, grid, log1z, lines, neutral, narrow)
    if ionised:
        strength = rng.uniform(0.06, 0.3, count)
        strength[rich] = rng.uniform(0.2, 0.5, int(rich.sum()))
        wide = rng.uniform(200.0, 700.0, count)
        lines = zip(_IONISED_HELIUM, (1.0, 0.75, 0.7, 0.5), strict=True)
        _absorb(flux, grid, log1z, lines, strength, wide)
    return flux


def _absorb(
    flux: Flux, grid: LogGrid, log1z: Array, lines: Lines, depth: Array, width: Array
) -> None:
    """Absorb by pressure-broadened lines: core and wide wings of `width` (N,) km/s.

    `lines` are wavelengths, each with the strength by which the depth (N,) is multiplied.
    """
    for line, strength in lines:
        ln = (LN10 * (grid.loglam[None] - log1z[:, None]) - np.log(line)) * SPEED_OF_LIGHT
        profile = (1.0 / (1.0 + (np.abs(ln) / width[:, None]) ** 1.8)).astype(np.float32)
        flux *= 1.0 - (depth * strength)[:, None].astype(np.float32) * profile


def _bands(
    grid: LogGrid, log1z: Array, heads: tuple[tuple[float, float], ...], depth: Array
) -> Flux:
    """Molecular bands: a sharp head, fading to the violet over some hundred Angstrom."""
    rest = 10.0 ** (grid.loglam[None] - log1z[:, None])
    tau = np.zeros_like(rest)
    for head, strength in heads:
        below = np.clip((head - rest) / 110.0, -4.0, None)
        edge = 1.0 / (1.0 + np.exp(np.clip(-below * 22.0, -50.0, 50.0)))
        tau += strength * edge * np.exp(-np.clip(below, 0.0, None))
    factor: Flux = np.exp(-2.2 * depth[:, None] * tau).astype(np.float32)
    return factor


def _carbon(
    count: int, log1z: Array, library: Library, grid: LogGrid, rng: np.random.Generator
) -> Flux:
    """Carbon stars: C2 and CN bands on late G, K and M stars."""
    flux = np.empty((count, grid.size), np.float32)
    base = choose(rng, (0.25, 0.65, 0.1), count)
    for i, cls in enumerate(("G", "K", "M")):
        mine = np.flatnonzero(base == i)
        rows = choose(rng, library.star_weights[cls], len(mine))
        flux[mine] = library.stars[cls].sample(rows, log1z[mine], grid)[0]
    flux /= effects.level(flux)
    depth = rng.uniform(0.15, 1.0, count)
    flux *= _bands(grid, log1z, _SWAN, depth)
    flux *= _bands(grid, log1z, _CYANOGEN, depth * rng.uniform(0.2, 1.0, count))
    return flux
