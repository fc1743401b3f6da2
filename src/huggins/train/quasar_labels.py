"""Redshifts of labelled quasars, brought to one rest frame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.constants import LN10, SPEED_OF_LIGHT
from huggins.redshift.frames import START, to_native
from huggins.simulate.quasar_frame import STEP, QuasarFrame, settled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]

#: Largest standard error (km/s) with which a quasar is brought to the frame.
CERTAIN: Final = 300.0
#: Largest difference (km/s) from the label; beyond it one of the two is wrong.
FARTHEST: Final = 1500.0


def read_frame(templates: str | Path) -> QuasarFrame:
    """Read the frame's templates from a folder of template files; else those that ship."""
    import h5py

    path = Path(templates) / "quasars.h5"
    if path.is_file():
        with h5py.File(path) as file:
            frame = QuasarFrame.read(file)
        if frame is not None:
            return frame
    return QuasarFrame.shipped()


def in_frame(
    labels: Sequence[dict[str, str]],
    spectra: Sequence[Spectrum],
    frame: QuasarFrame,
    *,
    certain: float = CERTAIN,
) -> Array:
    """Redshifts of N labels, those of quasars fitted again in the frame.

    A survey's redshift, or an inspector's, has the frame of the template or the line that was
    looked at; of `survey`, where a row says it, the typical offset is known. NaN where the
    quasar cannot be brought to the frame: broad absorption, an error
    above `certain` km/s, or no minimum within `FARTHEST` of the label. The others keep theirs.

    Returns
    -------
    ndarray, shape (N,)
        NaN too where the label has no redshift.
    """
    z = np.array([float(row["z"]) if row["z"] else np.nan for row in labels])
    quasars = [i for i, row in enumerate(labels) if row["class3"] == "QSO" and z[i] > -1.0]
    frames = to_native([spectra[i] for i in quasars])
    for k, i in enumerate(quasars):
        log1z, moved = np.log10(1.0 + z[i]), frames.offset[k] * STEP
        offset, error = frame.of_spectrum(frames.flux[k], frames.ivar[k], START, log1z - moved)
        sure = (
            error * LN10 * SPEED_OF_LIGHT < certain
            and abs(offset) * LN10 * SPEED_OF_LIGHT < FARTHEST
            and labels[i]["class13"] != "BAL"
        )
        moved = settled(labels[i].get("survey", ""), z[i : i + 1], np.array([offset]))[0]
        z[i] = 10.0 ** (log1z + moved) - 1.0 if sure else np.nan
    return z
