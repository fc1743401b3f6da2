"""What lies blueward of Lyman alpha says less of a quasar's redshift than its noise promises.

The forest fluctuates about its mean transmission by some 0.35 of it from pixel to pixel at z =
2.3, gas near the quasar absorbs in Lyman alpha and N V, and neither is in the basis. The fit
takes it for noise: 0.35 of the model is added in quadrature to the error of each pixel there
when the minimum of chi2(z) is sought. From 0.2 to 1.5 redshifts scatter alike on mocks and on
real quasars of folds 2 to 4 (docs/decisions/0028). chi2 itself, by which redshifts and classes
are compared, counts the pixels as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.redshift.basis import STEP
from huggins.redshift.frames import START

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.redshift.equations import LinearFit

    Array = NDArray[np.float64]

# What is added, relative to the model.
_ERROR: Final = 0.35
# Rest wavelength up to which, as a pixel: 1230 A, the core of Lyman alpha within.
_END: Final = float(np.log10(1230.0) / STEP)


def blue_pixels(shift: int, used: slice) -> int:
    """How many of the pixels used lie blueward, the first ones."""
    first, last = int(used.start), int(used.stop)
    return max(0, min(int(np.ceil(_END + shift)) - START, last) - first)


def lowered(fit: LinearFit, coefficients: Array, ivar: Array, shift: int, used: slice) -> Array:
    """Return inverse variances (P,) with that error added blueward of Lyman alpha.

    Parameters
    ----------
    fit, coefficients
        Of the quasar, at that shift.
    ivar : ndarray, shape (P,)
        Of the pixels used.
    shift
        log10(1 + z) / STEP, whole.
    used
        Which pixels of the native grid.
    """
    count = blue_pixels(shift, used)
    if not count:
        return ivar
    model = fit.model(coefficients, shift, slice(used.start, used.start + count))
    out = ivar.copy()
    out[:count] /= 1.0 + ivar[:count] * (_ERROR * model) ** 2
    return out
