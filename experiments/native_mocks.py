"""Mocks on native pixels from held-back templates, one spectrum at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from huggins import simulate
from huggins.errors import SpectrumError
from huggins.prepare import LogGrid
from huggins.redshift.basis import STEP
from huggins.redshift.frames import SIZE, START
from huggins.spectrum import Spectrum
from huggins.taxonomy import ALL_CLASSES
from huggins.train.data import read_real
from huggins.train.labelled import read_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

# Mocks drawn at a time: on native pixels 500 of them take some 40 MB.
_PART = 500


@dataclass(frozen=True, slots=True, eq=False)
class Mock:
    """One mock of known truth.

    Attributes
    ----------
    kind
        One of the 13 classes.
    z
        Redshift; a star's radial velocity over c.
    sn
        Median signal-to-noise of a pixel.
    """

    spectrum: Spectrum
    kind: str
    z: float
    sn: float


def native_mocks(
    data: Path,
    folds: Sequence[int],
    count: int,
    seed: int,
    *,
    odds: Mapping[str, float] | None = None,
) -> Iterator[Mock]:
    """Yield mocks of S/N 1 to 40 on the grid of native pixels.

    Parameters
    ----------
    data
        Folder of spectra/ and templates/.
    folds
        Whose noise they get.
    count
        How many are drawn; those of no class or without data are left out.
    seed
        The same one gives the same mocks.
    odds
        As in `huggins.simulate.draw`.
    """
    real = read_real(data / "spectra", read_labels(data / "spectra", folds, trust=2))
    bank = simulate.NoiseBank.from_spectra(
        real.spectra,
        real.column("survey").tolist(),
        (real.column("class3") == "SKY").tolist(),
        LogGrid((START - 0.5) * STEP, STEP, SIZE),
    )
    library = simulate.load(data / "templates", test=True)
    rng = np.random.default_rng(seed)
    for first in range(0, count, _PART):
        number = min(_PART, count - first)
        mocks = simulate.draw(number, library, bank, rng, odds=odds, sn=(1.0, 40.0))
        for row, kind in enumerate(mocks.kind):
            name = ALL_CLASSES[kind]
            spectrum = Spectrum(bank.grid.loglam, mocks.flux[row], mocks.ivar[row])
            try:
                spectrum.check()
            except SpectrumError:
                continue  # drawn without coverage
            if name != "NONE":
                yield Mock(spectrum, name, float(mocks.z[row]), float(mocks.sn[row]))
