import pytest

from huggins.download import Archive, Checksums, FileRequest, Unusable
from huggins.download.positions import Positions
from huggins.download.targets import check_columns, from_chunk, from_words, place
from huggins.errors import InputError

SAS = "https://data.sdss.org/sas"


def one(word, **options):
    (item,) = from_words([word], Archive(**options))
    return item


@pytest.mark.parametrize(
    "word",
    [
        "3586-55181-500",
        "3586-55181-0500",
        "spec-3586-55181-0500",
        "spec-3586-55181-0500.fits",
        "3586 55181 500",
        " 3586, 55181, 500 ",
        "3586\t55181\t500\tv5_13_2",
        "3586-55181-500-v5_13_2",
    ],
)
def test_words_for_a_spectrum(word):
    item = one(word)
    path = "dr17/eboss/spectro/redux/v5_13_2/spectra/lite/3586/spec-3586-55181-0500.fits"
    assert item == FileRequest((f"{SAS}/{path}",), path)


def test_reduction_that_is_given_counts_for_those_that_name_none():
    assert "/v5_10_0/" in one("3586-55181-500", run2d="v5_10_0").path
    assert "/v5_7_0/" in one("3586 55181 500 v5_7_0", run2d="v5_10_0").path


def test_spectrum_of_sdss_1_is_sought_in_all_its_reductions():
    item = one("2942-54521-124")
    assert [url.split("/redux/")[1].split("/")[0] for url in item.urls] == ["26", "103", "104"]
    assert item.path.startswith("dr17/sdss/spectro/redux/26/")


def test_plate_brings_its_redshifts_beside_it():
    items = list(from_words(["7102-56666-82"], Archive(kind="spPlate")))
    assert [item.path.rpartition("/") for item in items] == [
        ("dr17/eboss/spectro/redux/v5_13_2/7102", "/", "spPlate-7102-56666.fits"),
        ("dr17/eboss/spectro/redux/v5_13_2/7102", "/", "spZbest-7102-56666.fits"),
    ]
    assert items[1].urls[0].endswith("/7102/v5_13_2/spZbest-7102-56666.fits")


def test_comments_and_blank_lines_are_left_out():
    assert list(from_words(["", "# 1-2-3", "  "], Archive())) == []


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("hello", "no plate-mjd-fiber, no SPECOBJID and no address"),
        ("0-55181-500", "no such spectrum can exist"),
        ("3586-55181-0", "no such spectrum can exist"),
        ("3586-55181-500-banana", "unknown reduction 'banana'"),
        ("ftp://a.org/b.fits", "no address of http or https"),
    ],
)
def test_words_for_nothing(word, why):
    item = one(word)
    assert isinstance(item, Unusable)
    assert why in item.why


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (f"{SAS}/dr17/a/b.fits", "dr17/a/b.fits"),
        ("https://a.org/b.fits", "a.org/b.fits"),
        ("https://a.org/", "a.org/index"),
        ("https://a.org", "a.org/index"),
        ("https://a.org/../../etc/passwd", "a.org/etc/passwd"),
        ("https://a.org/%2e%2e/%2fb.fits", "a.org/b.fits"),
        ("https://a.org/.manifest.lock", "a.org/manifest.lock"),
        ("https://a.org/b%00c.fits", "a.org/b_c.fits"),
        ("https://a.org/b.fits#part", "a.org/b.fits"),
    ],
)
def test_place_is_below_the_folder_and_never_hidden(url, path):
    assert place(url) == path


def test_queries_make_different_files():
    one, two = place("https://a.org/get.fits?id=1"), place("https://a.org/get.fits?id=2")
    assert one != two
    assert one.endswith(".fits")


class Rows:
    """Some rows of a table, as huggins.catalog gives them."""

    path = "t.fits"
    start = 100

    def __init__(self, **columns):
        self.columns = columns

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def __contains__(self, name):
        return name in self.columns

    def integer(self, name, missing=-1):
        import numpy as np

        values = self.columns[name]
        if any(isinstance(value, bytes) for value in values):
            raise InputError(f"column {name} holds text")
        return np.array(values)

    def text(self, name):
        return self.columns[name]

    def number(self, name):
        import numpy as np

        return np.array(self.columns[name], float)


def test_rows_of_a_table():
    rows = Rows(PLATE=[3586, 266], MJD=[55181, 51630], FIBERID=[500, 38], RUN2D=[b"", b"103 "])
    items = list(from_chunk(rows, Archive()))
    assert [item.path.split("/redux/")[1] for item in items] == [
        "v5_13_2/spectra/lite/3586/spec-3586-55181-0500.fits",
        "103/spectra/lite/0266/spec-0266-51630-0038.fits",
    ]


def test_rows_that_stand_for_nothing_are_named():
    rows = Rows(PLATE=[3586, -1, 3586], MJD=[55181, 55181, 55181], FIBERID=[500, 3, -1])
    _, one, two = from_chunk(rows, Archive())
    assert (one.name, two.name) == ("t.fits: row 102", "t.fits: row 103")
    assert "plate -1, MJD 55181, fibre 3: no such spectrum" in one.why
    assert "fibre missing" in two.why


