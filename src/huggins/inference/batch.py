"""One batch of spectra, from arrays to rows of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.errors import ReadError
from huggins.inference.bestfit import best_fits, blank
from huggins.inference.classification import decide
from huggins.inference.fitting import fit, load_fitter
from huggins.inference.network import predict_scores
from huggins.inference.sets import sets_of
from huggins.inference.subtypes import Subtypes, fill_types, with_letters
from huggins.inference.table import NO_INTEGER, SETS_COLUMN, Rows, printable
from huggins.quality import ZWarning
from huggins.redshift.alternatives import blank as blank_alternatives
from huggins.redshift.balnicity import COLUMNS as ABSORPTION_COLUMNS
from huggins.redshift.case import MEMBERSHIP
from huggins.redshift.systemic import COLUMNS as SYSTEMIC_COLUMNS
from huggins.redshift.warnings import warnings
from huggins.taxonomy import BROAD_CLASSES, CLASSES, INDEX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.inference.network import Model, Prediction
    from huggins.inference.settings import Settings
    from huggins.redshift import Fit
    from huggins.spectrum import Spectrum

    Item = Spectrum | ReadError

# Probability of "none of the classes" from which a row with SKY has no class.
_NOTHING: Final = 0.5


def classify_batch(
    items: list[Item],
    model: Model,
    settings: Settings,
    *,
    z: NDArray[np.float64] | None = None,
) -> Rows:
    """Classify some spectra.

    Parameters
    ----------
    items
        N spectra or errors.
    model
        The network.
    settings
        How; the selection and what else is said of files has been heeded.
    z : ndarray, or None
        Redshifts to classify the spectra among the items at; None takes those of the settings.

    Returns
    -------
    Rows
        N rows, in order.
    """
    rows = Rows.empty(len(items))
    if z is None:
        items, z = settings.given.resolved(items)
    contract = model.metadata.contract
    keep, alternatives = settings.keep, settings.alternatives
    # Absurd values overflow single precision: they end as infinite, which counts as missing.
    with np.errstate(over="ignore", invalid="ignore"):
        at, spectra = _identify_all(rows, items)
        if spectra:
            flux, ivar = contract.rebin(spectra)  # (M, G) each
            tensor = contract.tensor(flux, ivar)
            subtypes = Subtypes(spectra, flux, ivar, contract)
            prediction = with_letters(
                predict_scores(model.scores(tensor), model.metadata), subtypes
            )
            found = None
            if settings.redshift:
                found = fit(
                    load_fitter(),
                    spectra,
                    prediction.probabilities,
                    prediction.density,
                    model.metadata.redshift,
                    alternatives,
                    z,
                )
            threshold = settings.threshold
            _fill(rows, at, spectra, prediction, found, ivar > 0, model, threshold)
            probabilities = prediction.probabilities if found is None else found.probabilities
            fill_types(rows, at, subtypes, probabilities)
            if settings.sets:
                _fill_sets(rows, at, prediction, found, settings.sets)
            if keep and found is not None:
                rows.best = blank(len(rows))
                rows.best[at] = best_fits(load_fitter(), spectra, found)
            if alternatives and found is not None:
                rows.alternatives = blank_alternatives(len(rows), alternatives)
                _fill_alternatives(rows, at, found)
    if keep and rows.best is None:
        rows.best = blank(len(rows))
    if alternatives and rows.alternatives is None:
        rows.alternatives = blank_alternatives(len(rows), alternatives)
    return rows


def _identify_all(
    rows: Rows, items: Sequence[Spectrum | ReadError]
) -> tuple[NDArray[np.int64], list[Spectrum]]:
    """Write identities into rows; return the rows that are spectra, and these."""
    places = []
    spectra = []
    for i, item in enumerate(items):
        if isinstance(item, ReadError):
            if item.spectrum is not None:
                _identify(rows, i, item.spectrum)
            rows.texts["FILE"][i] = printable(item.path)
            rows.numbers["INDEX"][i] = item.index
            _fail(rows, i, item.what)
        else:
            _identify(rows, i, item)
            places.append(i)
            spectra.append(item)
    return np.array(places, dtype=np.int64), spectra


def _fill(
    rows: Rows,
    at: NDArray[np.int64],
    spectra: Sequence[Spectrum],
    prediction: Prediction,
    fit: Fit | None,
    seen: NDArray[np.bool_],
    model: Model,
    threshold: float | None,
) -> None:
    """Write the results of network and fit for M spectra into rows `at`."""
    metadata = model.metadata
    probabilities = prediction.probabilities if fit is None else fit.probabilities
    broad, sub = decide(probabilities)
    probability = probabilities[np.arange(len(at)), sub]
    sn = rows.numbers["SN_MEDIAN"][at].astype(np.float64)
    bits = warnings(
        prediction,
        broad,
        probability,
        sn=sn,
        loglam=metadata.contract.grid.loglam,
        seen=seen,
        threshold=metadata.threshold if threshold is None else threshold,
        none_threshold=metadata.none_threshold,
        redshift=metadata.redshift,
        fit=fit,
    )
    nothing = (bits & ZWarning.SKY > 0) & (prediction.none > _NOTHING)
    numbers = rows.numbers
    numbers["ZWARNING"][at] |= bits
    numbers["PROB"][at] = probability
    within = probabilities @ MEMBERSHIP  # of STAR, GALAXY and QSO
    numbers["PROB_CLASS"][at] = within[np.arange(len(at)), broad]
    for i, name in enumerate(CLASSES):
        numbers[f"P_{name}"][at] = probabilities[:, i]
    numbers["Z_NET"][at] = prediction.z
    if fit is None:
        numbers["Z"][at], numbers["Z_ERR"][at] = prediction.z, prediction.z_err
    else:
        numbers["Z"][at], numbers["Z_ERR"][at] = fit.z, fit.z_err
        numbers["Z_P16"][at], numbers["Z_P84"][at] = fit.z_p16, fit.z_p84
        numbers["DELTACHI2"][at] = fit.deltachi2
        _fill_quasars(numbers, at, fit, np.where(nothing, -1, broad))
        numbers["FRAC_HOST"][at] = np.where(nothing, np.nan, fit.host)
    for i, b, s in zip(at.tolist(), broad.tolist(), sub.tolist(), strict=True):
        rows.texts["CLASS"][i] = BROAD_CLASSES[b]
        rows.texts["SUBCLASS"][i] = CLASSES[s]
    for i in at[nothing].tolist():
        _empty_sky(rows, i)
    for i in np.flatnonzero(~seen.any(axis=1)).tolist():
        grid = metadata.contract.grid
        low, high = 10.0 ** grid.edges[[0, -1]]
        first, last = spectra[i].wavelength[[0, -1]]
        _take_back(rows, int(at[i]), spectra[i])
        _fail(
            rows,
            int(at[i]),
            f"no good pixel between {low:.0f} and {high:.0f} A, where model {model.name} "
            f"looks; the spectrum covers {first:.0f} to {last:.0f} A",
        )
    unfitted = np.zeros(len(at), bool) if fit is None else fit.zwarning & ZWarning.NODATA > 0
    for i in np.flatnonzero(unfitted & seen.any(axis=1)).tolist():
        _take_back(rows, int(at[i]), spectra[i])
        _fail(
            rows,
            int(at[i]),
            "no pixel that the redshift fit can use: every inverse variance is 0 at the scale "
            "of the fluxes; check that both are in the same units",
        )
    for i in np.flatnonzero(~np.isfinite(probability)).tolist():
        _take_back(rows, int(at[i]), spectra[i])
        _fail(rows, int(at[i]), f"model {model.name} gives no number: check the fluxes")


def _fill_quasars(
    numbers: NDArray[np.void], at: NDArray[np.int64], fit: Fit, broad: NDArray[np.int64]
) -> None:
    """Write what is measured of quasars alone into rows `at`; of others it stays missing."""
    quasar = broad == BROAD_CLASSES.index("QSO")
    for names, values in (
        (ABSORPTION_COLUMNS, fit.absorption),
        (SYSTEMIC_COLUMNS, fit.systemic),
    ):
        known = np.isfinite(values) & quasar[:, None]
        for k, name in enumerate(names):
            rows = np.flatnonzero(known[:, k])
            numbers[name][at[rows]] = values[rows, k]


def _fill_sets(
    rows: Rows, at: NDArray[np.int64], prediction: Prediction, fit: Fit | None, sets: float
) -> None:
    """Write the sets of classes of M spectra into rows `at`, none without CLASS."""
    probabilities = prediction.probabilities if fit is None else fit.probabilities
    kept = [n for n, i in enumerate(at.tolist()) if rows.texts["SUBCLASS"][i]]
    first = np.array([INDEX[rows.texts["SUBCLASS"][i]] for i in at[kept].tolist()], np.int64)
    found = sets_of(probabilities[kept], first, sets)
    for i, words in zip(at[kept].tolist(), found, strict=True):
        rows.texts[SETS_COLUMN][i] = words


def _fill_alternatives(rows: Rows, at: NDArray[np.int64], fit: Fit) -> None:
    """Write the different redshifts of M spectra into rows `at`, none without CLASS.

    The first is the answer in the table.
    """
    assert rows.alternatives is not None
    rows.alternatives[at] = fit.alternatives
    for i in at.tolist():
        if not rows.texts["CLASS"][i]:
            rows.alternatives[i] = blank_alternatives(1, rows.alternatives.shape[1])
        elif rows.alternatives["broad"][i, 0] >= 0:
            first = rows.alternatives[i]
            first["broad"][0] = BROAD_CLASSES.index(rows.texts["CLASS"][i])
            first["sub"][0] = INDEX[rows.texts["SUBCLASS"][i]]
            first["z"][0] = rows.numbers["Z"][i]


def _identify(rows: Rows, i: int, spectrum: Spectrum) -> None:
    """Write the identity of a spectrum and the pipeline's results."""
    numbers, texts = rows.numbers, rows.texts
    texts["FILE"][i] = printable(spectrum.file)
    texts["SURVEY"][i] = printable(spectrum.survey)
    texts["TARGETID"][i] = printable(spectrum.targetid or "")
    texts["SPECOBJID"][i] = printable(spectrum.specobjid or "")
    texts["PIPE_CLASS"][i] = printable(spectrum.pipeline.cls)
    texts["PIPE_SUBCLASS"][i] = printable(spectrum.pipeline.subclass)
    numbers["INDEX"][i] = spectrum.index
    numbers["PLATE"][i] = _integer(spectrum.plate)
    numbers["MJD"][i] = _integer(spectrum.mjd)
    numbers["FIBERID"][i] = _integer(spectrum.fiberid)
    numbers["PIPE_ZWARNING"][i] = _integer(spectrum.pipeline.zwarning)
    numbers["RA"][i] = _real(spectrum.ra)
    numbers["DEC"][i] = _real(spectrum.dec)
    numbers["PIPE_Z"][i] = _real(spectrum.pipeline.z)
    numbers["SN_MEDIAN"][i] = spectrum.median_sn()
    numbers["ZWARNING"][i] = spectrum.zwarning


