"""Different redshifts, and how probable they are."""

from __future__ import annotations

import numpy as np
import pytest

from huggins.redshift import Fitter, alternatives
from huggins.redshift.alternatives import blank, distinct, shares
from huggins.redshift.frames import SAME, SIZE, START
from huggins.spectrum import Spectrum


def test_what_is_within_1000_km_s_is_one_redshift():
    shift = [0.0, 0.9 * SAME, 1.1 * SAME, 3000.0]
    assert distinct(shift, np.array([2.0, 1.0, 0.0, 5.0])) == [3, 0, 2]
    # The better one stays.
    assert distinct(shift, np.array([1.0, 2.0, 0.0, -5.0])) == [1, 3]


def test_probabilities_fall_with_the_score_and_leave_room_for_none_of_them():
    prob = shares(np.array([0.0, -1.0, -20.0]))
    assert (np.diff(prob) < 0).all()
    assert 0.6 < prob.sum() < 1.0
    assert prob[0] / prob[1] == pytest.approx(np.exp(1.0 / alternatives.HEAT))


def test_a_clear_lead_leaves_little_room():
    sums = [shares(np.array([0.0, -lead])).sum() for lead in (0.1, 3.0, 10.0, 500.0)]
    assert (np.diff(sums) > 0).all()
    assert sums[-1] <= 1.0
    assert shares(np.array([7.0])).tolist() == [pytest.approx(1.0)]


def test_nothing_is_blank():
    rows = blank(2, 3)
    assert rows.shape == (2, 3)
    assert (rows["broad"] == -1).all()
    assert np.isnan(rows["prob"]).all()


def test_the_fit_lists_the_answer_first_and_every_redshift_once():
    fitter = Fitter()
    part = fitter.basis.quasar
    pixel = np.arange(300, SIZE - 300)
    at = pixel + START - part.start - round(1e4 * np.log10(3.1))
    rng = np.random.default_rng(1)
    flux = part.vectors[0, at] + rng.normal(0.0, 0.05, len(at))
    spectrum = Spectrum((pixel + START) * 1e-4, flux, np.full(len(at), 400.0))
    plain = fitter.fit([spectrum])
    found = fitter.fit([spectrum], alternatives=8)
    assert plain.alternatives.shape == (1, 0)
    for name in ("z", "z_err", "deltachi2", "zwarning", "probabilities"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(found, name))
    row = found.alternatives[0]
    row = row[row["broad"] >= 0]
    assert 3 <= len(row) <= 8
    assert row["z"][0] == np.float32(found.z[0])
    assert row["broad"][0] == found.broad[0]
    apart = np.abs(np.subtract.outer(np.log10(1.0 + row["z"]), np.log10(1.0 + row["z"]))) * 1e4
    assert (apart[~np.eye(len(row), dtype=bool)] > SAME - 0.01).all()
    assert (np.diff(row["prob"]) <= 0).all()
    # The percentiles are of the same redshifts.
    assert found.z_p16[0] < found.z[0] < found.z_p84[0]
    if row["prob"][0] > 0.99:
        assert found.z_p84[0] - found.z_p16[0] == pytest.approx(2 * found.z_err[0], rel=0.05)
    assert row["prob"].sum() <= 1.0
    assert (row["chi2"] >= row["chi2"][0]).all()
    two = fitter.fit([spectrum], alternatives=2).alternatives[0]
    assert (two == found.alternatives[0, :2]).all()
