import numpy as np

from huggins.view.features import nearest, of_rows, principal_plane


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
