"""The rest frame of quasar redshifts: that of redrock's quasar templates, version 1.1.

A quasar's lines are shifted against each other by hundreds of km/s, so its redshift means
something only with respect to a template. The 20,000 quasars that mocks are mixed from carry
the redshifts of two surveys, of SDSS-I and of BOSS, in frames of their own. Here each is fitted
again with the same templates, redward of the Lyman-alpha line, and so is every whole spectrum
and every labelled real one: LOZ 1.1 up to z = 1.3, HIZ 1.1 from 1.7 on, and between them the
mean of both, weighted by redshift, so that the frame has no step where they meet.

Of a single quasar HIZ exaggerates: where it moves one by 100 km/s, its Mg II has moved by 40
and C III] and C IV by 20 to 30. So only a part of what it says of one quasar is taken, and all
of what it says of a survey (`settled`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.constants import LN10, SPEED_OF_LIGHT
from huggins.simulate.shipped import quasars

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Name of the frame, as tables and documents give it.
NAME: Final = "redrock QSO-LOZ 1.1, QSO-HIZ 1.1"
#: Width of a pixel in dex: 69 km/s.
STEP: Final = 1e-4
#: Redshifts below which LOZ alone and above which HIZ alone is used.
JOIN: Final = (1.3, 1.7)
#: Largest offset that is searched, pixels: 2,760 km/s.
REACH: Final = 40
#: Part of the difference of one quasar from its survey that is taken, where HIZ is used.
TAKEN: Final = 0.5
# Median offsets of the surveys' redshifts where HIZ is used, as (z, km/s), of 20,000 quasars;
# surveys that are not listed have software like that of BOSS.
_SURVEYS: Final = {
    "SDSS": (
        (1.65, 16), (1.85, 54), (1.95, 83), (2.05, 134), (2.15, 182), (2.25, 369), (2.4, 615),
        (2.55, 453), (2.7, 386), (2.9, 97), (3.1, 105), (3.35, 230), (3.7, -5), (4.0, -100),
        (4.45, -233),
    ),
    "BOSS": (
        (2.1, 88), (2.45, 65), (2.7, 0), (3.2, 0), (3.4, 60), (3.8, 55), (4.2, -70),
        (4.8, -303),
    ),
}  # fmt: skip
# Rest wavelength (A) blueward of which forest and Lyman alpha move the fit.
_BLUE: Final = 1230.0
# Legendre polynomials that are fitted beside the templates: dust, host, calibration.
_TERMS: Final = 3
# Mixtures of similar redshift whose normal equations are made together; for them, whose lines
# are broad, every second pixel and every second shift will do.
_TOGETHER: Final = 150
_EVERY: Final = 2
# Relative error of the templates: beyond this S/N a pixel counts no more.
_MISMATCH: Final = 0.05
# A pixel so many sigma below the fit is absorbed.
_ABSORBED: Final = 4.0
# Fewest pixels that a redshift is measured from.
_FEWEST: Final = 300


@dataclass(frozen=True, slots=True)
class _Template:
    """Vectors (K, R); the first pixel's log10 wavelength is ``start`` pixels."""

    vectors: Array
    start: int


