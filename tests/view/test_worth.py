import numpy as np

from huggins.tables.columns import Columns
from huggins.taxonomy import CLASSES
from huggins.view.worth import disagreement, doubt, novelty, worth


def table(**columns):
    values = {n: np.ma.MaskedArray(v) for n, v in columns.items()}
    return Columns("t", values)


def test_doubt_is_the_entropy_and_a_warning_counts():
    sure, even = np.zeros(13), np.full(13, 1 / 13)
    sure[0] = 1.0
    columns = {
        f"P_{n}": np.array([a, b, a]) for n, a, b in zip(CLASSES, sure, even, strict=True)
    }
    np.testing.assert_allclose(doubt(table(**columns, ZWARNING=[0, 0, 4])), [0, 1, 0.5])
    np.testing.assert_allclose(doubt(table(ZWARNING=[0, 4])), [0, 0.5])


def test_disagreement_in_class_or_redshift():
    t = table(
        CLASS=["QSO", "QSO", "QSO", "STAR", "", "GALAXY"],
        PIPE_CLASS=["QSO", "QSO", "GALAXY", "star", "QSO", ""],
        Z=[1.0, 1.0, 1.0, 0.0, np.nan, 0.3],
        PIPE_Z=[1.001, 1.1, 1.0, 0.0, 1.0, 0.0],
    )
    np.testing.assert_array_equal(disagreement(t), [0, 0.7, 1, 0, 0, 0])
    np.testing.assert_array_equal(disagreement(table(CLASS=["QSO"])), [0])


def test_the_odd_one_is_the_newest():
    rng = np.random.default_rng(0)
    x = rng.normal([5, 0, 0], 0.1, (50, 3)).astype(np.float32)
    x[17] = [0, 5, 0]
    rank = novelty(x)
    assert rank.argmax() == 17
    assert rank.min() == 0.0
    assert rank.max() == 1.0


def test_a_failed_spectrum_is_worth_nothing():
    t = table(CLASS=["QSO", ""], ZWARNING=[4, 512])
    np.testing.assert_allclose(worth(t, np.ones((2, 3), np.float32)) > 0, [True, False])
