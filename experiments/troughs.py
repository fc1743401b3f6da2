"""Real and mock absorption to put before quasars, and noise to add to spectra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.redshift.balnicity import outflow_velocity
from huggins.spectrum import Spectrum

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# Lines that a trough is put into: wavelength, least and most strength relative to C IV.
_LINES: Final = (
    (1549.06, 1.0, 1.0), (1396.76, 0.2, 1.0), (1240.14, 0.4, 1.0), (1215.67, 0.0, 0.7),
    (1033.82, 0.3, 1.0),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Trough:
    """Transmission of broad absorption: of velocity, or of rest wavelength (`whole`)."""

    x: Array
    transmission: Array
    whole: bool

    def at(self, wavelength: Array, z: float, rng: np.random.Generator) -> Array:
        """Return the transmission at observed wavelengths, in all lines."""
        rest = wavelength / (1.0 + z)
        if self.whole:
            return np.interp(rest, self.x, self.transmission, left=1.0, right=1.0)
        out, strength = np.ones(len(rest)), rng.random()
        for line, least, most in _LINES:
            v = outflow_velocity(rest * 1549.06 / line, 0.0)
            factor = np.interp(v, self.x, self.transmission, left=1.0, right=1.0)
            out *= factor ** (least + (most - least) * strength)
        return out


def troughs(templates: Path) -> list[Trough]:
    """Read the real troughs: 66 of C IV alone (smoothed, they are noisy), 34 in all lines."""
    import h5py

    stored = np.load(templates / "bal_civ_troughs.npz")
    v = outflow_velocity(stored["wave"], 0.0)
    order = np.argsort(v)
    found = []
    for row in stored["transmission"]:
        padded = np.pad(np.nan_to_num(row, nan=1.0), 4, "edge")
        smooth = np.convolve(padded, np.ones(9) / 9.0, "valid").clip(0.02, 1.1)
        found.append(Trough(v[order], smooth[order], False))
    with h5py.File(templates / "bal.h5") as file:
        rows = file["transmission"][:].astype(np.float64)
        rest = file.attrs["wave0"] + file.attrs["dwave"] * np.arange(rows.shape[1])
    return found + [Trough(rest, row.clip(0.0, 1.2), True) for row in rows]


def narrow(rng: np.random.Generator) -> Trough:
    """Draw absorption that is too narrow to be a BAL: 300 to 1600 km/s wide."""
    slow, width = rng.uniform(-500.0, 20000.0), np.exp(rng.uniform(np.log(300), np.log(1600)))
    v = np.arange(-2000.0, 25000.0, 20.0)
    shape = np.exp(-(np.abs((v - slow - width / 2.0) / (0.5 * width)) ** 6))
    return Trough(v, 1.0 - rng.uniform(0.3, 0.98) * shape, False)


def noisier(spectrum: Spectrum, sn: float, rng: np.random.Generator) -> Spectrum:
    """Return the spectrum with noise added down to a median S/N."""
    now = spectrum.median_sn()
    if not now > sn:
        return spectrum
    more = (now / sn) ** 2 - 1.0  # variance, over that of each pixel
    good = spectrum.ivar > 0.0
    error = np.zeros(len(good))
    error[good] = np.sqrt(more / spectrum.ivar[good])
    flux = spectrum.flux + error * rng.standard_normal(len(good))
    return Spectrum(spectrum.loglam, flux, np.where(good, spectrum.ivar / (1.0 + more), 0.0))
