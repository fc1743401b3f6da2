"""From the scan's pixel to the minimum of chi2."""

from __future__ import annotations

import numpy as np
import pytest

from huggins.redshift.minimise import Track, minimise_all, parabola


def test_parabola_finds_vertex_height_and_sigma():
    # chi2 = 5 + ((x - 0.3) / 2)^2, gain = 100 - chi2
    gains = [100.0 - 5.0 - ((x - 0.3) / 2.0) ** 2 for x in (-1, 0, 1)]
    offset, height, sigma = parabola(*gains)
    assert offset == pytest.approx(0.3)
    assert height == pytest.approx(95.0)
    assert sigma == pytest.approx(2.0)


@pytest.mark.parametrize("gains", [(3.0, 1.0, 3.0), (1.0, 2.0, 3.0), (0.0, 2.0, 1.0)])
def test_no_minimum_has_no_sigma(gains):
    offset, height, sigma = parabola(*gains)
    assert (offset, height) == (0.0, gains[1])
    assert sigma == np.inf


def track(true: float, start: int, stride: int, calls: list[int] | None = None) -> Track:
    def solve(shift: int) -> tuple[float, np.ndarray]:
        if calls is not None:
            calls.append(shift)
        return 1000.0 - ((shift - true) / 0.5) ** 2, np.array([float(shift)])

    return Track("QSO", -1, solve, start, stride, 1100.0)


@pytest.mark.parametrize("start", [40, 47, 55])
def test_climb_reaches_the_minimum(start):
    solution = track(50.2, start, 3).minimise()
    assert solution.shift == pytest.approx(50.2)
    assert solution.chi2 == solution.masked == pytest.approx(100.0)
    assert solution.sigma == pytest.approx(0.5)
    assert solution.coefficients[0] == 50.0


def test_no_shift_is_fitted_twice():
    calls: list[int] = []
    one = track(50.2, 48, 3, calls)
    one.look()
    one.peek()
    one.minimise()
    assert len(calls) == len(set(calls)) < 10


def test_together_as_alone():
    starts = [(50.2, 40), (30.7, 31), (50.2, 55)]
    together = minimise_all([track(true, start, 3) for true, start in starts])
    alone = [track(true, start, 3).minimise() for true, start in starts]
    assert [s.shift for s in together] == [s.shift for s in alone]
    assert minimise_all([]) == []


def test_look_tries_one_shift_and_peek_three():
    assert track(50.2, 48, 3).look().chi2 == pytest.approx(100.0 + 4.4**2)
    solution = track(50.2, 49, 3).peek()
    assert solution.shift == pytest.approx(50.2)
    assert solution.chi2 == pytest.approx(100.0)


def test_chi2_of_all_pixels_is_kept_beside_the_masked_one():
    def solve(shift: int) -> tuple[float, np.ndarray]:
        return 90.0 - shift**2, np.zeros(1)

    def whole(shift: int) -> tuple[float, np.ndarray]:
        return 70.0 - shift**2, np.zeros(1)

    solution = Track("QSO", -1, solve, 0, 1, 100.0, whole, 120.0).minimise()
    assert solution.masked == pytest.approx(10.0)
    assert solution.chi2 == pytest.approx(50.0)


def test_a_climb_settles_where_the_pixels_that_tell_the_redshift_say():
    def solve(shift: int) -> tuple[float, np.ndarray]:
        return 900.0 - (shift - 50) ** 2, np.array([float(shift)])

    asked: list[int] = []

    def settle(_: Track, at: int):
        asked.append(at)
        return lambda shift: (100.0 - ((shift - 44.2) / 2.0) ** 2, np.zeros(1))

    solution = Track("QSO", -1, solve, 51, 3, 1000.0, settle=settle).minimise()
    assert asked == [50, 44]
    assert solution.shift == pytest.approx(44.2)
    assert solution.sigma == pytest.approx(2.0)
    assert solution.masked == pytest.approx(100.0)  # of the minimum of all pixels
    assert solution.coefficients[0] == 44.0  # of the fit to all of them


def test_too_few_pixels_that_tell_the_redshift_change_nothing():
    def solve(shift: int) -> tuple[float, np.ndarray]:
        return 900.0 - (shift - 50) ** 2, np.zeros(1)

    plain = Track("QSO", -1, solve, 51, 3, 1000.0).minimise()
    same = Track("QSO", -1, solve, 51, 3, 1000.0, settle=lambda *_: None).minimise()
    assert (same.shift, same.sigma, same.chi2) == (plain.shift, plain.sigma, plain.chi2)
