"""Survey tables in blocks of rows: text, and what is no table."""

import gzip

import numpy as np
import pytest
from astropy.table import Table

from factories import surveys
from factories.surveys import write_survey
from huggins.catalog import Settings, make_targets
from huggins.errors import InputError
from huggins.tables.read import open_table, read_columns


def columns(path, *names):
    return list(open_table(path).chunks(names))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"PLATE,MJD\n", "no rows"),
        ("a.csv", b"PLATE,MJD,plate\n1,2,3\n", "named twice: PLATE"),
        ("a.csv", b"PLATE,MJD\n1,2\n3\n", "line 3 has 1 values, the header has 2"),
        ("a.csv", b"PLATE\n\xff\xfe\n", "cannot be read as text"),
        ("a.fits.fz", b"x", "unpack it first"),
        ("a.xlsx", b"x", "not a known kind"),
        ("a.csv", b"#x\n\nPLATE,b\n1,2\n1\n", "line 5 has 1 values, the header has 2"),
        ("a.csv", b"PLATE,PLATE\n1,2\n", "named twice: PLATE"),
        ("a.csv.gz", b"\x1f\x8b\x08", "cannot be read as text"),
        ("a.jsonl", b'{"a": 1}\n{"a": \n', "line 2 is not JSON"),
        ("a.jsonl", b"[1]\n", "line 1 is not a JSON object"),
        ("a.jsonl", b"", "no rows"),
        ("a.jsonl.gz", b"\x1f\x8b\x08", "cannot be read as text"),
        ("a.parquet", b"PAR1", "damaged Parquet file"),
        ("a.parquet", b"", "not a whole Parquet file"),
        ("a.parquet", b"x", "not a whole Parquet file"),
        ("a.parquet", b"PAR1" + b"x" * 50 + b"PAR1", "damaged Parquet file"),
        ("a.parquet.gz", b"PAR1 PAR1", "not a whole Parquet file"),
        ("a.ecsv", b"%%", "no rows"),
    ],
)
def test_what_is_no_table_says_so(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        columns(path, "PLATE")
    assert name in str(error.value)
    if "plate" not in str(content):  # whole columns tell upper from lower case
        with pytest.raises(InputError, match=message):
            read_columns(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        open_table(tmp_path / "none.fits")


def test_csv_and_ecsv_give_numbers_identifiers_and_blanks(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("# a comment\nid,z,name\n12345678901234567890, 1.5 ,\u03b1 Ori\n,nan,\n")
    (chunk,) = columns(path, "ID", "Z", "NAME")
    assert chunk.text("ID").tolist() == [b"12345678901234567890", b""]
    assert np.array_equal(chunk.number("Z"), [1.5, np.nan], equal_nan=True)
    assert chunk.text("NAME").tolist() == [b"\\u03b1 Ori", b""]
    with pytest.raises(InputError, match="row 1 or after: column ID"):
        chunk.integer("ID")
    with pytest.raises(InputError, match=r"row 1: column NAME holds .* a number is needed"):
        chunk.number("NAME")
    table = Table({"a": [1, 2], "b c": ["x y", "z"]})
    for delimiter in (" ", ","):
        ecsv = tmp_path / f"t{ord(delimiter)}.ecsv"
        table.write(ecsv, format="ascii.ecsv", delimiter=delimiter)
        (chunk,) = columns(ecsv, "A", "B C")
        assert chunk.integer("A").tolist() == [1, 2]
        assert chunk.text("B C").tolist() == [b"x y", b"z"]


def test_rounded_identifiers_and_fractions_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1.23e18,1.5\n")
    (chunk,) = columns(path, "A", "B")
    with pytest.raises(InputError, match="rounded to a floating-point number"):
        chunk.integer("A")
    with pytest.raises(InputError, match="holds fractions"):
        chunk.integer("B")


def test_text_tables_come_in_blocks_too(tmp_path, monkeypatch):
    monkeypatch.setattr("huggins.tables.text.ROWS", 3)
    path = tmp_path / "t.csv"
    path.write_text("a\n" + "\n".join(map(str, range(8))) + "\n")
    chunks = columns(path, "A")
    assert [chunk.start for chunk in chunks] == [0, 3, 6]
    assert np.concatenate([c.integer("A") for c in chunks]).tolist() == list(range(8))


@pytest.mark.slow
def test_a_damaged_table_is_read_or_refused_and_never_a_crash(tmp_path):
    rng = np.random.default_rng(0)
    whole = write_survey(tmp_path / "w.fits", surveys.SPECOBJ, FIBERID=[1, 2, 3]).read_bytes()
    digits = [i for i in range(2880, len(whole)) if whole[i : i + 1].isdigit()]
    messages = []
    for trial in range(300):
        data = bytearray(whole)
        if trial % 3 == 0:
            data = data[: rng.integers(len(data))]
        for _ in range(int(rng.integers(1, 6))):
            if trial % 3 == 1:
                data[rng.integers(len(data))] = rng.integers(256)
            elif trial % 3 == 2:
                data[rng.choice(digits)] = rng.integers(48, 58)
        path = tmp_path / ("d.fits.gz" if trial % 2 else "d.fits")
        path.write_bytes(gzip.compress(data, 1) if trial % 2 else data)
        try:
            make_targets([path], Settings(duplicates="first"))
        except InputError as error:
            messages.append((path, str(error)))
    assert 100 < len(messages) < 300
    for path, message in messages:
        assert str(path) in message


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiters_and_comments_above_the_header(tmp_path, mark):
    path = tmp_path / "t.csv"
    lines = ["#Table1", "", "A,B", "1,x y", "2,z"]
    path.write_text("\n".join(lines).replace(",", mark) + "\n")
    columns = read_columns(path)
    assert columns.names == ["A", "B"]
    assert columns.text("B").tolist() == ["x y", "z"]
    path.write_text("\n".join([*lines, "3"]).replace(",", mark) + "\n")
    with pytest.raises(InputError, match="line 6 has 1 values"):
        read_columns(path)
