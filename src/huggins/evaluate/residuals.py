"""Redshift residuals: bias, scatter, outlier fractions and pulls."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.errors import InputError
from huggins.evaluate.intervals import Estimate, Rate, bootstrap, median, rate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: Turns a median absolute deviation into the sigma of a normal distribution.
_NORMAL: Final = 1.482602218505602


@dataclass(frozen=True, slots=True)
class Residuals:
    """Redshifts against the truth.

    Attributes
    ----------
    n : int
        Spectra with a true redshift.
    missing : int
        Those without a measured redshift; they count as wrong in every fraction.
    median_dv : Estimate
        Median of dv = c (z - z_true) / (1 + z_true), km/s: the bias.
    median_abs_dv : Estimate
        Median of the absolute dv, km/s.
    nmad : Estimate
        Normalised median absolute deviation of dv about its median, km/s: the scatter, robust
        against catastrophic failures.
    within_100, within_300, within_3000 : Rate
        Fraction with |dv| of at most 100, 300 and 3000 km/s.
    within_002 : Rate
        Fraction with an absolute dz / (1 + z_true) below 0.02.
    pull_median, pull_width : Estimate
        Median and normalised median absolute deviation of (z - z_true) / Z_ERR; 0 and 1 where
        Z_ERR is correct. They rest on the spectra within 3000 km/s that have an error,
        because an error bar does not cover line confusion.
    """

    n: int
    missing: int
    median_dv: Estimate
    median_abs_dv: Estimate
    nmad: Estimate
    within_100: Rate
    within_300: Rate
    within_3000: Rate
    within_002: Rate
    pull_median: Estimate
    pull_width: Estimate


def velocity(z: ArrayLike, z_true: ArrayLike) -> NDArray[np.float64]:
    """Return the velocity difference c (z - z_true) / (1 + z_true) in km/s, shape (N,)."""
    truth = np.asarray(z_true, np.float64)
    dv: NDArray[np.float64] = (
        SPEED_OF_LIGHT * (np.asarray(z, np.float64) - truth) / (1.0 + truth)
    )
    return dv


def nmad(values: ArrayLike) -> Estimate:
    """Return 1.4826 times the median absolute deviation of finite values, with interval.

    The interval is a bootstrap.
    """
    return bootstrap(_nmad, values)


def redshift_residuals(
    z: ArrayLike, z_true: ArrayLike, z_err: ArrayLike | None = None
) -> Residuals:
    """Compare redshifts with the truth.

    Parameters
    ----------
    z : array_like, shape (N,)
        NaN where there is none.
    z_true : array_like, shape (N,)
        Finite and above -1.
    z_err : array_like, shape (N,)
        1-sigma errors of `z`; NaN or 0 where there is none.

    Raises
    ------
    InputError
        If the arrays differ in length or a true redshift is not finite and above -1.
    """
    measured, truth = np.asarray(z, np.float64), np.asarray(z_true, np.float64)
    error = np.full(truth.shape, math.nan) if z_err is None else np.asarray(z_err, np.float64)
    if truth.ndim != 1 or not measured.shape == truth.shape == error.shape:
        raise InputError(
            "residuals need one-dimensional arrays of one length, "
            f"not {measured.shape}, {truth.shape} and {error.shape}"
        )
    if not (truth > -1.0).all() or not np.isfinite(truth).all():
        raise InputError("a true redshift is finite and above -1: leave out the others")
    given = np.isfinite(measured)
    n = len(truth)
    dv = velocity(measured[given], truth[given])
    size = np.abs(dv)
    usable = (size <= 3000.0) & (error[given] > 0) & np.isfinite(error[given])
    pull = (measured - truth)[given][usable] / error[given][usable]
    return Residuals(
        n=n,
        missing=n - int(given.sum()),
        median_dv=median(dv),
        median_abs_dv=median(size),
        nmad=nmad(dv),
        within_100=rate(int((size <= 100.0).sum()), n),
        within_300=rate(int((size <= 300.0).sum()), n),
        within_3000=rate(int((size <= 3000.0).sum()), n),
        within_002=rate(int((size < 0.02 * SPEED_OF_LIGHT).sum()), n),
        pull_median=median(pull),
        pull_width=nmad(pull),
    )


def _nmad(values: NDArray[np.float64]) -> NDArray[np.float64]:
    centre = np.median(values, axis=-1, keepdims=True)
    width: NDArray[np.float64] = _NORMAL * np.median(np.abs(values - centre), axis=-1)
    return width
