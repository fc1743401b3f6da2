"""Each survey's table: what its columns become."""

import pytest

from factories import surveys
from factories.surveys import write_survey
from huggins.catalog import Settings, make_targets


def labels(targets):
    names = ("CLASS", "SUBCLASS", "BAL", "TRUST", "LABEL_FROM")
    columns = [
        targets.text(n).tolist() if targets.is_text(n) else targets.get(n).tolist()
        for n in names
    ]
    return list(zip(*columns, strict=True))


def test_superset_of_dr12q(tmp_path, rows):
    path = write_survey(
        tmp_path / "Superset_DR12Q.fits",
        surveys.DR12Q_SUPERSET,
        FIBERID=[1, 2, 3, 4, 5, 6, 7],
        RA=[10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0],
        CLASS_PERSON=[1, 3, 4, 30, 0, 3, 50],
        Z_CONF_PERSON=[3, 3, 2, 3, 0, 1, 3],
        Z_VI=[0.0, 2.4, 0.7, 2.5, -1.0, 1.1, 0.3],
        Z_PIPE=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7],
        ZWARNING=[0, 4, 0, 0, 0, 0, 0],
        THING_ID=[100, 101, 102, 103, -1, 105, 106],
    )
    targets = make_targets([path])
    assert labels(targets) == [
        ("STAR", "", -1, 3, "visual"),
        ("QSO", "QSO", 0, 3, "visual"),
        ("GALAXY", "GAL", -1, 1, "visual"),  # Z_CONF_PERSON 2: a person in doubt
        ("QSO", "BAL", 1, 3, "visual"),
        ("", "", -1, 0, ""),  # nobody looked
        ("QSO", "QSO", -1, 0, "visual"),  # C IV out of range, confidence 1
        ("", "", -1, 0, "visual"),  # a code that stands for no class
    ]
    said = rows(targets, "Z", "Z_FROM", "Z_ERR", "ZWARNING", "THING_ID", "CATALOG", "SURVEY")
    assert [r["Z"] for r in said] == pytest.approx([0.0, 2.4, 0.7, 2.5, 0.5, 1.1, 0.3])
    assert [r["Z_FROM"] for r in said] == ["Z_VI"] * 4 + ["Z_PIPE"] + ["Z_VI"] * 2
    assert said[4]["Z_ERR"] == pytest.approx(1e-4)
    assert said[0]["Z_ERR"] is None
    assert said[1]["ZWARNING"] == 4
    assert said[4]["THING_ID"] is None
    assert said[0]["CATALOG"] == "DR12Q_Superset"
    assert said[0]["SURVEY"] == "BOSS"


def test_bal_is_unknown_where_eye_and_index_disagree(tmp_path):
    path = write_survey(
        tmp_path / "s.fits",
        surveys.DR12Q_SUPERSET,
        FIBERID=[1, 2, 3, 4, 5],
        CLASS_PERSON=[30, 30, 3, 3, 3],
        Z_CONF_PERSON=[3, 3, 3, 3, 3],
        Z_VI=[2.4, 2.4, 2.4, 2.4, 1.0],
        BAL_FLAG_VI=("I", [1, 1, 0, 0, 0]),
        BI_CIV=("D", [500.0, 0.0, 300.0, 0.0, 0.0]),
    )
    assert labels(make_targets([path], Settings(kind=("DR12Q_Superset",)))) == [
        ("QSO", "BAL", 1, 3, "visual"),
        ("QSO", "", -1, 3, "visual"),
        ("QSO", "", -1, 3, "visual"),
        ("QSO", "QSO", 0, 3, "visual"),
        ("QSO", "QSO", -1, 3, "visual"),  # C IV is not in range: nobody could see
    ]


def test_dr12q(tmp_path, rows):
    path = write_survey(
        tmp_path / "DR12Q.fits",
        surveys.DR12Q,
        FIBERID=[1, 2, 3, 4],
        BAL_FLAG_VI=[1, 0, 1, 0],
        BI_CIV=[100.0, 0.0, 0.0, 50.0],
        SNR_SPEC=[1.5, 2.5, 3.5, 4.5],
    )
    targets = make_targets([path])
    assert [label[1:3] for label in labels(targets)] == [
        ("BAL", 1),
        ("QSO", 0),
        ("", -1),
        ("", -1),
    ]
    said = rows(targets, "SN_MEDIAN", "NOTE", "CATALOG")
    assert [r["SN_MEDIAN"] for r in said] == [1.5, 2.5, 3.5, 4.5]
    assert said[2]["NOTE"] == "indicators of broad absorption disagree"
    assert said[0]["CATALOG"] == "DR12Q"


