"""The table of targets in each format, as others read it."""

import os

import numpy as np
import pytest
from arro3.core import Table as ArrowTable
from arro3.io import read_parquet
from astropy.table import Table

from factories import surveys
from factories.surveys import write_survey
from huggins.catalog import COLUMNS, Settings, make_targets, write_targets
from huggins.errors import InputError, OutputError


@pytest.fixture
def targets(tmp_path):
    superset = write_survey(
        tmp_path / "superset.fits",
        surveys.DR12Q_SUPERSET,
        FIBERID=[1, 2],
        CLASS_PERSON=[30, 4],
        Z_CONF_PERSON=[3, 3],
        Z_VI=[2.5, 0.5],
        RA=[10.0, -999.0],
    )
    specobj = write_survey(
        tmp_path / "specObj.fits", surveys.SPECOBJ, FIBERID=[1, 3], CLASS=["QSO", "STAR"]
    )
    desi = write_survey(tmp_path / "z.fits", surveys.DESI, TARGETID=[39628000000000001, -7])
    return make_targets([superset, specobj, desi])


def as_lists(targets):
    columns = {}
    for column in COLUMNS:
        if column.text:
            columns[column.name] = [t or None for t in targets.text(column.name).tolist()]
        else:
            absent = targets.missing(column.name).tolist()
            values = targets.get(column.name).astype(column.kind).tolist()
            columns[column.name] = [
                None if a else v for a, v in zip(absent, values, strict=True)
            ]
    return columns


def test_parquet(targets, tmp_path):
    path = tmp_path / "t.parquet"
    write_targets(path, targets, "huggins catalog a b")
    table = ArrowTable.from_arrow(read_parquet(str(path)))
    for name, wanted in as_lists(targets).items():
        values = table.column(name).to_pylist()
        assert [None if value == "" else value for value in values] == wanted
    assert table.schema.metadata_str["COMMAND"] == "huggins catalog a b"
    assert table.schema.field("RA").metadata_str["unit"] == "deg"


@pytest.mark.parametrize("extension", ["fits", "ecsv"])
def test_fits_and_ecsv_are_read_by_astropy(targets, tmp_path, extension):
    path = tmp_path / f"t.{extension}"
    write_targets(path, targets, "huggins catalog a b")
    table = Table.read(path)
    assert table.colnames == [column.name for column in COLUMNS]
    for name, values in as_lists(targets).items():
        column = np.ma.MaskedArray(table[name])
        if column.dtype.kind == "S":
            column = np.ma.MaskedArray(np.char.decode(column.data), column.mask)
        missing = np.ma.getmaskarray(column).copy()
        if column.dtype.kind == "f":
            missing |= np.isnan(np.ma.getdata(column))
        if column.dtype.kind in "US":
            missing |= np.ma.getdata(column) == ""
        theirs = [None if m else v for m, v in zip(missing, column.data.tolist(), strict=True)]
        if name in ("TARGETID", "SPECOBJID") and extension == "ecsv":
            theirs = [None if v is None else str(v) for v in theirs]
        assert theirs == values, name
    assert table["RA"].unit == "deg"
    assert table.meta["COMMAND"] == "huggins catalog a b"
    assert table.meta["CREATOR"].startswith("huggins ")


def test_csv(targets, tmp_path):
    path = tmp_path / "t.csv"
    write_targets(path, targets, "")
    lines = path.read_text().splitlines()
    assert lines[0] == ",".join(column.name for column in COLUMNS)
    assert len(lines) == len(targets) + 1
    first = dict(zip(lines[0].split(","), lines[1].split(","), strict=True))
    assert first["CATALOGS"] == "DR12Q_Superset specObj"
    assert first["Z"] == "2.5"
    assert first["HEALPIX"] == ""


def test_as_an_astropy_table(targets):
    table = targets.to_table()
    said = {name: table[name].tolist() for name in table.colnames}
    assert said == as_lists(targets)
    assert table["RA"].unit == "deg"
    assert table["BAL"].mask.any()


def test_a_table_of_many_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("huggins.catalog.output.CHUNK_ROWS", 7)
    path = write_survey(
        tmp_path / "s.fits",
        surveys.SPECOBJ,
        FIBERID=list(range(1, 41)),
        SN_MEDIAN_ALL=[np.nan, 1.0] * 20,
    )
    targets = make_targets([path])
    for extension in ("parquet", "fits"):
        out = tmp_path / f"o.{extension}"
        write_targets(out, targets, "")
    table = ArrowTable.from_arrow(read_parquet(str(tmp_path / "o.parquet")))
    assert table.column("SN_MEDIAN").to_pylist() == [None, 1.0] * 20
    assert table.column("FIBERID").to_pylist() == list(range(1, 41))
    assert Table.read(tmp_path / "o.fits")["FIBERID"].tolist() == list(range(1, 41))


def test_what_was_there_stays_when_writing_fails(targets, tmp_path, monkeypatch):
    path = tmp_path / "t.fits"
    path.write_text("old")

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write_targets(path, targets, "", overwrite=True)
    assert path.read_text() == "old"
    assert not list(tmp_path.glob(".*tmp*"))


@pytest.mark.parametrize(
    ("name", "error"), [("t.xls", InputError), ("none/t.fits", OutputError), (".", OutputError)]
)
def test_an_output_that_cannot_be(targets, tmp_path, name, error):
    with pytest.raises(error):
        write_targets(tmp_path / name, targets, "")


def test_a_table_can_be_mapped_again(targets, tmp_path):
    path = tmp_path / "t.fits"
    write_targets(path, targets, "")
    columns = {
        "class": "SUBCLASS", "z": "Z", "trust": "TRUST", "plate": "PLATE", "mjd": "MJD",
        "fiberid": "FIBERID", "targetid": "TARGETID",
    }  # fmt: skip
    again = make_targets([path], Settings(columns=columns))
    for name in ("SUBCLASS", "TARGETID"):
        assert again.text(name).tolist() == targets.text(name).tolist()
    assert again.get("TRUST").tolist() == targets.get("TRUST").tolist()
