"""The FITS parser against astropy."""

import gzip
import threading

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

import factories as make
from huggins.errors import ReadError
from huggins.fits import Fits
from huggins.fits import file as ours
from huggins.fits.cards import keyword
from huggins.fits.source import Source
from huggins.formats import open_file, read


def _opened(path):
    return Fits(Source(path))


@pytest.fixture
def table(tmp_path):
    """A file with columns of every type."""
    columns = [
        fits.Column("flag", "L", array=[True, False, True]),
        fits.Column("bits", "11X", array=np.ones((3, 11), bool)),
        fits.Column("byte", "B", array=[1, 2, 255]),
        fits.Column("short", "I", array=[1, -2, 3]),
        fits.Column("long", "J", array=[1, -2, 3]),
        fits.Column("quad", "K", array=[1, -2, 2**62]),
        fits.Column("single", "E", array=[1.5, np.nan, -0.0]),
        fits.Column("double", "D", array=[1.5, np.inf, 1e300]),
        fits.Column("complex", "C", array=[1, 2j, 3]),
        fits.Column("text", "6A", array=["abc", "", "z"]),
        fits.Column("vector", "4E", array=np.arange(12).reshape(3, 4)),
        fits.Column("ragged", "PE()", array=np.array([[1.0], [2.0, 3.0], []], dtype=object)),
        fits.Column("unsigned", "J", array=np.array([0, 5, 2**32 - 1], np.uint32), bzero=2**31),
        fits.Column("scaled", "I", array=np.array([1, 2, 3], np.int16)),
    ]
    hdu = fits.BinTableHDU.from_columns(columns)
    hdu.header["TSCAL14"] = 0.25
    hdu.header["TZERO14"] = 10.0
    path = tmp_path / "table.fits"
    hdu.writeto(path)
    return path


def test_columns_of_every_type_are_astropys(table):
    hdu = _opened(table).hdu(1)
    with fits.open(table) as file:
        for name in ("byte", "short", "long", "quad", "single", "double", "vector", "scaled"):
            theirs = file[1].data[name]
            np.testing.assert_array_equal(hdu.column(name.upper(), np.float64), theirs)
        np.testing.assert_array_equal(
            hdu.column("UNSIGNED", np.uint32), file[1].data["unsigned"]
        )
    assert hdu.column("SINGLE").dtype == np.float32
    assert hdu.column("DOUBLE").dtype == np.float64
    assert hdu.column("LONG").dtype == np.float64
    np.testing.assert_array_equal(hdu.column("VECTOR", row=1), [4, 5, 6, 7])


def test_records_are_plain_python_values(table):
    hdu = _opened(table).hdu(1)
    names = ("TEXT", "FLAG", "QUAD", "SINGLE", "VECTOR", "SCALED", "UNSIGNED", "RAGGED", "NONE")
    record = hdu.record(names)
    assert record == {
        "TEXT": "abc",
        "FLAG": True,
        "QUAD": 1,
        "SINGLE": 1.5,
        "VECTOR": 0.0,
        "SCALED": 10.25,
        "UNSIGNED": 0,
    }
    assert hdu.record(names, 2)["UNSIGNED"] == 2**32 - 1
    assert hdu.record(names, 1)["FLAG"] is False


@pytest.mark.parametrize("name", ["TEXT", "RAGGED", "COMPLEX"])
def test_what_is_no_number_is_refused(name, table):
    with pytest.raises(ReadError, match=r"does not hold what its header says|cannot be read"):
        _opened(table).hdu(1).column(name)


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "i8", "f4", "f8"])
def test_images_of_every_type_are_astropys(kind, tmp_path):
    image = np.arange(24).reshape(4, 6).astype(kind)
    fits.HDUList([fits.PrimaryHDU(image), fits.ImageHDU(image[0])]).writeto(tmp_path / "a")
    opened = _opened(tmp_path / "a")
    np.testing.assert_array_equal(opened.hdu(0).image(), image)
    np.testing.assert_array_equal(opened.hdu(0).image(first=1, count=2), image[1:3])
    np.testing.assert_array_equal(opened.hdu(1).image(), image[0])
    assert opened.hdu(0).image().dtype == (np.float32 if kind == "f4" else np.float64)


@pytest.mark.parametrize(
    "hdu",
    [
        fits.ImageHDU(np.arange(24, dtype=np.uint16).reshape(4, 6)),
        fits.CompImageHDU(np.arange(24, dtype=np.int32).reshape(4, 6)),
        fits.CompImageHDU(np.arange(24, dtype=np.uint32).reshape(4, 6) + 2**31),
    ],
    ids=["unsigned", "compressed", "compressed-unsigned"],
)
def test_scaled_and_compressed_images_go_through_astropy(hdu, tmp_path):
    expected = hdu.data.copy()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "a")
    opened = _opened(tmp_path / "a").hdu(1)
    assert opened.image_shape == (4, 6)
    np.testing.assert_array_equal(opened.image(), expected)
    np.testing.assert_array_equal(opened.image(first=3), expected[3:])


def test_compressed_image_in_a_gzipped_file(tmp_path):
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(np.ones((4, 6), np.int32))])
    hdus.writeto(tmp_path / "a")
    (tmp_path / "b").write_bytes(gzip.compress((tmp_path / "a").read_bytes()))
    assert _opened(tmp_path / "b").hdu(1).image().sum() == 24


