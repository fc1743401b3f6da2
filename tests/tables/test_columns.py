import gzip

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from huggins.errors import InputError
from huggins.tables.read import read_columns
from made_up_table import Case, varied, write_results

FORMATS = ("fits", "csv", "ecsv", "parquet", "jsonl")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """The same results in every format."""
    folder = tmp_path_factory.mktemp("tables")
    cases = [*varied(count=13), Case(z=None)]
    return {ext: write_results(folder / f"r.{ext}", cases) for ext in FORMATS}


@pytest.mark.parametrize("ext", FORMATS)
def test_every_format_holds_the_same(tables, ext):
    found, expected = read_columns(tables[ext]), read_columns(tables["fits"])
    assert found.names == expected.names
    assert len(found) == len(expected)
    for name in ("FILE", "CLASS", "SUBCLASS", "ERROR", "TARGETID"):
        assert found.text(name).tolist() == expected.text(name).tolist()
    for name in (
        "INDEX",
        "PLATE",
        "ZWARNING",
        "PROB",
        "P_BAL",
        "Z",
        "Z_ERR",
        "RA",
        "SN_MEDIAN",
    ):
        np.testing.assert_allclose(found.number(name), expected.number(name), rtol=1e-6)


@pytest.mark.parametrize("ext", FORMATS)
def test_missing_is_missing_in_every_format(tables, ext):
    table = read_columns(tables[ext])
    assert np.isnan(table.number("Z")[-1])
    assert np.isnan(table.number("DELTACHI2")).all()  # a column without any value
    assert table.text("SPECOBJID").tolist() == [""] * len(table)
    assert table.text("CLASS")[-2] == ""  # the one that failed


@pytest.mark.parametrize("ext", ["fits", "ecsv", "parquet"])
def test_the_header_tells_the_model(tables, ext):
    metadata = read_columns(tables[ext]).metadata
    assert (metadata["MODEL"], metadata["MODELSHA"]) == ("made-up", "00ff00ff00ff00ff")


def write(path, text):
    path.write_text(text)
    return path


def test_csv_columns_get_their_types(tmp_path):
    table = read_columns(
        write(
            tmp_path / "t.csv",
            "# a comment\n"
            "id, whole ,real,word,mixed,empty,huge\n"
            "9007199254740993,1,1.5,a,1,,99999999999999999999\n"
            "2,,nan,,b,,3\n",
        )
    )
    assert table.text("id").tolist() == ["9007199254740993", "2"]  # beyond 2^53
    assert table.number("whole").tolist()[0] == 1.0
    assert np.isnan(table.number("whole")[1])
    assert np.isnan(table.number("real")[1])
    assert [table.is_text(name) for name in table.names] == [
        False, False, False, True, True, True, False,
    ]  # fmt: skip
    assert np.isnan(table.number("empty")).all()
    assert table.text("word").tolist() == ["a", ""]
    with pytest.raises(InputError, match=r"column 'word' holds text \('a'\)"):
        table.number("word")
    with pytest.raises(InputError, match="no column 'z'; there are id, whole"):
        table.text("z")


def test_gzip_and_byte_order_mark(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress("\ufeffpath,z\na,1\n".encode()))
    assert read_columns(path).names == ["path", "z"]


def test_fits_of_other_programs(tmp_path):
    path = tmp_path / "truth.fits"
    columns = [
        fits.Column("NAME", "8A", array=["a  ", "", "c"]),
        fits.Column("BIG", "K", array=[2**60 + 1, -1, 5], null=-1),
        fits.Column("FLAG", "L", array=[True, False, True]),
        fits.Column("VECTOR", "2E", array=np.zeros((3, 2))),
        fits.Column("REAL", "D", array=[1.0, np.nan, 3.0]),
    ]
    hdus = [
        fits.PrimaryHDU(),
        fits.ImageHDU(np.zeros(3)),
        fits.BinTableHDU.from_columns(columns),
    ]
    fits.HDUList(hdus).writeto(path)
    table = read_columns(path)
    assert table.names == ["NAME", "BIG", "FLAG", "REAL"]
    assert table.text("BIG").tolist() == [str(2**60 + 1), "", "5"]
    assert table.text("NAME").tolist() == ["a", "", "c"]
    assert table.number("FLAG").tolist() == [1.0, 0.0, 1.0]
    assert np.isnan(table.number("REAL")[1])


@pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning")
@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyUserWarning")
@settings(max_examples=25)
@given(st.floats(0.0, 0.999), st.sampled_from(FORMATS))
def test_a_truncated_table_is_an_error_or_shorter(tables, tmp_path_factory, share, ext):
    whole = tables[ext].read_bytes()
    path = tmp_path_factory.mktemp("cut") / tables[ext].name
    path.write_bytes(whole[: int(share * len(whole))])
    try:
        found = read_columns(path)
    except InputError:
        return
    assert 0 < len(found) <= len(read_columns(tables[ext]))
