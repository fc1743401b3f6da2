"""Several tables to one: joining, disagreement, objects, cuts, recipes, bad input."""

import numpy as np
import pytest

from factories import surveys
from factories.surveys import write_survey
from huggins.catalog import Settings, make_targets
from huggins.errors import InputError
from huggins.taxonomy import CLASSES


@pytest.fixture
def two(tmp_path):
    """A superset and a specObj with spectra 1 to 4 in both, and one more in each."""
    superset = write_survey(
        tmp_path / "superset.fits",
        surveys.DR12Q_SUPERSET,
        FIBERID=[1, 2, 3, 4, 5],
        CLASS_PERSON=[1, 3, 3, 0, 4],
        Z_CONF_PERSON=[3, 3, 1, 0, 3],
        Z_VI=[0.0, 2.4, 1.0, -1.0, 0.5],
        Z_PIPE=[0.0, 0.9, 1.0, 0.3, 0.5],
        THING_ID=[11, 12, 13, 14, 15],
        RA=[10.0, 20.0, 30.0, 40.0, 50.0],
    )
    specobj = write_survey(
        tmp_path / "specObj.fits",
        surveys.SPECOBJ,
        FIBERID=[6, 4, 3, 2, 1],
        CLASS=["STAR", "GALAXY", "QSO", "GALAXY", "STAR"],
        SUBCLASS=["M0V", "", "", "", "F9"],
        Z=[0.0, 0.3, 1.0, 0.9, 0.0001],
        ZWARNING=[0, 0, 4, 0, 0],
        PLUG_RA=[60.0, 40.0, 30.0, 20.0, 10.0],
        SN_MEDIAN_ALL=[6.0, 4.0, 3.0, 2.0, 1.0],
    )
    return superset, specobj


def by_fibre(rows, targets):
    return {row["FIBERID"]: row for row in rows(targets)}


def test_the_same_spectrum_is_one_row_and_the_more_trusted_label_wins(two, rows):
    said = by_fibre(rows, make_targets(two))
    assert list(said) == [1, 2, 5, 6, 4, 3]  # order of the tables, of the winning rows
    assert said[2]["SUBCLASS"] == "QSO"
    assert said[2]["Z"] == 2.4
    assert said[2]["CATALOG"] == "DR12Q_Superset"
    assert said[2]["CATALOGS"] == "DR12Q_Superset specObj"
    assert said[2]["CONFLICT"] == "class z"
    assert said[2]["OTHER_CATALOG"] == "specObj"
    assert said[2]["OTHER_CLASS"] == "GALAXY"
    assert said[2]["OTHER_SUBCLASS"] == "GAL"
    assert said[2]["OTHER_Z"] == pytest.approx(0.9)
    # Confidence 1 of a person is trusted less than a pipeline with a warning.
    assert said[3]["CATALOG"] == "specObj"
    assert said[3]["TRUST"] == 1
    assert said[3]["CONFLICT"] == ""
    # Nobody looked: the pipeline's label is the only one, and no disagreement.
    assert said[4]["CATALOG"] == "specObj"
    assert said[4]["CONFLICT"] == ""
    assert said[5]["CATALOGS"] == "DR12Q_Superset"
    assert said[6]["CATALOGS"] == "specObj"


def test_what_the_winner_does_not_know_the_others_tell(two, rows):
    said = by_fibre(rows, make_targets(two))
    assert said[2]["RUN2D"] == "v5_7_0"
    assert said[2]["SN_MEDIAN"] == 2.0
    assert said[2]["SPECOBJID"] == str(7102 << 50 | 2 << 38 | 6666 << 24 | 700 << 10)
    assert said[4]["THING_ID"] == 14  # from the loser
    assert said[5]["RUN2D"] == ""
    assert said[5]["SPECOBJID"] == ""


