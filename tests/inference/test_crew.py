"""Other processes that classify: the same rows, in order, and what happens when one breaks."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import threading

import numpy as np
import pytest

from factories import make_truth, write_boss_spec, write_spplate
from huggins.cli import main
from huggins.demo import mocks
from huggins.errors import HugginsError
from huggins.formats import open_file, select
from huggins.inference import Settings, crew, load_model, runner, tasks
from huggins.inference.crew import Crew
from huggins.inference.given import given_objects, given_redshifts
from huggins.inference.journal import Place
from huggins.inference.runner import run_paths, run_spectra
from huggins.inference.table import Rows
from huggins.inference.tasks import Files, Loaded, Origin
from tiny_model import write_model

NETWORK = Settings(redshift=False, jobs=3, batch_size=2)


@pytest.fixture
def files(tmp_path):
    """Files of one spectrum, of seven, a damaged one, a missing one, an archive."""
    paths = [
        write_boss_spec(tmp_path / f"{i}.fits", make_truth(300, seed=i, fiberid=i + 1))
        for i in range(6)
    ]
    flux = np.random.default_rng(0).uniform(1, 2, (7, 500))
    paths.insert(2, write_spplate(tmp_path / "plate.fits", flux, np.ones((7, 500))))
    (tmp_path / "bad.fits").write_bytes(b"SIMPLE  = broken")
    (tmp_path / "some").mkdir()
    shutil.copy(paths[0], tmp_path / "some/s.fits")
    (tmp_path / "some/README").write_text("We took 3 spectra.\n")
    shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "some")
    paths[4:4] = [tmp_path / "bad.fits", tmp_path / "gone.fits", tmp_path / "a.zip"]
    return [str(path) for path in paths]


@pytest.fixture
def started(monkeypatch):
    """Children are worth it from the first spectrum on; the list of those that began."""
    monkeypatch.setattr(runner, "FEW", {True: -1, False: -1})
    processes = []

    class Watched(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            processes.append(self)

    monkeypatch.setattr(crew.subprocess, "Popen", Watched)
    return processes


def joined(parts):
    parts = list(parts)
    return Rows.join([rows for rows, _ in parts]), [place for _, place in parts]


def same(one, two):
    assert one.texts == two.texts
    assert one.numbers.tobytes() == two.numbers.tobytes()
    for name in ("best", "alternatives"):
        mine, other = getattr(one, name), getattr(two, name)
        assert (mine is None) == (other is None)
        assert mine is None or mine.tobytes() == other.tobytes()


@pytest.mark.parametrize("small", [2**22, 10**4])
def test_children_give_the_same_rows_and_places(files, model, started, monkeypatch, small):
    monkeypatch.setattr(tasks, "_SMALL", small)
    alone, places = joined(run_paths(files, model, Settings(1, 2, redshift=False)))
    assert not started
    shared, reached = joined(run_paths(files, model, NETWORK))
    same(shared, alone)
    assert reached == places
    assert len(started) == 2
    assert [process.returncode for process in started] == [-signal.SIGKILL] * 2
    assert [t.name for t in threading.enumerate() if t.name == "huggins"] == []
    rest, _ = joined(run_paths(files, model, NETWORK, done=places[3]))
    same(rest, Rows(alone.numbers[8:], {n: t[8:] for n, t in alone.texts.items()}))


@pytest.mark.slow
def test_children_fit_bit_for_bit(started, model):
    spectra = [example.spectrum for example in mocks.load()[::4]]
    options = {"batch_size": 2, "keep": True, "candidates": 3}
    alone = Rows.join(list(run_spectra(spectra, model, Settings(1, **options))))
    shared = Rows.join(list(run_spectra(spectra, model, Settings(2, **options))))
    same(shared, alone)
    assert len(started) == 1


def test_settings_reach_the_children(files, started, tmp_path, monkeypatch):
    model = load_model(write_model(tmp_path / "m.onnx", favour="QSO"), threads=1)
    settings = Settings(2, 1, redshift=False, selection=select(fiber=[2, 3]), threshold=0.999)
    rows, _ = joined(run_paths(files, model, settings))
    assert len(started) == 1
    good = [n for n, error in enumerate(rows.texts["ERROR"]) if not error]
    assert set(rows.numbers["FIBERID"][good].tolist()) == {2, 3}
    assert {rows.texts["SUBCLASS"][n] for n in good} == {"QSO"}


def test_given_redshifts_reach_the_children(files, started, model, tmp_path):
    table = tmp_path / "z.csv"
    table.write_text("path,z\n" + "".join(f"{i}.fits,0.0{i + 1}\n" for i in range(6)))
    plain = files[:2] + files[3:4]
    for given in (given_redshifts(str(table)), None):
        items = [item for path in plain for item in open_file(path)]
        if given is None:
            items, given = given_objects(items, [0.01, 0.02, 0.03])
        settings = Settings(2, 1, given=given)
        rows = Rows.join(list(run_spectra(items, model, settings)))
        np.testing.assert_allclose(rows.numbers["Z"], [0.01, 0.02, 0.03], rtol=1e-5)
    assert len(started) == 2


def test_few_spectra_start_no_process(files, model, monkeypatch):
    monkeypatch.setattr(crew.subprocess, "Popen", None)
    rows, _ = joined(run_paths(files, model, NETWORK))
    assert len(rows) == 16


def test_what_children_log_is_logged_here(files, model, started, caplog):
    with caplog.at_level(logging.INFO, "huggins"):
        joined(run_paths(files, model, NETWORK))
    assert [r.getMessage() for r in caplog.records if "README" in r.getMessage()] == [
        f"{files[6]}[README]: skipped, because it holds no spectrum: no line of numbers: this "
        "is no table of a spectrum"
    ]


def told(model):
    children = Crew(2)
    children.instruct(model, NETWORK)
    return children


def one(path):
    return Files((Origin(path, Place(1)),))


@pytest.mark.slow
def test_a_child_that_is_gone_is_reported_behind_the_rows_before(files, model, started):
    with told(model) as children:
        first = children.submit(one(files[0]))
        (process,) = started
        assert len(first.result(30)[0][0]) == 1
        # Ctrl-C at the terminal reaches every process; it is for the parent to decide.
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGSTOP)
        second, third = children.submit(one(files[1])), children.submit(one(files[1]))
        assert children.submit(one(files[1])) is None
        os.kill(process.pid, signal.SIGKILL)
        for task in (second, third, None):
            lost = task or children.submit(one(files[1]))
            with pytest.raises(HugginsError, match=r"status -9.*give fewer --jobs; --resume"):
                lost.result(30)


def test_a_run_ends_with_the_child_it_lost(files, model, started):
    run = run_paths(files * 20, model, NETWORK)
    rows, _ = next(run)
    assert len(rows) == 2
    os.kill(started[0].pid, signal.SIGKILL)
    with pytest.raises(HugginsError, match=r"is gone \(status -9\)"):
        joined(run)
    assert all(process.returncode is not None for process in started)


@pytest.mark.slow
def test_a_child_whose_parent_is_gone_ends(files, model, started):
    with told(model) as children:
        children.submit(one(files[0])).result(30)
        started[0].stdin.close()
        assert started[0].wait(20) == 0


def test_a_child_says_why_it_fails(files, started, tmp_path):
    path = write_model(tmp_path / "m.onnx")
    model = load_model(path, threads=1)
    write_model(path, favour="QSO")
    with told(model) as children:
        answer = children.submit(one(files[0]))
        with pytest.raises(HugginsError, match=r"m.onnx: was changed since it was loaded"):
            answer.result(30)
    with told(load_model(path, threads=1)) as children:
        answer = children.submit(Loaded([None], None, Place()))
        with pytest.raises(HugginsError, match=r"(?s)mistake in huggins.*Traceback"):
            answer.result(30)


def test_files_are_counted_by_name(files, tmp_path):
    (tmp_path / "list.txt").write_text("".join(f"{path}\n" for path in files))
    os.mkfifo(tmp_path / "pipe")  # which can be read only once, and not by this
    folder = str(tmp_path)
    assert crew.files_named([folder], 100) == 13
    assert crew.files_named([folder] * 3, 30) == 30
    assert crew.files_named([*files[:2], f"@{folder}/list.txt"], 100) == 12
    assert crew.files_named(["-", "@nowhere", f"@{folder}/pipe"], 100) == 3


@pytest.mark.parametrize(("few", "count"), [(4, 2), (7, 1), (30, 0)])
def test_a_command_with_many_files_starts_children_at_once(
    files, tmp_path, monkeypatch, started, few, count
):
    monkeypatch.setattr(crew, "FEW", {True: few})
    # It is over before anything is classified, and so are they.
    assert main(["classify", str(tmp_path), "-j", "3", "-o", f"{tmp_path}/t.unknown"]) == 2
    assert [process.returncode for process in started] == [-signal.SIGKILL] * count


def test_without_an_executable_all_is_done_here(files, model, monkeypatch):
    monkeypatch.setattr(runner, "FEW", {False: -1})
    monkeypatch.setattr(crew.sys, "executable", "")
    assert len(joined(run_paths(files, model, NETWORK))[0]) == 16
