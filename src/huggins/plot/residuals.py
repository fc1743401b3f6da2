"""What the model leaves: (flux - model) / sigma below the spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.plot.data import smoothed
from huggins.prepare import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]

_FAINT: Final = "#b4bfce"
# Half-height of the panel in sigma: at least the first, at most the second.
_RANGE: Final = (4.5, 15.0)
# Standard deviation in pixels of the Gaussian that shows what is left in common.
_WIDTH: Final = 4.0


def draw_residuals(
    axes: Axes, spectrum: Spectrum, model: Array, *, label: str, colour: str
) -> None:
    """Draw a spectrum of L pixels minus a model of it, over its errors, into empty axes."""
    flux, ivar = clean(spectrum)
    ivar = np.where(np.isfinite(model), ivar, 0.0)
    left = np.where(ivar > 0, (flux - model) * np.sqrt(ivar), np.nan)
    # Residuals of equal weight each: the mean of n of them has an error of 1 / sqrt(n).
    common = smoothed(np.nan_to_num(left), (ivar > 0).astype(np.float64), width=_WIDTH)
    axes.axhspan(-1.0, 1.0, color="black", alpha=0.06, lw=0, zorder=0)
    axes.axhline(0.0, color="black", lw=0.5, alpha=0.6, zorder=1)
    axes.plot(spectrum.wavelength, left, color=_FAINT, lw=0.5, zorder=2)
    axes.plot(spectrum.wavelength, common, color=colour, lw=0.9, zorder=3)
    seen = np.abs(left[np.isfinite(left)])
    reach = float(np.percentile(seen, 99.0)) * 1.15 if len(seen) else 0.0
    reach = min(max(reach, _RANGE[0]), _RANGE[1])
    axes.set_ylim(-reach, reach)
    axes.set_ylabel(label, fontsize=9)
    axes.minorticks_on()
    for which in ("major", "minor"):
        axes.tick_params(which=which, direction="in", top=True, right=True)
