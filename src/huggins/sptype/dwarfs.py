"""The subtype of white dwarfs, from the absorption that they show: DA, DB, DC, DQ or DZ.

For each element the equivalent widths of its features are summed, each below a straight line
through windows beside it, in A at rest:

- H: H alpha to H delta. He: 4473, 5877, 6680 A. Ca: the K line. C2: the Swan bands at 4670 and
  5100 A.
- The first of H, He, C2, Ca whose sum is above `SIGMA` sigma and its least width names the
  subtype: DA, DB, DQ, DZ.
- DC where every sum is known to be below its least width by `SURE` sigma.
- Otherwise, or where H is in emission and nothing but C2 is seen, nothing can be said.

The continuum is uncertain by `_CONTINUUM` of its level on the scale of a feature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Significance that a feature needs.
SIGMA: Final = 5.0
#: Significance by which all must be missed for DC.
SURE: Final = 2.0
_CONTINUUM: Final = 0.006
# Least number of good pixels in a feature, and in the windows beside it.
_LEAST: Final = 4


class _Feature(NamedTuple):
    """Where a feature lies, and the windows of continuum beside it, in A (vacuum, at rest)."""

    inside: tuple[float, float]
    left: tuple[float, float]
    right: tuple[float, float]


def _line(centre: float, half: float, gap: float, width: float) -> _Feature:
    return _Feature(
        (centre - half, centre + half),
        (centre - gap - width, centre - gap),
        (centre + gap, centre + gap + width),
    )


class _Element(NamedTuple):
    """What names a subtype: its features, and the least sum of their widths in A."""

    subtype: str
    features: tuple[_Feature, ...]
    least: float


_ELEMENTS: Final = (
    _Element(
        "DA",
        (
            _line(6564.6, 45.0, 90.0, 70.0),
            _line(4862.7, 45.0, 90.0, 50.0),
            _line(4341.7, 38.0, 70.0, 40.0),
            _line(4102.9, 28.0, 50.0, 25.0),
        ),
        6.0,
    ),
    _Element(
        "DB",
        (
            _line(4472.7, 25.0, 45.0, 40.0),
            _line(5877.2, 28.0, 50.0, 50.0),
            _line(6680.0, 22.0, 40.0, 30.0),
        ),
        4.0,
    ),
    _Element(
        "DQ",
        (
            _Feature((5000.0, 5170.0), (4880.0, 4960.0), (5200.0, 5290.0)),
            _Feature((4600.0, 4742.0), (4480.0, 4570.0), (4770.0, 4840.0)),
        ),
        6.0,
    ),
    _Element("DZ", (_line(3934.8, 22.0, 45.0, 40.0),), 4.0),
)


def subtypes(wavelength: Array, flux: Array, ivar: Array, z: Array) -> list[str]:
    """Return the subtypes of N white dwarfs; empty where none can be said.

    Parameters
    ----------
    wavelength : ndarray, shape (G,)
        Vacuum, A.
    flux, ivar : ndarray, shape (N, G)
        ivar 0 where there is no data.
    z : ndarray, shape (N,)
        Radial velocity over c; NaN counts as 0.
    """
    return [
        _subtype(wavelength / (1.0 + shift), f, w)
        for f, w, shift in zip(flux, ivar, np.nan_to_num(z), strict=True)
    ]


def _subtype(wavelength: Array, flux: Array, ivar: Array) -> str:
    sums = [_sum(element, wavelength, flux, ivar) for element in _ELEMENTS]
    hydrogen, error = sums[0]
    # A companion, or no white dwarf; wings of emission look like bands beside them.
    emission = hydrogen < -max(SIGMA * error, _ELEMENTS[0].least)
    for element, (width, error) in zip(_ELEMENTS, sums, strict=True):
        if width > max(SIGMA * error, element.least):
            return "" if emission and element.subtype == "DQ" else element.subtype
    missed = (
        width + SURE * error < element.least
        for element, (width, error) in zip(_ELEMENTS, sums, strict=True)
    )
    return "DC" if all(missed) and not emission else ""


def _sum(element: _Element, wavelength: Array, flux: Array, ivar: Array) -> tuple[float, float]:
    """Return the sum of the equivalent widths of an element, in A, and its error."""
    total, variance = 0.0, 0.0
    seen = 0
    for feature in element.features:
        found = _width(feature, wavelength, flux, ivar)
        if found is not None:
            total, variance = total + found[0], variance + found[1] ** 2
            seen += 1
    if not seen:
        return 0.0, np.inf
    return total, float(np.sqrt(variance))


def _width(
    feature: _Feature, wavelength: Array, flux: Array, ivar: Array
) -> tuple[float, float] | None:
    """Return the equivalent width of one feature, in A, and its error; None if not observed."""
    first, last = np.searchsorted(wavelength, (feature.left[0], feature.right[1])).tolist()
    wavelength, flux, ivar = (part[first:last] for part in (wavelength, flux, ivar))
    good = ivar > 0
    inside, left, right = (
        (wavelength > low) & (wavelength < high) & good for low, high in feature
    )
    if min(np.count_nonzero(part) for part in (inside, left, right)) < _LEAST:
        return None
    w = wavelength[inside]
    step = float(np.median(w[1:] - w[:-1]))
    length = feature.inside[1] - feature.inside[0]
    if len(w) * step < 0.7 * length:
        return None
    beside = left | right
    middle = 0.5 * (feature.inside[0] + feature.inside[1])
    x, weight, f = wavelength[beside] - middle, ivar[beside], flux[beside]
    # A straight line by least squares.
    s0, s1, s2 = float(weight.sum()), float(weight @ x), float(weight @ x**2)
    t0, t1 = float(weight @ f), float((weight * x) @ f)
    determinant = s0 * s2 - s1**2
    if determinant <= 0.0:
        return None
    level = (s2 * t0 - s1 * t1) / determinant
    slope = (s0 * t1 - s1 * t0) / determinant
    if level <= 0.0:
        return None
    width = float((1.0 - flux[inside] / (level + slope * (w - middle))).sum() * step)
    noise = float(np.sqrt((1.0 / ivar[inside]).sum())) * step / level
    continuum = length * float(np.hypot(np.sqrt(s2 / determinant) / level, _CONTINUUM))
    return width, float(np.hypot(noise, continuum))
