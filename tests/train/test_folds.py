"""Out-of-fold predictions, and the verb that trains."""

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from huggins.cli import main
from huggins.errors import InputError
from huggins.train.checkpoint import load
from huggins.train.folds import run_folds
from huggins.weights import find

TOML = """
name = "own"
steps = {steps}
batch = 16
warmup = 2
every = 2
workers = {workers}
threads = 1
bfloat16 = false
[data]
spectra = "{labels}"
real_share = 1.0
folds = {folds}
[standard]
widths = [4, 4, 4, 4]
kernels = [5, 3, 3, 3]
blocks = 1
hidden = 8
"""


def config_file(folder, labels, *, steps=6, folds="[2, 3]", workers=0, more=""):
    path = folder / "own.toml"
    text = TOML.format(labels=labels, steps=steps, folds=folds, workers=workers)
    path.write_text(more + text, encoding="utf-8")
    return path


@pytest.mark.slow
def test_every_spectrum_is_predicted_by_a_network_that_never_saw_it(own, tmp_path):
    config = replace(own, data=replace(own.data, folds=()))
    said = []
    path = run_folds(config, tmp_path, progress=said.append)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 42
    assert {row["FOLD"] for row in rows} == {"2", "3", "4"}
    for fold in (2, 3, 4):
        used = load(tmp_path / f"own-fold{fold}" / "last.pt").config.data
        assert {*used.folds, *used.choose} == {2, 3, 4} - {fold}
    total = sum(float(v) for k, v in rows[0].items() if k.startswith("P_") and k != "P_NONE")
    assert total == pytest.approx(1.0, abs=1e-4)
    again = []
    run_folds(config, tmp_path, resume=True, progress=again.append)
    assert len(again) < len(said)  # nothing is trained twice


def test_folds_that_are_too_few_are_refused(own, tmp_path):
    config = replace(own, data=replace(own.data, folds=(), test=(0, 1, 4)))
    with pytest.raises(
        InputError, match=r"needs 3 folds outside `test`; the labels have \[2, 3"
    ):
        run_folds(config, tmp_path)


@pytest.mark.slow
def test_the_verb_trains_and_fine_tunes(labels, tmp_path, capsys):
    path = config_file(tmp_path, labels)
    assert main(["train", str(path), "--runs", str(tmp_path / "a")]) == 0
    weights = tmp_path / "a/own/own.onnx"
    assert capsys.readouterr().out.strip() == str(weights)
    made = {p.name for p in weights.parent.iterdir()}
    assert made == {
        "last.pt", "log.csv", "log.png",
        "own.onnx", "own.safetensors", "own.json", "own.md",
    }  # fmt: skip
    own = ["--init", str(weights), "--labels", str(labels)]
    assert main(["train", str(path), "--runs", str(tmp_path / "b"), *own]) == 0
    # The shipped network, on the user's labels, from the ONNX file alone.
    tuned = ["train", str(config_file(tmp_path, labels, steps=2)), "--init", "huggins"]
    assert main([*tuned, "--runs", str(tmp_path / "c")]) == 0
    size = (tmp_path / "c/own/own.onnx").stat().st_size
    assert size == pytest.approx(find("huggins").stat().st_size, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("stepps = 1\n", "unknown key 'stepps'"),
        ("", "no spectrum of class O in the data"),
    ],
)
def test_slips_are_one_line(labels, tmp_path, capsys, more, message):
    without = labels.parent / "without_o.csv"
    lines = labels.read_text().splitlines()
    without.write_text("\n".join(line for line in lines if not line.startswith("O")) + "\n")
    path = config_file(tmp_path, without, more=more)
    assert main(["train", str(path), "--runs", str(tmp_path)]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert message in error[-1]
    assert error[-1].startswith("huggins: ")


def test_labels_that_are_not_there_are_named(labels, tmp_path, capsys):
    path = config_file(tmp_path, labels)
    assert main(["train", str(path), "--labels", str(tmp_path / "no.csv")]) == 2
    assert "no.csv: there is no such file" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_run_that_resumes_ends_as_if_it_had_not_been(labels, tmp_path):
    path = config_file(tmp_path, labels, steps=40, workers=1)
    whole = ["train", str(path), "--device", "cpu"]
    assert main([*whole, "--runs", str(tmp_path / "a")]) == 0
    command = [sys.executable, "-m", "huggins", *whole, "--runs", str(tmp_path / "b")]
    with subprocess.Popen(
        command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        last = tmp_path / "b/own/last.pt"
        while not last.is_file() and process.poll() is None:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    stopped = load(last).step
    assert main([*whole, "--runs", str(tmp_path / "b"), "--resume"]) == 0
    one, two = load(tmp_path / "a/own/last.pt"), load(tmp_path / "b/own/last.pt")
    assert 0 < stopped <= one.step == two.step == 40
    assert all(torch.equal(value, two.average[name]) for name, value in one.average.items())
    assert (tmp_path / "a/own/own.safetensors").read_bytes() == (
        tmp_path / "b/own/own.safetensors"
    ).read_bytes()
