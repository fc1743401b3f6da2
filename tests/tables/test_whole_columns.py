"""Only the needed columns, with the same values whatever the format."""

import numpy as np
import pytest
from arro3.core import Array, DataType, Table
from arro3.io import write_parquet
from astropy.io import fits

from huggins.errors import InputError
from huggins.tables import parquet
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
