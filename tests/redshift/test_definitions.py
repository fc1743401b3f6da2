"""Pieces of the fit beside a plain calculation: least squares, troughs, templates."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from huggins.constants import SPEED_OF_LIGHT
from huggins.lines import EMISSION
from huggins.redshift import load_basis
from huggins.redshift.absorbed import PARAMETERS, ShareParameters, absorbed_share
from huggins.redshift.balnicity import _at_gap, _significance
from huggins.redshift.basis import Archetypes, Components
from huggins.redshift.binned import ABSORBED, BinnedFit
from huggins.redshift.curves import fit_at
from huggins.redshift.frames import SIZE, START
from huggins.redshift.host import HostFit, _blurred
from huggins.redshift.minimise import parabola
from huggins.redshift.scan import Scanner
from huggins.redshift.search import Search
from huggins.redshift.warnings import _continuum, _inverse
from huggins.taxonomy import INDEX

FACTOR, FIRST, LENGTH = 6, 34000, 7000
SLACK, TERMS = 0.3, 2


@pytest.fixture(scope="module")
def part():
    """Three vectors, the second and third held by strong priors."""
    rng = np.random.default_rng(3)
    x = np.arange(LENGTH)
    vectors = np.ones((3, LENGTH))
    for centre in rng.integers(200, LENGTH - 200, 25):
        vectors[0] += 0.5 * np.exp(-0.5 * ((x - centre) / 25.0) ** 2)
        vectors[1] += rng.normal() * np.exp(-0.5 * ((x - centre) / 60.0) ** 2)
    vectors[2] = np.sin(x / 400.0)
    return Components(
        FIRST, vectors.astype(np.float32), np.array([1.0, 0.02, 0.01]), (), -0.003, 0.2
    )


@pytest.fixture(scope="module")
def scanner(part):
    return Scanner(part, FACTOR, terms=TERMS, slack=SLACK)


@pytest.fixture(scope="module")
def binned(part, scanner):
    return BinnedFit(part, FACTOR, scanner.shifts, terms=TERMS, slack=SLACK)


def rows_at(part, shift):
    """Vectors and polynomials on binned pixels, (K + M, P)."""
    at = np.arange(SIZE) + START - shift * FACTOR - part.start
    vectors = part.vectors[:, at].astype(float).reshape(len(part.vectors), -1, FACTOR)
    x = np.linspace(-1.0, 1.0, SIZE // FACTOR)
    return np.concatenate([vectors.mean(axis=2), np.stack([np.ones_like(x), x])])


def solved(part, rows, flux, weight, signal):
    """Coefficients with the priors: least squares with the spreads as further data."""
    matrix = (rows * weight) @ rows.T
    held = np.zeros(len(rows))
    count = len(part.vectors)
    held[1:count] = matrix[0, 0] / signal / part.spread[1:] ** 2
    held[count:] = weight.sum() / signal / SLACK**2
    return np.linalg.solve(matrix + np.diag(held), (rows * weight) @ flux)


@pytest.fixture(scope="module")
def data(part):
    rng = np.random.default_rng(4)
    rows = rows_at(part, 70)
    weight = rng.uniform(0.5, 2.0, SIZE // FACTOR)
    weight[:50] = 0.0
    flux = np.array([1.0, 0.3, -0.2, 0.1, 0.05]) @ rows
    flux += rng.normal(0.0, 1.0, len(flux)) / np.sqrt(np.maximum(weight, 1e-9))
    flux[:50] = 0.0
    return flux, weight, float(weight @ flux**2)


def test_gain_and_chi2_are_those_of_least_squares_with_priors(part, scanner, binned, data):
    flux, weight, signal = data
    indices = [int(np.flatnonzero(scanner.shifts == s)[0]) for s in (0, 33, 70, 100)]
    gain = scanner.gain(flux * weight, weight, signal)
    [chi2] = binned.plain((flux * weight)[None], weight[None], np.array([signal]), [indices])
    for number, index in enumerate(indices):
        rows = rows_at(part, int(scanner.shifts[index]))
        found = solved(part, rows, flux, weight, signal)
        expected = float(weight @ (flux - found @ rows) ** 2)
        assert chi2[number] == pytest.approx(expected, rel=1e-5)
        right = (rows * weight) @ flux
        assert gain[index] == pytest.approx(float(right @ found), rel=2e-4)


@pytest.mark.parametrize("sign", [-1, 1])
def test_only_what_lies_far_below_the_model_is_absorption(part, binned, data, sign):
    flux, weight, signal = data
    index = int(np.flatnonzero(binned.shifts == 70)[0])
    weight = 400.0 * weight
    flux = np.array([3.0, 0.0, 0.0, 0.0, 0.0]) @ rows_at(part, 70)
    [clear], [masked] = binned.robust(flux, weight, signal, [index])
    assert not masked.any()
    struck = flux.copy()
    struck[300:320] *= 1.0 + sign * 0.5
    [chi2], [masked] = binned.robust(struck, weight, signal, [index])
    if sign > 0:
        assert not masked.any()
        return
    # The trough and the pixel on either side, each at a fixed price for its native pixels.
    assert np.flatnonzero(masked).tolist() == list(range(299, 321))
    assert chi2 == pytest.approx(clear + ABSORBED * FACTOR * 22, abs=0.05 * ABSORBED * 22)


@pytest.mark.parametrize(("depth", "seen"), [(0.11, False), (0.14, True)])
def test_a_trough_is_twelve_percent_deep(part, binned, data, depth, seen):
    index = int(np.flatnonzero(binned.shifts == 70)[0])
    flux = np.array([3.0, 0.0, 0.0, 0.0, 0.0]) @ rows_at(part, 70)
    flux[300:310] *= 1.0 - depth
    weight = np.full(SIZE // FACTOR, 1e4)
    _, [masked] = binned.robust(flux, weight, float(weight @ flux**2), [index])
    assert bool(masked[302:308].all()) is seen


def test_noise_is_no_absorption(part, binned):
    """Of noise of 20 % every fourth pixel lies 12 % below the model, and none 4 sigma."""
    index = int(np.flatnonzero(binned.shifts == 70)[0])
    model = np.array([3.0, 0.0, 0.0, 0.0, 0.0]) @ rows_at(part, 70)
    error = 0.2 * model
    noise = np.random.default_rng(6).normal(0.0, 1.0, len(model)).clip(-3.0, 3.0)
    weight = error**-2.0
    flux = model + error * noise
    _, [masked] = binned.robust(flux, weight, float(weight @ flux**2), [index])
    assert not masked.any()


def test_the_smooth_curve_is_a_cubic():
    x = np.linspace(-1.0, 1.0, SIZE)
    rng = np.random.default_rng(5)
    flux = rng.normal(0.0, 1.0, SIZE) + 3.0 - x + 2.0 * x**2 + x**3
    weight = rng.uniform(0.5, 2.0, SIZE)
    rows = np.stack([x**n for n in range(4)])
    right = (rows * weight) @ flux
    expected = float(right @ np.linalg.solve((rows * weight) @ rows.T, right))
    found = Search(load_basis())._smooth((flux * weight)[None], weight[None])
    assert found[0] == pytest.approx(expected, rel=1e-9)


# Lines in absorption ---------------------------------


@pytest.mark.parametrize("name", ["C III]", "Mg II", "Hβ", "Hα"])
def test_other_lines_are_left_out_within_2000_km_s(name):
    pixel = np.arange(-101, 102)
    expected = np.zeros(203, bool)
    for wavelength in EMISSION.values():
        away = 1e4 * np.log10(wavelength / EMISSION[name])
        if abs(away) > 43.0:
            expected |= np.abs(pixel - away) <= 29.0
    expected |= np.abs(pixel) <= 43
    assert _continuum(name).tolist() == (~expected).astype(float).tolist()


@pytest.mark.parametrize("b", [0.0, 0.5, -1.9])
def test_the_inverse_by_hand(b):
    matrix = np.array([[2.0, b], [b, 2.0]])
    np.testing.assert_allclose(_inverse(2.0, b, 2.0) @ matrix, np.eye(2), atol=1e-12)
    singular = np.array([[1.0, 1.0], [1.0, 1.0]])
    np.testing.assert_allclose(_inverse(1.0, 1.0, 1.0), np.linalg.pinv(singular))


def test_the_significance_of_a_trough():
    ratio = np.array([0.5, 0.6, 0.1, 0.85])
    error = np.array([0.1, 0.2, np.inf, 0.05])
    # The mean depth below 0.9, over the error of the mean.
    depth = np.mean([0.4, 0.3, 0.05])
    expected = depth / (np.sqrt(0.1**2 + 0.2**2 + 0.05**2) / 3.0)
    assert _significance(ratio, error) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("missing", "expected"),
    [(None, (False, False)), (9, (True, False)), (20, (False, True)), (8, (False, False)),
     (21, (False, False)), (10, (False, False)), (19, (False, False))],
)  # fmt: skip
def test_a_trough_is_cut_where_its_next_pixel_is_missing(missing, expected):
    known = np.ones(40, bool)
    if missing is not None:
        known[missing] = False
    v = np.linspace(0.0, 25000.0, 40)
    assert _at_gap(slice(10, 20), known, v) == expected


@pytest.mark.parametrize("first", [0.0, 2000.0])
@pytest.mark.parametrize("last", [22000.0, 25000.0])
def test_a_trough_at_the_end_of_what_is_seen_is_cut_unless_that_is_the_range(first, last):
    v = np.linspace(first, last, 40)
    found = _at_gap(slice(0, 40), np.ones(40, bool), v)
    assert found == (first == 2000.0, last == 22000.0)


# Templates of starlight ------------------------------


def test_the_templates_of_starlight_and_nucleus():
    size = 6000
    start = 34200
    spike = int(1e4 * np.log10(4800.0)) - start
    vectors = np.ones((6, size), "f4")
    vectors[0, spike] = 101.0
    classes = np.array([INDEX[name] for name in ("B", "A", "F", "G", "K", "M")])
    star = Archetypes(start, vectors, classes, ("F",) * 6, 1500.0)
    first, length = 35000, 3000
    blurred = _blurred(star, "B", first, length) - 1.0
    # Blurred by a Gaussian of 150 km/s; the sum stays.
    middle = int(blurred.argmax())
    assert first + middle == start + spike
    pixels = 150.0 / (SPEED_OF_LIGHT * np.log(10.0) * 1e-4)
    assert blurred.sum() == pytest.approx(100.0, rel=1e-6)
    for away in (1, 2, 3):
        drop = np.exp(-0.5 * (away / pixels) ** 2)
        assert blurred[middle + away] / blurred[middle] == pytest.approx(drop, rel=1e-4)
        assert blurred[middle - away] / blurred[middle] == pytest.approx(drop, rel=1e-4)


def test_the_continuum_of_a_nucleus_is_three_power_laws():
    fit = HostFit.of(load_basis().star)
    size = len(fit.free)
    rest = 10.0 ** ((fit.start + np.arange(size)) * 1e-4)
    for slope, law in zip((-2.5, -1.5, -0.5), fit.binned[fit.nucleus], strict=True):
        expected = (rest / 5100.0) ** slope
        np.testing.assert_allclose(law, expected.reshape(-1, size // len(law)).mean(axis=1))


# Small formulae --------------------------------------


@pytest.mark.parametrize("width", [0.3, 2.0])
@pytest.mark.parametrize("place", [-0.4, 0.0, 0.3])
def test_the_vertex_of_a_parabola(place, width):
    gain = [100.0 - ((x - place) / width) ** 2 for x in (-1.0, 0.0, 1.0)]
    # chi2 is 1 above its minimum one width away.
    assert parabola(*gain) == pytest.approx((place, 100.0, width))


@pytest.mark.parametrize(
    "gain",
    [(5.0, 4.0, 3.0), (3.0, 4.0, 5.0), (4.0, 4.0, 4.0), (4.0, 3.0, 4.0), (0.0, 4.0, 3.0),
     (3.0, 4.0, 0.0), (1.0, 4.0, 4.5), (4.5, 4.0, 1.0)],
)  # fmt: skip
def test_what_is_no_maximum_has_no_vertex(gain):
    assert parabola(*gain) == (0.0, gain[1], np.inf)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.9, 1.0])
@pytest.mark.parametrize("bi", [np.nan, 0.0, 50.0, 3000.0])
@pytest.mark.parametrize("coverage", [0.0, 0.4, 1.0])
def test_the_share_of_broad_absorption_is_the_logistic_sum(share, bi, coverage):
    p = ShareParameters(0.3, network=0.9, index=2.0, noise=0.5)
    measured = SimpleNamespace(bi=bi, coverage=coverage, sn=3.0)
    sn = 3.0 if coverage else 7.0  # of the spectrum where C IV was not observed
    odds = 6.0 if share == 1.0 else -6.0 if share == 0.0 else np.log(share / (1.0 - share))
    prior = coverage * np.log(0.13 / 0.87) + (1.0 - coverage) * np.log(0.02 / 0.98)
    known = sn**2 / (sn**2 + 0.25)
    depth = 0.0 if np.isnan(bi) else np.log(1.0 + bi / 100.0)
    logit = prior + known * (0.3 + 0.9 * odds + 2.0 * depth)
    found = absorbed_share(share, measured, 7.0, p)
    assert found == pytest.approx(1.0 / (1.0 + np.exp(-logit)), rel=1e-6)


def test_the_priors_of_broad_absorption_are_those_of_the_papers():
    assert (PARAMETERS.prior, PARAMETERS.unseen) == (0.13, 0.02)


def test_vectors_are_no_forest_unless_they_say_so():
    assert not Components(0, np.ones((1, 2), "f4"), np.ones(1), (), 0.0, 1.0).forest


@pytest.mark.parametrize(("name", "broad"), [("GAL", "GALAXY"), ("QSO", "QSO"), ("F", "STAR")])
def test_chi2_at_a_redshift_is_that_of_its_model(name, broad):
    search = Search(load_basis())
    rng = np.random.default_rng(8)
    ivar = rng.uniform(0.5, 2.0, SIZE)
    flux = 3.0 + rng.normal(0.0, 1.0, SIZE) / np.sqrt(ivar)
    frames = SimpleNamespace(
        flux=flux[None], ivar=ivar[None], offset=np.zeros(1), good=np.array([SIZE])
    )
    found = fit_at(search, frames, 0, name, 0.0 if broad == "STAR" else 0.5)
    total = float((ivar * flux) @ flux)
    assert found.kind == broad
    # Better than nothing; a flat spectrum is fitted to its noise, but for a few per cent.
    assert 0.9 * SIZE < found.chi2 < 1.15 * SIZE < total
