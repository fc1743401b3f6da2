"""The record of a weights file or of the redshift basis, and its verification.

``NAME.json`` beside ``NAME.onnx`` or ``NAME.npz`` holds the file's SHA-256 and its output for
a few artificial spectra when it was exported. So a file that was damaged or exchanged is
detected, and one that another version of ONNX Runtime evaluates differently.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ModelError
from huggins.inference.network import Model
from huggins.inference.runtime import onnx_runtime
from huggins.redshift import Fitter, load_basis
from huggins.runs.files import write_text
from huggins.spectrum import Spectrum
from huggins.taxonomy import BROAD, CLASSES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.prepare import InputContract
    from huggins.redshift import Basis

#: Version of the record.
FORMAT: Final = 1
#: Largest difference of a probability, and of ln(1 + z), that machines and versions explain.
TOLERANCE: Final = 2e-3


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, whether it passed, and what was found."""

    name: str
    good: bool
    detail: str


def golden_spectra(contract: InputContract) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Flux and ivar of six artificial spectra on a network's grid, each of shape (6, G).

    Continua of several slopes with emission and absorption lines, from formulas alone, so that
    they are the same everywhere.
    """
    x = contract.grid.loglam
    ripple = _ripple(contract.grid.size)
    slopes = np.array([-2.0, -1.0, 0.0, 0.5, 1.5, 0.0])[:, None]
    flux = 10.0 ** (slopes * (x - 3.75))
    for row, place, height, width in (
        (0, 3.817, 3.0, 0.0015), (0, 3.687, 1.5, 0.0015), (1, 3.60, 4.0, 0.008),
        (1, 3.705, 2.0, 0.008), (2, 3.687, -0.6, 0.003), (2, 3.638, -0.5, 0.003),
        (3, 3.771, -0.3, 0.002), (3, 3.595, -0.6, 0.002), (4, 3.85, -0.5, 0.006),
    ):  # fmt: skip
        flux[row] *= 1.0 + height * np.exp(-0.5 * ((x - place) / width) ** 2)
    flux[5] = 0.0
    sigma = np.array([0.05, 0.1, 0.1, 0.2, 0.1, 1.0])[:, None] * np.ones_like(flux)
    ivar = sigma**-2.0
    ivar[3, x > 3.9] = 0.0
    return flux + sigma * ripple, ivar


def _ripple(size: int) -> NDArray[np.float64]:
    """Something like noise, from a formula: it has no period."""
    pixel = np.arange(size)
    values: NDArray[np.float64] = np.sin(0.7 * pixel**1.3) * np.sin(2.1 * pixel)
    return values


def answers(model: Model) -> dict[str, list[Any]]:
    """Return the prediction of a model for the artificial spectra, as plain values."""
    prediction = model.predict(*golden_spectra(model.metadata.contract))
    with np.errstate(invalid="ignore"):
        log1z = np.log1p(prediction.z)
    return {
        "probabilities": np.round(prediction.probabilities, 6).tolist(),
        "none": np.round(prediction.none, 6).tolist(),
        "log1z": [None if np.isnan(v) else round(float(v), 6) for v in log1z],
    }


def record(path: Path) -> Path:
    """Write the record of a weights file beside it.

    Raises
    ------
    ModelError
        If the file cannot be used.
    OutputError
        If the record cannot be written.
    """
    content = {
        "format": FORMAT,
        "name": path.stem,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
    }
    if path.suffix == ".npz":
        content["golden"] = _basis_answers(load_basis.__wrapped__(path))
    else:
        ort = onnx_runtime()

        model = Model(path)
        content |= {
            "name": model.name,
            "onnxruntime": ort.__version__,
            "golden": answers(model),
        }
    target = path.with_suffix(".json")
    write_text(target, json.dumps(content, indent=1) + "\n")
    return target


def verify(path: Path) -> list[Check]:
    """Check a weights file, or the redshift basis (``.npz``), against its record.

    Returns
    -------
    list of Check
        Hash, description, classes, that it runs, and that its output is as recorded. Where one
        fails, those that need it are missing.
    """
    checks: list[Check] = []
    recorded = _read(path.with_suffix(".json"), checks)
    try:
        content = path.read_bytes()
    except OSError as error:
        return [*checks, Check("file", False, f"{path}: {error.strerror}")]
    digest = hashlib.sha256(content).hexdigest()
    if recorded is not None:
        same = digest == recorded.get("sha256")
        checks.append(Check("sha256", same, digest if same else f"{digest}, not as recorded"))
    output = (_check_basis if path.suffix == ".npz" else _check_network)(path, checks)
    if output is not None and recorded is not None:
        apart = _apart(output, recorded.get("golden", {}))
        checks.append(
            Check("golden", apart <= TOLERANCE, f"answers differ by at most {apart:.2g}")
        )
    return checks


def _check_basis(path: Path, checks: list[Check]) -> dict[str, list[Any]] | None:
    try:
        stored = load_basis.__wrapped__(path)  # the file as it is now
    except ModelError as error:
        checks.append(Check("description", False, str(error)))
        return None
    checks.append(Check("description", True, f"made by {stored.made.get('command')}"))
    problem = _problem(stored)
    checks.append(Check("templates", not problem, problem or "finite, independent, complete"))
    return None if problem else _basis_answers(stored)


def _check_network(path: Path, checks: list[Check]) -> dict[str, list[Any]] | None:
    try:
        model = Model(path)
    except ModelError as error:
        checks.append(Check("description", False, str(error)))
        return None
    metadata = model.metadata
    checks.append(
        Check("description", True, f"{metadata.name}, exported by huggins {metadata.version}")
    )
    missing = sorted(set(CLASSES) - set(metadata.classes))
    checks.append(Check("classes", not missing, f"lacks {missing}" if missing else "all 13"))
    if missing:
        return None
    output = answers(model)
    total = np.sum(output["probabilities"], axis=1)
    checks.append(
        Check("runs", bool(np.allclose(total, 1.0, atol=1e-4)), "probabilities sum to 1")
    )
    return output


def _read(path: Path, checks: list[Check]) -> dict[str, Any] | None:
    try:
        recorded = json.loads(path.read_text(encoding="utf-8"))
        if recorded["format"] != FORMAT:
            raise ValueError(f"a record of format {recorded['format']}, not {FORMAT}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = "is not there" if isinstance(error, FileNotFoundError) else f"is damaged: {error}"
        checks.append(Check("record", False, f"{path} {why}; huggins export writes it"))
        return None
    checks.append(Check("record", True, str(path)))
    return dict(recorded)


def _apart(output: dict[str, list[Any]], recorded: dict[str, list[Any]]) -> float:
    """Largest difference of two sets of answers; infinite where they cannot be compared."""
    worst = 0.0
    for key, values in output.items():
        mine = np.array(values, dtype=float)
        other = np.array(recorded.get(key, []), dtype=float)
        if mine.shape != other.shape or (np.isnan(mine) != np.isnan(other)).any():
            return float("inf")
        worst = max(worst, float(np.nan_to_num(np.abs(mine - other)).max(initial=0.0)))
    return worst


def _problem(basis: Basis) -> str:
    """Return what makes a basis unusable; empty where nothing does."""
    for name, part in (("quasar", basis.quasar), ("galaxy", basis.galaxy)):
        if part.spread.shape != (len(part.vectors),) or not (part.spread >= 0).all():
            return f"{name}: one spread per vector, none negative, is needed"
        if np.linalg.matrix_rank(part.vectors.astype(np.float64)) < len(part.vectors):
            return f"{name}: the vectors are not linearly independent"
    parts = (basis.quasar.vectors, basis.galaxy.vectors, basis.star.vectors)
    if not all(np.isfinite(vectors).all() for vectors in parts):
        return "not all values are finite"
    known = {CLASSES[index] for index in basis.star.classes if index >= 0}
    missing = [name for name in CLASSES if BROAD[name] == "STAR" and name not in known]
    return f"no archetypes of {', '.join(missing)}" if missing else ""


def _basis_answers(basis: Basis) -> dict[str, list[Any]]:
    """Return the class and redshift that the fit alone gives to artificial spectra."""
    fit = Fitter(basis).fit(_artificial_spectra())
    return {"broad": fit.broad.tolist(), "log1z": np.round(np.log1p(fit.z), 6).tolist()}


def _artificial_spectra() -> list[Spectrum]:
    """Spectra of a galaxy (z = 0.1), a quasar (z = 2) and an A star, from formulas alone."""
    loglam = 3.56 + 1e-4 * np.arange(4300, dtype=np.float64)
    # Slope of the continuum, ln(1 + z), width (dex), and rest wavelengths (A) and heights.
    recipes = (
        (-0.3, 1.1, 3e-4, {3728.5: 3.0, 4862.7: 2.0, 4960.3: 2.0, 5008.2: 6.0, 6564.6: 8.0}),
        (-1.5, 3.0, 4e-3, {1215.7: 3.0, 1549.1: 1.5, 1908.7: 0.8, 2798.8: 0.7}),
        (-1.5, 1.0, 2e-3, {4102.9: -0.6, 4341.7: -0.6, 4862.7: -0.6, 6564.6: -0.5}),
    )
    ripple = _ripple(len(loglam))
    spectra = []
    for slope, factor, width, lines in recipes:
        flux = 10.0 ** (slope * (loglam - 3.75))
        for wavelength, height in lines.items():
            distance = (loglam - np.log10(wavelength * factor)) / width
            flux *= 1.0 + height * np.exp(-0.5 * distance**2)
        spectra.append(Spectrum(loglam, flux + 0.05 * ripple, np.full(len(loglam), 400.0)))
    return spectra
