"""Processes, order, resuming."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from factories import make_truth, write_boss_spec, write_spplate
from huggins.errors import InputError, ReadError
from huggins.formats import open_file
from huggins.inference import Settings, tasks
from huggins.inference.journal import Place
from huggins.inference.runner import run_paths, run_spectra
from huggins.inference.table import Rows


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[str]:
    """Files of one spectrum, of several, and of none."""
    folder = tmp_path_factory.mktemp("spectra")
    paths = []
    for i in range(9):
        truth = make_truth(500 + 10 * i, seed=i, fiberid=i + 1)
        paths.append(write_boss_spec(folder / f"{i}.fits", truth))
    rng = np.random.default_rng(1)
    flux, ivar = rng.normal(3, 1, (7, 400)), np.ones((7, 400))
    ivar[2] = 0
    paths.insert(3, write_spplate(folder / "plate.fits", flux, ivar, start=3.6, step=5e-4))
    (folder / "empty.fits").touch()
    paths.insert(5, folder / "empty.fits")
    paths.insert(6, folder / "gone.fits")
    return [str(path) for path in paths]


def classified(files, model, **settings) -> Rows:
    return Rows.join([rows for rows, _ in run_paths(files, model, Settings(**settings))])


def same(a: Rows, b: Rows) -> None:
    assert a.texts == b.texts
    for name in a.numbers.dtype.names:
        np.testing.assert_allclose(a.numbers[name], b.numbers[name], rtol=1e-4, atol=1e-6)


def test_a_row_a_spectrum_in_order(files, model):
    rows = classified(files, model, jobs=2)
    assert len(rows) == 9 + 7 + 2
    names = [path.rsplit("/", 1)[1] for path in rows.texts["FILE"]]
    assert names == [
        *("0.fits", "1.fits", "2.fits"),
        *["plate.fits"] * 7,
        *("3.fits", "empty.fits", "gone.fits", "4.fits"),
        *("5.fits", "6.fits", "7.fits", "8.fits"),
    ]
    assert rows.numbers["INDEX"][3:10].tolist() == list(range(7))
    errors = [names[i] for i, error in enumerate(rows.texts["ERROR"]) if error]
    assert errors == ["plate.fits", "empty.fits", "gone.fits"]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, 3, 18, 1000])
def test_the_result_depends_on_neither_jobs_nor_batch_size(files, model, jobs, batch_size):
    expected = classified(files, model, jobs=1, batch_size=4)
    same(classified(files, model, jobs=jobs, batch_size=batch_size), expected)


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_run_can_be_resumed_behind_every_batch(files, model, batch_size):
    settings = Settings(jobs=2, batch_size=batch_size)
    parts = list(run_paths(files, model, settings))
    expected = Rows.join([rows for rows, _ in parts])
    for i, (_, place) in enumerate(parts):
        before = [rows for rows, _ in parts[: i + 1]]
        after = [rows for rows, _ in run_paths(files, model, settings, done=place)]
        same(Rows.join(before + after), expected)


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files[1:],
        lambda files: ["new.fits", *files],
        lambda files: files[:3],
        lambda files: [],
        lambda files: [files[1], files[0], *files[2:]],
    ],
)
def test_other_inputs_cannot_be_resumed(files, model, change):
    settings = Settings(batch_size=3)
    place = list(run_paths(files, model, settings))[3][1]
    with pytest.raises(InputError, match="inputs are not those of the interrupted run"):
        list(run_paths(change(files), model, settings, done=place))


def test_more_inputs_behind_can_be_resumed(files, model):
    settings = Settings(batch_size=100)
    place = list(run_paths(files, model, settings))[-1][1]
    rows = Rows.join([r for r, _ in run_paths([*files, files[0]], model, settings, done=place)])
    assert rows.texts["FILE"] == [files[0]]


def test_reading_ahead_is_bounded(model, monkeypatch):
    opened = []

    def fake(path, **_):
        opened.append(path)
        yield ReadError("no such thing", path)

    monkeypatch.setattr(tasks, "open_file", fake)
    names = (f"{i}.fits" for i in range(100_000))
    run = run_paths(names, model, Settings(jobs=2, batch_size=10))
    for _ in range(5):
        next(run)
    run.close()
    assert 50 <= len(opened) < 200


def test_threads_end_when_a_run_is_given_up(files, model):
    run = run_paths(files, model, Settings(jobs=3, batch_size=2))
    next(run)
    run.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("huggins")]


def test_a_mistake_in_a_reader_costs_one_file_only(files, model, monkeypatch):
    def broken(path, **options):
        if path == files[1]:
            raise KeyError("FLUX")
        return open_file(path, **options)

    monkeypatch.setattr(tasks, "open_file", broken)
    rows = classified(files, model)
    assert rows.texts["ERROR"][1] == "KeyError('FLUX'), a mistake in huggins: report it"
    assert rows.texts["ERROR"][2] == ""


def test_a_file_without_spectra_gets_its_row(model, monkeypatch):
    monkeypatch.setattr(tasks, "open_file", lambda path, **_: iter(()))
    rows = classified(["x.fits"], model)
    assert rows.texts["ERROR"] == ["no spectra in this file"]


def test_a_failure_of_the_network_is_not_hidden(files, model, monkeypatch):
    def fail(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(tasks, "classify_batch", fail)
    with pytest.raises(MemoryError):
        classified(files, model)


@pytest.mark.slow
def test_spectra_in_memory(files, model):
    items = [item for path in files for item in open_file(path)]
    rows = Rows.join(list(run_spectra(items, model, Settings(jobs=2, batch_size=4))))
    same(rows, classified(files, model))


def test_done_says_how_far(files, model):
    places = [place for _, place in run_paths(files, model, Settings(batch_size=5))]
    assert [p[:2] for p in places] == [
        (4, 2),
        (4, 7),
        (5, 1),
        (10, 1),
        (12, 1),
    ]
    assert isinstance(places[0], Place)


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"jobs": -1}, "jobs must be"),
        ({"batch_size": 0}, "batch size must be at least 1"),
        ({"threshold": 1.5}, "threshold must be from 0 to 1"),
        ({"threshold": float("nan")}, "threshold must be from 0 to 1"),
    ],
)
def test_settings(kwargs, said):
    with pytest.raises(InputError, match=said):
        Settings(**kwargs)
