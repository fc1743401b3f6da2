"""The definitions of mask, outliers, grid and input, each beside a plain calculation.

What is expected here comes from the formulae of the documentation, written down once more
without any of the package's shortcuts.
"""

from dataclasses import replace

import numpy as np
import pytest

from huggins.prepare import SEED, STANDARD, LogGrid, clean, rebin
from huggins.prepare.mask import BRIGHTSKY
from huggins.prepare.outliers import outliers
from huggins.spectrum import Spectrum


def spectrum(flux, ivar=None, loglam=None, and_mask=None):
    flux = np.asarray(flux, float)
    loglam = 3.6 + 1e-4 * np.arange(len(flux)) if loglam is None else loglam
    mask = None if and_mask is None else np.asarray(and_mask, np.uint32)
    return Spectrum(loglam, flux, np.ones(len(flux)) if ivar is None else ivar, mask)


# Outliers --------------------------------------------


def defined_outliers(flux):
    """T = 40, K = 8: the words of the documentation, pixel by pixel, all of them good."""
    index = np.arange(len(flux))
    taken = []
    for _ in range(5):
        f = flux[index]
        length = len(f)
        if length < 40:
            break

        def near(i, f=f, length=length):
            first = min(max(i - 5, 0), length - 11)
            return np.median(f[first : first + 11])

        def height(j, b, f=f, length=length):
            return abs(f[j] - b) if 0 <= j < length else 0.0

        hits = []
        for i in range(length):
            b = near(i)
            r = {k: height(i + k, b) for k in (-2, -1, 0, 1, 2)}
            first = min(max(i - 30, 0), max(length - 61, 0))
            part = f[first : first + 61]
            d = np.sort([abs(part[j] - (part[j - 1] + part[j + 1]) / 2)
                         for j in range(1, len(part) - 1)])  # fmt: skip
            limit = 40.0 * 1.4826 / 1.5**0.5 * d[len(d) // 2]
            alone = r[0] > limit and r[0] > 8.0 * max(r[-1], r[1])
            pairs = [(1, -1, 2), (-1, -2, 1)]
            pair = any(
                min(r[0], r[k]) > limit and min(r[0], r[k]) > 8.0 * max(r[a], r[c])
                for k, a, c in pairs
            )
            if alone or pair:
                hits.append(i)
        if not hits:
            break
        taken += index[hits].tolist()
        index = np.delete(index, hits)
    return sorted(taken)


@pytest.mark.parametrize("length", [160, 161, 400])
@pytest.mark.parametrize("seed", range(6))
def test_outliers_are_those_of_the_definition(length, seed):
    rng = np.random.default_rng([seed, length])
    flux = 5.0 + rng.normal(0.0, 1.0, length)
    for at in (*rng.choice(length, 3, replace=False), *((0, length - 1) if seed % 2 else ())):
        flux[at] += rng.choice([-1, 1]) * rng.uniform(20, 400)
    pair = rng.integers(1, length - 2)
    flux[pair : pair + 2] += rng.uniform(60, 300, 2)
    assert outliers(flux, np.ones(length)).tolist() == defined_outliers(flux)


@pytest.mark.parametrize("length", [40, 41, 59, 60, 61, 62, 63])
@pytest.mark.parametrize("place", [0, 1, 20, -2, -1])
def test_in_short_spectra_too(length, place):
    flux = np.random.default_rng(length).normal(0.0, 1.0, length)
    flux[place] = 300.0
    assert outliers(flux, np.ones(length)).tolist() == [place % length]
    assert defined_outliers(flux) == [place % length]


@pytest.mark.parametrize("place", [0, 1, 2, 3, 60, 117, 118, 119])
@pytest.mark.parametrize(("times", "taken"), [(0.97, False), (1.03, True)])
def test_forty_times_the_scatter_is_where_an_outlier_begins(place, times, taken):
    flux = np.where(np.arange(120) % 2, 1.0, -1.0)  # every |d| is 2, the median of 11 is +-1
    flux[max(place - 2, 0) : place + 3] = 0.0  # so that the neighbours are at r = 1
    limit = 40.0 * 1.4826 / 1.5**0.5 * 2.0
    first = min(max(place - 5, 0), 109)
    flux[place] = limit * times
    flux[place] += np.median(flux[first : first + 11])
    assert (place in outliers(flux, np.ones(120))) is taken


@pytest.mark.parametrize(("times", "taken"), [(7.7, []), (8.4, [60])])
def test_an_outlier_stands_eight_times_above_its_neighbours(times, taken):
    flux = np.tile([0.02, -0.02], 60)
    flux[59:62] = [1.0, times, -1.0]
    assert outliers(flux, np.ones(120)).tolist() == taken


@pytest.mark.parametrize("place", [119, 118, 100, 0, 1, 20])
def test_the_scatter_is_that_of_the_61_pixels_around(place):
    """Noise is five times as large in the last 25 pixels, fewer than half of any 61."""
    flux = np.where(np.arange(120) % 2, 1.0, -1.0)
    near = flux if place > 60 else flux[::-1]  # a view: the loud end is beside the outlier
    near[-25:] *= 5.0
    flux[place] += 150.0  # of 97 that are needed where |d| is 2, of 485 where it is 10
    # The fast look that comes before goes by the median of all: it is 2 too.
    assert place in outliers(flux, np.ones(120)).tolist()


@pytest.mark.parametrize("quiet", [100, 160, 220])
def test_the_scatter_is_not_that_of_other_places(quiet):
    """Outliers of the quiet half, also beside the loud one, count by the noise around them."""
    rng = np.random.default_rng(quiet)
    sigma = np.where(np.arange(320) < 240, 1.0, 30.0)
    flux = sigma * rng.normal(0.0, 1.0, 320)
    flux[[quiet, 300]] += 120.0  # 4 sigma in the loud part
    found = outliers(flux, sigma**-2.0)
    assert found.tolist() == [quiet] == defined_outliers(flux)


@pytest.mark.parametrize("bad", [10, 250, 489])
@pytest.mark.parametrize("place", [0, 100, 400, 499])
def test_one_bad_pixel_hides_no_outlier(bad, place):
    flux = np.random.default_rng(9).normal(0.0, 1.0, 500)
    ivar = np.ones(500)
    flux[place] += 1e4
    flux[bad] = ivar[bad] = 0.0
    assert outliers(flux, ivar).tolist() == [place]


@pytest.mark.parametrize("count", [0, 1, 2, 127, 128, 129, 300])
def test_any_number_of_bad_pixels_is_passed_over(count):
    rng = np.random.default_rng(count)
    flux = rng.normal(0.0, 1.0, 500)
    flux[[0, 250, 499]] += 1e4
    ivar = np.ones(500)
    others = np.setdiff1d(np.arange(1, 499), 250)
    bad = rng.choice(others, count, replace=False)
    flux[bad], ivar[bad] = 0.0, 0.0
    assert outliers(flux, ivar).tolist() == [0, 250, 499]


def test_good_pixels_at_one_end_only():
    rng = np.random.default_rng(1)
    flux, ivar = rng.normal(0.0, 1.0, 120), np.ones(120)
    flux[90] += 1e4
    for bad in (slice(0, 60), slice(None, 1), slice(119, None)):
        f, w = flux.copy(), ivar.copy()
        f[bad], w[bad] = 0.0, 0.0
        assert outliers(f, w).tolist() == [90]
    assert outliers(np.zeros(120), np.zeros(120)).tolist() == []


# Masks -----------------------------------------------


def test_zeros_are_masked_where_that_is_asked_for():
    flux, ivar = clean(spectrum([0.0, 3.0, 0.0, 2.0, -1.0, 0.0]), mask_zeros=True)
    assert ivar.tolist() == [0.0, 1.0, 0.0, 1.0, 1.0, 0.0]
    assert flux.tolist() == [0.0, 3.0, 0.0, 2.0, -1.0, 0.0]


@pytest.mark.parametrize(
    ("flux", "ivar"),
    [
        ([0, 0, 3, 0, 2], [0, 0, 1, 1, 1]),
        ([3, 0, 2, 0, 0], [1, 1, 1, 0, 0]),
        ([3, 0, 2], [1, 1, 1]),
        ([0, 0, 0], [1, 1, 1]),
        ([0.5, 2, 3, 0], [1, 1, 1, 0]),
    ],
)
def test_a_run_of_zeros_ends_where_the_first_flux_is(flux, ivar):
    assert clean(spectrum(flux))[1].tolist() == ivar


def test_brightsky_is_bit_23_and_may_take_half():
    assert BRIGHTSKY == 8_388_608
    half = [BRIGHTSKY, BRIGHTSKY | 1, 1, 0]
    assert clean(spectrum([1, 2, 3, 4], and_mask=half), mask_brightsky=True)[1].tolist() == [
        0, 0, 1, 1,
    ]  # fmt: skip
    most = [BRIGHTSKY, BRIGHTSKY, BRIGHTSKY, 0, 0]
    kept = clean(spectrum([1, 2, 3, 4, 5], and_mask=most), mask_brightsky=True)[1]
    assert kept.tolist() == [1] * 5
    assert clean(spectrum([1, 2], and_mask=None), mask_brightsky=True)[1].tolist() == [1, 1]


@pytest.mark.parametrize(("times", "good"), [(0.8e8, True), (1.2e8, False)])
@pytest.mark.parametrize("usual", [0.25, 4.0])
def test_an_ivar_of_a_hundred_million_times_the_median_is_none(times, good, usual):
    ivar = np.full(30, usual)
    ivar[:3] = 0.0
    ivar[7] = times * usual
    flux, found = clean(spectrum(np.full(30, 2.0), ivar))
    assert bool(found[7] > 0.0) is good
    assert bool(flux[7] > 0.0) is good
    assert np.count_nonzero(found) == 26 + good


@pytest.mark.parametrize(("length", "good"), [(20, True), (22, False)])
def test_it_must_be_twenty_times_the_mean(length, good):
    ivar = np.ones(length)
    ivar[7] = 1e12
    assert bool(clean(spectrum(np.full(length, 2.0), ivar))[1][7] > 0.0) is good


def test_cosmic_rays_lose_flux_and_weight_and_fill_values_keep_theirs():
    rng = np.random.default_rng(3)
    flux = 100.0 + rng.normal(0.0, 0.1, 200)
    flux[50], flux[150] = 0.0, 200.0
    found, ivar = clean(spectrum(flux))
    assert np.flatnonzero(ivar == 0.0).tolist() == [150]
    assert found[150] == 0.0


# The grid --------------------------------------------


def defined_rebin(loglam, flux, ivar, grid):
    """Each pixel's ivar shared among the grid's pixels by overlap in log wavelength."""
    usual = np.median(np.diff(loglam))
    left, right = np.empty(len(loglam)), np.empty(len(loglam))
    for i, place in enumerate(loglam):
        before = place - loglam[i - 1] if i else loglam[1] - place
        after = loglam[i + 1] - place if i + 1 < len(loglam) else place - loglam[i - 1]
        # Beside a hole a pixel is as wide as usual; also at the ends, where one is beside them.
        left[i] = place - 0.5 * (usual if before > 3.0 * usual else before)
        right[i] = place + 0.5 * (usual if after > 3.0 * usual else after)
    weight, product = np.zeros(grid.size), np.zeros(grid.size)
    for k in range(grid.size):
        low, high = grid.start + k * grid.step, grid.start + (k + 1) * grid.step
        part = np.clip(np.minimum(right, high) - np.maximum(left, low), 0.0, None)
        part /= right - left
        weight[k], product[k] = (part * ivar).sum(), (part * ivar * flux).sum()
    return np.divide(product, weight, out=np.zeros(grid.size), where=weight > 1e-9), weight


@pytest.mark.parametrize("holes", [(), (0,), (1,), (40, 41), (100,), (0, 60, 197, 198)])
@pytest.mark.parametrize("step", [1e-4, 7e-4])
def test_the_grid_holds_the_overlaps(holes, step):
    rng = np.random.default_rng(7)
    gaps = np.full(199, step)
    gaps[list(holes)] = [11.3 * step] * len(holes)
    loglam = 3.6005 + np.r_[0.0, np.cumsum(gaps)]
    flux, ivar = rng.normal(3.0, 1.0, 200), rng.uniform(0.5, 2.0, 200)
    grid = LogGrid(3.6, 1e-3, 200)
    found = rebin([spectrum(flux, ivar, loglam)], grid)
    expected = defined_rebin(loglam, flux, ivar, grid)
    np.testing.assert_allclose(found[1][0], expected[1], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found[0][0], expected[0], rtol=1e-6, atol=1e-6)


def test_steps_three_times_as_wide_are_no_hole():
    loglam = 3.6 + np.r_[0.0, np.cumsum(np.tile([1e-4, 1e-4, 2.9e-4], 20))]
    grid = LogGrid(3.6, 1e-4, 120)
    flux, ivar = np.ones(61), np.ones(61)
    _, weight = rebin([spectrum(flux, ivar, loglam)], grid)
    assert (weight[0, 1:97] > 0.0).all()


def test_a_lone_pixel_is_as_wide_as_one_of_the_grid():
    grid = LogGrid(3.6, 1e-3, 200)
    flux, ivar = rebin([spectrum([2.0], np.array([4.0]), np.array([3.7002]))], grid)
    # From 3.6997 to 3.7007: three tenths before 3.7, seven tenths behind it.
    assert np.flatnonzero(ivar[0]).tolist() == [99, 100]
    assert ivar[0, 99:101] == pytest.approx([1.2, 2.8])
    assert flux[0, 99:101] == pytest.approx([2.0, 2.0])


# The input -------------------------------------------


def test_the_largest_flux_is_the_scale_of_the_seed():
    contract = replace(SEED, grid=LogGrid(3.6, 1e-3, 4))
    flux = np.array(
        [[0.5, 0.25, 9.0, -2.0], [-1.0, -4.0, 9.0, -2.0], [0.0, 0.0, 9.0, 0.0],
         [0.0, -4.0, 9.0, -2.0]]
    )  # fmt: skip
    ivar = np.array([[1.0, 1.0, 0.0, 1.0]] * 4)
    assert contract.tensor(flux, ivar)[:, 0].tolist() == [
        [1.0, 0.5, 0.0, -4.0], [-0.25, -1.0, 0.0, -0.5], [0.0, 0.0, 0.0, 0.0],
        [0.0, -1.0, 0.0, -0.5],
    ]  # fmt: skip


@pytest.mark.parametrize("triples", [19, 20, 21, 22])
def test_the_measured_noise_is_the_lower_median_of_neighbours(triples):
    size = triples + 2
    contract = replace(STANDARD, grid=LogGrid(3.6, 1e-3, size), channels=("snr",), clip=99.0)
    rng = np.random.default_rng(triples)
    flux, sigma = rng.normal(0.0, 1.0, size), rng.uniform(0.5, 2.0, size)
    ratios = sorted(
        abs(flux[i] - (flux[i - 1] + flux[i + 1]) / 2)
        / np.sqrt(sigma[i] ** 2 + (sigma[i - 1] ** 2 + sigma[i + 1] ** 2) / 4)
        for i in range(1, size - 1)
    )
    scale = 1.4826 * ratios[(len(ratios) - 1) // 2] if triples >= 20 else 1.0
    found = contract.tensor(flux[None], sigma[None] ** -2.0)[0, 0]
    np.testing.assert_allclose(found, np.arcsinh(flux / (sigma * scale)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [5, 6])
def test_the_median_flux_is_the_lower_middle_of_the_good_ones(size):
    contract = replace(
        STANDARD, grid=LogGrid(3.6, 1e-3, size), channels=("flux", "error"), noise="given"
    )
    flux = np.array([[8.0, -4.0, 1.0, 2.0, 100.0, 3.0][:size]])
    ivar = np.array([[1.0, 1.0, 1.0, 0.25, 0.0, 1.0][:size]])
    good = np.sort(np.abs(flux[ivar > 0]))
    scale = good[(len(good) - 1) // 2]
    found = contract.tensor(flux, ivar)[0]
    expected = np.where(ivar > 0, np.arcsinh(flux / scale), 0.0)[0]
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)
    error = np.array([1.0, 1.0, 1.0, 2.0, 0.0, 1.0][:size])
    np.testing.assert_allclose(found[1], np.arcsinh(error / scale), rtol=1e-6)


def test_the_standard_input_is_what_the_documentation_says():
    assert (STANDARD.grid.start, STANDARD.grid.step, STANDARD.grid.size) == (3.55, 5e-4, 960)
    assert (SEED.grid.start, SEED.grid.step, SEED.grid.size) == (3.56, 0.45 / 433, 433)
    assert STANDARD.clip == 6.0
    assert 10.0 ** STANDARD.grid.edges[[0, -1]] == pytest.approx([3548, 10715], abs=0.5)
    assert (10.0**STANDARD.grid.step - 1.0) * 299792.458 == pytest.approx(345, abs=0.5)
    assert STANDARD.channels == ("flux", "error", "snr", "coverage")
