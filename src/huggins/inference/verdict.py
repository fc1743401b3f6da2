"""From what the network says to what the table says: class, subclass, redshift, doubts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.quality import ZWarning
from huggins.redshift import MEMBERSHIP
from huggins.taxonomy import BROAD_CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.inference.network import Prediction
    from huggins.redshift import Fit
    from huggins.weights import RedshiftGrid

#: Least share of the model's grid that must hold data.
MIN_COVERAGE: Final = 0.2
#: Least probability within 5000 km/s of the network's redshift.
MIN_PEAK: Final = 0.5
#: Largest |redshift| that a star can have: 1500 km/s, above the fastest known stars' and the
#: width of a few bins of the network's redshift grid.
MAX_STAR_Z: Final = 0.005
#: Median S/N a pixel below which "none of the classes" means empty sky.
SKY_SN: Final = 1.0


def decide(
    probabilities: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return CLASS and SUBCLASS of N spectra, as indices.

    CLASS is the broad class with the largest sum of probabilities, SUBCLASS the most probable
    class within it. The two-step choice matters for stars: one whose type lies between G and K
    is a star with certainty, though neither letter alone need beat a galaxy.

    Parameters
    ----------
    probabilities : ndarray, shape (N, 13)
        In the order of `huggins.taxonomy.CLASSES`.

    Returns
    -------
    broad : ndarray, shape (N,)
        Index into `BROAD_CLASSES`.
    sub : ndarray, shape (N,)
        Index into `huggins.taxonomy.CLASSES`.
    """
    broad = (probabilities @ MEMBERSHIP).argmax(axis=1)
    inside = MEMBERSHIP.T[broad] > 0
    return broad, np.where(inside, probabilities, -1.0).argmax(axis=1)


def doubts(
    prediction: Prediction,
    broad: NDArray[np.int64],
    probability: NDArray[np.float64],
    *,
    sn: NDArray[np.float64],
    coverage: NDArray[np.float64],
    threshold: float,
    none_threshold: float,
    redshift: RedshiftGrid | None,
    fit: Fit | None = None,
) -> NDArray[np.int32]:
    """Return the bits of ZWARNING that the answers call for, shape (N,).

    Those of the fit, where there is one, and of the network's:

    - SKY or NOT_A_CLASS: the probability of being none of the classes is above
      `none_threshold`. With a median S/N below 1 a pixel there is nothing but sky to be seen;
      above it something is there that the network has not learned.
    - LOW_PROBABILITY: the probability of SUBCLASS is below `threshold`.
    - LITTLE_COVERAGE: less than a fifth of the network's pixels hold data.
    - UNCERTAIN_Z, without a fit only: the redshift distribution has less than half of its
      weight within 5000 km/s of its peak. For stars that is no matter, their class says what
      the redshift is; but where class and redshift contradict each other, a star beyond 1500
      km/s, it is set too.
    - Z_FITLIMIT, without a fit only: the redshift lies in the first or last bin of the
      network's grid.

    Parameters
    ----------
    prediction
        Of N spectra.
    broad, probability : ndarray, shape (N,)
        Index of CLASS into `BROAD_CLASSES`, and probability of SUBCLASS.
    sn : ndarray, shape (N,)
        Median signal-to-noise ratio.
    coverage : ndarray, shape (N,)
        Share of the network's pixels that hold data.
    threshold, none_threshold
        As in `huggins.weights.Metadata`.
    redshift
        The network's redshift bins; None where it gives no redshift, and then nothing is said
        of redshifts.
    fit
        Of the same spectra; its redshift is then the one that counts, and its own bits say how
        sure it is. `probability` is then of network and fit together.
    """
    bits = np.zeros(len(broad), dtype=np.int32)
    none = prediction.none > none_threshold
    with np.errstate(invalid="ignore"):
        bits[none & ~(sn >= SKY_SN)] |= ZWarning.SKY
        bits[none & (sn >= SKY_SN)] |= ZWarning.NOT_A_CLASS
    bits[probability < threshold] |= ZWarning.LOW_PROBABILITY
    bits[coverage < MIN_COVERAGE] |= ZWarning.LITTLE_COVERAGE
    if fit is not None:
        bits |= fit.zwarning
    elif redshift is not None:
        star = broad == BROAD_CLASSES.index("STAR")
        contradiction = star & (np.abs(prediction.z) > MAX_STAR_Z)
        bits[contradiction | (~star & (prediction.z_peak < MIN_PEAK))] |= ZWarning.UNCERTAIN_Z
        log1z = np.log1p(prediction.z)
        end = redshift.start + redshift.step * redshift.size
        at_edge = (log1z < redshift.start + redshift.step) | (log1z > end - redshift.step)
        bits[at_edge] |= ZWarning.Z_FITLIMIT
    return bits
