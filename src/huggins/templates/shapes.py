"""Whether templates that were fetched are those that huggins was made with.

Of each template the shape is kept: its mean in `BINS` stretches of wavelength, on any scale.
A file that has become another one, a wrong version, or wavelengths read in a wrong unit shows
in it; the conversion of a library from air to vacuum does not. The file is made by
`experiments/template_shapes.py`.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

#: Stretches of a template whose means are compared.
BINS: Final = 24
#: Largest rms difference of two shapes, relative to their rms, that are of one template.
TOLERANCE: Final = 0.03
SHAPES: Final = Path(__file__).parent / "shapes.npz"


def shape_of(flux: ArrayLike) -> Array:
    """Return the means of a template in `BINS` equal parts of its pixels, shape (BINS,).

    Of rms 1; NaN in a part that is not covered.

    Parameters
    ----------
    flux : array, shape (n,)
        NaN where it is not known.
    """
    flux = np.asarray(flux, np.float64)
    edges = np.linspace(0, len(flux), BINS + 1).astype(int)
    means = np.full(BINS, np.nan)
    for i, (low, high) in enumerate(pairwise(edges)):
        part = flux[low:high]
        known = np.isfinite(part)
        if 2 * known.sum() > len(part):
            means[i] = part[known].mean()
    rms = np.sqrt(np.nanmean(np.square(means))) if np.isfinite(means).any() else 0.0
    return means / rms if rms > 0 else means


@lru_cache(maxsize=1)
def known_shapes(path: Path = SHAPES) -> dict[str, Array]:
    """Read the shapes that are kept, by ``file/source/name``."""
    with np.load(path) as stored:
        names, shapes = stored["names"], stored["shapes"].astype(np.float64)
    return dict(zip((str(name) for name in names), shapes, strict=True))


def difference(key: str, flux: ArrayLike) -> float | None:
    """Return how much a template differs from the one of this key; None if none is known.

    Returns
    -------
    float
        rms difference of the shapes, of rms 1 each, where both are covered; 1 where they share
        less than half of their coverage.
    """
    expected = known_shapes().get(key)
    if expected is None:
        return None
    found = shape_of(flux)
    both = np.isfinite(found) & np.isfinite(expected)
    if 2 * both.sum() < np.isfinite(expected).sum():
        return 1.0
    one, other = found[both], expected[both]
    scale = (one @ other) / max(float(one @ one), 1e-30)
    return float(np.sqrt(np.mean(np.square(scale * one - other)) / np.mean(np.square(other))))
