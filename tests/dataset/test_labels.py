import numpy as np
import pytest
from astropy.table import Table

from factories import make_truth, write_boss_spec, write_desi, write_sdss5_spec
from huggins.dataset.build import build
from huggins.dataset.chunk import Options
from huggins.dataset.labels import Labels, compile_table
from huggins.errors import InputError
from huggins.formats import read
from huggins.taxonomy import INDEX


def compiled(folder, table, column=""):
    path = folder / "t.fits"
    table.write(path, overwrite=True)
    compile_table(path, folder, column)
    return Labels(folder)


@pytest.fixture
def spectrum(tmp_path):
    (spectrum,) = read(write_boss_spec(tmp_path / "a.fits", make_truth(200)))
    return spectrum


def row(**columns):
    return Table({name: [value] for name, value in columns.items()})


def test_label_has_class_redshift_trust_and_object(tmp_path, spectrum):
    table = row(PLATE=7102, MJD=56666, FIBERID=82, SUBCLASS="BAL", Z=2.5, TRUST=3, OBJECT="T9")
    label = compiled(tmp_path, table).of(spectrum)
    assert (label.index, label.cls, label.z) == (INDEX["BAL"], "QSO", 2.5)
    assert (label.trust, label.object) == (3, "T9")


def test_what_a_table_does_not_say_is_unknown(tmp_path, spectrum):
    label = compiled(tmp_path, row(PLATE=7102, MJD=56666, FIBERID=82, CLASS13="F")).of(spectrum)
    assert (label.index, label.cls, label.trust, label.object) == (INDEX["F"], "STAR", 2, "")
    assert np.isnan(label.z)


def test_star_without_type_keeps_its_broad_class(tmp_path, spectrum):
    table = Table(
        {
            "PLATE": [7102, 7102],
            "MJD": [56666, 56666],
            "FIBERID": [82, 83],
            "class13": ["", "A"],
            "class3": ["STAR", "STAR"],
        }
    )
    label = compiled(tmp_path, table).of(spectrum)
    assert (label.index, label.cls) == (-1, "STAR")


@pytest.mark.parametrize(
    "identity",
    [
        {"PLATE": 7102, "MJD": 56666, "FIBERID": 82},
        {"SPECOBJID": "7996257424286629888"},
        {"PATH": "a.fits"},
        {"FILE": "sub/../a.fits"},
    ],
)
def test_ways_to_name_a_spectrum(tmp_path, spectrum, identity):
    if "SPECOBJID" in identity:
        identity = {"SPECOBJID": spectrum.specobjid}
    labels = compiled(tmp_path, row(SUBCLASS="K", **identity))
    assert labels.of(spectrum).index == INDEX["K"]


def test_specobjid_as_a_number(tmp_path, spectrum):
    table = row(SPECOBJID=np.uint64(int(spectrum.specobjid)), SUBCLASS="K")
    assert compiled(tmp_path, table).of(spectrum).index == INDEX["K"]


@pytest.mark.parametrize("name", ["SPECOBJID", "TARGETID"])
def test_rounded_identifiers_are_refused_unless_something_else_tells(tmp_path, spectrum, name):
    path = tmp_path / "t.csv"
    for word in ("7.99E18", "7e18", "12.5", "1.0"):
        path.write_text(f"{name},SUBCLASS\n123,F\n{word},K\n")
        with pytest.raises(InputError, match=rf"row 2: {name} {word} was rounded"):
            compile_table(path, tmp_path)
    path.write_text(f"{name},SUBCLASS,PLATE,MJD,FIBERID\n7e18,K,7102,56666,82\n")
    compile_table(path, tmp_path)
    assert Labels(tmp_path).of(spectrum).index == INDEX["K"]


def test_other_reduction_of_the_same_spectrum_is_found(tmp_path, spectrum):
    table = row(PLATE=7102, MJD=56666, FIBERID=82, SPECOBJID="12345", SUBCLASS="K")
    assert compiled(tmp_path, table).of(spectrum).index == INDEX["K"]


@pytest.mark.parametrize("column", ["TARGETID", "CATALOGID"])
def test_sdss_5_goes_by_number_field_and_night(tmp_path, column):
    (spectrum,) = read(write_sdss5_spec(tmp_path / "v.fits", make_truth(200)))
    identity = {column: 27021597911984196, "PLATE": 7102, "MJD": 56666}
    assert compiled(tmp_path, row(SUBCLASS="K", **identity)).of(spectrum).index == INDEX["K"]
    other = identity | {"MJD": 56667}
    assert compiled(tmp_path, row(SUBCLASS="K", **other)).of(spectrum) == (
        "not in the table of targets"
    )


def test_fibre_number_does_not_name_a_spectrum_of_sdss_5(tmp_path):
    (spectrum,) = read(write_sdss5_spec(tmp_path / "v.fits", make_truth(200)))
    spectrum.fiberid = 82
    table = row(PLATE=7102, MJD=56666, FIBERID=82, SUBCLASS="K")
    assert compiled(tmp_path, table).of(spectrum) == "not in the table of targets"


