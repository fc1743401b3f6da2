import numpy as np
import pytest

from huggins.cli import main
from huggins.tables.read import read_columns
from huggins.view.features import nearest, of_rows, principal_plane
from huggins.view.results import Results


def test_features_of_the_shipped_network_tell_the_classes(results):
    told = []
    found = of_rows(results, len(results), "huggins", told.append)
    assert found.shape[0] == len(results)
    assert np.isfinite(found).all()
    assert told == [len(results)]
    rows, distance = nearest(found, 0, 3)
    assert rows[0] == 0
    assert distance[0] == 0.0
    assert results.value("SUBCLASS", rows[1]) in ("QSO", "BAL")


def test_a_spectrum_that_cannot_be_read_has_none(results):
    results.table.values["FILE"][2] = "gone.fits"
    found = of_rows(results, 4, "huggins", lambda done: None)
    assert np.isnan(found[2]).all()
    assert np.isfinite(found[[0, 1, 3]]).all()
    rows, _ = nearest(found, 0, 10)
    assert 2 not in rows
    plane = principal_plane(found)
    assert np.isnan(plane[2]).all()
    assert np.isfinite(plane[[0, 1, 3]]).all()


def test_the_plane_is_that_of_largest_spread():
    rng = np.random.default_rng(0)
    x = np.zeros((200, 5), np.float32)
    x[:, 1] = x[:, 2] = x[:, 3] = rng.normal(size=200)
    x[:, 4] = rng.normal(size=200)
    plane = principal_plane(x)
    assert abs(np.corrcoef(plane[:, 0], x[:, 1])[0, 1]) > 0.999
    assert abs(np.corrcoef(plane[:, 1], x[:, 4])[0, 1]) > 0.99


def test_too_few_points_have_no_plane():
    np.testing.assert_array_equal(principal_plane(np.ones((2, 4), np.float32)), 0.0)


@pytest.mark.parametrize("ending", [".npy", ".npz", ".parquet"])
def test_classify_writes_them_in_the_order_of_the_table(spectra_set, tmp_path, ending):
    files = [str(spectra_set.folder / f"spec-7102-56666-{n:04d}.fits") for n in (2, 1)]
    out = tmp_path / f"features{ending}"
    arguments = [
        "classify",
        *files,
        "-o",
        str(tmp_path / "t.fits"),
        "--features",
        str(out),
        "-q",
    ]
    assert main(arguments) == 0
    known = of_rows(Results.read(tmp_path / "t.fits"), 2, "huggins", lambda done: None)
    if ending == ".npy":
        found = np.load(out)
    elif ending == ".npz":
        with np.load(out) as file:
            found = file["features"]
            assert file["FILE"].tolist() == files
            assert file["INDEX"].tolist() == [0, 0]
    else:
        columns = read_columns(out)
        assert columns.text("FILE").tolist() == files
        names = [name for name in columns.names if name.startswith("FEATURE_")]
        found = np.stack([columns.number(name) for name in names], axis=1)
    np.testing.assert_allclose(found, known, rtol=1e-6)


def test_features_need_a_table_and_a_known_ending(spectra_set, tmp_path, capsys):
    path = str(spectra_set.folder / "spec-7102-56666-0001.fits")
    assert main(["classify", path, "--features", str(tmp_path / "f.npy")]) == 2
    assert "name it with -o" in capsys.readouterr().err
    out = str(tmp_path / "t.fits")
    assert main(["classify", path, "-o", out, "--features", str(tmp_path / "f.doc")]) == 2
    assert not (tmp_path / "t.fits").exists()
