"""Checkpoints: nothing is lost when the disk is full, nothing is misread."""

import errno
import os
from dataclasses import replace

import pytest
import torch

from huggins.errors import ModelError, OutputError
from huggins.train.checkpoint import CHECKPOINT, Log, State, load, save
from huggins.train.config import Config


def state(step):
    weights = {"a": torch.full((3,), float(step))}
    return State(Config(), step, weights, weights, {})


def test_what_is_saved_is_loaded(tmp_path):
    save(tmp_path / "last.pt", state(5))
    found = load(tmp_path / "last.pt")
    assert (found.config, found.step, found.stale, found.best) == (Config(), 5, 0, {})
    assert torch.equal(found.weights["a"], torch.full((3,), 5.0))
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


def test_the_best_weights_count_where_there_are_some(tmp_path):
    best = {"loss": 0.5, "step": 3, "average": {"a": torch.zeros(3)}}
    save(tmp_path / "last.pt", replace_state(state(5), best))
    assert torch.equal(load(tmp_path / "last.pt").weights["a"], torch.zeros(3))


def replace_state(old, best):
    old.best = best
    return old


def full(_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_keeps_the_earlier_state(tmp_path, monkeypatch):
    save(tmp_path / "last.pt", state(5))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"step 6: .*No space.*holds an earlier state"):
        save(tmp_path / "last.pt", state(6))
    assert load(tmp_path / "last.pt").step == 5
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


def test_older_checkpoints_lack_newer_settings(tmp_path):
    """A key that a later version added has its default."""
    save(tmp_path / "last.pt", state(5))
    values = torch.load(tmp_path / "last.pt", weights_only=True)
    for key in ("patience", "odds", "dilated"):
        del values["config"][key]
    del values["best"]
    torch.save(values, tmp_path / "last.pt")
    assert load(tmp_path / "last.pt").config == Config()


def test_settings_that_nobody_knows_are_refused(tmp_path):
    save(tmp_path / "last.pt", state(5))
    values = torch.load(tmp_path / "last.pt", weights_only=True)
    values["config"]["flux_capacitor"] = 1
    torch.save(values, tmp_path / "last.pt")
    with pytest.raises(ModelError, match="unknown key 'flux_capacitor'"):
        load(tmp_path / "last.pt")


@pytest.mark.parametrize(
    ("content", "message"),
    [([1, 2], "not written by huggins"), ({"checkpoint": CHECKPOINT + 1}, "of version 2")],
)
def test_foreign_files_are_refused(tmp_path, content, message):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(ModelError, match=message):
        load(tmp_path / "a.pt")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path / "none.pt")


def test_a_log_that_goes_on_drops_rows_of_steps_to_be_repeated(tmp_path):
    path = tmp_path / "log.csv"
    log = Log(path, 0)
    for step in (2, 4, 6):
        log.add({"step": step, "loss": 1.0 / step})
    Log(path, 4).add({"step": 6, "loss": 0.5})
    assert path.read_text().split() == ["step,loss", "2,0.5", "4,0.25", "6,0.5"]
    Log(path, 0).add({"step": 2, "loss": 9})
    assert path.read_text().split() == ["step,loss", "2,9"]


def test_a_log_that_cannot_be_written_says_so(tmp_path):
    path = tmp_path / "log.csv"
    path.symlink_to("/dev/full")
    with pytest.raises(OutputError, match="log cannot be written"):
        Log(path, 0).add({"step": 1.0})


def test_configurations_compare_by_value():
    assert replace(Config(), odds={"QSO": 1.0}) != Config()
