"""Training: loss, resume, and what happens when it goes wrong."""

import errno
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from huggins.errors import InputError, ModelError, OutputError
from huggins.model.standard import StandardConfig
from huggins.taxonomy import ALL_CLASSES
from huggins.train.checkpoint import read_checkpoint
from huggins.train.config import Config
from huggins.train.data import redshift_target
from huggins.train.loop import TrainingError, loss, rate, train
from huggins.train.networks import build
from huggins.weights import RedshiftGrid

SMALL = Config(
    steps=12,
    batch=16,
    warmup=3,
    every=4,
    workers=0,
    threads=1,
    bfloat16=False,
    standard=StandardConfig(widths=(4, 4, 4, 4), kernels=(5, 3, 3, 3), blocks=1, hidden=8),
)


class Toy(Dataset):
    """Two classes told apart by the sign of the flux."""

    def __init__(self, config, spoiled=None):
        self.config, self.spoiled = config, spoiled

    def __len__(self):
        return self.config.steps

    def __getitem__(self, step):
        generator = torch.Generator().manual_seed(step)
        x = torch.randn(16, 4, 960, generator=generator) * 0.3
        kind = torch.randint(0, 2, (16,), generator=generator)
        x += (2.0 * kind - 1.0)[:, None, None]
        if step == self.spoiled:
            x[0, 0, 0] = torch.nan
        allowed = torch.zeros(16, len(ALL_CLASSES), dtype=torch.bool)
        allowed[torch.arange(16), kind] = True
        z = redshift_target(np.full(16, 0.5), 1.0)
        return {"input": x, "allowed": allowed, "redshift": torch.from_numpy(z)}


def quiet(_):
    pass


@pytest.mark.slow
def test_training_learns(tmp_path):
    config = replace(SMALL, steps=60, every=20, rate=0.01, redshift_weight=0.0)
    seen = []
    train(config, Toy(config), tmp_path, progress=seen.append)
    losses = [float(line.split("loss ")[1].split()[0]) for line in seen]
    assert losses[-1] < 0.8 * losses[0]
    header, *rows = (tmp_path / "log.csv").read_text().splitlines()
    assert header.startswith("step,loss,accuracy,speed")
    assert len(rows) == 3


def test_a_resumed_run_gives_the_same_weights(tmp_path):
    whole = train(SMALL, Toy(SMALL), tmp_path / "a", progress=quiet)
    with pytest.raises(TrainingError):
        train(SMALL, Toy(SMALL, spoiled=9), tmp_path / "b", progress=quiet)
    assert read_checkpoint(tmp_path / "b" / "last.pt")["step"] == 8
    resumed = train(SMALL, Toy(SMALL), tmp_path / "b", resume=True, progress=quiet)
    for one, two in zip(
        whole.state_dict().values(), resumed.state_dict().values(), strict=True
    ):
        assert torch.equal(one, two)


def test_a_loss_that_is_not_finite_stops_at_its_batch(tmp_path):
    with pytest.raises(TrainingError, match="nan at batch 5"):
        train(SMALL, Toy(SMALL, spoiled=5), tmp_path, progress=quiet)
    state = read_checkpoint(tmp_path / "last.pt")
    assert all(torch.isfinite(v).all() for v in state["network"].values())


def test_a_checkpoint_of_another_experiment_is_refused(tmp_path):
    train(SMALL, Toy(SMALL), tmp_path, progress=quiet)
    other = replace(SMALL, rate=0.1)
    with pytest.raises(ModelError, match="another configuration"):
        train(other, Toy(other), tmp_path, resume=True, progress=quiet)


def test_damaged_and_foreign_checkpoints_are_refused(tmp_path):
    path = tmp_path / "last.pt"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="not a readable checkpoint"):
        read_checkpoint(path)
    torch.save({"checkpoint": 99}, path)
    with pytest.raises(ModelError, match="version 99"):
        read_checkpoint(path)


def test_loss_counts_every_class_that_the_label_leaves_open():
    scores = torch.log(torch.tensor([[0.5, 0.3, 0.2]]))
    allowed = torch.tensor([[True, True, False]])
    batch = {"allowed": allowed, "redshift": torch.zeros(1, 4)}
    value = loss(scores, None, batch, 0.0, 0.3)
    assert value.item() == pytest.approx(-np.log(0.8), abs=1e-6)


def test_spectra_without_redshift_do_not_count_in_its_loss():
    scores = torch.zeros(2, 3)
    redshift = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([[0.0, 1.0, 0.0, 0.0], [0.0] * 4])
    batch = {"allowed": torch.eye(2, 3, dtype=torch.bool), "redshift": target}
    both = loss(scores, redshift, batch, 0.0, 1.0) - np.log(3.0)
    expected = -torch.log_softmax(redshift[0], dim=0)[1]
    assert both.item() == pytest.approx(expected.item(), abs=1e-5)


