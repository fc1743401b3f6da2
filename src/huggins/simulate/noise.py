"""From noiseless flux to an observed spectrum: noise, coverage and flaws of real ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.errors import InputError
from huggins.prepare import rebin
from huggins.simulate import effects
from huggins.simulate.templates import choose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.prepare import LogGrid
    from huggins.spectrum import Spectrum

    Flux = NDArray[np.float32]
    Array = NDArray[np.float64]

#: Relative frequencies of the surveys whose noise is used.
SURVEYS: Final = {"BOSS": 0.5, "SDSS": 0.22, "LAMOST": 0.2, "DESI": 0.08}
# Standard deviation of the flux calibration's tilt, ln(flux) from end to end.
_TILT: Final = {"BOSS": 0.10, "SDSS": 0.08, "LAMOST": 0.24, "DESI": 0.05}
# Odds and size (ln) of a step where blue and red arm join, and its log10 wavelength.
_JOIN: Final = {
    "BOSS": (0.08, 0.06, 3.785),
    "SDSS": (0.15, 0.08, 3.780),
    "LAMOST": (0.35, 0.12, 3.770),
    "DESI": (0.05, 0.05, 3.765),
}
# DESI covers 3600 to 9824 A.
_DESI: Final = (3.5563, 3.9923)


@dataclass(frozen=True, slots=True)
class NoiseBank:
    """Noise properties of E real spectra on one grid.

    Attributes
    ----------
    grid
    survey : ndarray of str, shape (E,)
    sky : ndarray of bool, shape (E,)
        Whether the fibre saw empty sky.
    sigma : ndarray of float32, shape (E, G)
        Uncertainty over its median; 0 where there is no data.
    residual : ndarray of float32, shape (E, G)
        Departures from the smoothed flux in units of the uncertainty; 0 where unknown or where
        the object's own lines would show.
    """

    grid: LogGrid
    survey: NDArray[np.str_]
    sky: NDArray[np.bool_]
    sigma: Flux
    residual: Flux

    @property
    def sources(self) -> dict[str, str]:
        """Surveys that can be simulated, and the survey whose noise each uses.

        DESI borrows from BOSS where there is none of its own.
        """
        held = {name: name for name in SURVEYS if (self.survey == name).any()}
        if "BOSS" in held:
            held.setdefault("DESI", "BOSS")
        return held

    @classmethod
    def from_spectra(
        cls,
        spectra: Sequence[Spectrum],
        surveys: Sequence[str],
        sky: Sequence[bool],
        grid: LogGrid,
    ) -> NoiseBank:
        """Learn from real spectra; `surveys` and `sky` (E,) say what each is.

        Raises
        ------
        InputError
            If there is no spectrum.
        """
        if not len(spectra):
            raise InputError("no real spectra to learn noise from")
        flux, ivar = rebin(spectra, grid)
        good = ivar > 0
        root = np.sqrt(ivar)
        sigma = np.divide(1.0, root, out=np.zeros_like(root), where=good)
        middle = np.array([np.median(row[row > 0]) if row.any() else 1.0 for row in sigma])
        sigma = np.minimum(sigma / middle[:, None], 30.0)
        empty = np.asarray(sky, bool)
        width = 2 * round(0.002 / grid.step) + 1
        residual = np.zeros_like(flux)
        for i in range(len(flux)):
            use = good[i]
            if use.sum() < width:
                continue
            # Where noise rules; a broad line of a quasar must not pass for noise.
            quiet = np.median(np.abs(flux[i, use]) * root[i, use]) < 4.0
            if empty[i] or quiet:
                smooth = _running_median(flux[i, use], width)
                residual[i, use] = (flux[i, use] - smooth) * root[i, use]
        residual = np.clip(residual, -8.0, 8.0)
        known = np.array([name if name in SURVEYS else "BOSS" for name in surveys])
        return cls(grid, known, empty, sigma.astype("f4"), residual.astype("f4"))


def _running_median(values: Array, width: int) -> Array:
    padded = np.pad(values, width // 2, mode="reflect")
    view = np.lib.stride_tricks.sliding_window_view(padded, width)
    result: Array = np.median(view, axis=1)
    return result


def observe(
    flux: Flux,
    empty: NDArray[np.bool_],
    bank: NoiseBank,
    rng: np.random.Generator,
    sn: Array | None = None,
    survey: str | None = None,
    flaws: bool = True,
) -> tuple[Flux, Flux, Array]:
    """Observe noiseless spectra.

    Parameters
    ----------
    flux : ndarray of float32, shape (N, G)
        Noiseless, on the bank's grid.
    empty : ndarray of bool, shape (N,)
        Spectra without a source.
    bank
        Real noise.
    rng
    sn : ndarray, shape (N,), optional
        Median signal-to-noise of a native pixel of 1e-4 dex; drawn from 0.3 to 80, with a
        median of 4.5, where it is not given.
    survey
        Draw the noise from this survey alone; from all that the bank knows, by `SURVEYS`,
        where not given.
    flaws
        Whether calibration errors, joins, cosmic rays, holes and short coverage come in.

    Returns
    -------
    flux, ivar : ndarray of float32, shape (N, G)
        ivar 0, and flux 0, where there is no data.
    sn : ndarray, shape (N,)

    Raises
    ------
    InputError
        If the bank knows nothing of the survey asked for.
    """
    count, size = flux.shape
    grid = bank.grid
    names = list(SURVEYS)
    sources = bank.sources
    if survey is None:
        odds = [SURVEYS[name] if name in sources else 0.0 for name in names]
        which = choose(rng, odds, count)
    elif survey in sources:
        which = np.full(count, names.index(survey))
    else:
        raise InputError(f"no noise of survey {survey!r}: there is {', '.join(sources)}")
    entry = np.empty(count, np.int64)
    for i, name in enumerate(names):
        mine = which == i
        if name in sources:
            like = np.flatnonzero(bank.survey == sources[name])
            entry[mine] = rng.choice(like, int(mine.sum()))
    if sn is None:
        sn = np.exp(rng.normal(np.log(4.5), 1.15, count)).clip(0.3, 80.0)
        sn[empty] = rng.uniform(0.0, 0.5, int(empty.sum())) ** 1.5
    if flaws:
        flux = flux * effects.warp(grid, rng, np.array([_TILT[n] for n in names])[which])
        flux *= _joins(which, grid, rng)
    sigma = bank.sigma[entry]
    covered = sigma > 0
    desi = which == names.index("DESI")
    covered[desi] &= (grid.loglam > _DESI[0]) & (grid.loglam < _DESI[1])
    if flaws:
        covered &= ~_holes(count, grid, rng)
    size_of = np.abs(flux)
    # Red dwarfs have next to no flux in half of their pixels.
    level = np.maximum(np.median(size_of, axis=1), 0.3 * size_of.mean(axis=1))[:, None]
    level = np.where(level > 0, level, np.float32(1.0))
    pixels = grid.step / 1e-4
    noise = sigma / (np.maximum(sn, 1e-3)[:, None] * np.sqrt(pixels)).astype("f4")
    # The source's own photons: the brighter the pixel, the noisier.
    own = (rng.uniform(0.0, 0.8, count) * np.clip(sn / 15.0, 0.05, 1.0)).astype("f4")
    own[empty] = 0.0
    noise *= level * np.sqrt(1.0 + own[:, None] * (np.clip(flux / level, 0.0, 30.0) - 0.6))
    draw = rng.standard_normal((count, size), dtype=np.float32)
    # Errors are over- or underestimated by some ten percent.
    draw *= np.exp(rng.normal(0.0, 0.12, count)).astype("f4")[:, None]
    draw = _with_residuals(draw, entry, empty, bank, rng)
    if flaws:
        _cosmic_rays(draw, rng)
        _ends(draw, covered, rng)
    observed = np.where(covered, flux + draw * noise, np.float32(0.0))
    with np.errstate(divide="ignore"):
        ivar = np.where(covered, 1.0 / (noise * noise), np.float32(0.0))
    return observed, ivar.astype(np.float32), sn


def _with_residuals(
    draw: Flux,
    entry: NDArray[np.int64],
    empty: NDArray[np.bool_],
    bank: NoiseBank,
    rng: np.random.Generator,
) -> Flux:
    """Put real residuals in the place of Gaussian noise in a third of the spectra."""
    known = np.abs(bank.residual).sum(axis=1) > 0
    used = np.flatnonzero(rng.random(len(draw)) < np.where(empty, 0.75, 0.35))
    if not known.any() or not len(used):
        return draw
    fibre = np.flatnonzero(known & bank.sky)
    other = rng.choice(np.flatnonzero(known), len(used))
    own = np.where(known[entry[used]], entry[used], other)
    if len(fibre):
        swap = empty[used] & (rng.random(len(used)) < 0.7)
        own[swap] = rng.choice(fibre, int(swap.sum()))
    sign = np.where(rng.random(len(used)) < 0.85, 1.0, -1.0)
    scale = (sign * rng.uniform(0.6, 1.2, len(used))).astype("f4")[:, None]
    fraction = rng.uniform(0.3, 1.0, len(used)).astype("f4")[:, None]
    draw[used] = fraction * scale * bank.residual[own] + np.sqrt(1.0 - fraction**2) * draw[used]
    return draw


def _joins(which: NDArray[np.int64], grid: LogGrid, rng: np.random.Generator) -> Flux:
    """Return a step between the arms, soft over some pixels."""
    factor = np.ones((len(which), grid.size), np.float32)
    for i, name in enumerate(SURVEYS):
        odds, size, at = _JOIN[name]
        mine = np.flatnonzero((which == i) & (rng.random(len(which)) < odds))
        place = at + rng.normal(0.0, 0.004, len(mine))
        step = rng.normal(0.0, size * 1.5, len(mine))
        soft = 1.0 / (1.0 + np.exp(-(grid.loglam[None] - place[:, None]) / 0.001))
        factor[mine] = np.exp(step[:, None] * soft)
    return factor


def _holes(count: int, grid: LogGrid, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Where data is missing: short ends, a lost arm, masked runs; shape (N, G)."""
    loglam = grid.loglam
    low = np.full(count, 3.0)
    high = np.full(count, 5.0)
    part = rng.random(count)
    short = part < 0.05
    high[short] = rng.normal(3.8015, 0.003, int(short.sum()))
    some = (part > 0.05) & (part < 0.09)
    low[some] = rng.uniform(3.56, 3.68, int(some.sum()))
    some = (part > 0.09) & (part < 0.13)
    high[some] = rng.uniform(3.76, 3.98, int(some.sum()))
    some = (part > 0.13) & (part < 0.14)
    low[some] = 3.78
    missing = (loglam < low[:, None]) | (loglam > high[:, None])
    flawed = np.flatnonzero(rng.random(count) < 0.25)
    for _ in range(3):
        begin = rng.uniform(loglam[0], loglam[-1], len(flawed))
        length = rng.exponential(0.003, len(flawed))
        run = (loglam > begin[:, None]) & (loglam < (begin + length)[:, None])
        missing[flawed] |= run
    return missing


def _cosmic_rays(draw: Flux, rng: np.random.Generator) -> None:
    hit = np.flatnonzero(rng.random(len(draw)) < 0.12)
    for _ in range(2):
        at = rng.integers(0, draw.shape[1], len(hit))
        draw[hit, at] += rng.exponential(12.0, len(hit)).astype("f4")


def _ends(draw: Flux, covered: NDArray[np.bool_], rng: np.random.Generator) -> None:
    """Let the outermost pixels run away, as they do in a fifth of real spectra."""
    size = covered.shape[1]
    for begins in (True, False):
        hit = np.flatnonzero((rng.random(len(draw)) < 0.2) & covered.any(axis=1))
        seen = covered[hit] if begins else covered[hit, ::-1]
        edge = seen.argmax(axis=1)
        for k in range(3):
            at = np.minimum(edge + k, size - 1)
            at = at if begins else size - 1 - at
            draw[hit, at] += rng.normal(0.0, 25.0 / (1 + 2 * k), len(hit)).astype("f4")
