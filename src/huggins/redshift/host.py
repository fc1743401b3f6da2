"""FRAC_HOST: how much of the light of a galaxy or quasar at low redshift is starlight.

It is the share of stars in the flux without emission lines at rest 5100 A (the mean of 5080 to
5130 A), between 0 and 1, from a least-squares fit with coefficients that cannot be negative, at
the fitted redshift, from rest 3800 to 5500 A (vacuum), of

- stars: the mean of the archetypes of each of B, A, F, G, K and M, blurred to 150 km/s;
- the active nucleus: power laws of slopes -2.5, -1.5 and -0.5 in wavelength, broad Balmer lines
  of 1500 and 3000 km/s (sigma), and Fe II in two groups of multiplets (27, 28, 37, 38 and 42,
  48, 49; relative strengths after Kovacevic et al. 2010, ApJS 189, 15) of 900 km/s.

Cores of emission lines are left out: stars are known by their absorption (Ca H and K, the break
at 4000 A, the G band, Mg b) and by the shape of their light. Stars of a few classes stand for
every population; an old and a young one are mixtures of them. The share is NaN for what is no
galaxy or quasar, beyond z = 0.8, where less than 80 % of 3800 to 5500 A was observed, and where
its 1-sigma error is above 0.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.redshift.basis import STEP
from huggins.redshift.frames import SIZE, START, bin_down
from huggins.taxonomy import INDEX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.redshift.basis import Archetypes

    Array = NDArray[np.float64]

#: Redshift up to which 5500 A at rest is in the range of the surveys.
Z_MAX: Final = 0.8
_LOW, _HIGH = 3800.0, 5500.0
_AT: Final = (5080.0, 5130.0)
_STARS: Final = ("B", "A", "F", "G", "K", "M")
_BLUR: Final = 150.0
_SLOPES: Final = (-2.5, -1.5, -0.5)
# Native pixels in one: 207 km/s.
_FACTOR: Final = 3
_COVERED: Final = 0.8
_ERROR: Final = 0.2
# Error of templates, relative to the flux: it keeps bright spectra from resting on details.
_MISFIT: Final = 0.02
# Cores of lines that are left out: vacuum wavelength and half-width, A.
_CORES: Final = (
    (3869.9, 15.0), (3890.2, 10.0), (3970.0, 8.0), (4102.9, 25.0), (4341.7, 40.0),
    (4364.4, 15.0), (4687.0, 25.0), (4862.7, 70.0), (4960.3, 25.0), (5008.2, 30.0),
    (5201.0, 8.0),
)  # fmt: skip
BALMER: Final = ((4862.7, 1.0), (4341.7, 0.47), (4102.9, 0.26), (3971.2, 0.16), (3890.2, 0.1))
_BROAD: Final = (1500.0, 3000.0)
IRON: Final = (
    ((4174.6, 0.4), (4180.0, 0.45), (4234.4, 0.9), (4297.8, 0.25), (4304.4, 0.35),
     (4353.0, 0.45), (4386.6, 0.3), (4418.0, 0.25), (4492.7, 0.27), (4509.6, 0.36),
     (4516.6, 0.4), (4521.5, 0.42), (4523.9, 0.62), (4550.7, 1.1), (4557.2, 0.5), (4584.6, 1.1),
     (4630.6, 0.5)),
    ((4925.3, 0.7), (5019.8, 1.0), (5170.5, 1.05), (5199.0, 0.4), (5236.1, 0.5), (5266.3, 0.35),
     (5277.5, 0.7), (5318.1, 0.95), (5327.0, 0.15), (5364.4, 0.3)),
)  # fmt: skip
_IRON_WIDTH: Final = 900.0


@dataclass(frozen=True, slots=True, eq=False)
class HostFit:
    """The templates on rest-frame native pixels.

    Attributes
    ----------
    start
        Index of the first pixel.
    binned : ndarray, shape (M, R / 3)
        The templates, stars first, on wider pixels.
    level : ndarray, shape (M,)
        Of each around 5100 A.
    stars
        How many of them are stars.
    free : ndarray of bool, shape (R,)
        Pixels outside the cores of lines.
    nucleus : ndarray of bool, shape (M,)
        Which rows are the continuum of the nucleus.
    """

    start: int
    binned: Array
    level: Array
    stars: int
    free: NDArray[np.bool_]
    nucleus: NDArray[np.bool_]

    @classmethod
    def of(cls, star: Archetypes) -> HostFit:
        """Make the templates from the stars of a basis."""
        start = int(np.log10(_LOW) / STEP) // _FACTOR * _FACTOR
        size = (int(np.log10(_HIGH) / STEP) - start) // _FACTOR * _FACTOR
        wavelength: Array = np.power(10.0, (start + np.arange(size)) * STEP)
        rows = [_blurred(star, name, start, size) for name in _STARS]
        rows += [(wavelength / 5100.0) ** slope for slope in _SLOPES]
        rows += [lines(wavelength, BALMER, width) for width in _BROAD]
        rows += [lines(wavelength, group, _IRON_WIDTH) for group in IRON]
        free = np.ones(size, bool)
        for centre, half in _CORES:
            free &= np.abs(wavelength - centre) > half
        counted = (wavelength > _AT[0]) & (wavelength < _AT[1])
        stars = len(_STARS)
        nucleus = np.zeros(len(rows), bool)
        nucleus[stars : stars + len(_SLOPES)] = True
        stacked = np.array(rows)
        binned = stacked.reshape(len(rows), -1, _FACTOR).mean(axis=2)
        return cls(start, binned, stacked[:, counted].mean(axis=1), stars, free, nucleus)

    def share(self, flux: Array, ivar: Array, shift: float) -> float:
        """Return the share of starlight at 5100 A of one spectrum; NaN if it is not known.

        Parameters
        ----------
        flux, ivar : ndarray, shape (SIZE,)
            On native pixels (`huggins.redshift.frames`).
        shift
            log10(1 + z) / STEP on their grid.
        """
        first = self.start + round(shift) - START
        size = len(self.free)
        low, high = max(first, 0), min(first + size, SIZE)
        if high - low < _COVERED * size:
            return np.nan
        f, w = np.zeros(size), np.zeros(size)
        f[low - first : high - first] = flux[low:high]
        w[low - first : high - first] = ivar[low:high]
        if np.count_nonzero(w) < _COVERED * size:
            return np.nan
        # The error of templates is that of a smooth spectrum of this brightness.
        level = float((w @ f) / w.sum())
        error = 1.0 / np.maximum(w, 1e-30) + (_MISFIT * level) ** 2
        w = np.where(self.free & (w > 0.0), 1.0 / error, 0.0)
        weight, total = bin_down(w, _FACTOR), bin_down(w * f, _FACTOR)
        binned = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0.0)
        weighted = self.binned * weight
        matrix, right = weighted @ self.binned.T, weighted @ binned
        solution, _ = non_negative(matrix, right)
        at = self.level
        part = solution * at
        stars, nucleus = float(part[: self.stars].sum()), float(part[self.nucleus].sum())
        if stars + nucleus <= 0.0:
            return np.nan
        share = stars / (stars + nucleus)
        gradient = np.where(np.arange(len(at)) < self.stars, 1.0 - share, -share * self.nucleus)
        gradient *= at / (stars + nucleus)
        # Templates at 0 may come back: the error is that of all of them, weakly held.
        held = matrix + np.diag(1e-9 * np.diag(matrix) + 1e-30)
        variance = float(gradient @ np.linalg.solve(held, gradient))
        return share if variance < _ERROR**2 else np.nan


def non_negative(matrix: Array, right: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Minimise x A x / 2 - b x with no x below 0 (Lawson and Hanson 1974); which are above it.

    Examples
    --------
    >>> non_negative(np.eye(2), np.array([2.0, -1.0]))[0]
    array([2., 0.])
    """
    count = len(right)
    scale = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    x = np.zeros(count)
    # All that a plain fit leaves positive: as a rule nearly the answer.
    used = np.ones(count, bool)
    while used.any():
        tried = _solved(matrix, right, used)
        if tried.min() > 0.0:
            x[used] = tried
            break
        used[np.flatnonzero(used)[tried <= 0.0]] = False
    least = 1e-9 * max(float(np.abs(right / scale).max()), 1e-300)
    for _ in range(4 * count):
        slope = np.where(used, -np.inf, (right - matrix @ x) / scale)
        best = int(slope.argmax())
        if slope[best] <= least:
            break
        used[best] = True
        while True:
            at = np.flatnonzero(used)
            tried = _solved(matrix, right, used)
            if tried.min() > 0.0:
                x[:] = 0.0
                x[at] = tried
                break
            low = tried <= 0.0
            step = float((x[at][low] / np.maximum(x[at][low] - tried[low], 1e-300)).min())
            x[at] += step * (tried - x[at])
            gone = at[x[at] <= 1e-12 * float(x[at].max(initial=0.0))]
            if not len(gone):
                gone = at[low][:1]
            x[gone] = 0.0
            used[gone] = False
            if not used.any():
                break
    return x, used


