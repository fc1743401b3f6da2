"""Fits on binned pixels at single shifts: with absorption masked, and without."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from factories.mixtures import components, observed
from huggins.redshift.binned import BinnedFit
from huggins.redshift.frames import SIZE, bin_down
from huggins.redshift.scan import Scanner

if TYPE_CHECKING:
    from huggins.redshift.basis import Components


def binned_fit(part: Components, terms: int) -> BinnedFit:
    scanner = Scanner(part, 6, terms=terms, slack=0.3)
    return BinnedFit(part, 6, scanner.shifts, terms=terms, slack=0.3)


def test_absorption_is_masked_and_paid_for():
    part = components()
    fit = binned_fit(part, terms=2)
    flux, ivar = observed(part, 420, sn=10.0)
    flux[2000:2200] *= 0.3
    u, w = bin_down(flux * ivar, 6), bin_down(ivar, 6)
    mean = np.divide(u, w, out=np.zeros_like(w), where=w > 0)
    index = int(np.flatnonzero(fit.shifts == 70)[0])
    plain, nothing = fit.robust(mean, w, float(ivar @ flux**2), [index], rounds=1)
    [chi2], [masked] = fit.robust(mean, w, float(ivar @ flux**2), [index])
    assert not nothing.any()
    assert masked[335:365].all()
    assert masked.sum() < 60
    assert chi2 < 0.2 * plain


def test_each_shift_gets_the_mask_it_would_get_alone():
    part = components()
    fit = binned_fit(part, terms=2)
    flux, ivar = observed(part, 420, sn=10.0)
    flux[2000:2200] *= 0.3
    u, w = bin_down(flux * ivar, 6), bin_down(ivar, 6)
    mean, signal = np.divide(u, w, out=np.zeros_like(w), where=w > 0), float(ivar @ flux**2)
    at = [int(np.flatnonzero(fit.shifts == shift)[0]) for shift in (70, 20, 71, 120)]
    chi2, masked = fit.robust(mean, w, signal, at)
    for index, value, mask in zip(at, chi2, masked, strict=True):
        alone, own = fit.robust(mean, w, signal, [index])
        assert value == pytest.approx(alone[0], rel=1e-9)
        np.testing.assert_array_equal(mask, own[0])


def test_only_broad_runs_redward_of_lyman_alpha_are_troughs():
    part = components(z_max=3.0)
    fit = binned_fit(part, terms=0)
    index = int(np.flatnonzero(fit.shifts == 700)[0])  # Lyman alpha at log 3.5048
    masked = np.zeros(SIZE // 6, bool)
    masked[100:104] = True  # narrow
    masked[200:210] = True
    kept = fit.troughs(masked, index)
    assert kept[200:210].all()
    assert kept.sum() == 10
    far = int(np.flatnonzero(fit.shifts == 950)[0])  # at log 3.6548, pixel 184
    masked[100:110] = True
    assert fit.troughs(masked, far).sum() == 10


@pytest.mark.parametrize("forest", [False, True])
def test_without_masks_chi2_is_that_of_the_first_round(forest):
    part = replace(components(z_max=3.0), forest=forest)
    fit = binned_fit(part, terms=2)
    spectra = [observed(part, 420, sn=sn, seed=seed) for seed, sn in enumerate((3.0, 10.0))]
    u = np.array([bin_down(flux * ivar, 6) for flux, ivar in spectra])
    w = np.array([bin_down(ivar, 6) for _, ivar in spectra])
    signal = np.array([float(ivar @ flux**2) for flux, ivar in spectra])
    at = [[3, 70, 900], [71]]
    found = fit.plain(u, w, signal, at)
    for n, some in enumerate(at):
        mean = np.divide(u[n], w[n], out=np.zeros_like(u[n]), where=w[n] > 0)
        first, _ = fit.robust(mean, w[n], signal[n], some, rounds=1)
        np.testing.assert_allclose(found[n], first, rtol=1e-9)
    assert fit.plain(u[:0], w[:0], signal[:0], []) == []
