"""The fit of one spectrum in detail: models and the second-best solution."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.errors import InputError
from huggins.inference.fitting import fit, load_fitter
from huggins.inference.network import Model, load_model
from huggins.inference.sources import spectrum_in
from huggins.inference.subtypes import predicted
from huggins.taxonomy import BROAD, CLASSES
from huggins.weights import DEFAULT

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.inference.network import Prediction
    from huggins.quality import ZWarning
    from huggins.redshift.minimise import Solution
    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FittedModel:
    """One solution of the fit.

    Attributes
    ----------
    cls, subclass : str
        As in the columns CLASS and SUBCLASS.
    z : float
    chi2, rchi2 : float
        chi2 and reduced chi2 over all good pixels, in units of the noise that the spectrum
        shows (`FitDetails.noise`).
    model : ndarray, shape (L,)
        Flux at the spectrum's pixels, in its unit; NaN outside 3500 to 10759 A.
    """

    cls: str
    subclass: str
    z: float
    chi2: float
    rchi2: float
    model: Array


@dataclass(frozen=True, slots=True, eq=False)
class FitDetails:
    """The fit of one spectrum.

    Attributes
    ----------
    best : FittedModel
        What the table says: the one chosen by network and fit together, which need not have
        the lowest chi2.
    second : FittedModel or None
        The best fit at a redshift more than 1000 km/s away, of any class, which DELTACHI2
        speaks of; None where there is none.
    deltachi2 : float
        As in the column DELTACHI2; negative where `second` fits better.
    noise : float
        Measured scatter between pixels over that expected from ivar.
    causes : dict of ZWarning to str
        The bits of ZWARNING that the fit set, and what set each of them in words: which rival,
        which line. Empty where the meaning of the bit says all.
    absorption : str
        In words, why the columns of C IV absorption are masked for a quasar, or what they do
        not count because the data end there; empty where there is nothing to say.
    """

    best: FittedModel
    second: FittedModel | None
    deltachi2: float
    noise: float
    causes: dict[ZWarning, str] = field(default_factory=dict)
    absorption: str = ""


def fit_details(spectrum: Any, *, model: str | Path | Model = DEFAULT) -> FitDetails:
    """Fit one spectrum and return the chosen model and the next at another redshift.

    Parameters
    ----------
    spectrum
        A `Spectrum` of L pixels, the path of a file with one, a row of the table that
        `huggins.classify` returns, or any object with one spectrum that it takes.
    model
        The network that makes the proposals: name, path or model, as for `huggins.classify`.

    Raises
    ------
    InputError
        If nothing could be fitted: no good pixel between 3500 and 10759 A; or if there are
        several spectra.
    ReadError
        If the file cannot be read, or the arrays are no valid spectrum.
    ModelError
        If there is no such model.

    Examples
    --------
    >>> details = fit_details(spectrum)  # doctest: +SKIP
    >>> residuals = (spectrum.flux - details.best.model) * spectrum.ivar**0.5  # doctest: +SKIP
    """
    spectrum = spectrum_in(spectrum)
    network = model if isinstance(model, Model) else load_model(model)
    fitter = load_fitter()
    prediction = predict(network, spectrum)
    grid = network.metadata.redshift
    result = fit(fitter, [spectrum], prediction.probabilities, prediction.density, grid)
    best, second = result.solutions[0]
    if best is None:
        raise InputError(
            f"{spectrum.file or 'spectrum'}: nothing to fit: no good pixel between 3500 and "
            "10759 A, or the fit failed"
        )
    # Pixels that were fitted, from the reduced chi2 of the best.
    degrees = best.chi2 / float(result.rchi2[0]) if result.rchi2[0] > 0.0 else 1.0
    good = degrees + len(best.coefficients)

    def fitted(solution: Solution, z: float) -> FittedModel:
        subclass = subclass_in(solution.kind, result.probabilities[0])
        flux = fitter.model_on(spectrum, solution)
        rchi2 = solution.chi2 / max(good - len(solution.coefficients), 1.0)
        return FittedModel(solution.kind, subclass, z, solution.chi2, rchi2, flux)

    return FitDetails(
        fitted(best, float(result.z[0])),
        None if second is None else fitted(second, float(result.z_second[0])),
        float(result.deltachi2[0]),
        float(result.noise[0]),
        result.causes[0],
        "" if result.measured[0] is None else result.measured[0].note,
    )


def predict(network: Model, spectrum: Spectrum) -> Prediction:
    """Return what the networks say of one spectrum."""
    with np.errstate(over="ignore", invalid="ignore"):
        return predicted(network, [spectrum])


def subclass_in(kind: str, probabilities: Array) -> str:
    """Return the most probable of the 13 classes inside a broad one."""
    inside = np.array([BROAD[name] == kind for name in CLASSES])
    return CLASSES[int(np.where(inside, probabilities, -1.0).argmax())]
