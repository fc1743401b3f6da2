"""What stands in words above a spectrum."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.taxonomy import PLAIN

if TYPE_CHECKING:
    from huggins.inference import FitDetails
    from huggins.spectrum import Spectrum


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
    """Class, probability and redshift of a result in one line; empty where there is none.

    >>> describe({"CLASS": "QSO", "SUBCLASS": "BAL", "PROB": 0.9, "Z": 2.5, "Z_ERR": 0.002})
    'QSO BAL   p = 0.900   z = 2.5000 ± 0.0020'
    """
    broad, subclass = str(get(result, "CLASS") or ""), str(get(result, "SUBCLASS") or "")
    if not broad:
        return ""
    parts = [broad if subclass in ("", *PLAIN) else f"{broad} {subclass}"]
    probability, z, error = (get(result, column) for column in ("PROB", "Z", "Z_ERR"))
    if probability is not None:
        parts.append(f"p = {probability:.3f}")
    if z is not None:
        digits = 4 if error is None else int(np.clip(np.ceil(-np.log10(error)) + 1, 2, 6))
        digits = max(digits, 4)
        shown = round(float(z), digits) + 0.0  # adding 0 turns a rounded -0.0 into 0.0
        parts.append(
            f"z = {shown:.{digits}f}" + (f" ± {error:.{digits}f}" if error is not None else "")
        )
    return "   ".join(parts)


def said_of_fit(fit: FitDetails) -> str:
    """Return the quality of the best fit in one line."""
    said = f"best fit: reduced χ² {fit.best.rchi2:.2f}"
    if np.isfinite(fit.deltachi2):
        said += f",  next redshift Δχ² {_whole(fit.deltachi2)}"
    return said


def said_of_second(fit: FitDetails) -> str:
    """Return what the second-best solution is in one line; empty where there is none."""
    if fit.second is None:
        return ""
    other = fit.second
    called = other.cls if other.subclass in PLAIN else f"{other.cls} {other.subclass}"
    z = round(other.z, 4) + 0.0
    worse = _whole(other.chi2 - fit.best.chi2)
    return f"second best: {called}, z = {z:.4f},  reduced χ² {other.rchi2:.2f},  Δχ² {worse}"


def _whole(value: float) -> str:
    return f"{value:,.1f}" if abs(value) < 10 else f"{value:,.0f}"


def name(spectrum: Spectrum) -> str:
    """Return what to call a spectrum: its file's name and, where it is not 0, its index."""
    file = Path(spectrum.file).name if spectrum.file else "spectrum"
    return f"{file} [{spectrum.index}]" if spectrum.index else file


def facts(spectrum: Spectrum) -> list[str]:
    """Return what the file tells of the object, in short."""
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
        said = f"survey pipeline: {pipe.cls} {pipe.subclass}".strip()
        known.append(
            said + (f", z = {round(pipe.z, 4) + 0.0:.4f}" if pipe.z is not None else "")
        )
    return known