def test_a_star_that_a_person_recognised_gets_its_type_from_the_pipeline(two, rows):
    star = by_fibre(rows, make_targets(two))[1]
    assert (star["CLASS"], star["SUBCLASS"]) == ("STAR", "F")
    assert star["LABEL_FROM"] == "visual, type by pipeline"
    assert star["TRUST"] == 2
    assert star["Z_FROM"] == "Z_VI"


def test_a_person_who_could_not_tell_does_not_outdo_the_pipeline(tmp_path, rows):
    superset = write_survey(
        tmp_path / "s.fits", surveys.DR12Q_SUPERSET, CLASS_PERSON=[50], Z_CONF_PERSON=[3]
    )
    specobj = write_survey(tmp_path / "o.fits", surveys.SPECOBJ, CLASS=["STAR"])
    (row,) = rows(make_targets([superset, specobj]))
    assert (row["SUBCLASS"], row["TRUST"], row["CATALOG"]) == ("F", 2, "specObj")


def test_the_order_of_the_tables_does_not_change_what_a_spectrum_is(two, rows):
    names = ("FIBERID", "CLASS", "SUBCLASS", "Z", "TRUST", "CONFLICT", "OBJECT", "SN_MEDIAN")
    one = sorted(rows(make_targets(two), *names), key=lambda r: r["FIBERID"])
    other = sorted(rows(make_targets(two[::-1]), *names), key=lambda r: r["FIBERID"])
    assert one == other


def test_objects_by_thing_id_and_by_position(tmp_path, rows):
    near = 0.5 / 3600.0
    path = write_survey(
        tmp_path / "spAll.fits",
        surveys.SPECOBJ,
        FIBERID=[1, 2, 3, 4, 5, 6, 7],
        PLUG_RA=[10.0, 200.0, 30.0, 30.0 + near, 40.0, 40.0 + near, 40.0 + 2 * near],
        PLUG_DEC=[1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0],
        THING_ID=("J", [77, 77, 5, 6, -1, -1, 9]),
    )
    objects = [r["OBJECT"] for r in rows(make_targets([path]), "OBJECT")]
    assert objects[0] == objects[1] == "T77"  # however far apart
    assert objects[2] != objects[3]  # the survey says that they are two
    assert objects[4] == objects[5] == objects[6] == "T9"
    lonely = write_survey(
        tmp_path / "one.fits", surveys.SPECOBJ, PLUG_RA=[359.99999], FIBERID=[1]
    )
    assert rows(make_targets([lonely]), "OBJECT") == [{"OBJECT": "J000.00000+01.00000"}]


def test_a_position_of_zeros_or_beyond_the_sky_is_no_position(tmp_path, rows):
    path = write_survey(
        tmp_path / "spAll.fits",
        surveys.SPECOBJ,
        FIBERID=[1, 2, 3],
        PLUG_RA=[0.0, 0.0, -999.0],
        PLUG_DEC=[0.0, 0.0, -999.0],
    )
    said = rows(make_targets([path]), "OBJECT", "RA")
    assert [r["OBJECT"] for r in said] == ["S7102-56666-1", "S7102-56666-2", "S7102-56666-3"]
    assert {r["RA"] for r in said} == {None}


def test_radius_is_an_option(tmp_path, rows):
    path = write_survey(
        tmp_path / "s.fits", surveys.SPECOBJ, FIBERID=[1, 2], PLUG_RA=[10.0, 10.0 + 3 / 3600]
    )
    wide = rows(make_targets([path], Settings(radius=5.0)), "OBJECT")
    assert wide[0] == wide[1]
    narrow = rows(make_targets([path]), "OBJECT")
    assert narrow[0] != narrow[1]


def test_cuts_are_in_columns_of_the_result(two, rows):
    kept = make_targets(two, Settings(where="TRUST >= 2 and CONFLICT != '' or SUBCLASS == 'M'"))
    assert {r["FIBERID"] for r in rows(kept)} == {2, 6}
    with pytest.raises(InputError, match="holds for none of 6 targets"):
        make_targets(two, Settings(where="Z > 7"))
    with pytest.raises(InputError, match="no column 'sn'"):
        make_targets(two, Settings(where="sn > 7"))


