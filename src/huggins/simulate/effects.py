"""Dust, intergalactic and outflowing gas, calibration errors, and emission lines.

Every function works on N spectra at once, on any log grid, and returns factors or fluxes of
shape (N, G). Wavelengths are vacuum Angstrom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from huggins.constants import LN10, SPEED_OF_LIGHT
from huggins.forest import in_forest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.prepare import LogGrid

    Array = NDArray[np.floating]
    Flux = NDArray[np.float32]


def extinction_curve(grid: LogGrid) -> Flux:
    """A(wavelength) / A(V) of the Milky Way for R(V) = 3.1, shape (G,).

    Optical and near-infrared polynomials of O'Donnell (1994, ApJ 422, 158, eq. 2) and of
    Cardelli, Clayton and Mathis (1989, ApJ 345, 245, eq. 2).
    """
    x = 1e4 / 10.0**grid.loglam
    y = x - 1.82
    a = np.polyval([-0.505, 1.647, -0.827, -1.718, 1.137, 0.701, -0.609, 0.104, 1.0], y)
    b = np.polyval([3.347, -10.805, 5.491, 11.102, -7.985, -3.989, 2.908, 1.952, 0.0], y)
    red = x < 1.1
    a[red], b[red] = 0.574 * x[red] ** 1.61, -0.527 * x[red] ** 1.61
    return (a + b / 3.1).astype(np.float32)


def redden(grid: LogGrid, ebv: Array) -> Flux:
    """Transmission of Milky Way dust of E(B-V) `ebv` (N,)."""
    curve = extinction_curve(grid)
    factor: Flux = np.exp(-0.4 * LN10 * 3.1 * np.asarray(ebv, np.float32)[:, None] * curve)
    return factor


def redden_rest(grid: LogGrid, ebv: Array, log1z: Array) -> Flux:
    """Transmission of dust at the source, rising as wavelength^-1.2 like the SMC's.

    A(wavelength) / E(B-V) = 1.39 (wavelength / um)^-1.2: Richards et al. (2003, AJ 126, 1131,
    section 4), after Prevot et al. (1984).
    """
    micron = 10.0 ** (grid.loglam[None] - np.asarray(log1z)[:, None] - 4.0)
    power = 1.39 * micron.astype(np.float32) ** -1.2
    factor: Flux = np.exp(-0.4 * LN10 * np.asarray(ebv, np.float32)[:, None] * power)
    return factor


def warp(grid: LogGrid, rng: np.random.Generator, scale: Array, terms: int = 5) -> Flux:
    """Smooth multiplicative calibration error: exp of a few cosines of falling amplitude.

    `scale` (N,) is the standard deviation of the tilt, in ln(flux) from end to end.
    """
    x = (np.arange(grid.size) + 0.5) / grid.size
    order = np.arange(1, terms + 1)
    waves = np.cos(np.pi * order[:, None] * x).astype(np.float32)  # (terms, G)
    size = rng.standard_normal((len(scale), terms)) / order**1.2
    factor: Flux = np.exp((size * np.asarray(scale)[:, None]).astype(np.float32) @ waves)
    return factor


def gaussian(grid: LogGrid, log1z: Array, wavelength: Array, sigma: Array) -> Flux:
    """Unit-height Gaussians at rest `wavelength` (N,) of width `sigma` (N,) km/s."""
    ln = (LN10 * grid.loglam).astype(np.float32)
    centre = (LN10 * np.asarray(log1z) + np.log(wavelength)).astype(np.float32)
    inverse = np.asarray(SPEED_OF_LIGHT / np.asarray(sigma), np.float32)
    u = (ln[None] - centre[:, None]) * inverse[:, None]
    return np.exp(-0.5 * u * u)


def narrow_lines(
    grid: LogGrid,
    log1z: Array,
    wavelengths: Sequence[float],
    area: Array,
    sigma: Array,
) -> Flux:
    """Emission lines that are narrow against the spectrum, summed.

    Parameters
    ----------
    grid
        Of G pixels.
    log1z : ndarray, shape (N,)
    wavelengths
        K rest wavelengths.
    area : ndarray, shape (N, K)
        Line fluxes (flux density times rest Angstrom).
    sigma : ndarray, shape (N,)
        Velocity dispersion, km/s, instrument included.

    Returns
    -------
    ndarray, shape (N, G)
        Flux density at rest-frame scale.
    """
    count = len(area)
    if count == 0:
        return np.zeros((0, grid.size), np.float32)
    lam = np.asarray(wavelengths, dtype=np.float64)
    pixel = LN10 * grid.step * SPEED_OF_LIGHT  # km/s
    width = np.sqrt(np.asarray(sigma) ** 2 + pixel**2 / 12.0) / pixel  # pixels, (N,)
    place = (np.log10(lam)[None] + np.asarray(log1z)[:, None] - grid.start) / grid.step - 0.5
    half = int(np.ceil(4.0 * width.max()))
    at = np.floor(place).astype(np.int64)[..., None] + np.arange(-half, half + 2)  # (N, K, W)
    u = (at - place[..., None]) / width[:, None, None]
    height = area / (np.sqrt(2.0 * np.pi) * width[:, None] * pixel / SPEED_OF_LIGHT * lam)
    value = height[..., None] * np.exp(-0.5 * u * u)
    inside = (at >= 0) & (at < grid.size)
    index = np.arange(count)[:, None, None] * grid.size + at
    flux = np.bincount(index[inside], weights=value[inside], minlength=count * grid.size)
    return flux.reshape(count, grid.size).astype(np.float32)


def forest(grid: LogGrid, log1z: Array, rng: np.random.Generator) -> Flux:
    """Fluctuating transmission of the Lyman-alpha forest, its mean left at 1.

    The mean absorption is in the quasar eigenspectra already. Scatter per 345 km/s pixel grows
    with redshift from 0.15 at z = 2 to 0.4 at 3.5, as the one-dimensional power spectrum of
    Palanque-Delabrouille et al. (2013, A&A 559, A85, figure 17) integrates to.
    """
    count = len(log1z)
    rest = grid.loglam[None] - np.asarray(log1z)[:, None]
    blue = rest < np.log10(1213.0)
    if not blue.any():
        return np.ones((count, grid.size), np.float32)
    per = max(1, round(5e-4 / grid.step))  # correlate over what is one network pixel
    coarse = rng.standard_normal((count, grid.size // per + 4)).astype(np.float32)
    coarse[:, 1:] = 0.87 * coarse[:, 1:] + 0.5 * coarse[:, :-1]
    field = np.repeat(coarse, per, axis=1)[:, : grid.size]
    z_abs = 10.0**grid.loglam / 1215.67 - 1.0
    spread = np.clip(0.15 + 0.167 * (z_abs - 2.0), 0.05, 0.6).astype(np.float32)
    factor = np.exp(spread * field - 0.5 * spread**2)
    return np.where(blue, np.minimum(factor, 1.8), np.float32(1.0))


def opaque(grid: LogGrid, log1z: Array, least: float) -> Flux:
    """Mean absorption of the forest by gas beyond a redshift `least`."""
    return in_forest(grid.loglam, np.asarray(log1z), least=least).astype(np.float32)


def lyman_limit(grid: LogGrid, log1z: Array, depth: Array) -> Flux:
    """Transmission blueward of a Lyman limit at `log1z` (N,) of optical depth `depth` (N,)."""
    rest = grid.loglam[None] - np.asarray(log1z)[:, None] - np.log10(911.75)
    tau = np.where(rest < 0, np.asarray(depth)[:, None] * 10.0 ** (3.0 * rest), 0.0)
    return np.exp(-tau).astype(np.float32)


def damped(grid: LogGrid, log1z: Array, column: Array) -> Flux:
    """Damped Lyman-alpha absorber of log10 column density `column` (N,), cm^-2.

    Damping wings only: optical depth N sigma0 (gamma / 4 pi) / (nu - nu0)^2 with the
    oscillator strength 0.4164 and gamma 6.265e8 / s (NIST), which is all a pixel of 69 km/s
    can see of it.
    """
    rest = 1215.67 * 10.0 ** np.asarray(log1z)
    lam = 10.0**grid.loglam
    shift = (lam[None] - rest[:, None]) / rest[:, None]  # dimensionless
    # pi e^2 / (m c) f = 0.011045 cm^2/s; gamma / (4 pi^2) = 1.587e7 / s; nu0 = 2.466e15 / s.
    core = 0.011045 * 1.587e7 / (2.466e15**2)
    tau = 10.0 ** np.asarray(column)[:, None] * core / np.maximum(shift**2, 1e-9)
    factor: Flux = np.exp(-np.minimum(tau, 30.0)).astype(np.float32)
    return factor


def trough(
    grid: LogGrid, log1z: Array, wavelength: float, fast: Array, slow: Array, depth: Array
) -> Flux:
    """Transmission of a broad trough between two outflow velocities.

    Parameters
    ----------
    grid, log1z
    wavelength
        Rest wavelength of the line, A.
    fast, slow, depth : ndarray, shape (N,)
        Outflow velocities of its edges, km/s, positive towards us; its depth, 0 to 1.
    """
    rest = LN10 * (grid.loglam[None] - np.asarray(log1z)[:, None]) - np.log(wavelength)
    velocity = (-rest * SPEED_OF_LIGHT).astype(np.float32)  # positive: outflow
    soft = 300.0
    with np.errstate(over="ignore"):
        inner = 1.0 / (1.0 + np.exp(-(velocity - np.asarray(slow)[:, None]) / soft))
        outer = 1.0 / (1.0 + np.exp((velocity - np.asarray(fast)[:, None]) / soft))
    factor: Flux = (1.0 - np.asarray(depth)[:, None] * inner * outer).astype(np.float32)
    return factor


def level(flux: Flux) -> Flux:
    """Median absolute flux of each spectrum, shape (N, 1); 1 where it is zero."""
    median = np.median(np.abs(flux[:, ::4]), axis=1, keepdims=True)  # every fourth: speed
    return np.where(median > 0, median, np.float32(1.0))
