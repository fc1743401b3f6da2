"""Titles and captions of the figure of a spectrum."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.quality import ZWarning
from huggins.taxonomy import BROAD, CLASSES, PLAIN

if TYPE_CHECKING:
    from huggins.inference import FitDetails
    from huggins.spectrum import Spectrum

#: Reduced chi2, in units of the noise that the spectrum shows, from which a fit is called poor.
POOR: Final = 3.0


def get(result: Any, column: str) -> Any:
    """Return the value of a column, None where there is no such column or no value in it."""
    if result is None:
        return None
    try:
        value = result[column]
    except (KeyError, ValueError):  # numpy's records raise the second
        return None
    if value is None or np.ma.is_masked(value):
        return None
    if isinstance(value, float | np.floating) and not np.isfinite(value):
        return None
    return value


def describe(result: Any) -> str:
    """Class, probabilities and redshift of a result in one line; empty where there is none.

    The redshift of a star is given as its radial velocity.

    >>> describe({"CLASS": "QSO", "SUBCLASS": "QSO", "PROB": 0.9, "Z": 2.5, "Z_ERR": 0.002})
    'QSO  p = 0.900   z = 2.5000 ± 0.0020'
    >>> describe({"CLASS": "STAR", "SUBCLASS": "A", "PROB": 0.56, "PROB_CLASS": 0.9999})
    'STAR  p > 0.999   A  p = 0.560'
    >>> describe({"CLASS": "STAR", "SUBCLASS": "K", "SPTYPE": "K2.5", "SPTYPE_ERR": 1.24})
    'STAR   K   K2.5 ± 1.2'
    """
    broad, subclass = str(get(result, "CLASS") or ""), str(get(result, "SUBCLASS") or "")
    if not broad:
        empty = int(get(result, "ZWARNING") or 0) & ZWarning.SKY
        return "empty sky" if empty and not get(result, "ERROR") else ""
    probability, z, error = (get(result, column) for column in ("PROB", "Z", "Z_ERR"))
    parts = [_probable(broad, class_probability(result))]
    if subclass not in ("", *PLAIN):
        parts.append(_probable(subclass, probability))
    if kind := get(result, "SPTYPE"):
        wrong = get(result, "SPTYPE_ERR")
        parts.append(str(kind) if wrong is None else f"{kind} ± {wrong:.1f}")
    if z is not None and broad == "STAR":
        parts.append(_velocity(float(z), error))
    elif z is not None:
        digits = 4 if error is None else int(np.clip(np.ceil(-np.log10(error)) + 1, 2, 6))
        digits = max(digits, 4)
        shown = round(float(z), digits) + 0.0  # adding 0 turns a rounded -0.0 into 0.0
        parts.append(
            f"z = {shown:.{digits}f}" + (f" ± {error:.{digits}f}" if error is not None else "")
        )
    return "   ".join(parts)


def class_probability(result: Any) -> float | None:
    """Return the probability of CLASS: that of its subclasses together; None if unknown."""
    broad, known = str(get(result, "CLASS") or ""), get(result, "PROB_CLASS")
    if known is not None:
        return float(known)
    parts = [get(result, f"P_{name}") for name in CLASSES if BROAD[name] == broad]
    if parts and all(part is not None for part in parts):
        return float(sum(parts))
    # Without the thirteen, those of classes that are whole by themselves are known.
    return get(result, "PROB") if get(result, "SUBCLASS") in PLAIN else None


def probability_text(value: float) -> str:
    """Return a probability with its sign: no spectrum is certain.

    >>> probability_text(0.9), probability_text(0.99996), probability_text(0.00001)
    ('= 0.900', '> 0.999', '< 0.001')
    """
    if value > 0.9995:
        return "> 0.999"
    return "< 0.001" if value < 0.0005 else f"= {value:.3f}"


def _probable(name: str, probability: float | None) -> str:
    return name if probability is None else f"{name}  p {probability_text(probability)}"


def _velocity(z: float, error: float | None) -> str:
    """Return the radial velocity of a star; its redshift is that over the speed of light."""
    digits = 0 if error is None or error * SPEED_OF_LIGHT >= 1.0 else 1
    shown = round(z * SPEED_OF_LIGHT, digits) + 0.0
    text = f"v = {shown:.{digits}f}"
    if error is not None:
        text += f" ± {error * SPEED_OF_LIGHT:.{digits}f}"
    return f"{text} km/s"


def fit_caption(fit: FitDetails) -> str:
    """Return the quality of the chosen fit in one line."""
    chosen = "best fit" if not fit.deltachi2 < 0.0 else "chosen fit, not that of lowest χ²"
    text = f"{chosen}: reduced χ² {fit.best.rchi2:.2f}"
    if fit.best.rchi2 > POOR:
        text += " (the model misses more than the noise explains)"
    if np.isfinite(fit.deltachi2):
        text += f",  next redshift Δχ² {_whole(fit.deltachi2)}"
    return text


def second_caption(fit: FitDetails) -> str:
    """Return what DELTACHI2 speaks of in one line; empty where there is no such solution."""
    if fit.second is None:
        return ""
    other = fit.second
    called = other.cls if other.subclass in PLAIN else f"{other.cls} {other.subclass}"
    z = round(other.z, 4) + 0.0
    gap = _whole(fit.deltachi2)
    return f"next redshift: {called}, z = {z:.4f},  reduced χ² {other.rchi2:.2f},  Δχ² {gap}"


def _whole(value: float) -> str:
    return f"{value:,.1f}" if abs(value) < 10 else f"{value:,.0f}"


def name(spectrum: Spectrum) -> str:
    """Return the name of a spectrum: its file's name and, where it is not 0, its index."""
    file = Path(spectrum.file).name if spectrum.file else "spectrum"
    return f"{file} [{spectrum.index}]" if spectrum.index else file


def facts(spectrum: Spectrum) -> list[str]:
    """Return a summary of the object from the file's metadata."""
    known = []
    identity = [("plate", spectrum.plate), ("MJD", spectrum.mjd), ("fibre", spectrum.fiberid)]
    where = " ".join(f"{what} {value}" for what, value in identity if value is not None)
    if where or spectrum.survey:
        known.append(f"{spectrum.survey} {where}".strip())
    elif spectrum.targetid:
        known.append(f"target {spectrum.targetid}")
    sn = spectrum.median_sn()
    if np.isfinite(sn):
        known.append(f"median S/N {sn:.1f}")
    pipe = spectrum.pipeline
    if pipe.cls:
        text = f"survey pipeline: {pipe.cls} {pipe.subclass}".strip()
        known.append(
            text + (f", z = {round(pipe.z, 4) + 0.0:.4f}" if pipe.z is not None else "")
        )
    return known
