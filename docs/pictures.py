"""Pictures of the gallery, drawn from the mocks that ship with huggins.

Each is made by the few lines that its entry in the gallery shows. Those that are there already
are not drawn again as long as neither the weights nor the drawing have changed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

SOURCES = Path(__file__).resolve().parents[1] / "src" / "huggins"


def _state() -> str:
    """Return a digest of what the pictures depend on."""
    digest = hashlib.sha256()
    files = [Path(__file__), *sorted((SOURCES / "weights").glob("*.json"))]
    for folder in ("plot", "inference", "redshift"):
        files += sorted((SOURCES / folder).glob("*.py"))
    for file in [*files, SOURCES / "lines.py"]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def draw_all(folder: Path) -> list[Path]:
    """Draw every picture into a folder and return them.

    Parameters
    ----------
    folder
        Made where it is missing.
    """
    state = folder / "state"
    now = _state()
    if state.exists() and state.read_text() == now:
        return sorted(folder.glob("*.png"))
    from huggins import classify
    from huggins.demo.mocks import load
    from huggins.inference import fit_details, load_model
    from huggins.plot import plot_spectrum

    folder.mkdir(parents=True, exist_ok=True)
    examples: dict[str, Any] = {}
    for example in load():
        examples.setdefault(example.cls, example)
    model = load_model()
    spectra = {name.lower(): example.spectrum for name, example in examples.items()}
    spectra |= {"faint": faded(examples["QSO"].spectrum, 20.0), "sky": sky()}
    table = classify(list(spectra.values()), model=model)
    for (name, spectrum), row in zip(spectra.items(), table, strict=True):
        fit = fit_details(spectrum, model=model)
        known = examples.get(name.upper())
        title = "simulated spectrum"
        if known is not None:
            title = f"simulated {known.cls}, true redshift {known.z:.4f}"
        figure = plot_spectrum(
            spectrum, row, fit=fit, second=name in ("faint", "m"), title=title
        )
        figure.savefig(folder / f"{name}.png")
    state.write_text(now)
    return sorted(folder.glob("*.png"))


def faded(spectrum: Any, times: float) -> Any:
    """Return a spectrum as it would be if the object were fainter under the same noise."""
    from huggins import Spectrum

    rng = np.random.default_rng(1)
    good = spectrum.ivar > 0
    sigma = np.where(good, 1.0 / np.sqrt(np.where(good, spectrum.ivar, 1.0)), 0.0)
    level = float(np.median(spectrum.flux[good])) / times * 1.6
    noise = level * sigma / float(np.median(sigma[good]))
    flux = spectrum.flux / times + noise * rng.standard_normal(len(good))
    ivar = np.where(good, 1.0 / np.where(good, noise, 1.0) ** 2, 0.0)
    return Spectrum.from_arrays(spectrum.wavelength, flux, ivar)


def sky() -> Any:
    """Return a spectrum of nothing but noise."""
    from huggins import Spectrum

    wavelength = 10.0 ** np.arange(3.56, 4.01, 1e-4)
    rng = np.random.default_rng(2)
    flux = rng.standard_normal(len(wavelength))
    return Spectrum.from_arrays(wavelength, flux, np.ones(len(wavelength)))
