"""Sampling of templates, and their completion beyond the library's range."""

import numpy as np
import pytest

from huggins.errors import InputError
from huggins.prepare import STANDARD, LogGrid
from huggins.simulate.template_set import load
from huggins.simulate.templates import (
    STEP,
    Stack,
    _carbon_troughs,
    choose,
    complete,
    held_back,
)


def test_redshift_puts_a_line_where_it_belongs():
    start, length = 3.3, 7000
    flux = np.zeros((1, length))
    rest = start + STEP * 2500
    flux[0, 2500] = 1.0
    stack = Stack(flux, start)
    wanted = np.log10(1.0 + np.array([0.03, 0.2, 0.81]))
    sampled, exact = stack.sample(np.zeros(3, np.int64), wanted, STANDARD.grid)
    assert np.abs(exact - wanted).max() <= 0.5 * STEP
    for row, log1z in zip(sampled, exact, strict=True):
        expected = int((rest + log1z - STANDARD.grid.start) // STANDARD.grid.step)
        assert np.flatnonzero(row).tolist() == [expected]
        assert row[expected] == pytest.approx(0.2)  # one of five fine pixels


def test_sampled_flux_is_the_mean_of_the_fine_pixels():
    rng = np.random.default_rng(0)
    flux = rng.random((3, 6000))
    start = STANDARD.grid.start + 0.5 * STEP
    sampled, exact = Stack(flux, start).sample(
        np.array([2, 0]), np.zeros(2), LogGrid(STANDARD.grid.start, 5e-4, 900)
    )
    assert np.allclose(exact, 0.0, atol=1e-12)
    means = flux[[2, 0], :4500].reshape(2, 900, 5).mean(axis=2)
    assert sampled == pytest.approx(means, rel=1e-5)


def test_beyond_its_ends_a_template_gives_nothing():
    sampled, _ = Stack(np.ones((1, 100)), 3.7).sample(
        np.array([0]), np.array([0.0]), STANDARD.grid
    )
    assert sampled.sum() == pytest.approx(20.0)
    assert sampled.max() == pytest.approx(1.0)


def test_a_grid_that_is_no_multiple_of_the_fine_one_is_refused():
    stack = Stack(np.ones((1, 100)), 3.7)
    with pytest.raises(InputError, match="whole multiple"):
        stack.sample(np.array([0]), np.array([0.0]), LogGrid(3.56, 1.04e-3, 433))


def test_completion_takes_the_most_similar_donor_and_joins_without_a_step():
    x = np.linspace(0.0, 1.0, 4000)
    wave = 1.0 + 0.3 * np.sin(25.0 * x)
    donors = np.stack([5.0 * wave, 2.0 - x, 1.0 + 0.3 * np.cos(25.0 * x)])
    known = wave.copy()
    known[:700] = np.nan
    known[3000:] = np.nan
    full = complete(known, donors)
    assert full == pytest.approx(wave, rel=0.02)


def test_held_back_is_some_but_not_most_and_settled_by_name():
    names = [f"template-{i}" for i in range(2000)]
    kept = [held_back(name) for name in names]
    assert kept == [held_back(name) for name in names]
    assert 0.08 < np.mean(kept) < 0.16
    assert held_back("L1", "L")
    assert not held_back("L0", "L")


def test_choose_follows_the_odds():
    drawn = choose(np.random.default_rng(1), (0.5, 0.0, 1.5), 4000)
    counts = np.bincount(drawn, minlength=3) / 4000
    assert counts[1] == 0.0
    assert counts[0] == pytest.approx(0.25, abs=0.03)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(
        InputError, match=r"there are no templates \(stars\.h5.*huggins templates fetch"
    ):
        load(tmp_path)


@pytest.mark.slow
def test_a_retyped_star_is_held_back_under_its_new_type(shared_data):
    training, test = (
        load(shared_data / "templates", test=False),
        load(shared_data / "templates", test=True),
    )
    assert held_back("FEIGE66", "O")
    assert held_back("FEIGE66", "B")
    # Its type is our judgement, so its place is none to learn from.
    assert np.isnan(test.star_places["B"]).any()
    for library in (training, test):
        for cls, places in library.star_places.items():
            assert len(places) == library.stars[cls].count
            known = places[np.isfinite(places)]
            assert all("OBAFGKML"[int(place)] == cls for place in known)


def test_troughs_of_carbon_are_smoothed_and_repeated_in_other_lines():
    rng = np.random.default_rng(4)
    wave = np.arange(1400.1, 1549.9, 0.3)
    speed = -299792.458 * np.log(wave / 1549.06)
    deep = np.where((speed > 8000.0) & (speed < 13000.0), 0.3, 1.0)
    near = np.where(speed < 2500.0, 0.3, 1.0)  # no broad absorption line by definition
    noisy = np.array([deep, near]) + 0.1 * rng.standard_normal((2, len(wave)))
    rest = np.arange(980.0, 1700.0, 0.5)
    found = _carbon_troughs(wave, noisy, rest)
    assert found.shape == (1, len(rest))
    for line, least, most in ((1549.06, 0.25, 0.35), (1396.76, 0.67, 0.77)):
        inside = np.abs(-299792.458 * np.log(rest / line) - 10500.0) < 1000.0
        assert least < found[0][inside].mean() < most
    assert found[0][rest > 1560.0] == pytest.approx(1.0)