def many(tmp_path, n=600):
    rng = np.random.default_rng(5)
    types = np.array(["A0", "F5", "M0V", "K3"])
    return write_survey(
        tmp_path / "many.fits",
        surveys.SPECOBJ,
        FIBERID=np.arange(1, n + 1),
        SUBCLASS=types[rng.choice(4, n, p=[0.7, 0.2, 0.09, 0.01])],
        PLUG_RA=rng.uniform(0, 360, n),
    )


def test_balance_keeps_at_most_n_a_class_and_more_keeps_what_fewer_chose(tmp_path, rows):
    path = many(tmp_path)
    everything = rows(make_targets([path]), "SUBCLASS", "FIBERID")
    size = {c: sum(r["SUBCLASS"] == c for r in everything) for c in CLASSES}
    chosen = {}
    for n in (10, 50):
        kept = rows(make_targets([path], Settings(per_class=n, seed=3)), "SUBCLASS", "FIBERID")
        for name in ("A", "F", "M", "K"):
            assert sum(r["SUBCLASS"] == name for r in kept) == min(n, size[name])
        chosen[n] = {r["FIBERID"] for r in kept}
    assert chosen[10] < chosen[50]
    other = {r["FIBERID"] for r in rows(make_targets([path], Settings(per_class=10, seed=4)))}
    assert other != chosen[10]
    again = {r["FIBERID"] for r in rows(make_targets([path], Settings(per_class=10, seed=3)))}
    assert again == chosen[10]


def test_balance_is_fair_over_fibres(tmp_path, rows):
    kept = rows(make_targets([many(tmp_path)], Settings(per_class=100)), "SUBCLASS", "FIBERID")
    fibres = [r["FIBERID"] for r in kept if r["SUBCLASS"] == "A"]
    # 100 of 420 at random: the mean is uniform's within 4 sigma (12.9 each).
    assert abs(np.mean(fibres) - 300) < 4 * 600 / np.sqrt(12 * 100)


def test_balance_needs_a_number_and_classes(tmp_path):
    with pytest.raises(InputError, match="not above 0"):
        make_targets([many(tmp_path)], Settings(per_class=0))
    path = write_survey(tmp_path / "none.fits", surveys.SPECOBJ, SUBCLASS=["CV"])
    with pytest.raises(InputError, match="no target has one of the 13"):
        make_targets([path], Settings(per_class=3))


def test_the_seeds_recipe(tmp_path, rows):
    dr14q = write_survey(
        tmp_path / "DR14Q.fits", surveys.DR14Q, FIBERID=[1, 2], BI_CIV=[0.0, 99.0]
    )
    specobj = write_survey(
        tmp_path / "specObj.fits",
        surveys.SPECOBJ,
        FIBERID=[3, 4, 5, 1],
        CLASS=["STAR", "STAR", "GALAXY", "QSO"],
        SUBCLASS=["A0", "CV", "", ""],
    )
    old = write_survey(tmp_path / "sdss.fits", surveys.SPECOBJ, RUN2D=["26"], FIBERID=[9])
    superset = write_survey(
        tmp_path / "superset.fits",
        surveys.DR12Q_SUPERSET,
        FIBERID=[6, 7, 8],
        CLASS_PERSON=[4, 4, 1],
        Z_CONF_PERSON=[3, 2, 3],
    )
    targets = make_targets([dr14q, specobj, old, superset], Settings(recipe="seed"))
    said = {r["FIBERID"]: r["SUBCLASS"] for r in rows(targets)}
    assert said == {1: "QSO", 2: "BAL", 3: "A", 6: "GAL"}
    with pytest.raises(InputError, match="missing: DR12Q_Superset"):
        make_targets([dr14q, specobj], Settings(recipe="seed"))
    dr12q = write_survey(tmp_path / "DR12Q.fits", surveys.DR12Q)
    with pytest.raises(InputError, match="not of it: DR12Q"):
        make_targets([dr14q, specobj, superset, dr12q], Settings(recipe="seed"))
    with pytest.raises(InputError, match="there is no 'fruit'; there are seed"):
        make_targets([dr14q], Settings(recipe="fruit"))


