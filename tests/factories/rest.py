"""Noiseless spectra of known class and redshift, from the redshift basis."""

from __future__ import annotations

import numpy as np

from huggins.forest import in_forest
from huggins.redshift import load_basis
from huggins.taxonomy import INDEX


def flux_of(kind: str, z: float, loglam: np.ndarray) -> np.ndarray:
    """The mean quasar, a galaxy with lines, or a G star at redshift z on pixels `loglam`."""
    basis = load_basis()
    if kind == "STAR":
        part = basis.star
        row = part.vectors[int(np.flatnonzero(part.classes == INDEX["G"])[0])]
    elif kind == "GALAXY":
        part = basis.galaxy
        row = part.vectors[0] + part.vectors[list(part.lines)].sum(axis=0)
    else:
        part = basis.quasar
        row = part.vectors[0]
    log1z = np.log10(1.0 + z)
    flux = np.interp((loglam - log1z) * 1e4, part.start + np.arange(len(row)), row)
    if kind == "QSO" and basis.quasar.forest:
        flux = flux * in_forest(loglam, np.array([log1z]))[0]
    return flux
