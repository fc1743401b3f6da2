"""Sets of classes that hold the right one as often as asked: split conformal prediction.

A set holds every class whose probability is at least 1 - q, and the most probable one. q is the
quantile of 1 - P(right class) among spectra that neither network nor fit was trained on
(Sadinle, Lei and Wasserman 2019, J. Am. Stat. Assoc. 114, 223), the larger of that of real
spectra and that of mocks of all 13 classes in equal numbers, so that the sets hold what they
promise on either. `experiments/sets.py` measures q for the shipped network and fit.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.errors import InputError
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: What the metadata of a table of results says of how often its sets hold the right class.
KEY: Final = "SETS"
_FILE: Final = "sets.json"


@lru_cache(maxsize=1)
def calibration() -> tuple[Array, Array, str]:
    """Return confidences, the thresholds of each, and the hash of the network they hold for."""
    stored = json.loads((files("huggins.inference") / _FILE).read_text("utf-8"))
    return np.array(stored["confidence"]), np.array(stored["threshold"]), stored["network"]


def checked(confidence: float) -> float:
    """Return a confidence that sets can be asked for.

    Raises
    ------
    InputError
        If it is not within what was calibrated.
    """
    known, _, _ = calibration()
    if not known[0] <= confidence <= known[-1]:
        raise InputError(
            f"sets can be asked to hold the right class for {known[0]:g} to {known[-1]:g} of "
            f"the spectra, not {confidence:g}"
        )
    return float(confidence)


def threshold(confidence: float) -> float:
    """Return the least probability of a class in a set.

    Parameters
    ----------
    confidence
        How often the right class is to be in the set, rounded up to whole percents (99.5 % is
        the largest).

    Raises
    ------
    InputError
        If it is not within what was calibrated.
    """
    known, thresholds, _ = calibration()
    checked(confidence)
    return float(thresholds[np.searchsorted(known, confidence - 1e-9)])


def sets_of(probabilities: Array, first: NDArray[np.int64], confidence: float) -> list[str]:
    """Return the sets of N spectra, their classes by falling probability.

    Parameters
    ----------
    probabilities : ndarray, shape (N, 13)
        In the order of `huggins.taxonomy.CLASSES`.
    first : ndarray of int, shape (N,)
        SUBCLASS, which is always in the set.
    confidence
        As in `threshold`.
    """
    least = threshold(confidence)
    sets = []
    for row, chosen in zip(probabilities, first.tolist(), strict=True):
        order = np.argsort(-row, kind="stable").tolist()
        sets.append(" ".join(CLASSES[k] for k in order if k == chosen or row[k] >= least))
    return sets
