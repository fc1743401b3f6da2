"""A network that is told to separate mock from real does so where they differ, and not else."""

import json

import numpy as np
import pytest

from experiments.realism import EACH, Pairs, figures, main, pairs, separate


def made(difference, count=60):
    rng = np.random.default_rng(0)
    real = rng.standard_normal((count, 4, 128)).astype("f4")
    mocks = rng.standard_normal((count, EACH, 4, 128)).astype("f4")
    mocks[..., 40:60] += difference
    survey = np.where(np.arange(count) % 2 == 0, "BOSS", "SDSS")
    return Pairs(survey, np.full(count, "QSO"), np.arange(count) % 3, real, mocks)


def quiet(_):
    pass


@pytest.mark.slow
def test_what_differs_is_told_apart():
    data = made(2.0, 240)
    right = separate(data, epochs=6, progress=quiet)
    found = figures(data, right)
    assert found["all"].value > 0.9
    assert found["all"].n == 480
    assert set(found) == {"all", "BOSS", "BOSS QSO", "SDSS", "SDSS QSO"}


def test_what_is_the_same_is_not():
    found = figures(made(0.0), separate(made(0.0), epochs=6, progress=quiet))
    assert found["all"].low < 0.6


@pytest.mark.slow
def test_pairs_are_alike_and_of_folds_for_fitting(shared_data, tmp_path, capsys):
    path = tmp_path / "a.toml"
    path.write_text(
        f'[data]\ntemplates = "{shared_data}/templates"\nspectra = "{shared_data}/spectra"\n'
        "folds = [3]\nchoose = [4]\n"
    )
    from huggins.train.config import read_config

    data = pairs(read_config(path))
    assert set(data.fold) == {3, 4}
    assert data.mocks.shape == (len(data.kind), EACH, *data.real.shape[1:])
    quasars = data.kind == "QSO"
    sn = [np.median(np.sinh(x[quasars, 2]), axis=-1) for x in (data.real, data.mocks[:, 0])]
    assert np.median(np.abs(np.log((sn[0] + 1.0) / (sn[1] + 1.0)))) < 0.3


def test_the_table_is_printed(monkeypatch, tmp_path, capsys):
    import experiments.realism as realism

    monkeypatch.setattr(realism, "pairs", lambda config: made(2.0, 24))
    monkeypatch.setattr(realism, "_EPOCHS", 2)
    path = tmp_path / "a.toml"
    path.write_text("threads = 1\n")
    assert main([str(path), str(tmp_path / "r.json")]) == 0
    assert "| BOSS QSO |" in capsys.readouterr().out
    assert json.loads((tmp_path / "r.json").read_text())["all"]["n"] == 48
