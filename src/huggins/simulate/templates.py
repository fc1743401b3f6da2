"""Template spectra on one fine grid, and their sampling at any redshift.

A redshift is a shift in log wavelength. With running sums over the fine pixels the mean flux
of every pixel of a coarser grid, at any whole-pixel shift, is a difference of two gathered
values: no interpolation, no loop over spectra.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.errors import InputError
from huggins.simulate import shipped
from huggins.simulate.quasar_frame import QuasarFrame, settled
from huggins.taxonomy import spectral_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.prepare import LogGrid

    Array = NDArray[np.float64]
    Rows = NDArray[np.int64]

#: Pixel width of the fine grid in dex; that of BOSS spectra, 69 km/s.
STEP: Final = 1e-4
# Redshifts at which whole quasars would show the lines that settle their offsets: those of
# hydrogen, [O III], Mg II and C III].
_SETTLED: Final = np.arange(0.3, 1.45, 0.1)
#: Up to this redshift mixtures of the eigenspectra have the mean transmission of
#: `huggins.forest`, over a continuum that does not change: within 5 % from z = 2.5 to 4.
FOREST_FROM: Final = 3.8
# Observed wavelengths (A) from which quasars of BOSS and of SDSS-I are known.
_SEEN: Final = {"boss": (3600.0, 10000.0), "sdss": (3800.0, 9200.0)}
# Lines in which a trough of C IV occurs too, and its depth there. In the 11 templates of
# bal.h5 with BI above 100 Si IV has 0.35 of the equivalent width, N V and O VI more than C IV.
_TROUGHS: Final = ((1549.06, 1.0), (1396.76, 0.4), (1240.14, 1.0), (1033.82, 1.0))
# Width in km/s over which noisy troughs are averaged, twice.
_BLUR: Final = 400.0
#: Percent of the templates of each kind that training never sees.
HELD_BACK: Final = 12


class Stack:
    """N template spectra at rest on the fine grid.

    Parameters
    ----------
    flux : ndarray, shape (N, L)
        Flux density per unit wavelength; finite everywhere.
    start
        log10 of the vacuum wavelength (A) of the first pixel's centre.
    """

    def __init__(self, flux: NDArray[np.floating], start: float) -> None:
        self.count, self.length = flux.shape
        self._edge = start - 0.5 * STEP
        total = np.zeros((self.count, self.length + 1))
        np.cumsum(flux, axis=1, dtype=np.float64, out=total[:, 1:])
        self._total = total.ravel()

    def sample(
        self, rows: Rows, log1z: Array, grid: LogGrid
    ) -> tuple[NDArray[np.float32], Array]:
        """Mean flux in the pixels of a grid, at a redshift.

        Parameters
        ----------
        rows : ndarray of int, shape (n,)
            Which templates.
        log1z : ndarray, shape (n,)
            Wanted log10(1 + z).
        grid
            Of G pixels, its step a whole multiple of the fine one.

        Returns
        -------
        flux : ndarray of float32, shape (n, G)
            0 beyond the ends of the template.
        log1z : ndarray, shape (n,)
            The redshift that whole fine pixels give, at most 35 km/s from the wanted one.
        """
        per = round(grid.step / STEP)
        if not np.isclose(per * STEP, grid.step):
            raise InputError(f"a grid step of {grid.step} is no whole multiple of {STEP}")
        first = np.rint((grid.start - self._edge - log1z) / STEP).astype(np.int64)
        exact = grid.start - self._edge - STEP * first.astype(np.float64)
        at = first[:, None] + per * np.arange(grid.size + 1)
        np.clip(at, 0, self.length, out=at)
        at += (rows * (self.length + 1))[:, None]
        total = self._total.take(at)
        return (np.diff(total, axis=1) / per).astype(np.float32), exact


@dataclass(frozen=True, slots=True)
class Library:
    """Everything that mocks are made of.

    Attributes
    ----------
    stars : dict of str to Stack
        By class; with ``star_weights``, the odds of its templates, summing to 1, and
        ``star_places``, their place on the sequence O to L (`huggins.taxonomy.spectral_place`).
    quasar_vectors : Stack
        Eigenspectra; ``quasar_coefficients`` (Q, 4), by rising ``quasar_z`` (Q,), make
        noiseless real quasars of them.
        ``quasar_offsets`` (Q,) are log10(1 + z) of the frame (`huggins.simulate.quasar_frame`)
        less that of their lines: their survey's frames differ by hundreds of km/s.
    archetypes : Stack
        Whole quasars: archetypes and composites, A of them, with ``archetype_offsets`` (A,)
        as above.
    galaxies : Stack
        Stellar populations and galaxies; ``young`` and ``old`` are rows of it.
    troughs : Stack
        Transmission of broad-absorption-line quasars; may be empty.
    forest_from
        Redshift of the gas from which on the quasars lack the mean forest: -1 where they have
        none of it.
    substitutes : tuple of str
        What there are no templates of, so that it is made of what ships with huggins.
    """

    stars: dict[str, Stack]
    star_weights: dict[str, Array]
    star_places: dict[str, Array]
    quasar_vectors: Stack
    quasar_coefficients: Array
    quasar_z: Array
    quasar_offsets: Array
    archetypes: Stack
    archetype_offsets: Array
    galaxies: Stack
    young: Rows
    old: Rows
    troughs: Stack
    forest_from: float = FOREST_FROM
    substitutes: tuple[str, ...] = ()


# Odds of a star's template source within its class. The BOSS pipeline names stars by its own
# templates, which therefore weigh most; Pickles is too coarse for lines.
_SOURCE_ODDS: Final = {
    "idlspec2d": 0.38,
    "pyhammer": 0.27,
    "miles": 0.2,
    "calspec": 0.08,
    "sdss-cc": 0.08,
    "pickles": 0.04,
}
# Few templates exist of these classes; one of each is still held back, named here.
_FEW: Final = {
    "C": ("C_3",),
    "L": ("L1",),
    "O": ("O7", "pickles-o8iii", "FEIGE110", "HD93521"),
    "WD": ("WDmag", "WD1327-083", "GD153", "WDhotter"),
}
# Type O has absorption by ionised helium. Feige 66, which the library calls O, shows none at
# 4542, 4686 or 5412 A but neutral helium at 4471: a subdwarf B. Held back, so that nothing is
# learned from our own typing.
_RETYPED: Final = {"FEIGE66": "B"}
# Full-range sources, which lend their ends to templates that stop short.
_DONORS: Final = ("idlspec2d", "pickles")


def held_back(name: str, kind: str = "") -> bool:
    """Whether a template is kept from training, by its name alone."""
    if name in _RETYPED:
        return True
    if kind in _FEW:
        return name in _FEW[kind]
    return zlib.crc32(name.encode()) % 100 < HELD_BACK


def _text(values: Any) -> list[str]:
    return [value.decode() for value in values[:]]


def read_stars(
    file: Any, test: bool
) -> tuple[dict[str, Stack], dict[str, Array], dict[str, Array]]:
    """Read stars.h5: templates, their odds and places, by class (see `Library`)."""
    start = float(file.attrs["COEFF0"])
    flux = file["flux"][:].astype(np.float64)
    name, kind, source = (_text(file[key]) for key in ("name", "class", "source"))
    kind = [_RETYPED.get(n, k) for n, k in zip(name, kind, strict=True)]
    flux /= np.nanmedian(np.abs(flux), axis=1, keepdims=True)
    stacks, weights, places = {}, {}, {}
    subclass = _text(file["subclass"])
    # Stages of a star's life, which the file's makers took for types.
    untyped = [text in ("AGB", "GB") for text in subclass]
    for cls in sorted(set(kind)):
        of_class = [i for i, k in enumerate(kind) if k == cls and not untyped[i]]
        full = [i for i in of_class if source[i] in _DONORS]
        donors = flux[full] if full else _shipped_donors(cls, start, flux.shape[1])
        rows = [i for i in of_class if held_back(name[i], cls) == test]
        if not rows:
            continue
        if test:  # the coarse library shows continuum shapes only: no test of recognition
            rows = [i for i in rows if source[i] != "pickles"] or rows
        stacks[cls] = Stack(np.stack([complete(flux[i], donors) for i in rows]), start)
        count = {s: sum(source[i] == s for i in rows) for s in _SOURCE_ODDS}
        odds = np.array([_SOURCE_ODDS[source[i]] / count[source[i]] for i in rows])
        if test:  # few are held back of each source: none may settle the figure alone
            odds = np.ones(len(rows))
        weights[cls] = odds / odds.sum()
        retyped = [name[i] in _RETYPED for i in rows]
        places[cls] = np.array([spectral_place(subclass[i]) for i in rows])
        places[cls][retyped] = np.nan
    return stacks, weights, places


def _shipped_donors(cls: str, start: float, length: int) -> Array:
    """Stars of a class that ship with huggins, on a grid of L pixels: (n, L)."""
    flux, _, first = shipped.stars()
    at = start + STEP * np.arange(length)
    known = [
        np.interp(at, first + STEP * np.arange(len(row)), row) for row in flux.get(cls, ())
    ]
    return np.array(known).reshape(len(known), length)


def complete(flux: Array, donors: Array) -> Array:
    """Fill the ends that a template does not cover (NaN) from the donor that is most like it.

    A class must not be told by the wavelength range of the library it came from.

    Parameters
    ----------
    flux : ndarray, shape (L,)
    donors : ndarray, shape (D, L)
        Finite at least where `flux` is not.
    """
    known = np.flatnonzero(np.isfinite(flux))
    low, high = int(known[0]), int(known[-1])
    result: Array = np.interp(np.arange(len(flux)), known, flux[known])
    if (low == 0 and high == len(flux) - 1) or len(donors) == 0:
        return result
    inside = np.arange(low, high, 20)
    floor = 1e-3 * np.median(np.abs(result))
    ratio = np.log(np.maximum(_smooth(result)[inside], floor))
    others = _smooth(np.nan_to_num(donors))[:, inside]
    ratio = ratio - np.log(np.maximum(others, floor))  # (D, l)
    tilt = np.linspace(-1.0, 1.0, len(inside))
    left = ratio - ratio.mean(axis=1, keepdims=True)
    left -= (left @ tilt)[:, None] / (tilt @ tilt) * tilt
    donor = np.nan_to_num(donors[np.square(left).mean(axis=1).argmin()])
    width = 150
    for at, far in ((low, slice(0, low)), (high, slice(high + 1, None))):
        near = slice(max(low, at - width), min(high, at + width) + 1)
        under = donor[near].sum()
        scale = result[near].sum() / under if under > 0 else 1.0
        result[far] = donor[far] * scale
    return result


def _smooth(flux: Array, width: int = 41) -> Array:
    """Return the running mean along the last axis, edges repeated."""
    half = width // 2
    pad = [(0, 0)] * (flux.ndim - 1) + [(half + 1, half)]
    total = np.cumsum(np.pad(flux, pad, mode="edge"), axis=-1)
    return (total[..., width:] - total[..., :-width]) / width


def read_quasars(file: Any, test: bool) -> tuple[Stack, Array, Array, Array, Stack, Array]:
    """Read quasars.h5: vectors, coefficients, z, offsets, archetypes and theirs (`Library`)."""
    frame = QuasarFrame.read(file) or QuasarFrame.shipped()
    group = file["spEigenQSO-55732"]
    eigen, start = group["eigenvectors"][:].astype(np.float64), float(group.attrs["COEFF0"])
    vectors = Stack(eigen, start)
    real = file["desisim-pca"]
    z = np.concatenate([real["boss_z"][:], real["sdss_z"][:]])
    coefficients = np.concatenate([real["boss_pca"][:], real["sdss_pca"][:]]).astype(np.float64)
    survey = np.repeat(["boss", "sdss"], [len(real["boss_z"]), len(real["sdss_z"])])
    good = (z > 0.03) & (np.arange(len(z)) % 8 == 3 if test else np.arange(len(z)) % 8 != 3)
    z, coefficients, survey = z[good].astype(np.float64), coefficients[good], survey[good]
    coefficients /= np.sqrt(np.square(coefficients).sum(axis=1, keepdims=True))
    offsets = np.zeros(len(z))
    for name, seen in _SEEN.items():
        mine = survey == name
        found = frame.of_mixtures(eigen, start, coefficients[mine], z[mine], seen)
        offsets[mine] = settled(name.upper(), z[mine], found)
    # Sorted by the redshift in the frame, at which they are drawn.
    z = (1.0 + z) * 10.0**offsets - 1.0
    order = np.argsort(z)
    z, coefficients, offsets = z[order], coefficients[order], offsets[order]
    group = file["rrarchetype-qso"]
    whole = group["flux"][:].astype(np.float64)
    start, length = float(group.attrs["COEFF0"]), whole.shape[1]
    loglam = start + STEP * np.arange(length)
    # Archetypes of distant quasars are not known, and zero or negative, at long wavelengths.
    sound = (whole[:, (loglam > 3.09) & (loglam < 4.0)] > 0).all(axis=1)
    rows = [flux for i, flux in enumerate(whole) if (i % 8 == 3) == test and sound[i]]
    if not test:
        composites = file.get("composites", {})
        for name in ("sdss_qso_vandenberk_fitting", "selsing2016"):
            if name not in composites:
                continue
            wave, flux = composites[name][:, :2].T
            known = np.interp(loglam, np.log10(wave), flux, left=np.nan, right=np.nan)
            rows.append(complete(known / np.nanmedian(known), whole))
    stacked = np.stack(rows)
    shifts = frame.of_mixtures(
        stacked,
        start,
        np.repeat(np.eye(len(rows)), len(_SETTLED), axis=0),
        np.tile(_SETTLED, len(rows)),
        _SEEN["boss"],
    )
    shifts = np.median(shifts.reshape(len(rows), -1), axis=1)
    return vectors, coefficients, z, offsets, Stack(stacked, start), shifts


def read_galaxies(file: Any, test: bool) -> tuple[Stack, Rows, Rows]:
    """Read galaxies.h5: templates, and which are young and old (see `Library`)."""
    start, length = 3.05, 10200  # 1122 to 11746 A
    loglam = start + STEP * np.arange(length)
    library = file["library"]
    fluxes, names = [], []
    for name in library:
        if "sdss-cc" in name:  # noisy ends
            continue
        wave, flux = library[name][:].T
        flux = np.where(flux > 0, flux, 0.0)
        if "kinney" in name and flux[-1] == 0:
            cut = int(np.flatnonzero(flux)[-1]) + 1
            wave, flux = wave[:cut], flux[:cut]
        known = np.interp(loglam, np.log10(wave), flux, left=np.nan, right=np.nan)
        fluxes.append(known / np.nanmedian(known))
        names.append(name)
    stacked = np.stack(fluxes)
    wide = [i for i, name in enumerate(names) if "kinney" in name or "archetype" in name]
    donors = np.array([_flat_ends(stacked[i]) for i in wide])
    if not len(wide):
        others, _, _, first = shipped.galaxies()
        at = first + STEP * np.arange(others.shape[1])
        donors = np.stack([np.interp(loglam, at, flux) for flux in others])
    rows = [
        i
        for i, name in enumerate(names)
        if test == (held_back(name) and i not in wide) or (test and i in wide and i % 4 == 0)
    ]
    age = {i: _age(names[i]) for i in rows}
    stack = Stack(np.stack([complete(stacked[i], donors) for i in rows]), start)
    young = np.array([k for k, i in enumerate(rows) if age[i] < 0.2])
    old = np.array([k for k, i in enumerate(rows) if age[i] >= 0.6])
    return stack, young, old


def _flat_ends(flux: Array) -> Array:
    """Repeat the mean of the first and last known stretch outwards."""
    known = np.flatnonzero(np.isfinite(flux))
    result: Array = flux.copy()
    result[: known[0]] = flux[known[:100]].mean()
    result[known[-1] + 1 :] = flux[known[-100:]].mean()
    return result


def _age(name: str) -> float:
    """Rough age in 1e9 years, as the library's name tells it."""
    if name.startswith("BC03"):
        return float(name.rsplit("_a", 1)[1])
    if name.startswith("MaStar"):
        return float(name.split("-A", 1)[1][:6])
    return 0.1 if any(word in name for word in ("starb", "ELG", "sc_")) else 8.0