def test_a_spectrum_twice_in_one_table_is_refused_or_the_first_is_taken(tmp_path, rows):
    path = write_survey(
        tmp_path / "s.fits",
        surveys.SPECOBJ,
        FIBERID=[1, 2, 1, 3],
        SUBCLASS=["A0", "F5", "M0V", "K1"],
        PLUG_RA=[1.0, 2.0, 3.0, 4.0],
    )
    with pytest.raises(InputError, match="7102-56666-1 in rows 1 and 3; --duplicates first"):
        make_targets([path])
    kept = rows(make_targets([path], Settings(duplicates="first")), "FIBERID", "SUBCLASS")
    assert [tuple(r.values()) for r in kept] == [(1, "A"), (2, "F"), (3, "K")]
    with pytest.raises(InputError, match="none of error, first"):
        make_targets([path], Settings(duplicates="last"))


def test_rows_of_the_second_table_are_counted_from_its_own_first(tmp_path):
    one = write_survey(tmp_path / "a.fits", surveys.SPECOBJ, FIBERID=[1, 2, 3])
    two = write_survey(tmp_path / "b.fits", surveys.SPECOBJ, FIBERID=[1, 7, 7])
    with pytest.raises(
        InputError, match=r"b.fits: 1 rows repeat .* 7102-56666-7 in rows 2 and 3"
    ):
        make_targets([one, two])


def test_one_spectrum_reduced_twice_is_one_row(tmp_path, rows):
    path = write_survey(
        tmp_path / "s.fits",
        surveys.SPECOBJ,
        FIBERID=[1, 1],
        RUN2D=["26", "103"],
        ZWARNING=[4, 0],
    )
    assert [r["RUN2D"] for r in rows(make_targets([path]))] == ["103"]


def test_missing_columns_are_named_and_those_there_are(tmp_path):
    path = write_survey(tmp_path / "q.fits", surveys.DR14Q, drop=("BI_CIV", "SOURCE_Z"))
    with pytest.raises(InputError) as error:
        make_targets([path])
    assert "nearest is DR14Q" in str(error.value)
    assert "no SOURCE_Z, BI_CIV" in str(error.value)
    assert "SDSS_NAME" in str(error.value)
    assert "--map" in str(error.value)
    with pytest.raises(InputError, match="as DR14Q it needs the columns SOURCE_Z, BI_CIV"):
        make_targets([path], Settings(kind=("dr14q",)))
    with pytest.raises(InputError, match="'DR99Q' is no kind"):
        make_targets([path], Settings(kind=("DR99Q",)))
    with pytest.raises(InputError, match="given 2 times for 1 tables"):
        make_targets([path], Settings(kind=("DR14Q", "DR14Q")))
    with pytest.raises(InputError, match="no survey table"):
        make_targets([])


def test_identifiers_that_overflow_are_refused(tmp_path):
    path = write_survey(tmp_path / "s.fits", surveys.SPECOBJ, FIBERID=[1, 2**30])
    with pytest.raises(InputError, match=r"s.fits: row 2: FIBERID 1073741824 overflows"):
        make_targets([path])


def test_masked_values_are_missing_values(tmp_path, rows):
    path = tmp_path / "t.csv"
    path.write_text("type,z,sn,plate,mjd,fib\nQSO,,--,1,55000,\nF,nan,2.5,1,55000,2\n")
    columns = {
        "class": "TYPE",
        "z": "Z",
        "sn": "SN",
        "plate": "PLATE",
        "mjd": "MJD",
        "fiberid": "FIB",
    }
    said = rows(
        make_targets([path], Settings(columns=columns)), "Z", "SN_MEDIAN", "FIBERID", "OBJECT"
    )
    assert said == [
        {"Z": None, "SN_MEDIAN": None, "FIBERID": None, "OBJECT": "R1"},
        {"Z": None, "SN_MEDIAN": 2.5, "FIBERID": 2, "OBJECT": "S1-55000-2"},
    ]


