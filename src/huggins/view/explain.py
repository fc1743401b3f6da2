"""Why a spectrum got its class: what becomes of the class when a part of it is not seen.

Window after window is hidden from the network, as if nothing had been observed there, and the
change of ln(P / (1 - P)) of the class is what the window was worth (occlusion; Zeiler and
Fergus 2014, arXiv 1311.2901). All windows are one batch, which takes a few hundredths of
a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from huggins.inference.network import Model
    from huggins.spectrum import Spectrum

#: Width of a window in ln(wavelength): 9000 km/s, a broad line or a molecular band.
WIDTH: Final = 0.03
# Probabilities nearer to 0 or 1 than this are all the same.
_FLOOR: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a spectrum: its ends in Angstrom, and the worth of it for the class."""

    low: float
    high: float
    importance: float


def explain(spectrum: Spectrum, model: Model, name: str = "") -> tuple[str, list[Window]]:
    """Return the class and what each part of the spectrum is worth for it.

    Parameters
    ----------
    spectrum
    model
    name
        One of the 13 classes; the most probable where empty.

    Returns
    -------
    name : str
    windows : list of Window
        Half overlapping, bluest first; without those in which there are no data. Positive where
        the class would be less probable without it.
    """
    contract = model.metadata.contract
    flux, ivar = contract.rebin([spectrum])  # (1, G)
    loglam = contract.grid.loglam
    width = max(2, round(WIDTH / np.log(10.0) / contract.grid.step))
    starts = [
        start
        for start in range(0, contract.grid.size - width // 2, width // 2)
        if (ivar[0, start : start + width] > 0).mean() > 0.25
    ]
    hidden = np.repeat(ivar, len(starts) + 1, axis=0)  # the last row is the spectrum as it is
    for row, start in enumerate(starts):
        hidden[row, start : start + width] = 0.0
    shown = np.where(hidden > 0, np.repeat(flux, len(hidden), axis=0), 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        probabilities = model.run(contract.tensor(shown, hidden)).probabilities
    index = CLASSES.index(name) if name else int(probabilities[-1].argmax())
    p = probabilities[:, index].clip(_FLOOR, 1.0 - _FLOOR)
    log_odds = np.log(p / (1.0 - p))
    half = 0.5 * contract.grid.step
    windows = [
        Window(
            float(10.0 ** (loglam[start] - half)),
            float(10.0 ** (loglam[min(start + width, len(loglam)) - 1] + half)),
            float(log_odds[-1] - log_odds[row]),
        )
        for row, start in enumerate(starts)
    ]
    return CLASSES[index], windows
