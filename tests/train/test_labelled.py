"""Labels of users and of data sets."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from factories import write_spplate
from huggins.errors import InputError
from huggins.taxonomy import ALL_CLASSES
from huggins.train.config import DataConfig
from huggins.train.labelled import fold_of, folds_of, labelled, read_labels


def table(tmp_path, text):
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_is_completed(tmp_path):
    rows = read_labels(
        table(tmp_path, "path,class,z,object\na.fits,qso,2.1,o1\nb.fits,SKY,,\n")
    )
    assert rows[0]["class13"] == "QSO"
    assert rows[0]["class3"] == "QSO"
    assert rows[0]["fold"] == str(fold_of("o1"))
    assert rows[0]["trust"] == "2"
    assert (rows[1]["class3"], rows[1]["class13"], rows[1]["object"]) == ("SKY", "", "b.fits")


def test_index_says_which_spectrum_of_a_plate_is_meant(tmp_path):
    plate = write_spplate(
        tmp_path / "spPlate-7102-56666.fits",
        *np.full((2, 4, 4500), 1.0) + np.random.default_rng(0).uniform(0, 1, (2, 4, 4500)),
    )
    lines = ["path,index,class,fold", *(f"{plate.name},{n},QSO,2" for n in (2, 0))]
    path = table(tmp_path, "\n".join(lines))
    real = labelled(DataConfig(spectra=str(path)), (2,))
    assert [s.index for s in real.spectra] == [2, 0]
    assert [row["object"] for row in real.labels] == [f"{plate.name}[2]", plate.name]


def test_names_of_surveys_are_understood(tmp_path):
    text = "path,class,subclass\na,GALAXY,\nb,STAR,F5\nc,STAR,\n"
    rows = read_labels(table(tmp_path, text))
    assert [row["class13"] for row in rows] == ["GAL", "F", ""]
    assert [row["class3"] for row in rows] == ["GALAXY", "STAR", "STAR"]


def test_columns_have_the_names_of_every_table_of_labels(tmp_path):
    rows = ("FILE,CLASS,SUBCLASS,TRUST,FOLD", "a.fits,QSO,BAL,3,2", "b,?,,1,2", "c,QSO,BAL,3,4")
    (row,) = read_labels(table(tmp_path, "\n".join(rows)), (2,), trust=2)
    assert (row["path"], row["class3"], row["class13"]) == ("a.fits", "QSO", "BAL")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,class\na.fits,T\n", r"mine.csv, row 1: 'T' is none of the classes QSO, BAL"),
        ("path,class,z\na.fits,QSO,far\n", "row 1: z, trust, fold and index must be numbers"),
        ("name,class\na.fits,QSO\n", "no column path .*; there are name, class"),
        ("path,kind\na.fits,QSO\n", "name it class3 .* or class13"),
        ("path,class\n", "the table has no rows"),
    ],
)
def test_slips_are_named(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_labels(table(tmp_path, text))


def test_folds_go_by_object_and_are_spread():
    folds = [fold_of(f"object {i}") for i in range(1000)]
    assert min(np.bincount(folds, minlength=5)) > 150
    assert fold_of("object 3") == folds[3]


def test_a_users_spectra_are_read(labels):
    data = DataConfig(spectra=str(labels))
    assert folds_of(data) == [2, 3, 4]
    real = labelled(data, (2, 4))
    assert len(real) == 2 * len(ALL_CLASSES)
    assert real.allowed.sum(axis=1).tolist() == [1] * len(real)


def test_no_label_in_a_fold_is_an_error(labels):
    with pytest.raises(InputError, match=r"in fold 7: they are .* in fold .*: label more"):
        labelled(DataConfig(spectra=str(labels)), (7,))


def test_labels_that_nobody_trusts_are_told_from_too_few(tmp_path):
    path = table(tmp_path, "path,class,trust\na.fits,QSO,1\nb.fits,F,0\n")
    with pytest.raises(InputError, match=r"none of the 2 labels has trust 2 .*at most 1"):
        labelled(DataConfig(spectra=str(path), trust=2), (2,))


@pytest.fixture
def dataset(tmp_path):
    path = tmp_path / "set.h5"
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file.attrs.update(huggins_schema=1, loglam_start=3.55, loglam_step=5e-4)
        file.attrs["classes"] = " ".join(ALL_CLASSES)
        file["flux"] = rng.normal(1.0, 0.1, (6, 960)).astype("f4")
        file["ivar"] = np.full((6, 960), 100.0, "f4")
        file["class_index"] = np.array([0, 1, 5, -1, -1, 13], "i1")
        file["class"] = ["QSO", "QSO", "STAR", "STAR", "", ""]
        file["z"] = [2.0, 2.2, np.nan, 0.0, np.nan, np.nan]
        file["trust"] = np.array([2, 3, 3, 2, 3, 3], "i1")
        file["fold"] = [2, 2, 2, 2, 2, 2]
    return path


def test_a_data_set_is_read(dataset):
    real = labelled(DataConfig(spectra=str(dataset)), (2,))
    names = [
        {k for k, yes in zip(ALL_CLASSES, row, strict=True) if yes} for row in real.allowed
    ]
    assert names[0] == {"QSO", "BAL"}  # a pipeline does not say which
    assert names[1] == {"BAL"}
    assert names[2] == {"F"}
    assert len(names[3]) == 10  # a star of unknown type
    assert names[4] == {"NONE"}
    assert len(real) == 5  # the unlabelled one is left out
    with h5py.File(dataset) as file:
        np.testing.assert_allclose(real.flux[0], file["flux"][0], rtol=1e-5)


def test_a_data_set_on_another_grid_is_carried_over(tmp_path):
    path = tmp_path / "native.h5"
    with h5py.File(path, "w") as file:
        file.attrs.update(huggins_schema=1, loglam_start=3.55, loglam_step=1e-4)
        file.attrs["classes"] = "QSO"
        file["flux"] = np.tile(1 + np.arange(4800.0, dtype="f4") // 5, (2, 1))
        file["ivar"] = np.full((2, 4800), 3.0, "f4")
        file["class_index"] = np.zeros(2, "i1")
        file["fold"] = [2, 2]
    real = labelled(DataConfig(spectra=str(path)), (2,))
    np.testing.assert_allclose(real.flux[0], 1 + np.arange(960.0), atol=0.01)
    np.testing.assert_allclose(real.ivar[0], 15.0, rtol=1e-3)


def test_the_split_of_a_data_set_is_kept(dataset):
    with h5py.File(dataset, "a") as file:
        del file["fold"]
        file["object"] = [f"object {i}" for i in range(6)]
        file["split"] = np.array([0, 1, 2, 0, 1, 2], "i1")
    data = DataConfig(spectra=str(dataset))
    assert len(labelled(data, data.choose)) == 1  # of the two, one has no label
    train = {row["object"] for row in labelled(data, data.folds).labels}
    test = {row["object"] for row in labelled(data, data.test).labels}
    assert (train, test) == ({"object 0", "object 3"}, {"object 2", "object 5"})


def test_a_data_set_of_other_classes_is_refused(dataset):
    with h5py.File(dataset, "a") as file:
        file.attrs["classes"] = "QSO BAL T"
    with pytest.raises(InputError, match="T is none of QSO"):
        labelled(DataConfig(spectra=str(dataset)), (2,))


def test_a_data_set_without_truth_is_refused(dataset):
    with h5py.File(dataset, "a") as file:
        del file["class_index"]
    with pytest.raises(InputError, match="needs class_index"):
        labelled(replace(DataConfig(), spectra=str(dataset)), (2,))