def test_desi_goes_by_targetid(tmp_path):
    ones = np.ones((3, 2750))
    path = write_desi(tmp_path / "d.fits", {"B": (np.arange(3600, 5800, 0.8), ones, ones)})
    spectra = read(path)
    labels = compiled(tmp_path, row(TARGETID=39627866878511338, SUBCLASS="GAL"))
    found = [labels.of(spectrum) for spectrum in spectra]
    assert found[1].cls == "GALAXY"
    assert found[0] == found[2] == "not in the table of targets"


def test_target_listed_twice_with_the_same_label_is_no_matter(tmp_path, spectrum):
    one = row(PLATE=7102, MJD=56666, FIBERID=82, SUBCLASS="K", Z=0.0)
    table = Table({name: list(one[name]) * 2 for name in one.colnames})
    assert compiled(tmp_path, table).of(spectrum).index == INDEX["K"]


@pytest.mark.parametrize(("classes", "z"), [(["K", "M"], [0, 0]), (["QSO", "QSO"], [1.0, 2.0])])
def test_target_listed_twice_with_different_labels_is_left_out(tmp_path, spectrum, classes, z):
    table = Table({"PLATE": [7102] * 2, "MJD": [56666] * 2, "FIBERID": [82] * 2})
    table["SUBCLASS"], table["Z"] = classes, z
    assert compiled(tmp_path, table).of(spectrum) == (
        "the table of targets has it twice with different labels, in rows 1 and 2"
    )


def test_column_with_the_class_can_be_named(tmp_path, spectrum):
    table = row(PLATE=7102, MJD=56666, FIBERID=82, SUBCLASS="K", SUBCLASS_NEW="M")
    assert compiled(tmp_path, table, "subclass_new").of(spectrum).index == INDEX["M"]
    with pytest.raises(InputError, match="there is no column MINE; the columns are FIBERID"):
        compiled(tmp_path, table, "MINE")


@pytest.mark.parametrize(
    ("new", "subclass_new", "cls", "index", "z"),
    [
        ("GALAXY", "GAL", "GALAXY", INDEX["GAL"], 0.5),  # unchanged
        ("STAR", "", "STAR", -1, np.nan),  # a person says: a star, of unknown type
        ("QSO", "BAL", "QSO", INDEX["BAL"], np.nan),
        ("", "", "", -1, np.nan),  # doubted, and nothing suggested
    ],
)
def test_corrected_label_counts_as_a_whole(
    tmp_path, spectrum, new, subclass_new, cls, index, z
):
    table = Table(
        {
            "PLATE": [7102, 7102],
            "MJD": [56666, 56666],
            "FIBERID": [82, 83],
            "CLASS": ["GALAXY", "GALAXY"],
            "SUBCLASS": ["GAL", "GAL"],
            "Z": [0.5, 0.5],
            "CLASS_NEW": [new, "STAR"],
            "SUBCLASS_NEW": [subclass_new, "F"],
        }
    )
    label = compiled(tmp_path, table, "SUBCLASS_NEW").of(spectrum)
    assert (label.cls, label.index) == (cls, index)
    np.testing.assert_equal(label.z, z)
    assert compiled(tmp_path, table).of(spectrum).z == 0.5


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (row(PLATE=1, MJD=2, FIBERID=3, Z=1.0), "no column CLASS13, SUBCLASS or CLASS"),
        (row(SUBCLASS="K", RA=1.0), "nothing says which spectra its rows are"),
        (row(PLATE=1, MJD=2, FIBERID=3, SUBCLASS="STARBURST"), "none of the 13 classes"),
    ],
)
def test_tables_that_lack_something_say_what(tmp_path, table, message):
    with pytest.raises(InputError, match=message):
        compiled(tmp_path, table)