def read_troughs(file: Any, test: bool) -> Stack:
    """Read bal.h5: the absorption of broad-absorption-line quasars.

    ``bal_civ_troughs.npz`` is used too where it lies beside it: noisy troughs of C IV.
    """
    more = Path(file.filename).with_name("bal_civ_troughs.npz")
    transmission = file["transmission"][:].astype(np.float64)
    rows = np.flatnonzero(file["bi_civ"][:] > 0)
    rows = np.array([row for i, row in enumerate(rows) if (i % 5 == 2) == test])
    attrs = file.attrs
    wave = attrs["wave0"] + attrs["dwave"] * np.arange(transmission.shape[1])
    start = float(np.log10(wave[0]))
    length = int((np.log10(wave[-1]) - start) / STEP)
    loglam = start + STEP * np.arange(length)
    flux = np.stack([np.interp(10.0**loglam, wave, transmission[row]) for row in rows])
    if more.is_file():
        with np.load(more) as stored:
            others = _carbon_troughs(stored["wave"], stored["transmission"], 10.0**loglam)
        flux = np.concatenate([flux, others[(np.arange(len(others)) % 5 == 2) == test]])
    # Absorption is stored, not transmission, so that beyond the ends there is none.
    return Stack(1.0 - flux, start)


def _carbon_troughs(wave: Array, transmission: Array, rest: NDArray[np.floating]) -> Array:
    """Broad troughs of C IV, smoothed, and the same in other lines, at `rest` (L,): (N, L).

    Of the 66 those are kept that lie below 0.9 for 2000 km/s, farther out than 3000 km/s
    (Weymann et al. 1991, ApJ 373, 23).
    """
    pixels = round(_BLUR / (SPEED_OF_LIGHT * np.median(np.diff(np.log(wave)))))
    smooth = np.clip(_smooth(_smooth(transmission, pixels), pixels), 0.0, 1.1)
    speed = -SPEED_OF_LIGHT * np.log(wave / _TROUGHS[0][0])
    far = (smooth < 0.9) & (speed > 3000.0)
    width = round(2000.0 / np.median(-np.diff(speed)))
    runs = np.cumsum(np.pad(far, [(0, 0), (1, 0)]), axis=1)
    broad: NDArray[np.bool_] = np.any(runs[:, width:] - runs[:, :-width] == width, axis=1)
    whole = np.ones((np.count_nonzero(broad), len(rest)))
    for line, depth in _TROUGHS:
        at = wave * line / _TROUGHS[0][0]
        for row, one in zip(whole, smooth[broad], strict=True):
            row *= 1.0 - depth * np.interp(rest, at, 1.0 - one, left=0.0, right=0.0)
    return whole


def choose(
    rng: np.random.Generator, odds: Sequence[float] | Array, size: int
) -> NDArray[np.int64]:
    """Draw `size` indices with the given odds."""
    edges = np.cumsum(odds)
    return np.searchsorted(edges / edges[-1], rng.random(size), side="right").astype(np.int64)
