"""Mock quasars from the mean of the shipped basis."""

from __future__ import annotations

import numpy as np

from huggins.redshift import load_basis
from huggins.redshift.balnicity import outflow_velocity


def quasar(rng, *, z, error, trough=None, depth=0.7):
    """Return wavelength, flux and error of a quasar.

    `error` is that of a pixel over the median flux; `trough` the outflow velocities of C IV, in
    km/s, between which `depth` of the light is absorbed.
    """
    mean = load_basis().quasar
    rest = (mean.start + np.arange(mean.vectors.shape[1])) * 1e-4
    wavelength = 10.0 ** (3.56 + 1e-4 * np.arange(4400))
    flux = 10.0 * np.interp(np.log10(wavelength / (1.0 + z)), rest, mean.vectors[0])
    noise = np.full(len(flux), error * np.median(flux))
    if trough is not None:
        v = outflow_velocity(wavelength, z)
        flux = np.where((v > trough[0]) & (v < trough[1]), (1.0 - depth) * flux, flux)
    return wavelength, flux + noise * rng.normal(size=len(flux)), noise
