"""Z_ERR, the 1-sigma uncertainty of the redshift: from the fit, or from the network alone.

Fit:

    Z_ERR = (1 + z) ln(10) STEP sqrt((k min(sigma, 14.5) sqrt(max(r, 1)))^2 + e_pix^2)

- STEP = 1e-4: width of a native pixel in log10(wavelength).
- sigma: where chi2(z) lies 1 above its minimum, in pixels, from the parabola through it
  (`huggins.redshift.minimise.parabola`); at most the 1000 km/s beyond which a redshift is
  another one.
- r: chi2 per good pixel at the minimum. The ivar behind chi2 was scaled to the measured noise
  (`huggins.noise.scatter`), so r above 1 is misfit of the basis and not wrong ivar.
- k, e: `error_factor` and `error_floor` (e_pix = e / (c ln(10) STEP)) of the class, fitted on
  mocks and on training folds so that (z - z_true) over both errors has the width of a unit
  Gaussian (`experiments/errors.py`: labels err too); k covers correlated pixels, e wavelengths
  and templates. Of quasars beyond z = `FAR`, which show neither narrow lines nor all of Mg II,
  e is at least `error_floor_far`, and from z = `NEAR` on it grows to that: their lines move
  against each other by hundreds of km/s.

Network:

    Z_ERR = (1 + z) s f

- s: standard deviation in ln(1 + z) within 5000 km/s of the peak, a bin's width included
  (`huggins.inference.network`).
- f: `redshift_error_scale` of the weights, fitted on validation spectra
  (`huggins.train.calibrate`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.constants import LN10, SPEED_OF_LIGHT
from huggins.redshift.basis import STEP
from huggins.redshift.frames import SAME
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.redshift.parameters import DecisionParameters

#: Redshifts from which on, and beyond which fully, quasars have a floor of their own: [O III]
#: and [O II] leave the spectrum in between.
NEAR: Final = 1.2
FAR: Final = 1.8


def fit_error(
    shift: float, sigma: float, reduced: float, index: int, parameters: DecisionParameters
) -> float:
    """Return Z_ERR of a fit.

    Parameters
    ----------
    shift, sigma
        log10(1 + z) / STEP and its formal error, both in native pixels.
    reduced
        chi2 per good pixel.
    index
        Class, as an index into `huggins.taxonomy.CLASSES`.
    parameters
        With the factor and the floor of each class.
    """
    pixels = parameters.error_factor[index] * min(sigma, SAME) * np.sqrt(max(reduced, 1.0))
    floor = floor_of(index, 10.0 ** (shift * STEP) - 1.0, parameters)
    floor /= SPEED_OF_LIGHT * LN10 * STEP
    relative = LN10 * STEP * float(np.hypot(pixels, floor))
    return float(10.0 ** (shift * STEP) * relative)


def floor_of(index: int, z: float, parameters: DecisionParameters) -> float:
    """Return the part of a redshift's error that no photons reduce, km/s."""
    floor = parameters.error_floor[index]
    if CLASSES[index] in ("QSO", "BAL") and z > NEAR:
        part = min((z - NEAR) / (FAR - NEAR), 1.0)
        floor += part * max(parameters.error_floor_far - floor, 0.0)
    return floor


def network_error(
    z: NDArray[np.float64], spread: NDArray[np.float64], scale: float
) -> NDArray[np.float64]:
    """Return Z_ERR of N redshifts of a network from their spread in ln(1 + z), shape (N,)."""
    return (1.0 + z) * spread * scale
