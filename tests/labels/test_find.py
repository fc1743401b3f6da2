"""Reasons to doubt a label: people, the network, other spectra of the object; bad input."""

import csv
from collections import Counter

import numpy as np
import pytest

from factories import surveys
from factories.surveys import write_survey
from huggins.errors import InputError
from huggins.labels import find_suspects
from huggins.taxonomy import CLASSES, INDEX


def write_csv(path, /, **columns):
    lines = [",".join(columns)]
    lines += [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def by_row(found):
    return {s.row: s for s in found.suspects}


@pytest.fixture
def superset(tmp_path):
    return write_survey(
        tmp_path / "Superset_DR12Q.fits",
        surveys.DR12Q_SUPERSET,
        FIBERID=[1, 2, 3, 4, 5, 6],
        CLASS_PERSON=[3, 1, 30, 4, 3, 1],
        Z_CONF_PERSON=[3, 3, 3, 3, 2, 3],
        Z_VI=[2.4, 0.0, 2.5, 0.5, 1.0, 0.0],
        RA=[10.0, 20.0, 30.0, 40.0, 50.0, 60.0],
    )


def test_a_person_against_the_pipeline_by_spectrum_and_by_position(tmp_path, superset):
    labels = write_csv(
        tmp_path / "labels.csv",
        PLATE=[7102] * 5 + [9000, 9000],
        MJD=[56666] * 7,
        FIBERID=[1, 2, 3, 4, 5, 1, 2],
        RA=[10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 60.1],
        DEC=[1.0] * 7,
        CLASS=["GALAXY", "STAR", "QSO", "GALAXY", "STAR", "QSO", "QSO"],
        SUBCLASS=["GAL", "F", "QSO", "GAL", "M", "QSO", "QSO"],
        BAL=["", "", 0, "", "", "", ""],
        OBJECT=[1, 2, 3, 4, 5, 6, 7],
    )
    found = by_row(find_suspects(labels, visual=[superset]))
    assert set(found) == {0, 2, 5}
    assert (found[0].broad, found[0].sub, found[0].score) == ("QSO", "QSO", 1.0)
    assert (found[2].broad, found[2].sub) == ("QSO", "BAL")
    # Another spectrum at the position of a star: only the broad class is known.
    assert (found[5].broad, found[5].sub, found[5].score) == ("STAR", "", 0.99)
    assert "at this position" in found[5].detail
    assert found[0].reason == "visual"


def test_a_quasar_of_the_pipeline_is_not_contradicted_by_a_bal(tmp_path, superset):
    labels = write_csv(
        tmp_path / "labels.csv",
        PLATE=[7102], MJD=[56666], FIBERID=[3], CLASS=["QSO"], SUBCLASS=["QSO"], BAL=[""],
    )  # fmt: skip
    assert find_suspects(labels, visual=[superset]).suspects == []


def predictions(path, probabilities, **arrays):
    np.savez(path, probabilities=probabilities, **arrays)
    return path


def confident(names, p=0.95):
    values = np.full((len(names), len(CLASSES)), (1 - p) / (len(CLASSES) - 1))
    values[np.arange(len(names)), [INDEX[name] for name in names]] = p
    return values


def test_the_network_against_the_label(tmp_path):
    said = ["F"] * 6 + ["QSO"] * 6 + ["GAL"] * 6
    thought = list(said)
    thought[2], thought[8] = "QSO", "GAL"
    labels = write_csv(tmp_path / "l.csv", SUBCLASS=said)
    npz = predictions(tmp_path / "p.npz", confident(thought))
    found = find_suspects(labels, predictions=npz)
    assert {row: (s.broad, s.sub) for row, s in by_row(found).items()} == {
        2: ("QSO", "QSO"),
        8: ("GALAXY", "GAL"),
    }
    assert by_row(found)[2].score == pytest.approx((1 + 0.95 - 0.05 / 12) / 2)
    assert "10.7 % (1.2 to 30.8) of the labels estimated wrong" in "\n".join(found.summary)


def test_a_quasar_that_nobody_searched_for_bal_may_be_one(tmp_path):
    said = ["QSO"] * 6 + ["BAL"] * 6
    thought = ["QSO"] * 4 + ["BAL"] * 8
    bal = [0, 0, 0, "", 0, ""] + [1] * 6
    labels = write_csv(tmp_path / "l.csv", SUBCLASS=said, BAL=bal)
    npz = predictions(tmp_path / "p.npz", confident(thought))
    assert set(by_row(find_suspects(labels, predictions=npz))) == {4}


def test_predictions_of_some_rows_in_another_order_of_classes(tmp_path):
    said = ["F", "QSO", "F", "QSO", "F", "QSO"]
    labels = write_csv(tmp_path / "l.csv", SUBCLASS=said)
    order = list(CLASSES)[::-1]
    values = confident(["QSO", "QSO", "F", "F"])[:, ::-1]
    npz = predictions(tmp_path / "p.npz", values, row=[1, 3, 2, 5], classes=order)
    assert set(by_row(find_suspects(labels, predictions=npz))) == {5}


def test_predictions_as_a_table_of_classify_are_matched(tmp_path):
    said = ["F", "QSO", "F", "QSO", "F", "QSO"]
    paths = [f"b/s{i}.fits" for i in range(6)]
    labels = write_csv(tmp_path / "l.csv", path=paths, class13=said)
    values = confident(["F", "QSO", "F", "QSO", "QSO", "QSO"])
    columns = {f"P_{name}": values[::-1, i] for i, name in enumerate(CLASSES)}
    table = write_csv(
        tmp_path / "p.csv", FILE=[f"data/{p}" for p in paths[::-1]], INDEX=[0] * 6, **columns
    )
    found = by_row(find_suspects(labels, predictions=table))
    assert {row: s.sub for row, s in found.items()} == {4: "QSO"}


def test_duplicates_vote_by_trust(tmp_path):
    labels = write_csv(
        tmp_path / "l.csv",
        OBJECT=["a", "a", "a", "b", "b", "c", "c", "d", "e", "e", ""],
        SUBCLASS=["QSO", "QSO", "GAL", "F", "M", "F", "G", "K", "QSO", "GAL", "M"],
        TRUST=[2, 2, 2, 2, 2, 2, 1, 2, 1, 3, 2],
    )
    found = by_row(find_suspects(labels))
    assert set(found) == {2, 3, 4, 6, 8}
    assert (found[2].sub, found[2].score) == ("QSO", pytest.approx(4 / 6))
    # One against one: which is wrong nobody can say.
    assert (found[3].broad, found[3].score) == ("", 0.5)
    assert (found[4].broad, found[4].score) == ("", 0.5)
    # Neighbouring types count half.
    assert (found[6].sub, found[6].score) == ("F", pytest.approx(2 / 3 / 2))
    assert (found[8].sub, found[8].score) == ("GAL", pytest.approx(8 / 9))
    assert "spectra of the object say QSO (1), GALAXY (8)" in found[8].detail


def test_objects_are_found_by_position_and_thing_id_where_no_column_tells(tmp_path):
    labels = write_csv(
        tmp_path / "l.csv",
        ra=[10.0, 10.0001, 50.0, 90.0],
        dec=[0.0, 0.0, 0.0, 0.0],
        thing_id=[-1, -1, 7, 7],
        class3=["STAR", "QSO", "STAR", "GALAXY"],
    )
    assert set(by_row(find_suspects(labels))) == {0, 1, 2, 3}
    apart = find_suspects(labels, radius=0.1)
    assert set(by_row(apart)) == {2, 3}


def test_several_reasons_make_one_suspect(tmp_path, superset):
    labels = write_csv(
        tmp_path / "l.csv",
        PLATE=[7102] * 6,
        MJD=[56666] * 6,
        FIBERID=[1, 11, 12, 13, 14, 15],
        SUBCLASS=["GAL", "QSO", "GAL", "GAL", "QSO", "QSO"],
        OBJECT=[1, 1, 2, 3, 4, 5],
        TRUST=[1, 2, 2, 2, 2, 2],
    )
    npz = predictions(tmp_path / "p.npz", confident(["BAL", "QSO", "GAL", "GAL", "QSO", "QSO"]))
    found = by_row(find_suspects(labels, visual=[superset], predictions=npz))
    assert found[0].reason == "visual duplicate"
    # The network cannot say BAL: no label is.
    assert (found[0].broad, found[0].score) == ("QSO", 1.0)
    assert found[0].detail.count(";") == 1


def test_nothing_to_compare_with_and_no_labels(tmp_path):
    labels = write_csv(tmp_path / "l.csv", SUBCLASS=["F"])
    with pytest.raises(InputError, match="nothing to compare with"):
        find_suspects(labels)
    with pytest.raises(InputError, match="no column with the class"):
        find_suspects(write_csv(tmp_path / "n.csv", a=[1]))
    with pytest.raises(InputError, match="no row has a class that is known"):
        find_suspects(write_csv(tmp_path / "n.csv", CLASS=["x"]))
    with pytest.raises(InputError, match="'colour' is no role"):
        find_suspects(labels, columns={"colour": "SUBCLASS"})
    with pytest.raises(InputError, match="no column 'NOPE'"):
        find_suspects(labels, columns={"object": "NOPE"})


def test_people_who_are_not_there_or_cannot_be_matched(tmp_path, superset):
    labels = write_csv(tmp_path / "l.csv", SUBCLASS=["F"])
    with pytest.raises(InputError, match="neither PLATE, MJD, FIBERID nor RA, DEC"):
        find_suspects(labels, visual=[superset])
    pipeline = write_survey(tmp_path / "specObj.fits", surveys.SPECOBJ)
    with pytest.raises(InputError, match="given with certainty by a person"):
        find_suspects(labels, visual=[pipeline])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"p": np.zeros((2, 13))}, "no array 'probabilities'; it has p"),
        ({"probabilities": np.zeros((2, 5))}, r"\(N, 13\) is needed"),
        ({"probabilities": np.zeros((3, 13))}, "3 predictions for 2 labels"),
        ({"probabilities": np.zeros((2, 13)), "row": [0, 0]}, "a different row"),
        ({"probabilities": np.zeros((2, 13)), "row": [0, 2]}, "leaves the 2 rows"),
        ({"probabilities": np.full((2, 13), 2.0)}, "between 0 and 1"),
        ({"probabilities": np.full((2, 13), np.nan)}, "no spectrum has probabilities"),
        ({"probabilities": np.zeros((2, 13)), "classes": ["a"] * 13}, "its classes are"),
    ],
)
def test_predictions_that_make_no_sense(tmp_path, arrays, message):
    labels = write_csv(tmp_path / "l.csv", SUBCLASS=["F", "G"])
    np.savez(tmp_path / "p.npz", **arrays)
    with pytest.raises(InputError, match=message):
        find_suspects(labels, predictions=tmp_path / "p.npz")


