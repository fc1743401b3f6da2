"""Each output format holds the same table and can be read by what people use."""

from __future__ import annotations

import csv
import errno
import json
import math
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from huggins.errors import InputError, OutputError
from huggins.inference.table import (
    COLUMNS,
    NO_INTEGER,
    Rows,
    check_output,
    to_table,
    write_rows,
)
from huggins.tables.write import WRITERS, ascii_only

if TYPE_CHECKING:
    from pathlib import Path

METADATA = {
    "CREATOR": "huggins 9",
    "MODEL": "tiny",
    "MODELSHA": "0123456789abcdef",
    "COMMAND": "huggins classify 'a b' é.fits " + 30 * "x.fits ",
    "DATE": "2026-01-02T03:04:05",
}


def make_rows() -> Rows:
    rows = Rows.empty(3)
    numbers = rows.numbers
    numbers["INDEX"] = [0, 1, 2]
    numbers["PLATE"] = [7102, NO_INTEGER, 3]
    numbers["RA"] = [123.456789012345, np.nan, 0.0]
    numbers["SN_MEDIAN"] = [0.1, np.inf, -0.2]
    numbers["Z"] = [-0.00012, np.nan, 6.1]
    numbers["ZWARNING"] = [0, 512, 1 << 18]
    rows.texts["FILE"] = ["a,b.fits", 'späc "1".fits', "c d.fits"]
    rows.texts["TARGETID"] = ["39627866878511337", "", "0007"]
    rows.texts["CLASS"] = ["QSO", "", "STAR"]
    rows.texts["ERROR"] = ["", "no good pixel", ""]
    return rows


def write(path: Path, rows: Rows | None = None, *, desi: bool = False) -> None:
    rows = make_rows() if rows is None else rows
    widths = {
        name: max(map(len, map(ascii_only, texts)), default=1) or 1
        for name, texts in rows.texts.items()
    }
    write_rows(path, [rows], len(rows), widths, METADATA, desi=desi)


def same(value: object, expected: object) -> bool:
    if isinstance(expected, float):
        return math.isclose(float(value), expected, rel_tol=1e-7)
    return value == expected


def check_table(table: Table, *, files: list[str]) -> None:
    assert table.colnames == [column.name for column in COLUMNS]
    rows = make_rows()
    for column in COLUMNS:
        values = table[column.name].tolist()
        expected = files if column.name == "FILE" else rows.values(column)
        for value, wanted in zip(values, expected, strict=True):
            value = value.decode() if isinstance(value, bytes) else value
            # FITS and ECSV do not tell empty text from missing text.
            assert same(value, wanted) or (value or None) == (wanted or None), column.name


def test_fits(tmp_path):
    path = tmp_path / "t.fits"
    write(path)
    files = ["a,b.fits", r'sp\xe4c "1".fits', "c d.fits"]
    table = Table.read(path)
    check_table(table, files=files)
    assert table["RA"].unit == "deg"
    assert table["Z"].dtype == np.dtype(">f4")
    with fits.open(path) as hdus:
        hdus.verify("exception")
        header = hdus[1].header
        assert header["MODELSHA"] == METADATA["MODELSHA"]
        assert header["COMMAND"] == ascii_only(METADATA["COMMAND"]).strip()
        assert header["TNULL4"] == NO_INTEGER
        assert header["TCOMM4"] == "plate or field"
    assert path.stat().st_size % 2880 == 0


def test_ecsv(tmp_path):
    path = tmp_path / "t.ecsv"
    write(path)
    table = Table.read(path)
    check_table(table, files=make_rows().texts["FILE"])
    assert table["RA"].unit == "deg"
    assert table["TARGETID"][2] == "0007"
    assert table["Z"].dtype == np.float32
    assert table["Z"].description == "redshift, heliocentric as the input is"
    assert table.meta == METADATA


def test_csv(tmp_path):
    path = tmp_path / "t.csv"
    write(path)
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    rows = make_rows()
    for column in COLUMNS:
        for line, wanted in zip(lines, rows.values(column), strict=True):
            assert line[column.name] == ("" if wanted is None else str(wanted))
    # The shortest decimals that stand for a single-precision number, not its 17 digits.
    assert lines[0]["Z"] == "-0.00012"