def test_dr14q(tmp_path, rows):
    path = write_survey(
        tmp_path / "DR14Q_v4_4.fits",
        surveys.DR14Q,
        FIBERID=[1, 2, 3, 4],
        SOURCE_Z=["VI", "PIPE", "AUTO", "OTHER"],
        ZWARNING=[4, 0, 4, 0],
        Z=[2.3, 1.0, 2.6, 0.5],
        BI_CIV=[10.0, 0.0, 0.0, 0.0],
        SPECTRO=["BOSS", "BOSS", "BOSS", "SDSS"],
    )
    targets = make_targets([path])
    assert labels(targets) == [
        ("QSO", "BAL", 1, 3, "visual"),
        ("QSO", "QSO", -1, 2, "pipeline"),
        ("QSO", "QSO", 0, 1, "pipeline"),
        ("QSO", "QSO", -1, 2, "pipeline"),
    ]
    said = rows(targets, "Z_FROM", "SURVEY", "Z_ERR")
    assert [r["Z_FROM"] for r in said] == ["Z (VI)", "Z (PIPE)", "Z (AUTO)", "Z (OTHER)"]
    assert said[3]["SURVEY"] == "SDSS"
    assert said[0]["Z_ERR"] == pytest.approx(1e-4)


def test_superset_of_dr16q(tmp_path, rows):
    path = write_survey(
        tmp_path / "DR16Q_Superset_v3.fits",
        surveys.DR16Q_SUPERSET,
        FIBERID=list(range(1, 12)),
        CLASS_PERSON=[1, 3, 30, -1, -1, -1, -1, -1, -1, 4, -1],
        Z_CONF=[3, 3, 2, -1, -1, -1, -1, -1, -1, 3, -1],
        IS_QSO_FINAL=[0, 1, 1, 1, 0, 0, 2, -2, 1, 0, 1],
        AUTOCLASS_PQN=[
            "UNK", "QSO", "QSO", "QSO", "STAR", "GALAXY", "QSO", "QSO", "QSO", "UNK", "QSO",
        ],
        SOURCE_Z=["VI"] * 3 + ["PIPE"] * 5 + ["DR12QV", "VI", "PIPE"],
        ZWARNING=[0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0],
        Z=[0.0, 2.3, 2.3, 2.3, 0.0, 0.4, 1.0, 1.0, 2.3, 0.5, 1.9],
        BAL_PROB=[-1, 0.0, 0.9, 0.6, -1, -1, -1, -1, 0.0, -1, 0.1],
        BI_CIV=[-1, 0.0, 900.0, 20.0, -1, -1, -1, -1, 0.0, -1, 0.0],
        IS_QSO_10K=[-1] * 10 + [1],
        Z_CONF_10K=[-1] * 10 + [3],
    )  # fmt: skip
    targets = make_targets([path])
    assert labels(targets) == [
        ("STAR", "", -1, 3, "visual"),
        ("QSO", "QSO", 0, 3, "visual"),
        ("QSO", "BAL", 1, 1, "visual"),
        ("QSO", "", -1, 2, "pipeline"),  # BI_CIV above 0, BAL_PROB only 0.6
        ("STAR", "", -1, 1, "pipeline"),
        ("GALAXY", "GAL", -1, 2, "pipeline"),
        ("", "", -1, 0, ""),  # ambiguous
        ("", "", -1, 0, ""),  # bad spectrum
        ("QSO", "QSO", 0, 2, "visual"),  # of DR12Q, confidence not in this table
        ("GALAXY", "GAL", -1, 3, "visual"),
        ("QSO", "QSO", 0, 3, "visual"),  # of the set inspected at random
    ]
    said = rows(targets, "CATALOG", "SN_MEDIAN", "Z_FROM")
    assert {r["CATALOG"] for r in said} == {"DR16Q_Superset"}
    assert said[8]["Z_FROM"] == "Z (DR12QV)"
    assert said[0]["SN_MEDIAN"] == 4.0


def test_dr16q_proper_is_told_from_its_superset(tmp_path, rows):
    path = write_survey(tmp_path / "DR16Q_v4.fits", surveys.DR16Q, FIBERID=[1])
    assert rows(make_targets([path]), "CATALOG") == [{"CATALOG": "DR16Q"}]