class QuasarFrame:
    """Offsets of quasar redshifts from the frame.

    Parameters
    ----------
    low, high : ndarray, shape (K, R)
        Templates of low and of high redshift.
    low_start, high_start
        log10 of the vacuum wavelength (A) of their first pixels, which are 1e-4 wide.
    """

    def __init__(self, low: Array, low_start: float, high: Array, high_start: float) -> None:
        self._low = _Template(np.asarray(low, np.float64), round(low_start / STEP))
        self._high = _Template(np.asarray(high, np.float64), round(high_start / STEP))

    @classmethod
    def read(cls, file: Any) -> QuasarFrame | None:
        """Take the templates from an open ``quasars.h5``; None if it lacks them."""
        found = []
        for name in ("rrtemplate-QSO-LOZ-v1.1", "rrtemplate-QSO-HIZ-v1.1"):
            if name not in file:
                return None
            found += [file[name]["eigenvectors"][:], float(file[name].attrs["COEFF0"])]
        return cls(*found)

    @classmethod
    def shipped(cls) -> QuasarFrame:
        """Take the quasars of the redshift fit that ships, which was learned in the frame."""
        vectors, _, _, start = quasars()
        return cls(vectors, start, vectors, start)

    def of_mixtures(
        self, vectors: Array, start: float, mixtures: Array, z: Array, seen: tuple[float, float]
    ) -> Array:
        """Offsets of noiseless quasars, log10(1 + z) of the frame less that given, shape (N,).

        Parameters
        ----------
        vectors : ndarray, shape (K, L)
            At rest at the redshift given.
        start
            log10 wavelength (A) of their first pixel.
        mixtures : ndarray, shape (N, K)
            How each quasar is mixed of them.
        z : ndarray, shape (N,)
        seen
            Observed wavelengths (A) that the mixtures are known from.
        """
        low, high = (
            self._mixtures(template, vectors, round(start / STEP), mixtures, z, seen, used)
            for template, used in ((self._low, z < JOIN[1]), (self._high, z > JOIN[0]))
        )
        return STEP * _joined(z, low, high)

    def _mixtures(
        self,
        template: _Template,
        vectors: Array,
        start: int,
        mixtures: Array,
        z: Array,
        seen: tuple[float, float],
        used: NDArray[np.bool_],
    ) -> Array:
        out = np.full(len(z), np.nan)
        rows = np.flatnonzero(used)
        rows = rows[np.argsort(z[rows], kind="stable")]
        for some in np.array_split(rows, max(1, len(rows) // _TOGETHER)):
            if not len(some):
                continue
            edges = np.array(seen) / (1.0 + np.median(z[some]))
            first, last = np.rint(np.log10(edges.clip(_BLUE)) / STEP).astype(int)
            first = max(first, start, template.start + REACH)
            end = template.start + template.vectors.shape[1] - REACH
            last = min(last, start + vectors.shape[1], end)
            if last - first < _FEWEST:
                continue
            part = vectors[:, first - start : last - start : _EVERY]
            mixture = mixtures[some]
            shape = np.abs(mixture @ part)
            shape /= np.median(shape, axis=1, keepdims=True)
            weight = 1.0 / np.median(shape, axis=0).clip(0.1) ** 2
            gram = (part * weight) @ part.T
            gained = []
            poly = _polynomials(part.shape[1])
            for shift in range(-REACH, REACH + 1, _EVERY):
                x = _model(template, first - shift, last - first, poly, _EVERY)
                weighted = x * weight
                matrix = weighted @ x.T
                matrix += 1e-12 * np.trace(matrix) * np.eye(len(x))
                right = weighted @ part.T
                left = gram - right.T @ np.linalg.solve(matrix, right)
                gained.append(np.einsum("nk,kl,nl->n", mixture, left, mixture))
            out[some] = _EVERY * _minimum(np.array(gained))[0]
        # Where there is no minimum the neighbours in redshift tell.
        known = rows[np.isfinite(out[rows])]
        for row in rows[~np.isfinite(out[rows])]:
            near = known[np.argsort(np.abs(z[known] - z[row]), kind="stable")[:51]]
            out[row] = np.median(out[near]) if len(near) else 0.0
        return out

    def of_spectrum(
        self, flux: Array, ivar: Array, first: int, log1z: float
    ) -> tuple[float, float]:
        """Offset of an observed quasar and its standard error, log10(1 + z); NaN if unknown.

        Parameters
        ----------
        flux, ivar : ndarray, shape (P,)
            On pixels of 1e-4 dex; ivar 0 where there is no data.
        first
            log10 wavelength of the first pixel over 1e-4, whole.
        log1z
            log10(1 + z) at which the quasar is said to be.
        """
        z = np.array([10.0**log1z - 1.0])
        low, high = (
            self._observed(template, flux, ivar, first, log1z) if used else (np.nan, np.nan)
            for template, used in ((self._low, z[0] < JOIN[1]), (self._high, z[0] > JOIN[0]))
        )
        offset, error = (
            float(_joined(z, np.array([a]), np.array([b]))[0])
            for a, b in zip(low, high, strict=True)
        )
        return STEP * offset, STEP * error

    def _observed(
        self, template: _Template, flux: Array, ivar: Array, first: int, log1z: float
    ) -> tuple[float, float]:
        """Offset and error in pixels, of one template."""
        moved = first - round(log1z / STEP)
        rest = moved + np.arange(len(flux))
        end = template.start + template.vectors.shape[1] - REACH
        inside = (rest >= max(template.start + REACH, np.log10(_BLUE) / STEP)) & (rest < end)
        known = np.flatnonzero(inside & (ivar > 0))
        if len(known) < _FEWEST:
            return np.nan, np.nan
        part = slice(int(known[0]), int(known[-1]) + 1)
        f, w = flux[part], np.where(inside[part], ivar[part], 0.0)
        w = np.asarray(w / (1.0 + w * (_MISMATCH * f) ** 2), np.float64)
        start, length = int(rest[part.start]), len(f)
        poly = _polynomials(length)
        best = 0
        for turn in range(3):
            chi2 = np.empty(2 * REACH + 1)
            for k, shift in enumerate(range(-REACH, REACH + 1)):
                chi2[k] = _fit(_model(template, start - shift, length, poly), f, w)[0]
            best = int(chi2.argmin())
            if turn == 2:
                break
            residual = f - _fit(_model(template, start - best + REACH, length, poly), f, w)[1]
            scale = max(1.0, chi2[best] / max(np.count_nonzero(w) - 7, 1)) ** 0.5
            w[residual * np.sqrt(w) < -_ABSORBED * scale] = 0.0
        offset, curvature = _minimum(chi2[:, None])
        # Neighbouring models differ, and what they leave is no white noise: chi2 per pixel.
        excess = max(1.0, chi2[best] / max(np.count_nonzero(w) - 7, 1))
        error = np.sqrt(2.0 * excess / curvature[0]) if curvature[0] > 0 else np.nan
        # The rounding of the redshift to a whole pixel belongs to the offset.
        return float(offset[0]) + round(log1z / STEP) - log1z / STEP, float(error)


def settled(survey: str, z: Array, offsets: Array) -> Array:
    """Offsets of quasars, log10(1 + z), of which HIZ's are drawn to the survey's median.

    Parameters
    ----------
    survey
        Whose redshifts they are offsets of: SDSS (I), or any other.
    z, offsets : ndarray, shape (N,)
        As the survey has it, and as `QuasarFrame` finds them.
    """
    known = np.array(_SURVEYS.get(survey, _SURVEYS["BOSS"]), np.float64)
    typical = np.interp(z, *known.T) / (SPEED_OF_LIGHT * LN10)
    part = ((z - JOIN[0]) / (JOIN[1] - JOIN[0])).clip(0.0, 1.0)
    result: Array = offsets + part * (1.0 - TAKEN) * (typical - offsets)
    return result


def _polynomials(length: int) -> Array:
    x = np.linspace(-1.0, 1.0, length)
    return np.asarray(np.polynomial.legendre.legvander(x, _TERMS - 1).T, np.float64)


def _model(template: _Template, first: int, length: int, poly: Array, every: int = 1) -> Array:
    """Template pixels from `first` on, each or every second, and polynomials, (K + M, P)."""
    at = first - template.start
    return np.concatenate([template.vectors[:, at : at + length : every], poly])


def _fit(x: Array, flux: Array, weight: Array) -> tuple[float, Array]:
    """chi2 of the best mixture of the rows of `x`, and the mixture."""
    weighted = x * weight
    matrix = weighted @ x.T
    matrix += 1e-12 * np.trace(matrix) * np.eye(len(x))
    model = np.linalg.solve(matrix, weighted @ flux) @ x
    return float(weight @ (flux - model) ** 2), model


def _minimum(chi2: Array) -> tuple[Array, Array]:
    """Where parabolas through the least values of columns (S, N) lie, and their curvature.

    In pixels from the middle; NaN where the least value is the first or the last.
    """
    least = chi2.argmin(axis=0)
    inner = least.clip(1, len(chi2) - 2)
    column = np.arange(chi2.shape[1])
    before, here, after = (chi2[inner + k, column] for k in (-1, 0, 1))
    curvature = before - 2.0 * here + after
    with np.errstate(invalid="ignore", divide="ignore"):
        place = inner - len(chi2) // 2 + 0.5 * (before - after) / curvature
    place[(least != inner) | ~(curvature > 0)] = np.nan
    return place, curvature


def _joined(z: Array, low: Array, high: Array) -> Array:
    """Mean of two values weighted by redshift, shape (N,)."""
    part = ((z - JOIN[0]) / (JOIN[1] - JOIN[0])).clip(0.0, 1.0)
    result: Array = np.where(
        part <= 0.0, low, np.where(part >= 1.0, high, (1.0 - part) * low + part * high)
    )
    return result
