"""chi2 of one spectrum along redshift, and the fit at a redshift that somebody names.

For people who look: the search itself (`huggins.redshift.search`) needs neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from huggins.redshift.basis import STEP
from huggins.redshift.frames import SIZE, bin_down
from huggins.redshift.minimise import Solution
from huggins.taxonomy import BROAD, INDEX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.redshift.frames import Frames
    from huggins.redshift.search import Search

    Array = NDArray[np.float64]


def chi2_curves(search: Search, frames: Frames, row: int) -> list[tuple[str, Array, Array]]:
    """Return chi2 against redshift on binned pixels, one curve per broad class.

    Parameters
    ----------
    search
    frames, row
        The spectrum.

    Returns
    -------
    list of (class, z, chi2)
        ``STAR``, ``GALAXY`` and ``QSO``, z increasing; that of stars is the lowest of all
        archetypes. Empty where the spectrum has no good pixel.
    """
    ivar, flux = frames.ivar[row], frames.flux[row]
    total, good, signal = _brightness(frames, row)
    if good == 0:
        return []
    third = bin_down(ivar * flux, 3), bin_down(ivar, 3)
    sixth = bin_down(third[0], 2), bin_down(third[1], 2)
    star = search.star_scanner
    gains = star.gain(*sixth, signal).max(axis=0).astype(np.float64)
    curves: list[tuple[str, Array, Array]] = []
    z: Array = np.power(10.0, star.shifts * star.factor * STEP) - 1.0
    curves.append(("STAR", z, total - gains))
    for name, scanner, sums in (
        ("GALAXY", search.galaxy_scanner, third), ("QSO", search.quasar_scanner, sixth),
    ):  # fmt: skip
        gain = scanner.gain(*sums, signal).astype(np.float64)
        z = np.power(10.0, scanner.shifts * scanner.step) - 1.0
        curves.append((name, z, total - gain))
    return curves


def fit_at(search: Search, frames: Frames, row: int, name: str, z: float) -> Solution:
    """Fit the templates of one of the 13 classes at one redshift.

    Parameters
    ----------
    search
    frames, row
        The spectrum.
    name
        One of the 13 classes; for a star its archetype that fits best.
    z
        Redshift, above -1.
    """
    ivar, flux = frames.ivar[row], frames.flux[row]
    total, _, signal = _brightness(frames, row)
    shift = round(float(np.log10(1.0 + z)) / STEP - float(frames.offset[row]))
    whole = slice(0, SIZE)
    broad = BROAD[name]
    archetype = -1
    if broad == "STAR":
        candidates = np.flatnonzero(search.basis.star.classes == INDEX[name]).tolist()
        fits = {n: search.star.solve(flux, ivar, n, shift, whole) for n in candidates}
        archetype = max(fits, key=lambda n: fits[n][0])
        gain, coefficients = fits[archetype]
    else:
        gain, coefficients = search.linear[broad].solve(flux, ivar, signal, shift, whole)
    chi2 = total - gain
    return Solution(broad, float(shift), chi2, chi2, np.inf, coefficients, archetype)


def _brightness(frames: Frames, row: int) -> tuple[float, int, float]:
    """chi2 of an empty model, good pixels, and the signal that scales the priors."""
    ivar, flux = frames.ivar[row], frames.flux[row]
    total, good = float((ivar * flux) @ flux), int(frames.good[row])
    return total, good, max(total - good, 0.05 * good)