def test_image_that_is_none_is_refused(table):
    opened = _opened(table)
    with pytest.raises(ReadError, match="holds no image"):
        opened.hdu(0).image()
    with pytest.raises(ReadError, match="holds no image"):
        opened.hdu(1).image()


@given(
    value=st.one_of(
        st.booleans(),
        st.integers(-(10**15), 10**15),
        st.floats(-1e30, 1e30, allow_subnormal=False),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    )
)
def test_header_values_are_astropys(value):
    header = fits.Header()
    header["OTHER"] = ("KEY     = 17", "KEY     = 18")
    header["KEY"] = (value, "a comment / it is")
    header["KEYS"] = "another"
    theirs = fits.Header.fromstring(header.tostring())["KEY"]
    found = keyword(header.tostring(padding=False).encode(), "KEY")
    assert found == theirs
    assert type(found) is type(theirs)


@pytest.mark.parametrize(
    ("card", "value"),
    [
        (b"KEY     = 'it''s' / quoted", "it's"),
        (b"KEY     =                1.5D3", 1500.0),
        (b"KEY     =                 1_000", None),
        (b"KEY     = 'no end", None),
        (b"KEY     =", None),
        (b"KEY     = ??", None),
        (b"KEY       1", None),
    ],
)
def test_unusual_cards(card, value):
    assert keyword(card.ljust(80), "KEY") == value


@pytest.mark.slow
def test_header_of_more_than_the_first_read(tmp_path):
    # 300 kB of history before the pixels.
    path = make.write_boss_spec(tmp_path / "a", make.make_truth(50))
    with fits.open(path) as file:
        for i in range(4000):
            file[0].header.add_history(f"line {i}")
        file.writeto(tmp_path / "long")
    (spectrum,) = read(tmp_path / "long")
    assert (spectrum.flux == make.make_truth(50).flux).all()
    assert spectrum.pipeline.cls == "QSO"


def test_padding_behind_the_last_hdu_does_not_matter(tmp_path):
    truth = make.make_truth(50)
    content = make.write_boss_spec(tmp_path / "a", truth).read_bytes()
    for tail in (bytes(2880), b" " * 100, b"special records".ljust(2880)):
        (tmp_path / "b").write_bytes(content + tail)
        (spectrum,) = open_file(tmp_path / "b")
        assert (spectrum.flux == truth.flux).all()
    (tmp_path / "b").write_bytes(content.rstrip(b"\0"))  # the padding itself is missing
    (spectrum,) = open_file(tmp_path / "b")
    assert (spectrum.flux == truth.flux).all()


def test_layouts_that_are_kept_are_bounded(tmp_path):
    ours._layouts.clear()
    truth = make.make_truth(20)
    content = make.write_boss_spec(tmp_path / "a", truth).read_bytes()
    for i in range(ours._LAYOUTS_MAX + 20):
        (tmp_path / "b").write_bytes(content.replace(b"'or_mask '", b"'or_m%03d '" % i))
        assert (read(tmp_path / "b")[0].flux == truth.flux).all()
    kept = sum(map(len, ours._layouts.values()))
    assert 1 < kept <= ours._LAYOUTS_MAX


def test_checksums_do_not_hide_a_known_layout(tmp_path):
    ours._layouts.clear()
    for i in range(5):
        truth = make.make_truth(30, seed=i, z=i / 8)
        path = make.write_boss_spec(tmp_path / "a", truth)
        with fits.open(path) as file:
            file.writeto(tmp_path / "b", checksum=True, overwrite=True)
        (spectrum,) = read(tmp_path / "b")
        assert spectrum.flux.tobytes() == truth.flux.tobytes()
        assert spectrum.pipeline.z == truth.z
    assert sum(map(len, ours._layouts.values())) == 2  # COADD and SPALL


def test_same_header_with_another_number_of_rows(tmp_path):
    for size in (100, 90, 110):
        truth = make.make_truth(size)
        (spectrum,) = read(make.write_boss_spec(tmp_path / "a", truth))
        assert (spectrum.flux == truth.flux).all()


def test_threads_do_not_mix_spectra(tmp_path):
    truths = [make.make_truth(100 + i, seed=i) for i in range(8)]
    paths = [make.write_boss_spec(tmp_path / str(i), truth) for i, truth in enumerate(truths)]
    wrong = []

    def work(shift: int) -> None:
        for turn in range(40):
            i = (turn * 3 + shift) % 8
            (spectrum,) = open_file(paths[i])
            if isinstance(spectrum, ReadError) or (spectrum.flux != truths[i].flux).any():
                wrong.append((shift, turn))
            if turn % 16 == shift:
                ours._layouts.clear()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_header_across_the_end_of_the_first_read(tmp_path):
    # The first 256 KiB are read at once; the table behind the pixels begins just before.
    header = 2 * 2880
    for missing in (80, 2880, 4000):
        rows = (256 * 1024 - header - missing) // 8 // 360 * 360
        pixels = fits.ImageHDU(np.arange(rows, dtype=float))
        names = [fits.Column(f"NAME{i}", "J", array=[i]) for i in range(60)]
        path = tmp_path / f"{missing}.fits"
        fits.HDUList([fits.PrimaryHDU(), pixels, fits.BinTableHDU.from_columns(names)]).writeto(
            path
        )
        hdu = _opened(path).hdu(2)
        assert hdu.at < 256 * 1024 < hdu.start
        assert hdu.record(("NAME59",)) == {"NAME59": 59}
