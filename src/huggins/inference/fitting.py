"""The redshift fit of a batch: with the basis, loaded once, and whatever a spectrum holds."""

from __future__ import annotations

import hashlib
import logging
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.inference.blas import one_thread
from huggins.quality import ZWarning
from huggins.redshift import Fit, Fitter
from huggins.weights import BASIS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum
    from huggins.weights import RedshiftGrid

_log = logging.getLogger(__name__)

_loading = threading.Lock()


def load_fitter() -> Fitter:
    """Return the fitter with the shipped basis, loaded once a process, at the first call."""
    with _loading:
        return _fitter()


@lru_cache(maxsize=1)
def _fitter() -> Fitter:
    return Fitter()


@lru_cache(maxsize=1)
def basis_hash() -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of the shipped basis."""
    content = BASIS.read_bytes()
    return hashlib.sha256(content).hexdigest()[:16]


def fit(
    fitter: Fitter,
    spectra: Sequence[Spectrum],
    probabilities: NDArray[np.float64],
    density: NDArray[np.float64] | None,
    grid: RedshiftGrid | None,
    alternatives: int = 0,
    z: NDArray[np.float64] | None = None,
) -> Fit:
    """Fit M spectra with the network's predictions.

    Parameters
    ----------
    fitter
        With the basis.
    spectra, probabilities, density
        As in `Fitter.fit`.
    grid
        The bins of `density`; None uses the network's classes only.
    alternatives, z
        As in `Fitter.fit`.

    Returns
    -------
    Fit
        A spectrum on which the fit raises an exception has no redshift and BAD_MINFIT set:
        one odd spectrum must not end a run of five million.
    """
    bins: dict[str, Any] = {} if grid is None else {"start": grid.start, "step": grid.step}
    known = None if grid is None else density
    try:
        with one_thread():
            return fitter.fit(
                spectra, probabilities, known, alternatives=alternatives, z=z, **bins
            )
    except Exception as error:
        if len(spectra) == 1:
            _log.debug("%s: the fit failed", spectra[0].file, exc_info=True)
            _log.warning("%s: the fit failed: %r", spectra[0].file, error)
            return _failed(probabilities, alternatives)
    parts = [
        fit(
            fitter,
            spectra[i : i + 1],
            probabilities[i : i + 1],
            None if known is None else known[i : i + 1],
            grid,
            alternatives,
            None if z is None else z[i : i + 1],
        )
        for i in range(len(spectra))
    ]
    values: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in Fit.__slots__
        if name not in ("solutions", "causes", "measured")
    }
    return Fit(
        **values,
        solutions=[part.solutions[0] for part in parts],
        causes=[part.causes[0] for part in parts],
        measured=[part.measured[0] for part in parts],
    )


def _failed(probabilities: NDArray[np.float64], alternatives: int) -> Fit:
    """Return the result for one spectrum on which the fit failed."""
    result = Fit.empty(1, alternatives)
    result.probabilities[:] = probabilities
    result.zwarning[:] = ZWarning.BAD_MINFIT
    result.noise[:] = np.nan
    result.solutions.append((None, None))
    result.causes.append({ZWarning.BAD_MINFIT: "the fit failed"})
    result.measured.append(None)
    return result
