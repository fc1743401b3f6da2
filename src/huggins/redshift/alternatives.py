"""The different redshifts that a spectrum may have, and how probable each of them is.

Of the candidates of one spectrum (`huggins.redshift.search`), those within 1000 km/s of one
with a higher score (`huggins.redshift.decide`) are the same redshift, the rule of DELTACHI2.
The probability of each of the redshifts that are left is that of its best candidate,

    P = (1 - n) exp(S / T) / sum of exp(S / T),   n = 1 / (1 + exp(a + b (m / T)))

- S: score, a log probability by network and chi2 together; T flattens what is too sure. For
  the decision its chi2 levels off, the sooner the worse the fits are, and two hopeless
  redshifts would be equals whatever their chi2. Here what a bad fit takes off D / 2 is put
  back, and w ln(1 + e / C) is taken off, e being the lowest chi2 at the redshift above that of
  all, over the reduced chi2. No redshift is above the one that was decided on.
- n: that none of them is right; m is the lead of the best score over the next. The fainter the
  features, the more often the right redshift is not among the maxima that were fitted.

T, a, b, w: `HEAT`, `LISTED`, `LISTED_LEAD`, `BEYOND`, fitted on training folds and mocks
(`experiments/alternatives.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.redshift.frames import SAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: T, a, b, w of the definition above.
HEAT: Final = 2.816
LISTED: Final = 0.897
LISTED_LEAD: Final = 1.064
BEYOND: Final = 1.5

#: Different redshifts that are looked at, at most: more than the search gives.
MOST: Final = 16
#: One of the different redshifts of a spectrum.
ALTERNATIVE: Final = np.dtype(
    [
        ("broad", "<i2"),  # index into BROAD_CLASSES; -1: there is none
        ("sub", "<i2"),  # index into CLASSES
        ("z", "<f4"),
        ("chi2", "<f8"),  # in units of the noise that the spectrum shows
        ("prob", "<f4"),
    ]
)


def blank(count: int, most: int) -> NDArray[np.void]:
    """Return N rows of alternatives in which there is none, shape (N, most)."""
    rows = np.zeros((count, most), ALTERNATIVE)
    rows["broad"] = rows["sub"] = -1
    for name in ("z", "chi2", "prob"):
        rows[name] = np.nan
    return rows


def distinct(shift: Sequence[float] | Array, score: Array) -> list[int]:
    """Return the best candidate at each different redshift, best first.

    Parameters
    ----------
    shift, score : shape (n,)
        log10(1 + z) / STEP of the candidates, and their log probability.
    """
    places = np.asarray(shift, np.float64).tolist()
    found: list[int] = []
    for n in np.argsort(-score, kind="stable").tolist():
        if all(abs(places[n] - places[m]) > SAME for m in found):
            found.append(n)
    return found


def shares(score: Array) -> Array:
    """Return the probability of each of n different redshifts, shape (n,); best first.

    Parameters
    ----------
    score : ndarray, shape (n,)
        Their log probability up to a constant, decreasing.
    """
    flat = (score - score[0]) / HEAT
    weight = np.exp(flat)
    lead = -flat[1] if len(flat) > 1 else np.inf
    listed = 1.0 / (1.0 + np.exp(-(LISTED + LISTED_LEAD * min(lead, 50.0))))
    out: Array = listed * weight / weight.sum()
    return out
