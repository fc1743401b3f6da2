"""Several processes train one network: on two processors here, on several GPUs elsewhere."""

import csv
import os
import subprocess
import sys

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


@pytest.mark.slow
def test_two_processes_train_one_network(tmp_path, labels):
    done = start(tmp_path, CONFIG.format(steps=4, weight=0.3, labels=labels), 2)
    assert done.returncode == 0, done.stderr
    first = load(tmp_path / "runs/two/last.pt")
    assert first.step == 4
    assert all(torch.isfinite(value).all() for value in first.average.values())
    assert (tmp_path / "runs/two/two.onnx").is_file()
    with (tmp_path / "runs/two/log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["step"]) for row in rows] == [2, 4]  # one process writes
    assert done.stderr.count("huggins: step 4") == 1


@pytest.mark.slow
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