def test_specobj_and_all_forms_of_a_star(tmp_path, rows):
    stars = {
        "F3/F5V (30743)": "F", "A0IVn (25642)": "A", "sd:F0 (G_84-29)": "F", "WDhotter": "WD",
        "WDcooler": "WD", "WDmagnetic": "WD", "CalciumWD": "WD", "Carbon": "C",
        "Carbon_lines": "C", "CV": "", "L5": "L", "Ldwarf": "L", "M0V": "M", "OB": "O",
        "T2": "", "B6": "B", "G0": "G", "K3": "K", "": "",
    }  # fmt: skip
    path = write_survey(
        tmp_path / "specObj-dr15.fits",
        surveys.SPECOBJ,
        FIBERID=list(range(1, len(stars) + 1)),
        SUBCLASS=list(stars),
        PLUG_RA=[10.0 + 0.1 * i for i in range(len(stars))],
    )
    targets = make_targets([path])
    assert targets.text("SUBCLASS").tolist() == list(stars.values())
    assert set(targets.text("CLASS").tolist()) == {"STAR"}
    first = rows(targets)[0]
    assert first["SPECOBJID"] == str(7102 << 50 | 1 << 38 | (56666 - 50000) << 24 | 700 << 10)
    assert first["LABEL"] == "STAR F3/F5V (30743)"
    assert first["SURVEY"] == "BOSS"
    assert first["SN_MEDIAN"] == 8.0


def test_specobj_classes_warnings_and_empty_fibres(tmp_path, rows):
    path = write_survey(
        tmp_path / "specObj.fits",
        surveys.SPECOBJ,
        FIBERID=[1, 2, 3, 4, 5],
        CLASS=["QSO", "GALAXY", "GALAXY", "STAR", "QSO"],
        SUBCLASS=["BROADLINE", "", "STARFORMING", "F9", ""],
        OBJTYPE=["QSO", "GALAXY", "SKY", "QSO", "QSO"],
        ZWARNING=[0, 4, 1, 128, 16],
        RUN2D=["26", "v5_10_0", "26", "103", "104"],
        PLATE=[751, 11000, 751, 2000, 2900],
    )
    targets = make_targets([path])
    assert labels(targets) == [
        ("QSO", "QSO", -1, 2, "pipeline"),
        ("GALAXY", "GAL", -1, 1, "pipeline"),
        ("", "", -1, 0, "pipeline"),
        ("", "", -1, 0, "pipeline"),
        ("QSO", "QSO", -1, 1, "pipeline"),
    ]
    said = rows(targets, "SURVEY", "NOTE", "Z", "SPECOBJID")
    assert [r["SURVEY"] for r in said] == ["SDSS", "BOSS", "SDSS", "SDSS", "SDSS"]
    assert said[2]["NOTE"] == "no source in the fibre"
    assert said[2]["Z"] is None
    # Beyond plate 8191 the number passes 2^63 and a signed one would turn negative.
    assert int(said[1]["SPECOBJID"]) == (11000 << 50 | 2 << 38 | 6666 << 24 | 1000 << 10)
    assert int(said[1]["SPECOBJID"]) > 2**63


def test_targets_that_eboss_gives_no_type_keep_their_class(tmp_path, rows):
    path = write_survey(
        tmp_path / "spAll.fits",
        surveys.SPECOBJ,
        FIBERID=[1, 2, 3],
        CLASS=["QSO", "QSO", "GALAXY"],
        SUBCLASS=["", "", ""],
        OBJTYPE=["NA", "NA", "SKY"],
        ZWARNING=[0, 128, 0],  # the second was not plugged
        RUN2D=["v5_13_2"] * 3,
    )
    assert labels(make_targets([path])) == [
        ("QSO", "QSO", -1, 2, "pipeline"),
        ("", "", -1, 0, "pipeline"),
        ("", "", -1, 0, "pipeline"),
    ]


def test_specobjall_of_the_archive_server(tmp_path, rows):
    path = tmp_path / "specObjAll_user.csv"
    path.write_text(
        "specObjID,plate,mjd,fiberID,run2d,ra,dec,class,subClass,z,zErr,zWarning,snMedian,"
        "sourceType\n"
        "299489676975171584,266,51602,1,26,146.7,-1.0,GALAXY,,0.02,1e-5,0,11.5,GALAXY\n"
        "299489951853078528,266,51602,2,26,146.8,-1.1,STAR,K3,0.0,1e-5,4,3.5,SKY\n"
    )
    for settings in (Settings(), Settings(kind=("specobj",))):
        said = rows(make_targets([path], settings))
        assert [r["SUBCLASS"] for r in said] == ["GAL", ""]
        assert [r["TRUST"] for r in said] == [2, 0]
        assert said[0]["SPECOBJID"] == "299489676975171584"
        assert said[0]["SN_MEDIAN"] == 11.5
        assert (said[0]["RA"], said[0]["SURVEY"]) == (146.7, "SDSS")