def test_redshift_target_sums_to_one_only_inside_the_bins():
    target = redshift_target(np.array([0.0, 2.5, 6.2, np.nan, -0.5]), 1.2)
    assert target.sum(axis=1) == pytest.approx(
        [1.0, 1.0, 1.0 if np.log1p(6.2) < 1.979 else 0.0, 0.0, 0.0]
    )
    centres = RedshiftGrid().centres
    assert centres[target[1].argmax()] == pytest.approx(np.log1p(2.5), abs=0.001)


def test_rate_rises_and_falls():
    config = replace(SMALL, steps=100, warmup=10, rate=1.0)
    values = [rate(config, step) for step in range(100)]
    assert values[9] == pytest.approx(1.0)
    assert values[0] == pytest.approx(0.1)
    assert values[-1] < 0.01


def test_the_seed_of_an_experiment_settles_its_first_weights():
    one, two = build(SMALL), build(SMALL)
    assert all(
        torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True)
    )


def test_class_weights_move_the_mean():
    scores = torch.zeros(2, 3)
    scores[0, 0] = 5.0
    batch = {"allowed": torch.eye(2, 3, dtype=torch.bool), "redshift": torch.zeros(2, 4)}
    easy, hard = (
        loss(scores[i : i + 1], None, {k: v[i : i + 1] for k, v in batch.items()}, 0.0, 0.0)
        for i in range(2)
    )
    weights = torch.tensor([1.0, 3.0, 1.0])
    found = loss(scores, None, batch, 0.0, 0.0, weights)
    assert found.item() == pytest.approx(((easy + 3.0 * hard) / 4.0).item(), rel=1e-5)
    assert loss(scores, None, batch, 0.0, 0.0).item() == pytest.approx(
        ((easy + hard) / 2.0).item(), rel=1e-5
    )


def test_training_stops_when_it_gets_no_better_and_keeps_the_best(tmp_path):
    config = replace(SMALL, steps=40, every=2, patience=3)
    held = iter([0.9, 0.5, 0.7, 0.8, 0.6, 0.4])
    kept, said = [], []

    def watch(network):
        kept.append({k: v.clone() for k, v in network.state_dict().items()})
        return {"held_loss": next(held)}

    network = train(config, Toy(config), tmp_path, watch=watch, progress=said.append)
    assert "stopped: no better in 3 validations; the best was step 4" in said
    state = read_checkpoint(tmp_path / "last.pt")
    assert (state["step"], state["best"]["step"]) == (10, 4)
    for name, value in network.state_dict().items():
        assert torch.equal(value, kept[1][name])
    again = train(config, Toy(config), tmp_path, resume=True, watch=watch, progress=quiet)
    assert all(
        torch.equal(a, b)
        for a, b in zip(network.state_dict().values(), again.state_dict().values(), strict=True)
    )


def test_early_stopping_needs_something_to_go_by(tmp_path):
    config = replace(SMALL, patience=2)
    with pytest.raises(InputError, match="needs spectra in the `choose` folds"):
        train(config, Toy(config), tmp_path, progress=quiet)


def test_weights_to_start_from_are_taken(tmp_path):
    first = train(SMALL, Toy(SMALL), tmp_path / "a", progress=quiet).state_dict()
    config = replace(SMALL, steps=1, rate=0.0, average=0.0)
    found = train(
        config, Toy(config), tmp_path / "b", progress=quiet, initial=first
    ).state_dict()
    assert all(
        torch.equal(first[k], found[k])
        for k in first
        if "running" not in k and "tracked" not in k
    )


def test_a_full_disk_stops_training_and_keeps_what_was(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    train(replace(SMALL, steps=4), Toy(SMALL), tmp_path, progress=quiet)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="holds an earlier state"):
        train(SMALL, Toy(SMALL), tmp_path, progress=quiet)
    assert read_checkpoint(tmp_path / "last.pt")["step"] == 4


def test_a_shared_label_counts_for_both_letters():
    scores = torch.log(torch.tensor([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]))
    batch = {
        "allowed": torch.tensor([[True, False, False], [False, True, False]]),
        "soft": torch.tensor([[0.7, 0.3, 0.0], [0.0, 0.0, 0.0]]),
    }
    expected = 0.5 * (-0.7 * np.log(0.5) - 0.3 * np.log(0.3) - np.log(0.3))
    assert float(loss(scores, None, batch, 0.0, 0.0)) == pytest.approx(expected, rel=1e-5)