def _fail(rows: Rows, i: int, why: str) -> None:
    """Mark an input as failed; its ZWARNING is NODATA, never 0."""
    rows.texts["ERROR"][i] = printable(" ".join(why.split()))
    rows.numbers["ZWARNING"][i] |= ZWarning.NODATA


def _empty_sky(rows: Rows, i: int) -> None:
    """Take back class and redshift of a row in which nothing is seen.

    What network and fit say of it stays: the 13 probabilities, Z_NET and DELTACHI2.
    """
    for name in ("PROB", "PROB_CLASS", "Z", "Z_ERR", "Z_P16", "Z_P84", *SYSTEMIC_COLUMNS):
        rows.numbers[name][i] = np.nan
    rows.texts["CLASS"][i] = rows.texts["SUBCLASS"][i] = ""


def _take_back(rows: Rows, i: int, spectrum: Spectrum) -> None:
    """Clear the results of network and fit in a row."""
    for name in (
        "PROB",
        "PROB_CLASS",
        "Z",
        "Z_NET",
        "Z_ERR",
        "Z_P16",
        "Z_P84",
        *SYSTEMIC_COLUMNS,
        "DELTACHI2",
        "FRAC_HOST",
        "SPTYPE_ERR",
        *(name for name in ABSORPTION_COLUMNS if name != "N_TROUGH_CIV"),
        *(f"P_{name}" for name in CLASSES),
    ):
        rows.numbers[name][i] = np.nan
    rows.numbers["N_TROUGH_CIV"][i] = NO_INTEGER
    rows.numbers["ZWARNING"][i] = spectrum.zwarning
    for name in ("CLASS", "SUBCLASS", "SPTYPE"):
        rows.texts[name][i] = ""


def _integer(value: int | None) -> int:
    """Return a value as the table's integer columns hold it; what cannot be one is missing."""
    return value if value is not None and abs(value) < -NO_INTEGER else NO_INTEGER


def _real(value: float | None) -> float:
    return np.nan if value is None else float(value)
