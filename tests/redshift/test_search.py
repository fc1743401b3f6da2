"""Candidates of noisy spectra of known class and redshift, and the network's proposals."""

from __future__ import annotations

import numpy as np
import pytest

from factories.rest import flux_of
from huggins.constants import LN10
from huggins.redshift.frames import SAME, to_native
from huggins.redshift.proposals import Proposal, proposals
from huggins.redshift.search import Search, saturate
from huggins.spectrum import Spectrum
from huggins.taxonomy import BROAD_CLASSES, INDEX

LOGLAM = 3.56 + 1e-4 * np.arange(4500)


@pytest.fixture(scope="module")
def search() -> Search:
    return Search()


def frames_of(kind: str, z: float, sn: float = 10.0):
    flux = flux_of(kind, z, LOGLAM)
    sigma = np.median(np.abs(flux)) / sn
    noise = np.random.default_rng(3).normal(0.0, sigma, len(flux))
    return to_native([Spectrum(LOGLAM, flux + noise, np.full(len(flux), sigma**-2.0))])


@pytest.mark.parametrize(("kind", "z"), [("STAR", 0.0003), ("GALAXY", 0.4), ("QSO", 2.3)])
def test_the_true_class_and_redshift_are_the_best_candidate(search, kind, z):
    frames = frames_of(kind, z)
    found = search.run(frames, 0)
    assert {s.kind for s in found.solutions} == set(BROAD_CLASSES)
    best = min(found.solutions, key=lambda s: s.chi2)
    assert best.kind == kind
    assert abs(best.shift - 1e4 * np.log10(1.0 + z)) < 3.0
    assert best.chi2 == pytest.approx(found.good, rel=0.1)
    assert found.total == pytest.approx(float(frames.ivar[0] @ frames.flux[0] ** 2))
    assert best.chi2 < found.smooth < found.total


def test_a_cubic_is_fitted_exactly(search):
    x = np.linspace(-1.0, 1.0, len(LOGLAM))
    smooth = Spectrum(LOGLAM, 5.0 + x - 2.0 * x**3, np.full(len(x), 4.0))
    found = search.run(to_native([smooth]), 0)
    assert abs(found.smooth) < 1e-6 * found.total


def test_no_data_gives_no_candidate(search):
    empty = Spectrum(LOGLAM, np.ones(len(LOGLAM)), np.zeros(len(LOGLAM)))
    found = search.run(to_native([empty]), 0)
    assert (found.solutions, found.good) == ((), 0)


def test_minimising_lowers_chi2_of_one_candidate_alone(search):
    found = search.run(frames_of("GALAXY", 0.4), 0)
    last = len(found.solutions) - 1
    after = found.minimised(last)
    assert after.solutions[last].masked <= found.solutions[last].masked
    assert after.solutions[:last] == found.solutions[:last]


def test_the_networks_redshift_is_among_the_candidates(search):
    z = 1.1  # not that of the spectrum
    density = np.full((1, 1000), 1e-9)
    density[0, int((np.log1p(z) + 0.005) / 0.002)] = 1.0
    probabilities = np.zeros((1, 13))
    probabilities[0, INDEX["QSO"]] = 1.0
    offered = proposals(density, probabilities, -0.005, 0.002)[0]
    found = search.run(frames_of("QSO", 2.3), 0, offered)
    shift = 1e4 * np.log10(1.0 + z)
    reach = 2 * SAME + 1e4 * 0.006 / LN10
    assert any(s.kind == "QSO" and abs(s.shift - shift) < reach for s in found.solutions)


def test_a_proposal_is_read_by_bins_of_ln_one_plus_z():
    proposal = Proposal(np.array([-1.0, -2.0, -3.0]), 0.0, 0.1)
    log1z = np.array([-0.2, 0.05, 0.15, 0.25, 9.0]) / LN10
    assert proposal.at(log1z).tolist() == [-1.0, -1.0, -2.0, -3.0, -3.0]


def test_differences_saturate():
    out = saturate(np.array([0.0, 1e-3, 20.0, 1e6]), 20.0)
    np.testing.assert_allclose(out, [0.0, 1e-3, 20.0 * (1.0 - np.exp(-1.0)), 20.0], rtol=1e-3)


def test_a_spectrum_comes_out_alike_alone_and_beside_far_brighter_ones(search):
    flux = flux_of("GALAXY", 0.17, LOGLAM)
    rng = np.random.default_rng(2)
    spectra = []
    for sn in (1.5, 3e3, 3.0, 1e6):
        sigma = np.median(np.abs(flux)) / sn
        noisy = flux + rng.normal(0.0, sigma, len(flux))
        spectra.append(Spectrum(LOGLAM, noisy, np.full(len(flux), sigma**-2.0)))
    frames = to_native(spectra)
    together = search.run_all(frames, range(4), [None] * 4)
    for row in range(4):
        alone = search.run(frames, row)
        for one, other in zip(together[row].solutions, alone.solutions, strict=True):
            assert (one.kind, one.archetype) == (other.kind, other.archetype)
            assert one.shift == pytest.approx(other.shift, abs=1e-6)
            assert one.chi2 == pytest.approx(other.chi2, rel=1e-9)
