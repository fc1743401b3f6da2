import numpy as np
import pytest

from huggins.errors import InputError
from huggins.evaluate.sample import find_roles, join
from huggins.tables.columns import Columns, from_lists
from huggins.tables.match import match
from huggins.tables.read import read_columns
from made_up_table import Case, write_results, write_truth


def truth(**columns):
    return Columns("truth.csv", from_lists(columns))


def test_roles_are_columns_of_their_name_whatever_its_case():
    table = truth(Class3=["STAR"], Z=[0.0], PLATE=[1], other=[1])
    assert find_roles(table) == {"class3": "Class3", "z": "Z", "plate": "PLATE"}


def test_the_exact_name_wins_and_given_ones_win_over_all():
    table = truth(class3=["STAR"], z=[0.0], Z_VI=[0.1], Z=[0.2])
    assert find_roles(table)["z"] == "z"
    assert find_roles(table, {"z": "Z_VI"})["z"] == "Z_VI"


@pytest.mark.parametrize(
    ("columns", "given", "complaint"),
    [
        ({"class3": ["STAR"], "Ra": [1], "RA": [1]}, {}, "Ra and RA could both be 'ra'"),
        ({"class3": ["STAR"]}, {"colour": "x"}, "'colour' is no role"),
        ({"class3": ["STAR"]}, {"z": "Z_VI"}, "no column 'Z_VI' to be 'z'; there are class3"),
        ({"z": [1]}, {}, "no column with the class"),
    ],
)
def test_roles_that_cannot_be(columns, given, complaint):
    with pytest.raises(InputError, match=complaint):
        find_roles(truth(**columns), given)


def sample_of(tmp_path, cases, labels=None, *, desi=False, **options):
    results = read_columns(write_results(tmp_path / "r.fits", cases, desi=desi))
    labels = labels or read_columns(write_truth(tmp_path / "t.csv", cases))
    roles = find_roles(labels)
    return join(results, labels, roles, match(results, labels, roles), **options)


def test_columns_as_people_have_them(tmp_path):
    paths = [f"boss/spec-{i:04d}.fits" for i in range(6)]
    labels = truth(
        FileName=paths,
        CLASS=["STAR", "GALAXY", "QSO", "QSO", "STAR", "UNKNOWN"],
        SUBCLASS=["F3/F5V (30743)", "STARFORMING", "BROADLINE", "", "CV", ""],
        Redshift=[-0.0001, 0.1, -9.0, 999.0, np.nan, 1.0],
    )
    sample = sample_of(tmp_path, [Case()] * 6, labels)
    assert sample.true_class.tolist() == ["STAR", "GALAXY", "QSO", "QSO", "STAR", ""]
    assert sample.true_subclass.tolist() == ["F", "GAL", "QSO", "", "", ""]
    np.testing.assert_array_equal(sample.true_z, [-0.0001, 0.1, np.nan, np.nan, np.nan, 1.0])
    labels = truth(path=paths[:3], subclass=["F3/F5V (30743)", "BAL", "GALAXY"])
    sample = sample_of(tmp_path, [Case()] * 6, labels)
    assert sample.true_class.tolist() == ["STAR", "QSO", "GALAXY"]
    assert sample.true_subclass.tolist() == ["F", "BAL", "GAL"]


def test_results_and_truth_stand_side_by_side(tmp_path):
    cases = [
        Case(true="BAL", predicted="QSO", prob=0.7, z=2.1, z_true=2.0, zwarning=4),
        Case(true="SKY", predicted="M", z_true=None),
        Case(true="UNKNOWN", predicted="F"),
        Case(true="F", predicted="", error="no good pixel", z=None),
    ]
    sample = sample_of(tmp_path, cases, groups=("survey",))
    assert sample.true_class.tolist() == ["QSO", "SKY", "", "STAR"]
    assert sample.true_subclass.tolist() == ["BAL", "", "", "F"]
    assert sample.cls.tolist() == ["QSO", "STAR", "STAR", ""]
    assert sample.classed.tolist() == [True, False, False, True]
    assert sample.typed.tolist() == [True, False, False, True]
    # What is left of a quasar's 0.7 goes to the class before it, a galaxy.
    assert sample.probability[0] == pytest.approx(0.7)
    assert sample.class_probability[0] == pytest.approx(0.7)
    assert sample.quasar_probability[0] == pytest.approx(0.7)
    assert sample.class_probability[2] == pytest.approx(1.0)  # 0.9 F and 0.1 A
    assert np.isnan(sample.probability[3])
    assert np.isnan(sample.quasar_probability[3])
    assert sample.z[0] == pytest.approx(2.1)
    assert np.isnan(sample.true_z[1])
    assert sample.zwarning.tolist() == [4, 0, 0, 0]
    assert sample.groups["survey"].tolist() == ["BOSS"] * 4
    assert sample.error[3] == "no good pixel"


def test_names_of_desi_are_understood(tmp_path):
    sample = sample_of(tmp_path, [Case(zwarning=4)], desi=True)
    assert (sample.cls[0], sample.zwarning[0], sample.z_err[0]) == (
        "QSO", 4, pytest.approx(0.001),
    )  # fmt: skip


def test_the_filter_knows_columns_of_both_tables(tmp_path):
    cases = [Case(sn=1.0), Case(sn=20.0), Case(true="F", predicted="F", sn=30.0)]
    kept = sample_of(tmp_path, cases, where="class3 == 'QSO' and SN_MEDIAN > 10")
    assert kept.row.tolist() == [1]
    with pytest.raises(InputError, match="holds for none of the 3 matched rows"):
        sample_of(tmp_path, cases, where="class3 == 'GALAXY'")


def test_subclass_strings_stand_in_for_the_13_classes(tmp_path):
    labels = truth(
        path=["boss/spec-0000.fits", "boss/spec-0001.fits", "boss/spec-0002.fits"],
        class3=["star", "Galaxy", "qso"],
        subclass=["F3/F5V (30743)", "", "BROADLINE"],
    )
    sample = sample_of(tmp_path, [Case(), Case(), Case()], labels)
    assert sample.true_class.tolist() == ["STAR", "GALAXY", "QSO"]
    assert sample.true_subclass.tolist() == ["F", "GAL", "QSO"]


def test_the_13_classes_imply_the_broad_ones(tmp_path):
    labels = truth(path=["boss/spec-0000.fits", "boss/spec-0001.fits"], class13=["BAL", "SKY"])
    sample = sample_of(tmp_path, [Case(), Case()], labels)
    assert sample.true_class.tolist() == ["QSO", "SKY"]


def test_a_truth_that_contradicts_itself_is_refused(tmp_path):
    labels = truth(path=["boss/spec-0000.fits"], class3=["STAR"], class13=["QSO"])
    with pytest.raises(InputError, match=r"row 1 contradict .* STAR, .* QSO;"):
        sample_of(tmp_path, [Case()], labels)


def test_a_table_of_something_else_is_refused():
    table = Columns("other.csv", from_lists({"FILE": ["a"], "INDEX": [0], "CLASS": ["QSO"]}))
    labels = truth(path=["a"], class3=["QSO"])
    roles = find_roles(labels)
    with pytest.raises(InputError, match="it has no SUBCLASS, ZWARNING"):
        join(table, labels, roles, match(table, labels, roles))


def test_impossible_probabilities_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"outside 0 to 1, such as 1\.5"):
        sample_of(tmp_path, [Case(prob=1.5)])
