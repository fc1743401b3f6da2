"""The training loop: loss, running mean of the weights, checkpoints, a log."""

from __future__ import annotations

import csv
import pickle
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from huggins.errors import HugginsError, ModelError
from huggins.model.seed import Seed
from huggins.model.standard import Standard
from huggins.simulate import KINDS
from huggins.train.data import contract_of
from huggins.weights import RedshiftGrid

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.utils.data import Dataset

    from huggins.train.config import Config

#: Version of the checkpoint files; another is refused.
CHECKPOINT = 1


class TrainingError(HugginsError):
    """Training cannot go on."""


def build(config: Config) -> nn.Module:
    """Make the experiment's network, its weights drawn from the experiment's seed."""
    torch.manual_seed(config.seed)
    contract = contract_of(config)
    channels, pixels = len(contract.channels), contract.grid.size
    if config.network == "seed":
        return Seed(channels, pixels, len(KINDS) - 1, config.network_seed)
    return Standard(channels, pixels, len(KINDS), RedshiftGrid().size, config.standard)


def loss(
    scores: Tensor,
    redshift: Tensor | None,
    batch: dict[str, Tensor],
    smoothing: float,
    redshift_weight: float,
) -> Tensor:
    """Mean loss of a batch.

    The class part is minus the log of the probability of all classes that the label leaves
    open; a network without NONE learns nothing from spectra that are none of its classes.
    """
    logp = functional.log_softmax(scores, dim=1)
    allowed = batch["allowed"][:, : scores.shape[1]]
    use = allowed.any(dim=1)
    right = logp.masked_fill(~allowed, -torch.inf)[use]
    part = -torch.logsumexp(right, dim=1)
    total = ((1.0 - smoothing) * part - smoothing * logp[use].mean(dim=1)).mean()
    if redshift is not None and redshift_weight > 0:
        target = batch["redshift"]
        cross = -(target * functional.log_softmax(redshift, dim=1)).sum(dim=1)
        total = total + redshift_weight * cross.sum() / target.sum().clamp(min=1.0)
    return total


def rate(config: Config, step: int) -> float:
    """Learning rate at a step: linear warm-up, then a cosine to 0."""
    if step < config.warmup:
        return config.rate * (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.rate * 0.5 * (1.0 + float(np.cos(np.pi * done)))


def train(
    config: Config,
    batches: Dataset[dict[str, Tensor]],
    folder: str | Path,
    *,
    resume: bool = False,
    watch: Callable[[nn.Module], dict[str, float]] | None = None,
    say: Callable[[str], None] = print,
) -> nn.Module:
    """Run an experiment.

    Parameters
    ----------
    config
    batches
        Batch i is that of step i: `huggins.train.data.Batches`.
    folder
        Where ``last.pt`` and ``log.csv`` go.
    resume
        Go on from ``last.pt``: the same weights come out as without the stop.
    watch
        Figures of the averaged network, logged at every checkpoint.
    say
        What is done with each line of progress.

    Returns
    -------
    torch.nn.Module
        The averaged network, in evaluation mode.

    Raises
    ------
    TrainingError
        If the loss is not finite; ``last.pt`` still holds the last good state.
    ModelError
        If the checkpoint is of another version or experiment.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(config.threads)
    network, average = build(config), build(config)
    average.eval()
    optimiser = torch.optim.AdamW(
        _groups(network, config.weight_decay), lr=config.rate, betas=(0.9, 0.98)
    )
    start = 0
    if resume and (folder / "last.pt").is_file():
        start = _load(folder / "last.pt", config, network, average, optimiser)
        say(f"resumed at step {start}")
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=range(start, config.steps),
        num_workers=config.workers,
        prefetch_factor=6 if config.workers else None,
    )
    network.train()
    began, running = time.monotonic(), 0.0
    for step, batch in enumerate(loader, start):
        for group in optimiser.param_groups:
            group["lr"] = rate(config, step)
        torch.manual_seed(config.seed * 1_000_003 + step)  # dropout, also after a resume
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=config.bfloat16):
            scores, redshift = network(batch["input"])
        value = loss(
            scores.float(),
            None if redshift is None else redshift.float(),
            batch,
            config.smoothing,
            config.redshift_weight,
        )
        if not torch.isfinite(value):
            raise TrainingError(
                f"the loss is {value.item()} at batch {step}; {folder / 'last.pt'} holds the "
                "last good state: lower `rate`, then --resume"
            )
        optimiser.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), config.clip)
        optimiser.step()
        _update(average, network, min(config.average, (1.0 + step) / (10.0 + step)))
        running += value.item()
        if (step + 1) % config.every == 0 or step + 1 == config.steps:
            speed = (step + 1 - start) * config.batch / (time.monotonic() - began)
            figures = {"step": float(step + 1), "loss": running / config.every, "speed": speed}
            running = 0.0
            figures |= watch(average) if watch else {}
            _log(folder / "log.csv", figures, new=step + 1 == config.every)
            say("  ".join(f"{k} {v:.4g}" for k, v in figures.items()))
            _save(folder / "last.pt", config, network, average, optimiser, step + 1)
    return average


def _groups(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Weights of matrices decay; offsets and normalisations do not."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": decay},
        {"params": others, "weight_decay": 0.0},
    ]


@torch.no_grad()
def _update(average: nn.Module, network: nn.Module, decay: float) -> None:
    for old, new in zip(
        average.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if old.is_floating_point():
            old.lerp_(new, 1.0 - decay)
        else:
            old.copy_(new)


def _save(
    path: Path,
    config: Config,
    network: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    step: int,
) -> None:
    """Write a checkpoint beside the old one, then rename: a full disk loses nothing."""
    part = path.with_suffix(".part")
    torch.save(
        {
            "checkpoint": CHECKPOINT,
            "config": config.to_dict(),
            "network": network.state_dict(),
            "average": average.state_dict(),
            "optimiser": optimiser.state_dict(),
            "step": step,
        },
        part,
    )
    part.replace(path)


def _load(
    path: Path,
    config: Config,
    network: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
) -> int:
    state = read_checkpoint(path)
    if state["config"] != config.to_dict():
        raise ModelError(f"{path}: the checkpoint is of another configuration")
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    step: int = state["step"]
    return step


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint.

    Raises
    ------
    ModelError
        If it is damaged or of another version.
    """
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise ModelError(f"{path}: not a readable checkpoint: {error}") from error
    if state.get("checkpoint") != CHECKPOINT:
        raise ModelError(
            f"{path}: a checkpoint of version {state.get('checkpoint')}, this huggins reads "
            f"version {CHECKPOINT}: train again"
        )
    return state


def _log(path: Path, figures: dict[str, float], *, new: bool) -> None:
    with path.open("w" if new else "a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(figures)
        writer.writerow(f"{value:.6g}" for value in figures.values())
