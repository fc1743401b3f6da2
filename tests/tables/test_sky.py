"""Positions within a radius, against the plain way and on the sky's awkward places."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.errors import InputError
from huggins.tables.sky import close_pairs, connected, nearest, unit_vectors

ARCSEC = 1.0 / 3600.0


def all_pairs(ra, dec, radius):
    """The plain way: every pair of rows, by the angle between their vectors."""
    vectors = unit_vectors(ra, dec)
    apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    near = apart <= 2.0 * np.sin(np.radians(radius * ARCSEC) / 2.0) * (1.0 + 1e-9)
    return {(i, j) for i, j in zip(*np.nonzero(near), strict=True) if i < j}


def groups(count, pairs):
    """Connected rows, the plain way."""
    root = list(range(count))
    changed = True
    while changed:
        changed = False
        for i, j in pairs:
            low = min(root[i], root[j])
            if root[i] != low or root[j] != low:
                root[i] = root[j] = low
                changed = True
    return root


place = st.sampled_from(
    [
        (0.0, 0.0),
        (359.9999, 12.0),
        (180.0, 90.0),
        (40.0, -90.0),
        (123.4, 89.9999),
        (10.0, -60.0),
    ]
)


@given(
    centres=st.lists(place, min_size=1, max_size=4),
    offsets=st.lists(
        st.tuples(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0)), min_size=1, max_size=40
    ),
    radius=st.sampled_from([0.5, 1.0, 2.5]),
)
def test_pairs_and_groups_are_those_of_the_plain_way(centres, offsets, radius):
    ra = np.array([centres[i % len(centres)][0] + o[0] * ARCSEC for i, o in enumerate(offsets)])
    dec = np.array(
        [centres[i % len(centres)][1] + o[1] * ARCSEC for i, o in enumerate(offsets)]
    ).clip(-90, 90)
    first, second = close_pairs(ra % 360.0, dec, radius)
    found = {
        (min(i, j), max(i, j)) for i, j in zip(first.tolist(), second.tolist(), strict=True)
    }
    assert found == all_pairs(ra % 360.0, dec, radius)
    assert connected(len(ra), first, second).tolist() == groups(len(ra), found)


@pytest.mark.slow
def test_many_random_positions_have_the_pairs_of_the_plain_way():
    rng = np.random.default_rng(1)
    ra = rng.uniform(0, 360, 1500)
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, 1500)))
    ra = np.concatenate([ra, ra[:700] + rng.normal(0, ARCSEC, 700)]) % 360.0
    dec = np.concatenate([dec, dec[:700] + rng.normal(0, ARCSEC, 700)]).clip(-90, 90)
    first, second = close_pairs(ra, dec)
    found = {
        (min(i, j), max(i, j)) for i, j in zip(first.tolist(), second.tolist(), strict=True)
    }
    assert found == all_pairs(ra, dec, 1.0)
    assert len(found) > 50


def test_right_ascension_wraps_and_the_poles_are_points():
    ra = np.array([359.9999, 0.0001, 0.0, 120.0, 240.0])
    dec = np.array([0.0, 0.0, 90.0 - 0.3 * ARCSEC, 90.0 - 0.3 * ARCSEC, 90.0 - 0.3 * ARCSEC])
    first, second = close_pairs(ra, dec, 1.0)
    assert connected(5, first, second).tolist() == [0, 0, 2, 2, 2]


def test_missing_positions_are_in_no_group():
    ra, dec = np.array([np.nan, np.nan, 1.0, 1.0]), np.array([2.0, 2.0, np.inf, 3.0])
    first, _ = close_pairs(ra, dec)
    assert len(first) == 0


def test_a_position_repeated_a_hundred_thousand_times_is_one_group_at_once():
    ra = np.concatenate([np.zeros(100_000), [5.0], np.full(300, 0.2 * ARCSEC)])
    dec = np.zeros(len(ra))
    first, second = close_pairs(ra, dec)
    root = connected(len(ra), first, second)
    assert len(first) < 3 * len(ra)
    assert set(root[:100_000]) == {0}
    assert root[100_000] == 100_000
    assert set(root[100_001:]) == {0}


@pytest.mark.parametrize("radius", [0.0, -1.0, 4000.0, np.nan])
def test_a_senseless_radius_is_refused(radius):
    with pytest.raises(InputError, match="arcseconds"):
        close_pairs(np.zeros(2), np.zeros(2), radius)


def test_nearest_is_the_nearest_of_several_and_none_beyond_the_radius():
    ra_of = np.array([10.0, 10.0 + 0.5 * ARCSEC, 200.0])
    dec_of = np.zeros(3)
    ra = np.array([10.0 + 0.4 * ARCSEC, 10.0 - 0.7 * ARCSEC, 200.0 + 2 * ARCSEC, 200.0, np.nan])
    assert nearest(ra, np.zeros(5), ra_of, dec_of).tolist() == [1, 0, -1, 2, -1]


def test_nearest_against_the_plain_way():
    rng = np.random.default_rng(3)
    ra_of, dec_of = rng.uniform(0, 0.01, 400), rng.uniform(-0.005, 0.005, 400)
    ra, dec = rng.uniform(0, 0.01, 300), rng.uniform(-0.005, 0.005, 300)
    apart = np.linalg.norm(
        unit_vectors(ra, dec)[:, None] - unit_vectors(ra_of, dec_of)[None], axis=2
    )
    best = np.argmin(apart, axis=1)
    plain = np.where(apart.min(axis=1) <= np.radians(ARCSEC), best, -1)
    assert nearest(ra, dec, ra_of, dec_of).tolist() == plain.tolist()
    assert (plain >= 0).sum() > 10
