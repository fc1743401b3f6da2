"""What a weights file must be and say, recorded beside it, and checked.

``NAME.json`` beside ``NAME.onnx`` holds the file's SHA-256 and what the network said of a few
made-up spectra when it was exported. A file that was damaged, exchanged, or that another
version of ONNX Runtime computes differently is found out.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ModelError
from huggins.inference import basis
from huggins.inference.network import Model
from huggins.redshift import load_basis
from huggins.runs.files import write_text
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.prepare import InputContract

#: Version of the record.
FORMAT: Final = 1
#: Largest difference of a probability, and of ln(1 + z), that machines and versions explain.
TOLERANCE: Final = 2e-3


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: its name, whether it is as it should be, and what it is."""

    name: str
    good: bool
    found: str


def golden_spectra(contract: InputContract) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Flux and ivar of six made-up spectra on a network's grid, each of shape (6, G).

    Continua of several slopes with lines in emission and absorption, and something like noise:
    formulas alone, so that they are the same everywhere.
    """
    x = contract.grid.loglam
    pixel = np.arange(contract.grid.size)
    ripple = np.sin(0.7 * pixel**1.3) * np.sin(2.1 * pixel)  # has no period
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


def answers(model: Model) -> dict[str, list[Any]]:
    """Return what a model says of the made-up spectra, as plain values."""
    found = model.predict(*golden_spectra(model.metadata.contract))
    with np.errstate(invalid="ignore"):
        log1z = np.log1p(found.z)
    return {
        "probabilities": np.round(found.probabilities, 6).tolist(),
        "none": np.round(found.none, 6).tolist(),
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
        content["golden"] = basis.answers(load_basis.__wrapped__(path))
    else:
        import onnxruntime as ort

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
        Hash, description, classes, that it runs, and that it says what it said. Where one is
        bad, those that need it are missing.
    """
    checks: list[Check] = []
    wanted = _read(path.with_suffix(".json"), checks)
    try:
        content = path.read_bytes()
    except OSError as error:
        return [*checks, Check("file", False, f"{path}: {error.strerror}")]
    digest = hashlib.sha256(content).hexdigest()
    if wanted is not None:
        same = digest == wanted.get("sha256")
        checks.append(Check("sha256", same, digest if same else f"{digest}, not as recorded"))
    said = (_check_basis if path.suffix == ".npz" else _check_network)(path, checks)
    if said is not None and wanted is not None:
        apart = _apart(said, wanted.get("golden", {}))
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
    problem = basis.problem(stored)
    checks.append(Check("templates", not problem, problem or "finite, independent, complete"))
    return None if problem else basis.answers(stored)


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
    said = answers(model)
    total = np.sum(said["probabilities"], axis=1)
    checks.append(
        Check("runs", bool(np.allclose(total, 1.0, atol=1e-4)), "probabilities sum to 1")
    )
    return said


def _read(path: Path, checks: list[Check]) -> dict[str, Any] | None:
    try:
        wanted = json.loads(path.read_text(encoding="utf-8"))
        if wanted["format"] != FORMAT:
            raise ValueError(f"a record of format {wanted['format']}, not {FORMAT}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = "is not there" if isinstance(error, FileNotFoundError) else f"is damaged: {error}"
        checks.append(Check("record", False, f"{path} {why}; huggins export writes it"))
        return None
    checks.append(Check("record", True, str(path)))
    found: dict[str, Any] = wanted
    return found


def _apart(said: dict[str, list[Any]], wanted: dict[str, list[Any]]) -> float:
    """Largest difference of two sets of answers; infinite where they cannot be compared."""
    worst = 0.0
    for key, values in said.items():
        mine = np.array(values, dtype=float)
        other = np.array(wanted.get(key, []), dtype=float)
        if mine.shape != other.shape or (np.isnan(mine) != np.isnan(other)).any():
            return float("inf")
        worst = max(worst, float(np.nan_to_num(np.abs(mine - other)).max(initial=0.0)))
    return worst