def test_sdss5(tmp_path, rows):
    path = write_survey(
        tmp_path / "spAll-v6_1_3.fits",
        surveys.SDSS5,
        FIELD=[15173, 112361, 112361, 112361],
        CATALOGID=[4350951054, 27021597775058535, 4350951056, 4350951057],
        SPECOBJID=["184739058730580375869204730589", "", "123", "124"],
        CLASS=["QSO", "STAR", "GALAXY", "STAR"],
        SUBCLASS=["BROADLINE", "M5", "", "F5"],
        OBJTYPE=["science", "NA", "SKY", "sky_boss"],
        RACAT=[200.0, 201.0, -999.0, 202.0],
        DECCAT=[30.0, 31.0, -999.0, 32.0],
    )
    targets = make_targets([path])
    said = rows(targets)
    assert [r["SUBCLASS"] for r in said] == ["QSO", "M", "", ""]
    assert [r["TARGETID"] for r in said][:2] == ["4350951054", "27021597775058535"]
    assert said[0]["SPECOBJID"] == "184739058730580375869204730589"
    assert said[1]["SPECOBJID"] == ""  # no rule gives it from v6 on
    assert said[0]["PLATE"] == 15173
    assert said[0]["FIBERID"] is None
    assert said[1]["PLATE"] == 112361
    assert said[0]["PROGRAM"] == "APO"
    assert said[2]["RA"] is None
    assert {r["CATALOG"] for r in said} == {"SDSS-V"}


def test_desi(tmp_path, rows):
    path = write_survey(
        tmp_path / "zall-pix-iron.fits",
        surveys.DESI,
        TARGETID=[
            39628000000000001,
            39628000000000001,
            39628000000000003,
            -5,
            39628000000000004,
        ],
        PROGRAM=["dark", "bright", "dark", "dark", "dark"],
        SPECTYPE=["GALAXY", "GALAXY", "STAR", "GALAXY", "QSO"],
        SUBTYPE=["", "", "M", "", "HIZ"],
        OBJTYPE=["TGT", "TGT", "TGT", "SKY", "TGT"],
        ZWARN=[0, 4, 0, 0, 0],
        TARGET_RA=[150.0, 150.0, 151.0, 152.0, 153.0],
    )
    said = rows(make_targets([path]))
    assert [r["SUBCLASS"] for r in said] == ["GAL", "GAL", "M", "", "QSO"]
    assert [r["TRUST"] for r in said] == [2, 1, 2, 0, 2]
    assert said[0]["OBJECT"] == said[1]["OBJECT"] != said[2]["OBJECT"]
    assert said[0]["PROGRAM"] == "main/dark"
    assert said[0]["HEALPIX"] == 27258
    assert said[0]["TARGETID"] == "39628000000000001"
    assert said[3]["TARGETID"] == "-5"
    assert said[0]["PLATE"] is None


def test_desi_by_tile_has_the_night(tmp_path, rows):
    path = write_survey(
        tmp_path / "ztile.fits",
        surveys.DESI,
        drop=("HEALPIX", "SPGRPVAL"),
        TARGETID=[1, 2],
        TILEID=("J", [80605, 80605]),
        LASTNIGHT=("J", [20210405, 0]),
    )
    said = rows(make_targets([path]), "MJD", "HEALPIX")
    assert said == [{"MJD": 59309, "HEALPIX": 80605}, {"MJD": None, "HEALPIX": 80605}]


def test_a_query_of_casjobs_or_skyserver_without_run2d(tmp_path):
    header = "specObjID,plate,mjd,fiberID,ra,dec,class,subClass,z,zErr,zWarning\n"
    boss = "7996193477036273664,7102,56666,190,10.1,0.2,QSO,BROADLINE,2.73,0.001,0\n"
    sdss = "299489677444933632,266,51630,1,11.0,0.2,STAR,F5,-0.001,0.0001,0\n"
    path = tmp_path / "q.csv"
    for first in ("", "#Table1\n"):
        path.write_text(first + header + boss + sdss)
        targets = make_targets([path])
        assert targets.text("SURVEY").tolist() == ["BOSS", "SDSS"]
        assert targets.text("RUN2D").tolist()[0] == "v5_7_0"
        assert targets.text("SUBCLASS").tolist() == ["QSO", "F"]
    path.write_text((header + boss + sdss).replace("specObjID", "bestObjID"))
    targets = make_targets([path])
    assert targets.text("SURVEY").tolist() == ["BOSS", "SDSS"]
    assert targets.text("RUN2D").tolist() == ["", ""]