def _solved(matrix: Array, right: Array, used: NDArray[np.bool_]) -> Array:
    at = np.flatnonzero(used)
    block = matrix[at[:, None], at]
    block.ravel()[:: len(at) + 1] *= 1.0 + 1e-10
    return np.asarray(np.linalg.solve(block, right[at]), np.float64)


def _blurred(star: Archetypes, name: str, start: int, size: int) -> Array:
    """Return the mean of the archetypes of a class, blurred, 1 at 5100 A, shape (R,)."""
    margin = 20
    at = np.arange(start - margin, start + size + margin) - star.start
    mine = star.vectors[star.classes == INDEX[name]].astype(np.float64)
    rows = mine[:, at.clip(0, star.vectors.shape[1] - 1)]
    place = int(np.log10(5100.0) / STEP) - start + margin
    rows /= rows[:, place - 20 : place + 20].mean(axis=1, keepdims=True)
    pixel = np.arange(-margin, margin + 1)
    sigma = _BLUR / (SPEED_OF_LIGHT * np.log(10.0) * STEP)
    kernel = np.exp(-0.5 * (pixel / sigma) ** 2)
    mean: Array = np.convolve(rows.mean(axis=0), kernel / kernel.sum(), "valid")
    return mean


def lines(wavelength: Array, lines: tuple[tuple[float, float], ...], sigma: float) -> Array:
    """Return Gaussian lines of one width, in km/s."""
    out = np.zeros(len(wavelength))
    for centre, strength in lines:
        v = (wavelength / centre - 1.0) * SPEED_OF_LIGHT
        out += strength * np.exp(-0.5 * (v / sigma) ** 2)
    return out
