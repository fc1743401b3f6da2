from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.plot.marks import spread_out


def test_places_with_room_stay_where_they_are():
    assert spread_out([10.0, 20.0, 30.0], 5.0, 0.0, 100.0) == [10.0, 20.0, 30.0]


def test_close_places_are_moved_apart_around_their_middle():
    assert spread_out([50.0, 50.0, 50.0], 10.0, 0.0, 100.0) == [40.0, 50.0, 60.0]
    assert spread_out([49.0, 51.0, 90.0], 10.0, 0.0, 100.0) == [45.0, 55.0, 90.0]


@given(
    st.lists(st.floats(0.0, 100.0), min_size=1, max_size=40).map(sorted),
    st.floats(0.1, 20.0),
)
def test_places_keep_their_distance_and_stay_inside(wanted, room):
    places = spread_out(wanted, room, 0.0, 100.0)
    fair = min(room, 100.0 / len(wanted))
    for left, right in pairwise(places):
        assert right - left >= fair - 1e-9
    assert places[0] >= 0.5 * fair - 1e-9
    assert places[-1] <= 100.0 - 0.5 * fair + 1e-9


def test_nothing_to_place():
    assert spread_out([], 5.0, 0.0, 1.0) == pytest.approx([])
