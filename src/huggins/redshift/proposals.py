"""What the network proposes to the fit: how probable it holds each redshift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.constants import LN10
from huggins.taxonomy import INDEX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# Error of the network's redshifts, in ln(1 + z): 1800 km/s.
_REACH: Final = 0.006


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """The network's redshift distribution: probability in bins of ln(1 + z).

    Attributes
    ----------
    logs : ndarray, shape (B,)
        Logarithm of the largest probability within the network's own error of 1800 km/s, as
        the fit decides better between minima closer than that. It has a floor, for redshifts
        that the network missed.
    start, step
        Left edge of the first bin, and width.
    absorbed
        Its probability of broad absorption, given a quasar.
    """

    logs: Array
    start: float
    step: float
    absorbed: float = 1.0

    def at(self, log1z: NDArray[np.floating]) -> Array:
        """Return the log probability at log10(1 + z)."""
        out: Array = self.logs[self.bins(log1z)]
        return out

    def bins(self, log1z: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the bins that log10(1 + z) lies in, or is nearest to."""
        bins: NDArray[np.int64] = ((LN10 * log1z - self.start) / self.step).astype(np.int64)
        return np.minimum(np.maximum(bins, 0, out=bins), len(self.logs) - 1, out=bins)


def proposals(
    density: NDArray[np.floating],
    probabilities: NDArray[np.floating],
    start: float,
    step: float,
) -> list[Proposal]:
    """Make proposals of N redshift distributions (N, B) and class probabilities (N, 13)."""
    reach = max(round(_REACH / step), 1)
    padded = np.pad(density, ((0, 0), (reach, reach)))
    near = np.array(density, np.float64)
    for shift in range(2 * reach + 1):
        np.maximum(near, padded[:, shift : shift + near.shape[1]], out=near)
    logs = np.log(near + 1e-5)
    quasar, absorbed = probabilities[:, INDEX["QSO"]], probabilities[:, INDEX["BAL"]]
    fraction = absorbed / np.maximum(quasar + absorbed, 0.02)
    return [Proposal(row, start, step, float(s)) for row, s in zip(logs, fraction, strict=True)]