def test_a_table_of_the_users_own(tmp_path, rows):
    path = tmp_path / "mine.csv"
    path.write_text(
        "ID,MYCLASS,MYZ,R,D,W\n1,QSO,2.5,10.0,1.0,0\n2,BAL,2.6,11.0,1.0,4\n"
        "3,WD,0.0,12.0,1.0,0\n4,STAR,0,12.0,1.00001,0\n5,galaxy,0.3,13.0,1.0,\n6,??,1,14.0,1.0,0\n"
    )
    columns = {
        "class": "MYCLASS", "z": "MYZ", "ra": "R", "dec": "D", "zwarning": "W",
        "targetid": "ID",
    }  # fmt: skip
    said = rows(make_targets([path], Settings(columns=columns)))
    assert [r["SUBCLASS"] for r in said] == ["QSO", "BAL", "WD", "", "GAL", ""]
    assert [r["TRUST"] for r in said] == [2, 1, 2, 2, 0, 0]
    assert [r["BAL"] for r in said] == [None, 1, None, None, None, None]
    assert said[2]["OBJECT"] == said[3]["OBJECT"]
    assert said[0]["Z_FROM"] == "MYZ"
    assert said[0]["CATALOG"] == "mine.csv"
    sure = make_targets([path], Settings(columns={**columns, "trust": "3"}))
    assert sure.get("TRUST").tolist() == [3, 3, 3, 3, 3, 0]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"z": "MYZ"}, "which column is the class"),
        ({"class": "NOPE"}, "needs the columns NOPE"),
        ({"class": "MYZ", "colour": "MYZ"}, "'colour' is no role"),
        ({"class": "MYZ", "ra": "MYZ"}, "ra and dec go together"),
        ({"class": "MYZ", "trust": "MYZ"}, "trust 7 is none of"),
        ({"class": "MYZ", "z": "WORD"}, "row 1: column WORD holds 'x'"),
    ],
)
def test_a_mapping_that_makes_no_sense(tmp_path, columns, message):
    path = tmp_path / "mine.csv"
    path.write_text("MYZ,WORD\n7,x\n")
    with pytest.raises(InputError, match=message):
        make_targets([path], Settings(columns=columns))


def test_the_public_list_of_spectra_with_known_class(shared_data, rows):
    columns = {
        "class": "CLASS13", "z": "Z", "plate": "PLATE", "mjd": "MJD", "fiberid": "FIBER",
        "trust": "2",
    }  # fmt: skip
    path = shared_data / "known_spectra.csv"
    with pytest.raises(InputError, match="17 rows repeat a spectrum"):
        make_targets([path], Settings(columns=columns))
    said = rows(make_targets([path], Settings(columns=columns, duplicates="first")))
    lines = path.read_text().splitlines()[1:]
    assert len(said) == len({tuple(map(int, line.split(",")[:3])) for line in lines})
    first = said[0]
    assert (first["PLATE"], first["SUBCLASS"], first["Z"]) == (3586, "C", 0.000415)
    assert {row["SUBCLASS"] for row in said} - {""} <= set(CLASSES)


def test_a_users_table_twice_with_rows_to_fill(tmp_path, rows):
    path = tmp_path / "mine.csv"
    path.write_text("c,s,p,m,f\nSTAR,,1,55000,2\nSTAR,F5,1,55000,2\n")
    columns = {"class": "C", "subclass": "S", "plate": "P", "mjd": "M", "fiberid": "F"}
    (row,) = rows(make_targets([path], Settings(columns=columns, duplicates="first")))
    assert (row["SUBCLASS"], row["LABEL_FROM"]) == ("F", "")
