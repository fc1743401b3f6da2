"""Only the needed columns, with the same values whatever the format."""

import json

import numpy as np
import pytest
from arro3.core import Array, DataType, Table
from arro3.io import write_parquet
from astropy.io import fits

from huggins.errors import InputError
from huggins.fits import table
from huggins.tables import parquet, text
from huggins.tables.read import read_columns


def test_parquet_in_parts_of_which_some_are_missing_throughout(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS", 2)
    path = tmp_path / "t.parquet"
    table = Table.from_pydict(
        {
            "SUBCLASS": Array([None, None, "F", None, "QSO"], type=DataType.string()),
            "Trust": Array([3, None, 2, 1, 0], type=DataType.int16()),
            "RA": Array([None, None, None, 1.5, 2.5], type=DataType.float64()),
            "other": Array(list("abcde"), type=DataType.string()),
        }
    )
    write_parquet(table, str(path))
    columns = read_columns(path, ("SUBCLASS", "TRUST", "ra"))
    assert columns.names == ["SUBCLASS", "Trust", "RA"]
    assert columns.text("SUBCLASS").tolist() == ["", "", "F", "", "QSO"]
    assert columns.number("Trust").tolist()[2:] == [2.0, 1.0, 0.0]
    assert np.isnan(columns.number("RA")).tolist() == [True, True, True, False, False]


def test_fits_with_masked_values(tmp_path):
    path = tmp_path / "t.fits"
    fits.BinTableHDU.from_columns(
        [
            fits.Column("TRUST", "I", array=np.array([3, -1]), null=-1),
            fits.Column("SUBCLASS", "5A", array=np.array(["F", ""])),
            fits.Column("RA", "D", array=np.array([1.0, np.nan])),
            fits.Column("vector", "3E", array=np.zeros((2, 3))),
        ]
    ).writeto(path)
    columns = read_columns(path, ("TRUST", "SUBCLASS", "RA", "vector"))
    assert columns.names == ["TRUST", "SUBCLASS", "RA"]
    assert np.isnan(columns.number("TRUST")).tolist() == [False, True]
    assert columns.text("SUBCLASS").tolist() == ["F", ""]
    assert np.isnan(columns.number("RA")).tolist() == [False, True]


@pytest.mark.parametrize("end", ["parquet", "fits"])
def test_a_damaged_file_says_so(tmp_path, end):
    path = tmp_path / f"t.{end}"
    for content in (b"PAR1 or SIMPLE, but no more" * 50, b"PAR1 PAR1", b""):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"damaged|cannot be read|not a whole"):
            read_columns(path, ("TRUST",))
        with pytest.raises(InputError, match=rf"t\.{end}: "):
            read_columns(path)
    with pytest.raises(InputError, match="no such file"):
        read_columns(tmp_path / f"none.{end}", ("TRUST",))


def test_a_table_without_rows(tmp_path):
    path = tmp_path / "t.fits"
    empty = fits.Column("SUBCLASS", "5A", array=np.zeros(0, "S5"))
    fits.BinTableHDU.from_columns([empty]).writeto(path)
    with pytest.raises(InputError, match="no rows"):
        read_columns(path, ("SUBCLASS",))
    fits.PrimaryHDU(np.zeros(3)).writeto(tmp_path / "image.fits")
    with pytest.raises(InputError, match="no binary table"):
        read_columns(tmp_path / "image.fits", ("SUBCLASS",))


@pytest.mark.parametrize("ending", ["fits", "csv", "parquet"])
def test_where_and_most_are_kept_block_by_block(tmp_path, ending, monkeypatch):
    for module in (table, parquet, text):
        monkeypatch.setattr(module, "ROWS", 4)
    path = tmp_path / f"t.{ending}"
    numbers, kinds = np.arange(11), ["ab"[i % 2] for i in range(11)]
    if ending == "parquet":
        kind = Array(kinds, type=DataType.string())
        write_parquet(Table.from_pydict({"N": Array(numbers), "KIND": kind}), str(path))
    elif ending == "csv":
        lines = ["N,KIND", *(f"{n},{k}" for n, k in zip(numbers, kinds, strict=True))]
        path.write_text("\n".join(lines))
    else:
        columns = [fits.Column("N", "K", array=numbers), fits.Column("KIND", "1A", array=kinds)]
        fits.BinTableHDU.from_columns(columns).writeto(path)
    even = read_columns(path, where="KIND == 'a' and N > 0")
    assert even.number("N").tolist() == [2, 4, 6, 8, 10]
    assert not even.more
    first = read_columns(path, ["N"], most=6)
    assert first.number("N").tolist() == list(range(6))
    assert first.more
    assert not read_columns(path, most=11).more
    some = read_columns(path, where="KIND == 'a'", most=2)
    assert (some.number("N").tolist(), some.more) == ([0, 2], True)
    assert len(read_columns(path, where="N > 99")) == 0


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_block_without_a_value_has_every_type(tmp_path, ending, monkeypatch):
    monkeypatch.setattr(text, "ROWS", 4)
    path = tmp_path / f"t.{ending}"
    indices, kinds = [None] * 6 + [0.0, 150.5, 300.0], [None] * 5 + ["a", None, "b", "a"]
    rows = list(zip(indices, kinds, strict=True))
    if ending == "csv":
        lines = ["BI,KIND", *(f"{'' if bi is None else bi},{kind or ''}" for bi, kind in rows)]
        path.write_text("\n".join(lines))
    else:
        path.write_text("\n".join(json.dumps({"BI": bi, "KIND": kind}) for bi, kind in rows))
    assert read_columns(path, where="BI > 100").number("BI").tolist() == [150.5, 300.0]
    assert len(read_columns(path, where="BI not in (0, 300)")) == 1
    assert len(read_columns(path, where="KIND not in ('a', 'b')")) == 6
    assert len(read_columns(path, where="KIND == 'a' and BI > 100")) == 1
    with pytest.raises(InputError, match="KIND is text and 1 is a number"):
        read_columns(path, where="KIND > 1")


def test_a_column_of_numbers_and_then_of_words_is_text(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "ROWS", 2)
    path = tmp_path / "t.csv"
    path.write_text("ID,N\n1,1\n2,2\n3,3\n7102-1,4\n7102-2,5\n")
    assert read_columns(path, where="ID == '7102-1'").number("N").tolist() == [4]
    assert read_columns(path, where="ID in ('2', '7102-2')").text("ID").tolist() == [
        "2",
        "7102-2",
    ]
    with pytest.raises(InputError, match="ID is text and 2 is a number"):
        read_columns(path, where="ID == 2")
    with pytest.raises(InputError, match="'a' is text and N is a number"):
        read_columns(path, where="N == 'a'")
