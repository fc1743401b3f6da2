"""Tables in blocks of rows: FITS as astropy reads it, text, gzip, and what is damaged."""

import gzip

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from factories import surveys
from factories.surveys import write_survey
from huggins.catalog import Settings, make_targets
from huggins.catalog.source import open_table
from huggins.errors import InputError
from huggins.fits import table as fits_table


def columns(path, *names):
    return list(open_table(path).chunks(names))


def write_types(path, n=1000, seed=0):
    """Every scalar type, an unsigned and a scaled column, a vector, and a logical."""
    rng = np.random.default_rng(seed)
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("L", "L", array=rng.uniform(size=n) > 0.5),
            fits.Column("B", "B", array=rng.integers(0, 255, n).astype("u1")),
            fits.Column("I", "I", array=rng.integers(-9, 9, n).astype("i2"), null=-9),
            fits.Column("J", "J", array=rng.integers(-(10**9), 10**9, n).astype("i4")),
            fits.Column("K", "K", array=rng.integers(-(2**62), 2**62, n)),
            fits.Column("U", "K", array=rng.integers(2**62, 2**64, n, dtype="u8"), bzero=2**63),
            fits.Column("E", "E", array=rng.normal(size=n).astype("f4")),
            fits.Column("D", "D", array=rng.normal(size=n)),
            fits.Column("V", "7E", array=rng.normal(size=(n, 7))),
            fits.Column("A", "9A", array=np.array([f" w{i % 13} " for i in range(n)])),
            fits.Column("X", "11X", array=rng.uniform(size=(n, 11)) > 0.5),
            fits.Column("Z", "D", array=np.arange(float(n))),
        ]
    )
    fits.HDUList([fits.PrimaryHDU(np.zeros((3, 4))), fits.ImageHDU(np.ones(5)), table]).writeto(
        path
    )
    return path


def test_every_type_is_read_as_astropy_reads_it(tmp_path, monkeypatch):
    path = write_types(tmp_path / "types.fits")
    monkeypatch.setattr(fits_table, "_BYTES", 20_000)  # several blocks
    table = open_table(path)
    everything = ("L", "B", "I", "J", "K", "E", "D", "A", "Z")

    def whole(read):
        return np.concatenate([read(chunk) for chunk in table.chunks(everything)])

    assert sum(1 for _ in table.chunks(everything)) > 3
    theirs = Table.read(path, hdu=2)
    for name in ("L", "B", "J", "E", "D", "Z"):
        ours = whole(lambda chunk, name=name: chunk.number(name))
        assert np.array_equal(ours, np.asarray(theirs[name], float)), name
    for name in ("B", "J", "K"):
        ours = whole(lambda chunk, name=name: chunk.integer(name))
        assert np.array_equal(ours, np.asarray(theirs[name], "i8")), name
    words = whole(lambda chunk: chunk.text("A"))
    assert words.tolist() == [w.strip() for w in np.asarray(theirs["A"]).tolist()]
    null = whole(lambda chunk: chunk.number("I"))
    assert np.array_equal(np.isnan(null), np.ma.getmaskarray(theirs["I"]))
    assert np.ma.getmaskarray(theirs["I"]).any()


def test_unsigned_identifiers_keep_all_digits_as_text_and_overflow_as_numbers(tmp_path):
    path = write_types(tmp_path / "types.fits")
    (chunk,) = columns(path, "U")
    theirs = np.asarray(Table.read(path, hdu=2)["U"])
    assert [int(word) for word in chunk.text("U").tolist()] == theirs.tolist()
    with pytest.raises(InputError, match="column U holds numbers too large"):
        chunk.integer("U")


def test_a_gzipped_table_is_the_same(tmp_path):
    path = write_types(tmp_path / "types.fits")
    packed = tmp_path / "types.fits.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    (plain,), (unpacked,) = columns(path, "D"), columns(packed, "D")
    assert np.array_equal(plain.number("D"), unpacked.number("D"))


@pytest.mark.parametrize("packed", [False, True])
def test_a_truncated_table_says_how_much_is_there(tmp_path, packed):
    whole = write_survey(tmp_path / "w.fits", surveys.SPECOBJ, FIBERID=list(range(1, 41)))
    data = whole.read_bytes()[:-5000]
    path = tmp_path / ("cut.fits.gz" if packed else "cut.fits")
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(
        InputError, match=r"truncated: \d+ of 40 rows are there; fetch it again"
    ):
        columns(path, "PLATE")


def test_a_gzip_file_cut_in_the_middle_is_truncated_too(tmp_path):
    whole = write_survey(tmp_path / "w.fits", surveys.SPECOBJ, FIBERID=list(range(1, 4001)))
    packed = gzip.compress(whole.read_bytes())
    path = tmp_path / "cut.fits.gz"
    path.write_bytes(packed[: len(packed) * 2 // 3])
    with pytest.raises(InputError, match=r"truncated|fetch it again"):
        columns(path, "PLATE")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.fits", b"", "no FITS file"),
        ("a.fits", b"SIMPLE  = not really" * 200, "no end"),
        ("a.fits", b"<html>" * 1000, "no FITS file"),
        ("a.fits.gz", b"<html>" * 1000, "cannot be read"),
        ("a.csv", b"", "empty"),
        ("a.csv", b"PLATE,MJD\n", "no rows"),
        ("a.csv", b"PLATE,MJD,plate\n1,2,3\n", "named twice: PLATE"),
        ("a.csv", b"PLATE,MJD\n1,2\n3\n", "line 3 has 1 values, the header has 2"),
        ("a.csv", b"PLATE\n\xff\xfe\n", "cannot be read as text"),
        ("a.fits.fz", b"x", "unpack it first"),
        ("a.xlsx", b"x", "not a known kind"),
    ],
)
def test_what_is_no_table_says_so(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        columns(path, "PLATE")
    assert name in str(error.value)


def test_a_missing_file_and_a_file_without_a_table(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        open_table(tmp_path / "none.fits")
    fits.PrimaryHDU(np.zeros(10)).writeto(tmp_path / "image.fits")
    with pytest.raises(InputError, match="no binary table"):
        open_table(tmp_path / "image.fits")


def test_a_table_without_rows(tmp_path):
    empty = fits.BinTableHDU.from_columns([fits.Column("A", "J", array=np.zeros(0, "i4"))])
    fits.HDUList([fits.PrimaryHDU(), empty]).writeto(tmp_path / "empty.fits")
    with pytest.raises(InputError, match="has no rows"):
        open_table(tmp_path / "empty.fits")


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
    monkeypatch.setattr("huggins.catalog.text_source.ROWS", 3)
    path = tmp_path / "t.csv"
    path.write_text("a\n" + "\n".join(map(str, range(8))) + "\n")
    chunks = columns(path, "A")
    assert [chunk.start for chunk in chunks] == [0, 3, 6]
    assert np.concatenate([c.integer("A") for c in chunks]).tolist() == list(range(8))


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
