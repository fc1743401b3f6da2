"""Classifying by workers: the rows of one machine, in order, resumed where it stopped."""

import numpy as np
import pytest

from factories import make_truth, write_boss_spec, write_spplate
from huggins.cli import main
from huggins.dataset.pack import pack
from huggins.errors import InputError
from huggins.inference import Inputs, Settings, classify_to_file, cluster, load_model
from huggins.inference.runner import run_paths
from huggins.runs.workers import Workers
from tiny_model import write_model

SETTINGS = Settings(jobs=1, batch_size=4, redshift=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(write_model(tmp_path_factory.mktemp("model") / "tiny.onnx"))


@pytest.fixture
def paths(tmp_path, monkeypatch):
    """Ten spectra, a damaged file, a plate of seven, a file that is not there; relative."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cluster, "_FILES", 3)
    (tmp_path / "in").mkdir()
    names = [f"in/{i}.fits" for i in range(10)]
    for i, name in enumerate(names):
        write_boss_spec(tmp_path / name, make_truth(300, seed=i, fiberid=i + 1))
    (tmp_path / "in/4.fits").write_bytes(b"SIMPLE  = broken")
    rng = np.random.default_rng(0)
    flux = rng.uniform(1, 2, (7, 500))
    write_spplate(tmp_path / "in/plate.fits", flux, np.ones((7, 500)))
    return [*names, "in/plate.fits", "in/absent.fits"]


def same(one, two):
    assert one.texts == two.texts
    assert one.numbers.tobytes() == two.numbers.tobytes()


def joined(parts):
    from huggins.inference.table import Rows

    parts = list(parts)
    return Rows.join([rows for rows, _ in parts]), parts[-1][1]


def test_rows_are_those_of_one_machine(paths, model):
    here, end = joined(run_paths(paths, load_model(model, threads=1), SETTINGS))
    there, place = joined(cluster.run_cluster(paths, model, SETTINGS, Workers(1)))
    same(here, there)
    assert place == end
    assert len(there) == 18


def test_rows_come_in_order_from_a_dask_cluster(paths, model):
    distributed = pytest.importorskip("distributed", reason="dask is not installed")
    here, _ = joined(run_paths(paths, load_model(model, threads=1), SETTINGS))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0"
    ) as local:
        workers = Workers(cluster=local.scheduler_address)
        there, _ = joined(cluster.run_cluster(paths, model, SETTINGS, workers))
    same(here, there)


def test_fit_of_the_workers_is_that_of_one_machine(paths, monkeypatch):
    settings = Settings(jobs=1)
    here, _ = joined(run_paths(paths[:2], load_model(threads=1), settings))
    there, _ = joined(cluster.run_cluster(paths[:2], "huggins", settings, Workers(1)))
    same(here, there)


def test_containers_are_tasks_of_their_own(paths, model, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_BYTES", 1000)
    containers = [str(p.path) for p in pack(paths[:4], tmp_path / "packs")]
    sizes = []
    classify = cluster.classify_task
    monkeypatch.setattr(
        cluster, "classify_task", lambda task: sizes.append(len(task.origins)) or classify(task)
    )
    rows, _ = joined(cluster.run_cluster(containers * 3, model, SETTINGS, Workers(1)))
    assert sizes == [1, 1, 1]
    assert len(rows) == 12


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 2, 4, 5])
def test_interrupted_run_goes_on(paths, model, tmp_path, after):
    whole, part = tmp_path / "whole.csv", tmp_path / "part.csv"
    classify_to_file(Inputs(paths), whole, model=model, settings=SETTINGS)
    count = 0

    def watch(rows):
        nonlocal count
        count += 1
        if count == after:
            raise KeyboardInterrupt

    options = {"model": model, "settings": SETTINGS, "workers": Workers(1)}
    with pytest.raises(KeyboardInterrupt):
        classify_to_file(Inputs(paths), part, watch=watch, **options)
    summary = classify_to_file(Inputs(paths), part, resume=True, **options)
    assert 0 < summary.resumed < summary.rows == 18
    assert part.read_bytes() == whole.read_bytes()


def test_run_begun_on_one_machine_goes_on_on_a_cluster(paths, model, tmp_path):
    def watch(rows):
        raise KeyboardInterrupt

    out = tmp_path / "t.csv"
    with pytest.raises(KeyboardInterrupt):
        classify_to_file(Inputs(paths), out, model=model, settings=SETTINGS, watch=watch)
    summary = classify_to_file(
        Inputs(paths), out, model=model, settings=SETTINGS, workers=Workers(1), resume=True
    )
    assert (summary.rows, summary.resumed) == (18, 4)


def test_other_inputs_are_refused(paths, model, tmp_path):
    def watch(rows):
        raise KeyboardInterrupt

    out = tmp_path / "t.csv"
    options = {"model": model, "settings": SETTINGS, "workers": Workers(1)}
    with pytest.raises(KeyboardInterrupt):
        classify_to_file(Inputs(paths), out, watch=watch, **options)
    with pytest.raises(InputError, match="not those of the interrupted run"):
        classify_to_file(Inputs(paths[1:]), out, resume=True, **options)


def test_command_needs_an_output(paths, capsys):
    assert main(["classify", "in", "--cluster", "tcp://a:1"]) == 2
    assert "a run on a cluster needs -o" in capsys.readouterr().err
