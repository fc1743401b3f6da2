import io

import numpy as np
import pytest
from astropy.table import Table

from huggins.errors import InputError
from huggins.tables.read import read_columns
from huggins.view.exchange import (
    FORMATS,
    Target,
    finder,
    read_inspections,
    table_file,
    to_labels,
    write_votable,
)
from huggins.view.inspections import Inspection

SEEN = [
    Inspection("", "ada", "BAL", 4, 2.27, "", "trough of C IV"),
    Inspection("", "ada", "GAL", 3, 0.042, "R", 'with "quotes", and a comma'),
    Inspection("", "ada", "QSO", 2, 1.91, "CS", ""),
    Inspection("", "ada", "F", 4, -0.0002, "", ""),
    Inspection("", "ada", "", 0, None, "S", "no signal"),
]


@pytest.fixture
def pairs(results):
    out = []
    for row, seen in enumerate(SEEN):
        cells = {name: results.value(name, row) for name in results.table.names}
        key = results.key(row)
        i = Inspection(
            key, seen.scanner, seen.cls, seen.quality, seen.z, seen.issues, seen.comment
        )
        out.append((Target(*results.location(row), cells), i))
    return out


def back(kind, pairs, results):
    name, write = FORMATS[kind]
    found, missing = read_inspections(name, write(pairs).encode(), finder(results))
    assert missing == 0
    return found


def test_desi_goes_round(pairs, results):
    found = back("desi-csv", pairs, results)
    assert found == [i for _, i in pairs]


def test_sdss_goes_round_as_far_as_its_scales_go(pairs, results):
    found = back("sdss", pairs, results)
    assert [i.key for i in found] == [i.key for _, i in pairs]
    # F is a star, and CLASS_PERSON says no more; confidence has no 1.
    assert [i.cls for i in found] == ["BAL", "GAL", "QSO", "", ""]
    assert [i.quality for i in found] == [4, 3, 2, 4, 0]
    assert [i.z for i in found] == [2.27, 0.042, 1.91, -0.0002, None]
    assert found[1].comment == SEEN[1].comment


def test_marz_goes_round_as_far_as_its_scales_go(pairs, results):
    found = back("marz", pairs, results)
    assert [i.key for i in found] == [i.key for _, i in pairs]
    assert [i.cls for i in found] == ["BAL", "GAL", "QSO", "F", ""]
    assert [i.quality for i in found] == [4, 3, 2, 4, 1]
    assert [i.z for i in found] == [2.27, 0.042, 1.91, -0.0002, None]
    assert {i.scanner for i in found} == {"ada"}


def test_a_file_of_desi_without_our_columns_is_taken(results):
    text = (
        "TARGETID,Redrock_version,Redrock_spectype,Redrock_z,VI_scanner,VI_quality,VI_issue,"
        "VI_z,VI_spectype,VI_comment\n"
        "39627,0.15,QSO,2.1,eve,4,--,2.27,QSO,nice\n"
        "99999,0.15,STAR,0.0,eve,1,CR,--,STAR,\n"
    )
    keys = {"39627": results.key(1)}
    found, missing = read_inspections(
        "vi.csv", text.encode(), lambda r: keys.get(r["TARGETID"])
    )
    assert missing == 1
    [one] = found
    assert (one.key, one.scanner, one.cls, one.quality, one.z, one.issues) == (
        results.key(1), "eve", "QSO", 4, 2.27, "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n", "neither DESI's columns"),
        (b"", "neither DESI's columns"),
        (b"\xff\xfe\x00", "is no text"),
        (b"FILE,VI_quality,VI_z\nspec,9,1\n", "line 2.*from 0 to 4"),
        (b"FILE,VI_quality,VI_z\nspec,good,1\n", "line 2"),
        (b"FILE,VI_quality,VI_z\nspec,3,far\n", "line 2"),
    ],
)
def test_what_is_no_inspection_is_refused(content, said):
    with pytest.raises(InputError, match=said):
        read_inspections("x.csv", content, lambda row: "k")


def test_labels_leave_out_what_has_no_signal(pairs):
    table = Table.read(to_labels(pairs), format="ascii.csv")
    assert table["class13"].tolist() == ["BAL", "GAL", "QSO", "F"]
    assert table["trust"].tolist() == [3, 2, 1, 3]
    assert set(table["label_from"]) == {"visual"}


def test_a_formula_of_a_spreadsheet_is_harmless(results):
    seen = Inspection(results.key(0), "ada", "QSO", 4, 1.0, "", "=cmd|' /C calc'!A0")
    cells = {name: results.value(name, 0) for name in results.table.names}
    text = FORMATS["desi-csv"][1]([(Target("a", 0, cells), seen)])
    assert "'=cmd" in text
    assert ",=cmd" not in text


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("fits", "fits"),
        ("csv", "ascii.csv"),
        ("ecsv", "ascii.ecsv"),
        ("vot", "votable"),
        ("tsv", "ascii.tab"),
    ],
)
def test_rows_go_out_in_every_format(results, kind, how):
    name, content = table_file(results.take([3, 0]), kind)
    assert name == f"selection.{kind}"
    data = io.BytesIO(content) if kind in ("fits", "vot") else content.decode()
    table = Table.read(data, format=how)
    assert [str(f) for f in table["FILE"]] == [results.location(3)[0], results.location(0)[0]]
    assert table["Z"][1] == pytest.approx(results.value("Z", 0))


def test_rows_go_out_as_parquet(results, tmp_path):
    from huggins.tables.read import read_columns

    name, content = table_file(results.take([3, 0]), "parquet")
    (tmp_path / name).write_bytes(content)
    table = read_columns(tmp_path / name)
    assert table.text("SUBCLASS").tolist() == [results.value("SUBCLASS", r) for r in (3, 0)]
    np.testing.assert_allclose(table.number("Z"), [results.value("Z", r) for r in (3, 0)])


def test_an_unknown_format_is_named(results):
    with pytest.raises(InputError, match=r"formats are fits, csv.*not 'xlsx'"):
        table_file(results.take([0]), "xlsx")


def test_a_votable_for_others(results, tmp_path):
    write_votable(results.take([2]), tmp_path / "t.vot")
    assert len(Table.read(tmp_path / "t.vot")) == 1


def test_names_that_are_not_ascii_can_be_selected_as_fits(tmp_path):
    table = Table({"FILE": ["λ/100%.fits", "plain.fits"], "ERROR": ["ä", ""], "Z": [1.0, 2.0]})
    table.meta["CREATOR"] = "huggins 1"
    name, content = table_file(table, "fits")
    (tmp_path / name).write_bytes(content)
    kept = read_columns(tmp_path / name)
    assert kept.text("FILE").tolist() == ["λ/100%.fits", "plain.fits"]
    assert kept.text("ERROR").tolist() == ["\\xe4", ""]
    assert table["FILE"][0] == "λ/100%.fits"  # the page's own stays as it is
