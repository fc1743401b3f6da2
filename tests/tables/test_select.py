import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.errors import InputError
from huggins.tables.columns import Columns, from_lists
from huggins.tables.select import select

TABLE = Columns(
    "t.csv",
    from_lists(
        {
            "trust": [3, 2, 1, None],
            "z": [0.5, -0.1, 2.0, None],
            "survey": ["BOSS", "SDSS", None, "LAMOST"],
            "blank": [None, None, None, None],
        }
    ),
)


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("trust >= 2", [0, 1]),
        ("trust>=2 and z>0", [0]),
        ("trust == 1 or survey == 'LAMOST'", [2, 3]),
        ('survey != "SDSS"', [0, 2, 3]),
        ("survey == ''", [2]),
        ("trust in (1, 3)", [0, 2]),
        ("trust in [1]", [2]),
        ("trust not in {1, 3}", [1]),  # a missing number is in no set and out of none
        ("survey in ('BOSS', 'SDSS')", [0, 1]),
        ("survey not in ('BOSS', 'SDSS')", [2, 3]),
        ("not trust >= 2", [2, 3]),
        ("0 < z <= 2", [0, 2]),
        ("z < -0.05", [1]),
        ("z > +0.05", [0, 2]),
        ("z != 0.5", [1, 2]),
        ("2 < trust", [0]),
        ("z < trust", [0, 1]),
        ("survey > 'C'", [1, 3]),
        ("1 == 1", [0, 1, 2, 3]),
        (" (trust == 3) ", [0]),
        ("trust in ()", []),
        ("blank > 1", []),  # without a value it has every type
        ("blank != 1", []),
        ("not blank > 1", [0, 1, 2, 3]),
        ("z < blank", []),
        ("blank == z", []),
        ("blank in (1, 2)", []),
        ("blank not in (1, 2)", []),
        ("blank != 'a'", [0, 1, 2, 3]),
        ("blank not in ('a', 'b')", [0, 1, 2, 3]),
    ],
)
def test_what_holds(expression, rows):
    assert np.flatnonzero(select(expression, TABLE)).tolist() == rows


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("colour == 1", "no column 'colour'; there are trust, z, survey, blank"),
        ("survey == 2", "survey is text and 2 is a number"),
        ("z == 'a'", "'a' is text and z is a number"),
        ("trust", "`trust` is no comparison"),
        ("trust and z > 1", "`trust` is no comparison"),
        ("z + 1 > 2", "`z \\+ 1` is neither a column nor a number"),
        ("__import__('os').system('true') == 0", "is neither a column nor"),
        ("z.__class__ == 1", "is neither a column nor"),
        ("[z for z in (1,)] == 1", "is neither a column nor"),
        ("(lambda: 1)() == 1", "is neither a column nor"),
        ("z[0] == 1", "is neither a column nor"),
        ("z is 1", "use == and !="),
        ("z in trust", "no list of values"),
        ("-'a' == survey", "has no sign"),
        ("z == None", "is neither a column nor"),
        ("z = 1", "is not understood"),
        ("z >", "is not understood"),
        ("", "is not understood"),
        ("z\0", "is not understood"),
        ("(" * 900 + "z" + ")" * 900, "is not understood"),
        ("z > 1 and " * 300 + "z > 1", "longer than 2000"),
        ("f'{z}' == survey", "is neither a column nor"),
    ],
)
def test_what_is_not_understood_is_told(expression, complaint):
    with pytest.raises(InputError, match=complaint):
        select(expression, TABLE)


@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=20),
    st.sampled_from(["<", "<=", "==", "!=", ">", ">="]),
    st.floats(-5, 5),
)
def test_comparisons_are_those_of_numpy(values, sign, limit):
    table = Columns("t", from_lists({"x": values}))
    found = select(f"x {sign} {limit!r}", table)
    expected = eval(f"np.array(values) {sign} limit")
    assert found.tolist() == expected.tolist()


@pytest.mark.slow
@given(st.text(max_size=40))
def test_no_text_does_anything_but_select_or_complain(expression):
    try:
        mask = select(expression, TABLE)
    except InputError:
        return
    assert mask.shape == (4,)
