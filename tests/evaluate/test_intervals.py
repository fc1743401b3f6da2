import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.errors import InputError
from huggins.evaluate import Estimate, bootstrap, fraction, mcnemar, median, rate, wilson


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [  # Newcombe (1998, Stat. Med. 17, 857), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_values(count, n, low, high):
    found = wilson(count, n)
    assert found == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_inside_zero_and_one(pair):
    count, n = pair
    low, high = wilson(count, n)
    assert 0.0 <= low <= count / n <= high <= 1.0
    mirrored_low, mirrored_high = wilson(n - count, n)
    assert (low, high) == pytest.approx((1.0 - mirrored_high, 1.0 - mirrored_low))


def test_more_spectra_narrow_the_interval():
    low, high = wilson([9, 90, 900], [10, 100, 1000])
    assert (np.diff(high - low) < 0).all()


def test_of_nothing_nothing_is_known():
    nothing = rate(0, 0)
    assert math.isnan(nothing.value)
    assert (nothing.low, nothing.high) == (0.0, 1.0)


@pytest.mark.parametrize(("count", "n"), [(3, 2), (-1, 5)])
def test_a_share_above_one_or_below_zero_is_refused(count, n):
    with pytest.raises(InputError, match="0 <= count <= n"):
        wilson(count, n)


def test_a_confidence_of_95_is_not_095():
    with pytest.raises(InputError, match="between 0 and 1"):
        wilson(1, 2, confidence=95)


def test_share_counts():
    assert (fraction([True, False, True]).count, fraction([True, False, True]).n) == (2, 3)


def mean(values):
    return values.mean(axis=-1)


def test_bootstrap_of_a_mean_has_the_width_of_theory():
    values = np.random.default_rng(1).normal(10.0, 2.0, size=400)
    found = bootstrap(mean, values)
    assert found.value == pytest.approx(values.mean())
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * 2.0 / 20.0, rel=0.12)


def test_bootstrap_is_reproducible_and_its_seed_counts():
    values = np.arange(30.0)
    first, same, other = (bootstrap(mean, values, seed=seed) for seed in (3, 3, 4))
    assert first == same != other


def test_bootstrap_in_chunks_gives_what_one_piece_gives(monkeypatch):
    values = np.arange(50.0)
    whole = bootstrap(mean, values)
    monkeypatch.setattr("huggins.evaluate.intervals.CHUNK", 50 * 7)
    assert bootstrap(mean, values) == whole


def test_bootstrap_keeps_pairs_together():
    x = np.arange(20.0)
    found = bootstrap(lambda a, b: np.abs(a - b).max(axis=-1), x, x)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_basic_bootstrap_reflects_the_percentiles():
    values = np.random.default_rng(2).exponential(size=50)
    plain, basic = bootstrap(mean, values), bootstrap(mean, values, basic=True)
    assert basic.low == pytest.approx(2 * plain.value - plain.high)
    assert basic.high == pytest.approx(2 * plain.value - plain.low)


def test_bootstrap_of_nothing_and_of_unequal_arrays():
    assert math.isnan(bootstrap(mean, []).value)
    with pytest.raises(InputError, match="one length"):
        bootstrap(lambda a, _b: a.mean(axis=-1), [1.0, 2.0], [1.0])


@pytest.mark.slow
def test_many_values_are_resampled_less_often():
    counts = []

    def statistic(values):
        counts.append(len(values))
        return values.mean(axis=-1)

    for n in (10, 10_000, 1_000_000):
        counts.clear()
        bootstrap(statistic, np.zeros(n))
        assert sum(counts) - 1 == {10: 1000, 10_000: 500, 1_000_000: 200}[n]


@pytest.mark.parametrize(
    ("n", "rank"),
    [  # Summed up from the binomial distribution at one half
        (6, 1), (8, 1), (9, 2), (10, 2), (15, 4), (20, 6), (30, 10), (50, 18), (100, 40),
    ],
)  # fmt: skip
def test_a_median_lies_between_order_statistics(n, rank):
    found = median(np.random.default_rng(n).permutation(n) + 1.0)
    assert (found.low, found.high) == (rank, n + 1 - rank)
    assert found.value == (n + 1) / 2


def test_the_normal_distribution_takes_over_smoothly():
    below, above = median(np.arange(1000.0)), median(np.arange(1001.0))
    assert above.low - below.low in (0.0, 1.0)
    assert (median(np.arange(10_000.0)).low, median(np.arange(10_000.0)).n) == (4901.0, 10_000)


def test_a_median_of_few_or_no_values():
    assert median([3.0, 1.0, 2.0]) == Estimate(2.0, 1.0, 3.0, 3)
    assert math.isnan(median([]).low)


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [
        (10, 2, 158 / 4096),
        (5, 0, 2 / 32),
        (3, 3, 1.0),
        (0, 0, 1.0),
        (1, 0, 1.0),
        (1, 8, 20 / 512),
    ],
)
def test_mcnemar_is_exact(gained, lost, p):
    new = np.array([True] * gained + [False] * lost + [True] * 4)
    old = np.array([False] * gained + [True] * lost + [True] * 4)
    found = mcnemar(new, old)
    assert (found.only_new, found.only_old, found.both, found.neither) == (gained, lost, 4, 0)
    assert found.p_value == pytest.approx(p)
    assert found.difference == pytest.approx((gained - lost) / (gained + lost + 4))


def test_mcnemar_of_thousands_of_disagreements_does_not_overflow():
    new = np.arange(5000) < 2600
    found = mcnemar(new, ~new)
    # Normal approximation with continuity correction: z = (200 - 1) / sqrt(5000).
    assert found.p_value == pytest.approx(
        math.erfc(199 / math.sqrt(5000) / math.sqrt(2)), rel=2e-3
    )
    assert mcnemar(np.ones(5000), np.zeros(5000)).p_value < 1e-300


def test_the_interval_of_a_difference_covers_the_truth():
    rng = np.random.default_rng(5)
    inside, trials = 0, 1000
    for _ in range(trials):
        draw = rng.random(150)
        new, old = draw < 0.92, (draw < 0.85) | (draw > 0.97)
        found = mcnemar(new, old)  # truth: 0.92 - (0.85 + 0.03)
        inside += found.low <= 0.04 <= found.high
    assert 0.93 <= inside / trials <= 0.98


def test_a_paired_test_needs_pairs():
    with pytest.raises(InputError, match="same spectra twice"):
        mcnemar([True], [True, False])
