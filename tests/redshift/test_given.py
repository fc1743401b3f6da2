"""Classes at given redshifts."""

from __future__ import annotations

import numpy as np
import pytest

from huggins.forest import in_forest
from huggins.quality import ZWarning
from huggins.redshift import Fitter
from huggins.redshift.basis import STEP, all_limits, limits
from huggins.redshift.frames import SIZE, START
from huggins.spectrum import Spectrum
from huggins.taxonomy import BROAD_CLASSES

TRUE = 2.1


@pytest.fixture(scope="module")
def fitter():
    return Fitter()


@pytest.fixture(scope="module")
def quasar(fitter):
    part = fitter.basis.quasar
    pixel = np.arange(300, SIZE - 300)
    at = pixel + START - part.start - round(np.log10(1.0 + TRUE) / STEP)
    loglam = (pixel + START) * STEP
    flux = part.vectors[0, at] * in_forest(loglam, np.log10([1.0 + TRUE]))[0]
    flux += np.random.default_rng(1).normal(0.0, 0.05, len(at))
    return Spectrum(loglam, flux, np.full(len(at), 400.0))


def at(fitter, spectrum, z):
    return fitter.fit([spectrum], z=np.array([z]))


def test_at_the_right_redshift_the_answer_is_that_of_the_search(fitter, quasar):
    free = fitter.fit([quasar])
    fixed = at(fitter, quasar, float(free.z[0]))
    assert fixed.z[0] == pytest.approx(free.z[0], abs=1e-9)
    # The free one is of where all pixels count alike, the redshift of where the forest counts
    # less.
    assert free.rchi2[0] - 1e-6 <= fixed.rchi2[0] < 1.05 * free.rchi2[0]
    assert BROAD_CLASSES[fixed.broad[0]] == "QSO"
    assert fixed.deltachi2[0] > 100.0
    assert not fixed.zwarning[0] & (ZWarning.SMALL_DELTA_CHI2 | ZWarning.BAD_MINFIT)
    # A given redshift has no error.
    assert np.isnan([fixed.z_err[0], fixed.z_p16[0], fixed.z_p84[0]]).all()


def test_a_wrong_redshift_is_flagged(fitter, quasar):
    fixed = at(fitter, quasar, 1.2)
    assert fixed.z[0] == pytest.approx(1.2)
    assert fixed.deltachi2[0] < -100.0
    assert fixed.zwarning[0] & ZWarning.SMALL_DELTA_CHI2
    assert fixed.z_second[0] == pytest.approx(TRUE, abs=0.01)
    assert "fits better" in fixed.causes[0][ZWarning.SMALL_DELTA_CHI2]


@pytest.mark.parametrize(
    ("z", "kinds"),
    [(3.0, {"QSO"}), (1.0, {"QSO", "GALAXY"}), (-0.004, {"STAR", "GALAXY"})],
)
def test_only_classes_that_can_have_the_redshift(fitter, quasar, z, kinds):
    fixed = at(fitter, quasar, z)
    assert BROAD_CLASSES[fixed.broad[0]] in kinds
    for kind in BROAD_CLASSES:
        low, high = limits(fitter.basis, kind)
        assert (low <= z <= high) == (kind in kinds)


def test_the_fit_between_pixels_is_between_those_at_pixels(fitter, quasar):
    base = np.log10(1.0 + TRUE) / STEP
    chi2 = [
        at(fitter, quasar, 10.0 ** ((base + x) * STEP) - 1.0).rchi2[0] for x in (0, 0.5, 1.0)
    ]
    assert min(chi2[0], chi2[2]) - 0.01 < chi2[1] < max(chi2[0], chi2[2]) + 0.01


def test_limits_of_all(fitter):
    low, high = all_limits(fitter.basis)
    assert low < -0.004
    assert high > 6.0


def test_rows_without_one_are_searched(fitter, quasar):
    both = fitter.fit([quasar, quasar], z=np.array([np.nan, 1.5]))
    assert both.z[0] == pytest.approx(TRUE, abs=0.01)
    assert both.z[1] == pytest.approx(1.5)
    assert np.isfinite(both.z_err).tolist() == [True, False]
