"""SpecObjID against published ones and identifiers of real files."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.specobjid import run2d_number, specobjid, specobjids


def test_published_number():
    """299489676975171584 is plate 266, MJD 51602, fibre 1, run2d 26."""
    assert specobjid(266, 51602, 1, "26") == "299489676975171584"


@pytest.mark.parametrize(
    ("run2d", "expected"),
    # Checked against the SPECOBJID of files of those reductions.
    [("v5_10_0", 5201 << 50 | 46 << 38 | 5832 << 24 | 1000 << 10), ("26", None)],
)
def test_specobjid_rule(run2d, expected):
    if expected is None:
        expected = 5201 << 50 | 46 << 38 | 5832 << 24 | 26 << 10
    assert specobjid(5201, 55832, 46, run2d) == str(expected)


@pytest.mark.parametrize(
    "parts",
    [
        (None, 55832, 46, "26"),
        (1, None, 46, "26"),
        (1, 55832, None, "26"),
        (1, 55832, 46, ""),
        (1, 55832, 46, "master"),
        (112359, 60086, 46, "v6_1_3"),
        (1 << 14, 55832, 46, "26"),
        (1, 40000, 46, "26"),
    ],
)
def test_specobjid_is_none_where_it_is_not_defined(parts):
    assert specobjid(*parts) is None


@given(
    st.lists(
        st.tuples(
            st.integers(-1, 1 << 15),
            st.integers(49_990, 67_000),
            st.integers(-1, 1 << 13),
            st.sampled_from(["26", "103", "v5_7_0", "v5_13_2", "v6_1_3", "", "99999"]),
        )
    )
)
def test_arrays_and_single_spectra_agree(spectra):
    numbers = [run2d_number(run2d) for *_, run2d in spectra]
    columns = [np.array([row[i] for row in spectra], np.int64) for i in range(3)]
    reduction = np.array([-1 if n is None else n for n in numbers], np.int64)
    found = specobjids(*columns, reduction)
    assert [str(n) if n else None for n in found.tolist()] == [specobjid(*s) for s in spectra]
