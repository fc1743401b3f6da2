"""What the fit of a batch of spectra gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from huggins.redshift.alternatives import blank
from huggins.redshift.balnicity import COLUMNS
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.quality import ZWarning
    from huggins.redshift.balnicity import Absorption
    from huggins.redshift.minimise import Solution

    Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Result of the fit of N spectra.

    Attributes
    ----------
    broad : ndarray of int, shape (N,)
        Index into `BROAD_CLASSES`; -1 where there is no good pixel.
    probabilities : ndarray, shape (N, 13)
        Of `huggins.taxonomy.CLASSES`, network and fit together.
    z, z_err : ndarray, shape (N,)
        NaN where there is none.
    z_p16, z_p84 : ndarray, shape (N,)
        Percentiles of the redshift (`huggins.redshift.posterior`).
    deltachi2 : ndarray, shape (N,)
        Lowest chi2 at a redshift more than 1000 km/s away minus that at the chosen one.
        Negative where the network decided against the lowest; NaN where there is no other.
    rchi2 : ndarray, shape (N,)
        Reduced chi2, in units of the noise that the spectrum shows.
    zwarning : ndarray of int32, shape (N,)
        Bits of `huggins.quality.ZWarning`.
    noise : ndarray, shape (N,)
        Scatter between pixels over what ivar says.
    z_second : ndarray, shape (N,)
        Redshift of the candidate that `deltachi2` speaks of; NaN where there is none.
    absorption : ndarray, shape (N, 7)
        C IV absorption in the order of `huggins.redshift.balnicity.COLUMNS`; NaN where it was
        not observed, or for what is no quasar.
    systemic : ndarray, shape (N, 2)
        Systemic redshift of a quasar and its error, as `huggins.redshift.systemic` has them;
        NaN where no line tells it, or for what is no quasar.
    alternatives : ndarray of `huggins.redshift.alternatives.ALTERNATIVE`, shape (N, K)
        The K most probable different redshifts of each spectrum, the chosen one first; K is 0
        where they were not asked for.
    solutions : list
        The chosen candidate and the one that `deltachi2` speaks of of each spectrum, either of
        them None where there is none.
    causes : list of dict
        The bits set by the fit of each spectrum, and in words what set them; empty where the
        meaning of the bit says all.
    host : ndarray, shape (N,)
        Share of starlight (`huggins.redshift.host`); NaN where it is not known.
    measured : list of Absorption or None
        The same as `absorption`, with what it rests on and why it is missing; None for what is
        no quasar.
    """

    broad: NDArray[np.int64]
    probabilities: Array
    z: Array
    z_err: Array
    z_p16: Array
    z_p84: Array
    deltachi2: Array
    rchi2: Array
    zwarning: NDArray[np.int32]
    noise: Array
    z_second: Array
    absorption: Array
    systemic: Array
    alternatives: NDArray[np.void]
    solutions: list[tuple[Solution | None, Solution | None]]
    causes: list[dict[ZWarning, str]]
    host: Array
    measured: list[Absorption | None]

    @classmethod
    def empty(cls, count: int, alternatives: int = 0) -> Fit:
        """Return N results in which nothing is known, with room for K alternatives."""

        def unknown() -> Array:
            return np.full(count, np.nan)

        return cls(
            broad=np.full(count, -1, np.int64),
            probabilities=np.full((count, len(CLASSES)), np.nan),
            z=unknown(),
            z_err=unknown(),
            z_p16=unknown(),
            z_p84=unknown(),
            deltachi2=unknown(),
            rchi2=unknown(),
            zwarning=np.zeros(count, np.int32),
            noise=np.ones(count),
            z_second=unknown(),
            absorption=np.full((count, len(COLUMNS)), np.nan),
            systemic=np.full((count, 2), np.nan),
            alternatives=blank(count, alternatives),
            solutions=[],
            causes=[],
            host=unknown(),
            measured=[],
        )
