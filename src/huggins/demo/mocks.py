"""The simulated spectra that ship inside the package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from huggins.demo.example import Example
from huggins.spectrum import Spectrum

#: Where they are: an .npz file of the arrays that `load` describes.
SHIPPED: Final = Path(__file__).with_name("mocks.npz")


def load(path: Path = SHIPPED) -> list[Example]:
    """Read N mocks, of L pixels each, from an .npz file.

    Its arrays: ``loglam (L,)``, log10 of the vacuum wavelength in Angstrom; ``flux (N, L)`` in
    any unit; ``ivar (N, L)``, 0 where there is no data; ``cls (N,)``, names of the 13 classes;
    ``z (N,)``.
    """
    with np.load(path) as arrays:
        loglam = arrays["loglam"].astype(np.float64)
        flux, ivar = (arrays[name].astype(np.float32) for name in ("flux", "ivar"))
        classes, redshifts = arrays["cls"].tolist(), arrays["z"].tolist()
    examples = []
    seen: dict[str, int] = {}
    for i, (name, z) in enumerate(zip(classes, redshifts, strict=True)):
        seen[name] = seen.get(name, 0) + 1
        spectrum = Spectrum(loglam, flux[i], ivar[i], file=f"mock-{name}-{seen[name]}")
        spectrum.check()
        examples.append(Example(name, z, spectrum))
    return examples
