"""Labels of quasars are brought to one frame; others are left alone."""

import numpy as np
import pytest

from huggins.constants import LN10, SPEED_OF_LIGHT
from huggins.redshift.frames import SIZE, START
from huggins.simulate.quasar_frame import STEP
from huggins.spectrum import Spectrum
from huggins.train.quasar_labels import in_frame


class Frame:
    """Stands for QuasarFrame: finds what it is told to, in order."""

    def __init__(self, *found):
        self.found = iter(found)
        self.asked = []

    def of_spectrum(self, flux, ivar, first, log1z):
        self.asked.append(log1z)
        return tuple(value / (LN10 * SPEED_OF_LIGHT) for value in next(self.found))


def row(class3="QSO", class13="QSO", z="1.0"):
    return {"class3": class3, "class13": class13, "z": z}


def spectra(count, shift=0.0):
    loglam = (START + shift + np.arange(SIZE)) * STEP
    return [Spectrum(loglam, np.ones(SIZE), np.ones(SIZE)) for _ in range(count)]


def test_a_quasar_moves_by_its_offset():
    frame = Frame((250.0, 20.0))
    found = in_frame([row(z="1.0")], spectra(1, shift=0.3), frame)
    assert found == pytest.approx(2.0 * np.exp(250.0 / SPEED_OF_LIGHT) - 1.0, abs=1e-9)
    # The fraction of a pixel by which the spectrum's grid is off is no part of the redshift.
    assert frame.asked == pytest.approx([np.log10(2.0) - 0.3 * STEP])


@pytest.mark.parametrize("found", [(20.0, 500.0), (1600.0, 20.0), (np.nan, np.nan)])
def test_one_that_cannot_be_brought_there_has_none(found):
    assert np.isnan(in_frame([row()], spectra(1), Frame(found))).all()


def test_broad_absorption_is_left_out():
    assert np.isnan(in_frame([row(class13="BAL")], spectra(1), Frame((20.0, 20.0)))).all()


def test_stars_galaxies_and_unknown_redshifts_stay():
    rows = [
        row("STAR", "F", "0.0001"),
        row("GALAXY", "GAL", "0.3"),
        row(z=""),
        row("SKY", "", ""),
    ]
    found = in_frame(rows, spectra(4), Frame())
    assert found == pytest.approx([0.0001, 0.3, np.nan, np.nan], nan_ok=True)
