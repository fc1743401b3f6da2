"""CLASS and SUBCLASS from the probabilities of the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from huggins.redshift import MEMBERSHIP

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
