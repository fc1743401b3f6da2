"""Each output format holds the same table and can be read by what people use."""

from __future__ import annotations

import csv
import errno
import json
import math
import os
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from astropy.io import fits, votable
from astropy.io.votable import ucd
from astropy.table import Table

from huggins.errors import InputError, OutputError
from huggins.fits.paths import percent
from huggins.inference.table import (
    COLUMNS,
    NO_INTEGER,
    Rows,
    check_output,
    to_table,
    write_rows,
)
from huggins.tables.read import open_table, read_columns
from huggins.tables.ucd import ucd_of
from huggins.tables.write import WRITERS, ascii_only

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
        name: max(map(len, map(percent if name == "FILE" else ascii_only, texts)), default=1)
        or 1
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
    files = ["a,b.fits", 'sp%C3%A4c "1".fits', "c d.fits"]
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


def test_votable(tmp_path):
    path = tmp_path / "t.vot"
    write(path)
    table = Table.read(path, format="votable")
    check_table(table, files=make_rows().texts["FILE"])
    assert table["TARGETID"][2] == "0007"
    assert table["Z"].dtype == np.float32
    assert table["RA"].unit == "deg"
    assert table["RA"].meta["ucd"] == "pos.eq.ra;meta.main"
    assert table["Z_ERR"].meta["ucd"] == "stat.error;src.redshift"
    assert table["Z"].description == "redshift, heliocentric as the input is"
    assert table["PLATE"].mask.tolist() == [False, True, False]
    infos = {info.name: info.value for info in votable.parse(path).resources[0].infos}
    assert infos == METADATA


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_ucds_are_words_of_the_ivoa(column):
    words = ucd_of(column.name)
    assert words, f"tables/ucd.py has no UCD for {column.name}"
    assert ucd.check_ucd(words, check_controlled_vocabulary=True)


def test_tabs(tmp_path):
    path = tmp_path / "t.tsv"
    write(path)
    write(tmp_path / "t.csv")
    with path.open(newline="") as one, (tmp_path / "t.csv").open(newline="") as two:
        assert list(csv.reader(one, delimiter="\t")) == list(csv.reader(two))
    assert len(Table.read(path, format="ascii.tab")) == 3


@pytest.mark.parametrize("extension", WRITERS)
def test_every_format_is_read_again_by_huggins_packed_or_not(tmp_path, extension):
    rows = make_rows()
    for packed in ("", ".gz"):
        path = tmp_path / f"t{extension}{packed}"
        write(path)
        columns = read_columns(path)
        assert columns.text("FILE").tolist() == rows.texts["FILE"]
        assert columns.text("CLASS").tolist() == rows.texts["CLASS"]
        np.testing.assert_allclose(columns.number("Z"), rows.numbers["Z"].astype(float), 1e-6)


def test_a_path_in_fits_is_opened_again(tmp_path):
    name = str(tmp_path / "späc 100%20.txt")
    Path(name).write_text("x")
    rows = make_rows()
    rows.texts["FILE"][0] = name
    write(tmp_path / "t.fits", rows)
    written = str(Table.read(tmp_path / "t.fits")["FILE"][0])
    assert written.isascii()
    assert Path(unquote(written)).is_file()
    assert read_columns(tmp_path / "t.fits").text("FILE")[0] == name
    (chunk,) = open_table(tmp_path / "t.fits").chunks(["FILE"])
    assert chunk.text("FILE")[0].decode() == name


@pytest.mark.parametrize("extension", [".parquet", ".csv", ".jsonl"])
def test_pandas_keeps_identifiers(tmp_path, extension):
    """With text for identifiers, as the documents say: a float cannot hold one."""
    pandas = pytest.importorskip("pandas")
    path = tmp_path / f"t{extension}"
    write(path)
    as_text = {"TARGETID": str, "SPECOBJID": str}
    if extension == ".parquet":
        pytest.importorskip("pyarrow")
        frame = pandas.read_parquet(path)
    elif extension == ".csv":
        frame = pandas.read_csv(path, dtype=as_text)
    else:
        frame = pandas.read_json(path, lines=True, dtype=as_text)
    assert frame["TARGETID"][0] == "39627866878511337"
    assert frame["TARGETID"][2] == "0007"


@pytest.mark.filterwarnings("ignore")
def test_astropy_reads_parquet_as_it_reads_fits(tmp_path):
    pytest.importorskip("pyarrow")
    for extension in (".parquet", ".fits"):
        write(tmp_path / f"t{extension}")
    one, two = (Table.read(tmp_path / f"t{kind}") for kind in (".parquet", ".fits"))
    for name in ("TARGETID", "SURVEY", "CLASS", "ERROR"):
        assert one[name].tolist() == [str(text) for text in np.ma.filled(two[name], "")]


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
            # Text is never null: astropy would read the word "None".
            assert same(value, wanted or "" if column.text else wanted), column.name
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
        with pytest.raises(InputError, match=r"must end in \.fits, \.csv, \.tsv"):
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