def test_a_table_that_classify_did_not_write_and_a_damaged_npz(tmp_path):
    labels = write_csv(tmp_path / "l.csv", SUBCLASS=["F", "G"])
    with pytest.raises(InputError, match="no table of `huggins classify`"):
        find_suspects(labels, predictions=labels)
    (tmp_path / "p.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(InputError, match="cannot be read as npz"):
        find_suspects(labels, predictions=tmp_path / "p.npz")


def test_the_names_of_the_shared_labels_are_known(tmp_path):
    """class13 counts, not the survey's own subclass beside it; a pipeline knows no BAL."""
    said = ["QSO"] * 4 + ["BAL"] * 4
    labels = write_csv(
        tmp_path / "l.csv",
        class3=["QSO"] * 8,
        class13=said,
        subclass=["BROADLINE"] * 8,
        label_from=["visual", "pipeline", "visual", "visual"] + ["visual"] * 4,
    )
    npz = predictions(tmp_path / "p.npz", confident(["BAL", "BAL"] + ["QSO"] * 2 + ["BAL"] * 4))
    assert set(by_row(find_suspects(labels, predictions=npz))) == {0}


def test_the_labels_of_real_spectra_by_duplicates(shared_data):
    path = shared_data / "spectra" / "labels.csv"
    with path.open(newline="") as file:
        objects = [row["object"] for row in csv.DictReader(file)]
    several = sum(count > 1 for count in Counter(objects).values())
    found = find_suspects(path)
    assert len(found.labels) == len(objects)
    assert f"{several} objects with several spectra" in "\n".join(found.summary)
    for suspect in found.suspects:
        assert suspect.reason == "duplicate"
        assert 0.0 < suspect.score <= 1.0
