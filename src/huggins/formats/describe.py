"""What a file is and holds, without classifying it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from huggins.errors import ReadError
from huggins.formats import open_file

if TYPE_CHECKING:
    from huggins.spectrum import Spectrum


@dataclass(slots=True)
class Contents:
    """What a file holds.

    Attributes
    ----------
    path : str
    format : str
        Name of the reader that took it.
    spectra : int
        Spectra that can be used.
    errors : list of ReadError
        Why others cannot; the only entry where the file cannot be read at all.
    surveys : list of str
        In order of appearance.
    pixels, good : int
        Largest number of pixels of a spectrum, and of good ones.
    wavelength : tuple of float
        Smallest and largest vacuum wavelength, in Angstrom.
    air : bool
        Whether the file gives air wavelengths (they have been converted).
    sn : ndarray, shape (spectra,)
        Median signal-to-noise ratio a pixel of each.
    first : Spectrum or None
        The first of them, for its identity and pipeline values.
    """

    path: str
    format: str = ""
    spectra: int = 0
    errors: list[ReadError] = field(default_factory=list)
    surveys: list[str] = field(default_factory=list)
    pixels: int = 0
    good: int = 0
    wavelength: tuple[float, float] = (np.inf, 0.0)
    air: bool = False
    sn: np.ndarray = field(default_factory=lambda: np.zeros(0))
    first: Spectrum | None = None

    def lines(self) -> list[tuple[str, str]]:
        """Return what there is to say, as pairs of a heading and a text."""
        if self.first is None:
            return []
        said = [("format", self.format), ("spectra", str(self.spectra))]
        if self.errors:
            said.append(("unusable", f"{len(self.errors)} ({self.errors[0].what})"))
        if self.surveys:
            said.append(("survey", ", ".join(self.surveys)))
        object_ = _identity(self.first)
        if object_:
            said.append(("object" if self.spectra == 1 else "first", object_))
        kind = "in air, converted to vacuum" if self.air else "in vacuum"
        low, high = self.wavelength
        said.append(("range", f"{low:.1f} to {high:.1f} A {kind}"))
        said.append(("pixels", f"{self.pixels}, of which {self.good} good"))
        if self.spectra == 1:
            said.append(("S/N", f"{self.sn[0]:.2f} (median a pixel)"))
        else:
            low, middle, high = np.quantile(self.sn, (0.0, 0.5, 1.0))
            said.append(("S/N", f"{low:.2f} to {high:.2f}, median {middle:.2f}"))
        pipeline = self.first.pipeline
        if pipeline.cls:
            words = [f"{pipeline.cls} {pipeline.subclass}".strip()]
            words += [] if pipeline.z is None else [f"z = {pipeline.z:.5f}"]
            words += [] if pipeline.zwarning is None else [f"ZWARNING {pipeline.zwarning}"]
            said.append(("pipeline", ", ".join(words)))
        return said


def describe(path: str, *, air: bool = False) -> Contents:
    """Look into a file.

    Parameters
    ----------
    path
        Of a file of any known format.
    air
        Whether the wavelengths of a text file are in air.
    """
    found = Contents(path)
    sn = []
    for item in open_file(path, air=air):
        if isinstance(item, ReadError):
            found.errors.append(item)
            continue
        found.first = found.first or item
        found.format = item.format
        found.spectra += 1
        found.air |= item.air
        if item.survey and item.survey not in found.surveys:
            found.surveys.append(item.survey)
        found.pixels = max(found.pixels, len(item))
        found.good = max(found.good, int(np.count_nonzero(item.good)))
        low, high = 10.0 ** item.loglam[[0, -1]]
        found.wavelength = (min(found.wavelength[0], low), max(found.wavelength[1], high))
        sn.append(item.median_sn())
    if not sn and not found.errors:
        found.errors.append(ReadError("no spectra in this file", path))
    found.sn = np.array(sn)
    return found


def _identity(spectrum: Spectrum) -> str:
    named = (
        ("plate", spectrum.plate),
        ("MJD", spectrum.mjd),
        ("fibre", spectrum.fiberid),
        ("TARGETID", spectrum.targetid),
        ("SPECOBJID", spectrum.specobjid),
        ("RA", None if spectrum.ra is None else f"{spectrum.ra:.6f}"),
        ("Dec", None if spectrum.dec is None else f"{spectrum.dec:+.6f}"),
    )
    return ", ".join(f"{name} {value}" for name, value in named if value is not None)
