"""Several processes train one network: on two processors here, on several GPUs elsewhere."""

import csv
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from huggins.errors import InputError
from huggins.train.checkpoint import load
from huggins.train.ranks import together

CONFIG = """
name = "two"
steps = {steps}
batch = 8
every = 2
warmup = 1
workers = 0
threads = 1
bfloat16 = false
redshift_weight = {weight}
[data]
spectra = "{labels}"
real_share = 1.0
folds = [2, 3]
[standard]
widths = [4, 4, 4, 4]
kernels = [5, 3, 3, 3]
blocks = 0
hidden = 8
"""


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    """Thirteen classes, flat spectra that differ in level of noise only."""
    from huggins.taxonomy import CLASSES

    folder = tmp_path_factory.mktemp("labelled")
    rng = np.random.default_rng(0)
    wave = np.linspace(3600.0, 9000.0, 300)
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "class", "z", "fold"])
        for fold in (2, 3, 4):
            for i, name in enumerate((*CLASSES, "NONE")):
                path = folder / f"{name}{fold}.csv"
                flux = 1.0 + 0.1 * i + 0.1 * rng.standard_normal(300)
                table = np.column_stack([wave, flux, np.full(300, 0.1)])
                np.savetxt(
                    path, table, delimiter=",", header="wavelength,flux,error", comments=""
                )
                writer.writerow([path.name, name, 0.1, fold])
    return folder / "labels.csv"


def start(folder, config, processes, *more):
    path = folder / "two.toml"
    path.write_text(config)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={processes}", "-m", "huggins"]
    command += ["train", str(path), "--runs", str(folder / "runs"), "--device", "cpu", *more]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=280, cwd=folder
    )


def test_two_processes_train_one_network_and_resume(tmp_path, labels):
    done = start(tmp_path, CONFIG.format(steps=4, weight=0.3, labels=labels), 2)
    assert done.returncode == 0, done.stderr
    first = load(tmp_path / "runs/two/last.pt")
    assert first.step == 4
    assert all(torch.isfinite(value).all() for value in first.average.values())
    assert (tmp_path / "runs/two/two.onnx").is_file()
    rows = list(csv.DictReader((tmp_path / "runs/two/log.csv").open()))
    assert [float(row["step"]) for row in rows] == [2, 4]  # one process writes
    assert done.stderr.count("huggins: step 4") == 1


def test_processes_that_cannot_share_a_batch_are_told(tmp_path, labels):
    config = CONFIG.format(steps=4, weight=0.3, labels=labels).replace("batch = 8", "batch = 7")
    done = start(tmp_path, config, 2)
    assert done.returncode != 0
    assert "batch is 7, which 2 processes cannot share" in done.stderr


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(InputError, match="no device"), together("abacus"):
        pass
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="sees 0 GPUs"), together("cuda"):
            pass
