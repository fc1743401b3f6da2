"""The single exposures of full spec files of SDSS and BOSS, added up to spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.redshift.basis import STEP
from huggins.redshift.frames import SIZE, START
from huggins.spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Exposure = list[tuple[Array, Array, Array]]

# HDU of the first exposure of a full spec file; one more of the two arms of each exposure.
_FIRST: Final = 4


def exposures(path: Path) -> list[Exposure]:
    """Read the exposures of a spec file in order; empty where it has none.

    Of each exposure its arms: log10 wavelength (A), flux and ivar.
    """
    from astropy.io import fits

    found: dict[str, Exposure] = {}
    with fits.open(path) as file:
        for part in file[_FIRST:]:
            # B1-00144996-00144995-00144994: camera, exposure, its flat and its arc.
            camera, _, rest = part.name.partition("-")
            if camera[:1] not in ("B", "R") or not isinstance(part, fits.BinTableHDU):
                continue
            arm = tuple(
                np.asarray(part.data[name], np.float64) for name in ("loglam", "flux", "ivar")
            )
            found.setdefault(rest.partition("-")[0], []).append((arm[0], arm[1], arm[2]))
    return [found[name] for name in sorted(found)]


def added(some: Sequence[Exposure]) -> Spectrum:
    """Return the mean of exposures, weighted by inverse variance, on native pixels.

    A pixel of an exposure counts as a whole for the nearest pixel of the result, so that the
    noise of pixels stays independent; lines get wider by 20 km/s and stay where they are.
    """
    ivar, flux = np.zeros(SIZE), np.zeros(SIZE)
    for place, value, weight in (arm for exposure in some for arm in exposure):
        at = np.rint(place / STEP).astype(int) - START
        good = (weight > 0.0) & np.isfinite(value) & (at >= 0) & (at < SIZE)
        np.add.at(ivar, at[good], weight[good])
        np.add.at(flux, at[good], weight[good] * value[good])
    flux[ivar > 0.0] /= ivar[ivar > 0.0]
    loglam = (START + np.arange(SIZE, dtype=np.float64)) * STEP
    return Spectrum(loglam, flux, ivar)


def halves(some: Sequence[Exposure]) -> list[tuple[Spectrum, Spectrum]]:
    """Odd exposures against even ones: one pair, or none of a single exposure."""
    return [(added(some[::2]), added(some[1::2]))] if len(some) > 1 else []


def neighbours(some: Sequence[Exposure]) -> list[tuple[Spectrum, Spectrum]]:
    """Each odd exposure against the one after it."""
    pairs = zip(some[::2], some[1::2], strict=False)
    return [(added([one]), added([two])) for one, two in pairs]
