"""Binary tables in blocks of rows: as astropy reads them, gzipped, and damaged."""

import gzip
import re

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from factories import surveys
from factories.surveys import write_survey
from huggins.errors import InputError
from huggins.fits import table as module
from huggins.fits.table import FitsTable


def columns(path, *names):
    return list(FitsTable(path).chunks(names))


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
    monkeypatch.setattr(module, "_BYTES", 20_000)  # several blocks
    table = FitsTable(path)
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


def test_a_table_without_rows(tmp_path):
    empty = fits.BinTableHDU.from_columns([fits.Column("A", "J", array=np.zeros(0, "i4"))])
    fits.HDUList([fits.PrimaryHDU(), empty]).writeto(tmp_path / "empty.fits")
    with pytest.raises(InputError, match="has no rows"):
        FitsTable(tmp_path / "empty.fits")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.fits", b"", "no FITS file"),
        ("a.fits", b"SIMPLE  = not really" * 200, "no end"),
        ("a.fits", b"<html>" * 1000, "no FITS file"),
        ("a.fits.gz", b"<html>" * 1000, "cannot be read"),
    ],
)
def test_what_is_no_table_says_so(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        FitsTable(path)
    assert name in str(error.value)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("NAXIS2", "999999999999", "truncated"),
        ("NAXIS2", "-1000", "NAXIS2 is -1000"),
        ("NAXIS2", "1.E3", "NAXIS2 is 1000.0"),
        ("TFIELDS", "11", "NAXIS1 says"),
        ("TFORM2", "'R       '", "TFORM2 is 'R'"),
        ("TNULL3", "-9.5", "TNULL3 is -9.5"),
        ("TNULL3", "??", "TNULL3 is None"),
        ("XTENSION", "'FOREIGN '", "no binary table"),
    ],
)
def test_a_header_that_is_wrong_is_a_clear_error(tmp_path, key, value, message, packed):
    content = write_types(tmp_path / "types.fits").read_bytes()
    at = content.index(b"BINTABLE") - 20
    card = re.compile(rb"%-8b= .{20}" % key.encode())
    wrong = f"{key:8}= {value:>20}".encode()
    content = content[:at] + card.sub(wrong, content[at:], count=1)
    assert wrong in content
    path = tmp_path / ("wrong.fits.gz" if packed else "wrong.fits")
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    with pytest.raises(InputError, match=message):
        columns(path, "J")


def test_a_compressed_table_is_refused_with_the_remedy(tmp_path):
    content = write_types(tmp_path / "types.fits").read_bytes()
    card = b"GCOUNT  =                    1"
    at = content.rindex(card)
    content = content[:at] + b"ZTABLE  =                    T" + content[at + len(card) :]
    (tmp_path / "wrong.fits").write_bytes(content)
    with pytest.raises(InputError, match="funpack"):
        columns(tmp_path / "wrong.fits", "J")


def test_a_file_without_a_table(tmp_path):
    fits.PrimaryHDU(np.zeros(10)).writeto(tmp_path / "image.fits")
    with pytest.raises(InputError, match="no binary table"):
        FitsTable(tmp_path / "image.fits")


def test_a_column_of_vectors_is_refused(tmp_path):
    (chunk,) = columns(write_types(tmp_path / "types.fits"), "V", "X")
    for name in ("V", "X"):
        with pytest.raises(InputError, match=f"column {name} holds vectors"):
            chunk.number(name)