def test_rows_of_sdss_5_go_by_catalogue_number():
    rows = Rows(
        FIELD=[15000, 15000],
        MJD=[59146, 59146],
        FIBERID=[3, 4],
        CATALOGID=[b"4375924425", b"63050395106956948"],
        RUN2D=[b"v6_1_3", b"v6_1_3"],
    )
    items = list(from_chunk(rows, Archive(release="dr19")))
    assert [item.path.rpartition("/")[2] for item in items] == [
        "spec-015000-59146-4375924425.fits",
        "spec-015000-59146-63050395106956948.fits",
    ]


def test_rows_of_addresses():
    rows = Rows(URL=[b"https://a.org/b.fits", b""], PLATE=[1, 2])
    assert list(from_chunk(rows, Archive())) == [
        FileRequest(("https://a.org/b.fits",), "a.org/b.fits")
    ]


def test_columns_that_are_missing_are_named_and_those_there_too():
    check_columns(["URL"], "t")
    check_columns(["FIELD", "MJD", "SDSS_ID"], "t")
    with pytest.raises(InputError) as caught:
        check_columns(["RA", "DEC", "PLATE"], "t.fits")
    assert str(caught.value) == (
        "t.fits: there is no column MJD, no column FIBERID or FIBER or CATALOGID or TARGETID "
        "or SDSS_ID; the columns are RA, DEC, PLATE; its positions will do with --catalog "
        "FILE, a survey's table of spectra such as specObj-dr17.fits"
    )


DIGEST = "0123456789abcdef0123456789abcdef01234567"


def test_checksums_go_by_the_end_of_the_address():
    sums = Checksums()
    sums.add(
        [f"{DIGEST}  ./3586/a.fits", f"{DIGEST[::-1]} *a.fits", "", "0" * 64 + "  b.fits"], ""
    )
    assert sums.of(f"{SAS}/x/3586/a.fits") == DIGEST
    assert sums.of(f"{SAS}/x/3587/a.fits") == DIGEST[::-1]
    assert sums.of(f"{SAS}/x/aa.fits") == ""
    assert sums.of(f"{SAS}/b.fits?x=1") == "0" * 64
    assert len(sums) == 3


def test_checksums_that_disagree_say_nothing():
    sums = Checksums()
    sums.add([f"{DIGEST}  a.fits", f"{DIGEST[::-1]}  a.fits"], "")
    assert sums.of(f"{SAS}/a.fits") == ""


@pytest.mark.parametrize("line", ["hello", "d41d8cd98f00b204e9800998ecf8427e  a.fits"])
def test_what_is_no_list_of_checksums_is_refused(line):
    with pytest.raises(InputError, match="list: line 2 is no SHA-1"):
        Checksums().add([f"{DIGEST}  a.fits", line], "list")


DR17 = "5855818157717954560"  # 5201-55832-46, v5_10_0
PLACE = "v5_10_0/spectra/lite/5201/spec-5201-55832-0046.fits"


def test_specobjid_alone_names_a_spectrum():
    (item,) = from_words([DR17], Archive())
    assert item.path.endswith(PLACE)
    rows = Rows(SPECOBJID=[DR17.encode(), b"5.855818157717955e+18", b""])
    item, rounded, none = from_chunk(rows, Archive())
    assert item.path.endswith(PLACE)
    assert "SPECOBJID 5.855818157717955e+18 was rounded" in rounded.why
    assert "nothing is no SPECOBJID" in none.why
    check_columns(["SPECOBJID"], "t")


def test_semicolons():
    (item,) = from_words(["5201;55832;46;v5_10_0"], Archive())
    assert item.path.endswith(PLACE)


@pytest.mark.parametrize(
    "columns",
    ["PLATE,MJD,FIBERID,RUN2D,RA,DEC", "plate;mjd;fiberID;run2d;ra;dec"],
)
def test_positions_with_a_catalogue(tmp_path, columns):
    path = tmp_path / "c.csv"
    mark = ";" if ";" in columns else ","
    lines = ["5201,55832,46,v5_10_0,10.0,-1.0", "5201,55832,47,v5_10_0,10.0,-1.0002"]
    path.write_text("\n".join([columns, *(line.replace(",", mark) for line in lines)]) + "\n")
    positions = Positions(path)
    (item,) = from_words(["10.00001 -1.00001"], Archive(), positions)
    assert item.path.endswith(PLACE)
    items = list(from_chunk(Rows(RA=[10.0, 11.0], DEC=[-1.0, 0.0]), Archive(), positions))
    assert items[0] == item
    assert "no spectrum within 1 arcsec in" in items[1].why
    (nothing,) = from_words(["10.0,-1.0"], Archive())
    assert "--catalog FILE" in nothing.why
    check_columns(["RA", "DEC"], "t", positions=True)
    with pytest.raises(InputError, match=r"its positions will do with --catalog FILE"):
        check_columns(["RA", "DEC"], "t")


def test_a_catalogue_without_identities_is_refused(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("ra,dec,z\n1,2,3\n")
    with pytest.raises(InputError, match=r"columns RA, DEC and PLATE, MJD, FIBERID .* needed"):
        Positions(path)