def test_jsonl(tmp_path):
    path = tmp_path / "t.jsonl"
    write(path)
    rows = make_rows()
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for column in COLUMNS:
        assert [line[column.name] for line in lines] == rows.values(column)
    assert "Infinity" not in path.read_text()


def test_parquet(tmp_path):
    from arro3.core import DataType
    from arro3.io import read_parquet

    path = tmp_path / "t.parquet"
    write(path)
    table = read_parquet(path).read_all()
    rows = make_rows()
    assert table.column_names == [column.name for column in COLUMNS]
    for column in COLUMNS:
        values = [value.as_py() for value in table[column.name]]
        for value, wanted in zip(values, rows.values(column), strict=True):
            assert same(value, wanted), column.name
    assert table.schema.metadata_str["MODELSHA"] == METADATA["MODELSHA"]
    assert table.schema.field("RA").metadata_str["unit"] == "deg"
    assert table.schema.field("Z").type == DataType.float32()


@pytest.mark.parametrize("extension", WRITERS)
def test_no_rows(tmp_path, extension):
    path = tmp_path / f"t{extension}"
    write(path, Rows.empty(0))
    if extension in (".fits", ".ecsv"):
        assert len(Table.read(path)) == 0
    else:
        assert path.exists()


def test_desi_names(tmp_path):
    path = tmp_path / "t.fits"
    write(path, desi=True)
    names = Table.read(path).colnames
    assert {"SPECTYPE", "SUBTYPE", "ZERR", "ZWARN", "DELTACHI2", "TARGETID"} <= set(names)
    assert not {"CLASS", "SUBCLASS", "Z_ERR", "ZWARNING"} & set(names)
    assert len(names) == len(COLUMNS)


def test_a_long_command_is_cut(tmp_path, monkeypatch):
    path = tmp_path / "t.fits"
    monkeypatch.setitem(METADATA, "COMMAND", "huggins classify " + "x.fits " * 100_000)
    write(path)
    assert fits.getheader(path, 1)["COMMAND"].endswith("(700017 characters)")


@pytest.mark.parametrize("extension", WRITERS)
def test_a_full_disk_leaves_the_old_table_and_no_litter(tmp_path, monkeypatch, extension):
    path = tmp_path / f"t{extension}"
    path.write_text("the old table")

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *args):
            self.file.close()

        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        def flush(self):
            raise OSError(errno.ENOSPC, "No space left on device")

        def __getattr__(self, name):
            return getattr(self.file, name)

    real = type(path).open
    monkeypatch.setattr(type(path), "open", lambda self, mode: Full(real(self, mode)))
    with pytest.raises(OutputError, match="No space left"):
        write(path)
    monkeypatch.undo()
    assert path.read_text() == "the old table"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_check(tmp_path, monkeypatch):
    check_output(tmp_path / "t.FITS")
    check_output(tmp_path / "t.fits.gz")
    for name in ("t.xls", "t", "t.xls.gz"):
        with pytest.raises(InputError, match=r"must end in \.fits, \.csv, \.ecsv"):
            check_output(tmp_path / name)
    with pytest.raises(OutputError, match=r"there is no folder .*gone: make it first"):
        check_output(tmp_path / "gone" / "t.fits")
    (tmp_path / "f.fits").mkdir()
    with pytest.raises(OutputError, match=r"f\.fits: is a folder"):
        check_output(tmp_path / "f.fits")
    monkeypatch.setattr(os, "access", lambda *args: False)
    with pytest.raises(OutputError, match="read-only: name another output"):
        check_output(tmp_path / "t.fits")


def test_table_in_memory():
    table = to_table([make_rows(), Rows.empty(0), make_rows()], METADATA)
    assert len(table) == 6
    assert table["PLATE"].mask.tolist() == [False, True, False] * 2
    assert table["SN_MEDIAN"].mask.tolist() == [False, True, False] * 2
    assert table["TARGETID"].mask.tolist() == [False, True, False] * 2
    assert table["CLASS"].mask.tolist() == [False] * 6
    assert table["CLASS"].tolist() == ["QSO", "", "STAR"] * 2
    assert table["RA"].unit == "deg"
    assert table.meta["MODEL"] == "tiny"
    assert len(to_table([], METADATA)) == 0
