"""Exposures of full spec files, added up."""

import numpy as np
import pytest
from astropy.io import fits

from experiments.exposures import added, exposures, halves, neighbours
from huggins.redshift.basis import STEP
from huggins.redshift.frames import START

LOGLAM = (START + np.arange(400)) * STEP


def exposure(level, ivar=1.0, shift=0.3):
    return [(LOGLAM + shift * STEP, np.full(400, level), np.full(400, ivar))]


def test_exposures_are_read_by_number_with_both_arms(tmp_path):
    hdus = [fits.PrimaryHDU()] + [
        fits.BinTableHDU(name=name) for name in ("COADD", "SPALL", "L")
    ]
    for name in ("B1-002-9-9", "B1-001-9-9", "R1-002-9-9", "R1-001-9-9"):
        level = float(name[5]) * (-1.0 if name[0] == "R" else 1.0)
        table = np.rec.fromarrays(
            [LOGLAM, np.full(400, level), np.ones(400)], names="loglam,flux,ivar"
        )
        hdus.append(fits.BinTableHDU(table, name=name))
    path = tmp_path / "spec.fits"
    fits.HDUList(hdus).writeto(path)
    found = exposures(path)
    assert [[float(arm[1][0]) for arm in one] for one in found] == [[1.0, -1.0], [2.0, -2.0]]
    fits.HDUList(hdus[:4]).writeto(path, overwrite=True)
    assert exposures(path) == []


def test_the_mean_is_weighted_by_inverse_variance_and_stays_on_its_pixel():
    one, two = exposure(1.0, 3.0), exposure(5.0, 1.0, shift=-0.3)
    two[0][1][7], two[0][2][8] = np.nan, 0.0
    mean = added([one, two])
    assert mean.loglam[0] == pytest.approx(START * STEP)
    assert mean.flux[:7] == pytest.approx(2.0)
    assert mean.flux[7:9] == pytest.approx(1.0)
    assert mean.ivar[:7] == pytest.approx(4.0)
    assert not mean.ivar[400:].any()


def test_halves_and_neighbours_share_no_exposure():
    some = [exposure(level) for level in (1.0, 2.0, 3.0, 4.0, 5.0)]
    ((odd, even),) = halves(some)
    assert (odd.flux[0], even.flux[0]) == (3.0, 3.0)
    pairs = [(a.flux[0], b.flux[0]) for a, b in neighbours(some)]
    assert pairs == [(1.0, 2.0), (3.0, 4.0)]
    assert halves(some[:1]) == neighbours(some[:1]) == []