def test_many_rows_each_find_their_own(tmp_path):
    rng = np.random.default_rng(0)
    count = 100_000
    table = Table(
        {"PLATE": 4000 + np.arange(count) // 1000, "FIBERID": np.arange(count) % 1000}
    )
    table["FIBERID"] += 1
    table["MJD"] = 55000
    names = np.array(list(INDEX))
    table["SUBCLASS"] = names[rng.integers(0, 13, count)]
    table["OBJECT"] = [f"J{i:07d}" for i in range(count)]
    order = rng.permutation(count)
    labels = compiled(tmp_path, table[order])
    (spectrum,) = read(write_boss_spec(tmp_path / "a.fits", make_truth(200, mjd=55000)))
    for i in rng.integers(0, count, 200).tolist():
        spectrum.specobjid = None
        spectrum.plate, spectrum.fiberid = 4000 + i // 1000, i % 1000 + 1
        label = labels.of(spectrum)
        assert (names[label.index], label.object) == (table["SUBCLASS"][i], f"J{i:07d}")


def test_build_takes_labels_from_a_table(survey, tmp_path, arrays):
    table = Table({"PLATE": [3586] * 12, "MJD": [55181] * 12, "FIBERID": list(range(1, 13))})
    table["SUBCLASS"] = ["QSO", "BAL", "O", "B", "A", "F", "G", "K", "M", "L", "WD", "C"]
    table["TRUST"] = [3, 3, 3, 3, 3, 3, 2, 2, 1, 1, 0, 0]
    table["OBJECT"] = [f"T{i // 2}" for i in range(12)]
    table["Z"] = np.arange(12.0)
    targets = tmp_path / "t.csv"
    table.write(targets)
    out = tmp_path / "o.h5"
    summary = build(survey, out, targets=targets)
    assert summary.rows == 12
    assert summary.reasons == {"not in the table of targets": 18}
    got = arrays(out)
    assert got["class_index"].tolist() == list(range(12))
    assert got["object"].tolist() == [f"T{i // 2}".encode() for i in range(12)]
    assert got["z"].tolist() == list(range(12))
    assert got["trust"].tolist() == table["TRUST"].tolist()
    for name in set(got["object"].tolist()):
        assert len(set(got["split"][got["object"] == name].tolist())) == 1
    summary = build(survey, out, targets=targets, options=Options(min_trust=2))
    assert summary.rows == 8
    assert summary.reasons["trust 1 in its label is below 2"] == 2


def test_resume_with_another_table_is_refused(survey, tmp_path):
    targets = tmp_path / "t.csv"
    targets.write_text("PLATE,MJD,FIBERID,SUBCLASS\n3586,55181,1,QSO\n")

    def watch(state):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(survey, tmp_path / "o.h5", targets=targets, watch=watch)
    targets.write_text("PLATE,MJD,FIBERID,SUBCLASS\n3586,55181,1,BAL\n")
    with pytest.raises(
        InputError, match="cannot resume, because the table of --targets is not the same"
    ):
        build(survey, tmp_path / "o.h5", targets=targets, resume=True)


def test_table_of_the_shared_spectra(shared_data, tmp_path, arrays):
    import csv

    folder = shared_data / "spectra"
    with (folder / "labels.csv").open(newline="") as file:
        rows = {str(folder / row["path"]): row for row in csv.DictReader(file)}
    paths = sorted(rows)[::7]
    build(paths, tmp_path / "o.h5", targets=folder / "labels.csv")
    got = arrays(tmp_path / "o.h5")
    assert len(got["z"]) > 90
    for i, path in enumerate(got["file"].tolist()):
        row = rows[path.decode()]
        assert got["class_index"][i] == INDEX.get(row["class13"], -1)
        assert got["object"][i].decode() == row["object"]
        assert got["trust"][i] == int(row["trust"])


def test_class_and_subclass_as_a_survey_writes_them(tmp_path, spectrum):
    def label(**columns):
        table = Table({name: [value, "GALAXY"] for name, value in columns.items()})
        table["PLATE"], table["MJD"], table["FIBERID"] = [7102, 1], 56666, 82
        return compiled(tmp_path, table).of(spectrum)

    for cls, subclass, found in (
        ("STAR", "F3/F5V (30743)", "F"),
        ("GALAXY", "STARFORMING", "GAL"),
        ("GALAXY", "", "GAL"),
        ("QSO", "BROADLINE", "QSO"),
        ("STAR", "CV", None),
        ("QSO", "", None),  # a BAL or not
    ):
        said = label(CLASS=cls, SUBCLASS=subclass)
        assert said.cls == cls
        assert said.index == (INDEX[found] if found else -1)
    assert label(SPECTYPE="GALAXY", SUBTYPE="").index == INDEX["GAL"]
    assert label(CLASS="GALAXY").index == INDEX["GAL"]


@pytest.mark.parametrize("z", [-9.0, -1.0, np.nan, 999.0])
def test_numbers_that_stand_for_no_redshift(tmp_path, spectrum, z):
    table = row(PLATE=7102, MJD=56666, FIBERID=82, SUBCLASS="F", Z=z)
    assert np.isnan(compiled(tmp_path, table).of(spectrum).z)


def test_position_alone_names_a_spectrum(tmp_path, spectrum):
    arcsec = 1 / 3600
    table = Table(
        {
            "RAJ2000": [spectrum.ra, spectrum.ra, spectrum.ra + 1],
            "DEJ2000": spectrum.dec + np.array([0.8, -0.3, 0.0]) * arcsec,
            "SUBCLASS": ["F", "BAL", "K"],
        }
    )
    assert compiled(tmp_path, table).of(spectrum).index == INDEX["BAL"]
    table = row(ra=spectrum.ra, dec=spectrum.dec + 1.1 * arcsec, subclass="F")
    assert compiled(tmp_path, table).of(spectrum) == "not in the table of targets"
