"""Parquet files as survey tables."""

import numpy as np
import pytest
from arro3.core import Array, DataType, Table
from arro3.io import write_parquet

from huggins.errors import InputError
from huggins.tables.read import open_table


def write(path, **columns):
    kinds = {int: DataType.int64(), float: DataType.float64(), str: DataType.string()}
    made = {}
    for name, values in columns.items():
        kind = type(next(value for value in values if value is not None))
        made[name] = Array(values, type=kinds[kind])
    write_parquet(Table.from_pydict(made), path)
    return path


@pytest.fixture
def path(tmp_path):
    return write(
        tmp_path / "t.parquet",
        Plate=[3586, None, -1],
        z=[0.5, None, 1.5],
        NAME=[" a", None, "é "],
        TEXT=["12", "", "13"],
    )


def test_columns_come_with_what_is_missing(path):
    table = open_table(path)
    assert table.names == ["PLATE", "Z", "NAME", "TEXT"]
    (chunk,) = table.chunks(("PLATE", "Z", "NAME", "TEXT", "OTHER"))
    assert (len(chunk), chunk.start, "OTHER" in chunk) == (3, 0, False)
    assert chunk.integer("PLATE", 7).tolist() == [3586, 7, -1]
    np.testing.assert_array_equal(chunk.number("Z"), [0.5, np.nan, 1.5])
    assert chunk.text("NAME").tolist() == [b"a", b"", "é".encode()]
    assert chunk.text("PLATE").tolist() == [b"3586", b"", b"-1"]
    assert chunk.integer("TEXT").tolist() == [12, -1, 13]
    np.testing.assert_array_equal(chunk.number("TEXT"), [12.0, np.nan, 13.0])
    with pytest.raises(InputError, match="fractions"):
        chunk.integer("Z")


def test_only_the_columns_asked_for_are_there(path):
    (chunk,) = open_table(path).chunks(("Z",))
    assert "PLATE" not in chunk


def test_long_tables_come_in_blocks(tmp_path):
    path = tmp_path / "t.parquet"
    numbers = np.arange(200_000)
    write_parquet(
        Table.from_pydict({"N": Array.from_numpy(numbers)}), path, max_row_group_size=30_000
    )
    chunks = list(open_table(path).chunks(("N",)))
    assert len(chunks) > 1
    assert [chunk.start for chunk in chunks[:2]] == [0, len(chunks[0])]
    np.testing.assert_array_equal(np.concatenate([c.integer("N") for c in chunks]), numbers)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_file_that_is_cut_off(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match="not a whole Parquet file"):
        open_table(path)


def test_damaged_file(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b"?" * (len(content) - len(content) // 2 - 4) + b"PAR1"
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="damaged Parquet file"):
        open_table(path)


def test_table_without_rows(tmp_path):
    empty = Table.from_pydict({"A": Array([], type=DataType.int64())})
    write_parquet(empty, tmp_path / "t.parquet")
    with pytest.raises(InputError, match="no rows"):
        open_table(tmp_path / "t.parquet")


def test_columns_named_twice(tmp_path):
    with pytest.raises(InputError, match="named twice: A"):
        open_table(write(tmp_path / "t.parquet", A=[1], a=[2]))
