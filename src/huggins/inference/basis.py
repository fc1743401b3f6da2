"""The redshift basis: its description, and what its templates are checked for."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.redshift import Basis, Fitter, load_basis
from huggins.spectrum import Spectrum
from huggins.taxonomy import BROAD, CLASSES

if TYPE_CHECKING:
    from pathlib import Path


def describe(path: Path) -> list[tuple[str, str]]:
    """Return the contents of a basis file as pairs of a heading and a text."""
    basis = load_basis(path)
    content = path.read_bytes()
    rows = [
        ("name", path.stem),
        ("file", path.name),
        ("hash", hashlib.sha256(content).hexdigest()[:16]),
        ("size", f"{len(content) / 1e6:.2f} MB"),
    ]
    for name, part in (("quasar", basis.quasar), ("galaxy", basis.galaxy)):
        rows.append((name, f"{len(part.vectors)} vectors, z {part.z_min:g} to {part.z_max:g}"))
    star = basis.star
    rows.append(("star", f"{len(star.vectors)} archetypes, |v| below {star.velocity:g} km/s"))
    return rows + [(f"made: {key}", str(value)) for key, value in basis.made.items()]


def one_line(path: Path) -> str:
    """Return name, hash, size and contents on one line."""
    about = dict(describe(path))
    count = sum(int(about[name].split()[0]) for name in ("quasar", "galaxy", "star"))
    return f"{path.stem:12} {about['hash']}  {about['size']:>8}  {count} templates  redshift"


def problem(basis: Basis) -> str:
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


def answers(basis: Basis) -> dict[str, list[Any]]:
    """Return the class and redshift that the fit alone gives to artificial spectra."""
    fit = Fitter(basis).fit(artificial_spectra())
    return {"broad": fit.broad.tolist(), "log1z": np.round(np.log1p(fit.z), 6).tolist()}


def artificial_spectra() -> list[Spectrum]:
    """Spectra of a galaxy (z = 0.1), a quasar (z = 2) and an A star, from formulas alone."""
    loglam = 3.56 + 1e-4 * np.arange(4300, dtype=np.float64)
    # Slope of the continuum, ln(1 + z), width (dex), and rest wavelengths (A) and heights.
    recipes = (
        (-0.3, 1.1, 3e-4, {3728.5: 3.0, 4862.7: 2.0, 4960.3: 2.0, 5008.2: 6.0, 6564.6: 8.0}),
        (-1.5, 3.0, 4e-3, {1215.7: 3.0, 1549.1: 1.5, 1908.7: 0.8, 2798.8: 0.7}),
        (-1.5, 1.0, 2e-3, {4102.9: -0.6, 4341.7: -0.6, 4862.7: -0.6, 6564.6: -0.5}),
    )
    pixel = np.arange(len(loglam))
    ripple = np.sin(0.7 * pixel**1.3) * np.sin(2.1 * pixel)  # in place of noise; not periodic
    spectra = []
    for slope, factor, width, lines in recipes:
        flux = 10.0 ** (slope * (loglam - 3.75))
        for wavelength, height in lines.items():
            distance = (loglam - np.log10(wavelength * factor)) / width
            flux *= 1.0 + height * np.exp(-0.5 * distance**2)
        spectra.append(Spectrum(loglam, flux + 0.05 * ripple, np.full(len(loglam), 400.0)))
    return spectra
