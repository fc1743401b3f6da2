"""The training loop: loss, running mean of the weights, checkpoints, a log."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from huggins.errors import HugginsError, InputError, ModelError, OutputError
from huggins.taxonomy import ALL_CLASSES
from huggins.train import checkpoint
from huggins.train.checkpoint import Log, State
from huggins.train.networks import build
from huggins.train.ranks import ALONE, Ranks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch.utils.data import Dataset

    from huggins.train.config import Config

#: Validation loss, which early stopping is based on.
HELD_LOSS = "held_loss"


class TrainingError(HugginsError):
    """Training cannot continue."""


def loss(
    scores: Tensor,
    redshift: Tensor | None,
    batch: dict[str, Tensor],
    smoothing: float,
    redshift_weight: float,
    class_weights: Tensor | None = None,
) -> Tensor:
    """Mean loss of a batch.

    The class part is minus the log of the probability of all classes that the label leaves
    open, or, where the batch says how a label is shared between types, the cross entropy with
    it; a network without NONE learns nothing from spectra that are none of its classes.
    Weights of classes (K,) make it a weighted mean, a spectrum's weight being the mean of those
    that its label leaves open.
    """
    logp = functional.log_softmax(scores, dim=1)
    allowed = batch["allowed"][:, : scores.shape[1]]
    use = allowed.any(dim=1)
    right = logp.masked_fill(~allowed, -torch.inf)[use]
    part = -torch.logsumexp(right, dim=1)
    if "soft" in batch:
        soft = batch["soft"][use, : scores.shape[1]]
        part = torch.where(soft.sum(dim=1) > 0, -(soft * logp[use]).sum(dim=1), part)
    part = (1.0 - smoothing) * part - smoothing * logp[use].mean(dim=1)
    if class_weights is None:
        total = part.mean()
    else:
        known = allowed[use].to(part.dtype)
        weight = (known * class_weights[: scores.shape[1]]).sum(dim=1) / known.sum(dim=1)
        total = (weight * part).sum() / weight.sum().clamp(min=1e-6)
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
    progress: Callable[[str], None] = print,
    ranks: Ranks = ALONE,
    initial: Mapping[str, Tensor] | None = None,
) -> nn.Module:
    """Run an experiment.

    Parameters
    ----------
    config
    batches
        Batch i is that of step i: `huggins.train.data.Batches`. Where several processes train
        together, this one's share of it.
    folder
        Where ``last.pt`` and ``log.csv`` go.
    resume
        Continue from ``last.pt``, to the same weights as without the interruption.
    watch
        Figures of the averaged network, logged at every checkpoint; early stopping uses its
        ``held_loss``.
    progress
        Called with each line of progress.
    ranks
        Device, and the processes that train together.
    initial
        Weights to start from instead of the experiment's random ones.

    Returns
    -------
    torch.nn.Module
        The averaged network, in evaluation mode, on the processor.

    Raises
    ------
    TrainingError
        If the loss is not finite; ``last.pt`` still holds the last good state.
    ModelError
        If the checkpoint is of another version or experiment.
    OutputError
        If a checkpoint or the log cannot be written; the last checkpoint is kept.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be made: {error.strerror}; name another folder with --runs"
        ) from error
    torch.set_num_threads(config.threads)
    device = ranks.device
    network, average = build(config).to(device), build(config).to(device)
    if initial is not None:
        network.load_state_dict(initial)
        average.load_state_dict(initial)
    average.eval()
    optimiser = torch.optim.AdamW(
        _groups(network, config.weight_decay), lr=config.rate, betas=(0.9, 0.98)
    )
    state = None
    if resume and (folder / "last.pt").is_file():
        state = _restore(folder / "last.pt", config, network, average, optimiser)
        progress(f"resumed at step {state.step}")
    start, stale, best = (state.step, state.stale, state.best) if state else (0, 0, {})
    model = _shared(network, config, ranks)
    use_bfloat16 = config.bfloat16 and _knows_bfloat16(device)
    weights = _class_weights(config, device)
    loader = _loader(config, batches, start if not _done(config, stale) else config.steps)
    log = Log(folder / "log.csv", start) if ranks.first else None
    network.train()
    began, sums = time.monotonic(), np.zeros(3)  # of loss, spectra right, spectra
    for step, some in enumerate(loader, start):
        batch = {name: value.to(device, non_blocking=True) for name, value in some.items()}
        for group in optimiser.param_groups:
            group["lr"] = rate(config, step)
        # Dropout, also after a resume; each process has its own.
        torch.manual_seed(config.seed * 1_000_003 + step + 7_777_777_777 * ranks.rank)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=use_bfloat16):
            scores, redshift = model(batch["input"])
        value = loss(
            scores.float(),
            None if redshift is None else redshift.float(),
            batch,
            config.smoothing,
            config.redshift_weight,
            weights,
        )
        optimiser.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        (mean,) = ranks.mean([value.item()])
        if not np.isfinite(mean):
            kept = folder / "last.pt"
            state_of = (
                f"{kept} holds the last good state" if kept.exists() else "nothing is kept"
            )
            raise TrainingError(
                f"the loss is {mean} at batch {step}; {state_of}: lower `rate`, then --resume"
            )
        nn.utils.clip_grad_norm_(network.parameters(), config.clip)
        optimiser.step()
        _update(average, network, min(config.average, (1.0 + step) / (10.0 + step)))
        sums += _counts(mean, scores, batch["allowed"])
        if (step + 1) % config.every and step + 1 < config.steps:
            continue
        passed = config.every if (step + 1) % config.every == 0 else (step + 1) % config.every
        total, right, seen = ranks.mean(sums.tolist())
        speed = (step + 1 - start) * config.batch / (time.monotonic() - began)
        figures = {
            "step": float(step + 1),
            "loss": total / passed,
            "accuracy": right / max(seen, 1.0),
            "speed": speed,
        }
        sums[:] = 0.0
        if watch is not None and ranks.first:
            figures |= watch(average)
        if log is not None:
            log.add(figures)
            progress("  ".join(f"{k} {v:.4g}" for k, v in figures.items()))
        if config.patience:
            held = ranks.told(_held(figures) if ranks.first else 0.0)
            stale += 1
            if not best or held < best["loss"]:
                stale, best = 0, {"loss": held, "step": step + 1, "average": _copy(average)}
        if ranks.first:
            checkpoint.save(
                folder / "last.pt",
                State(
                    config,
                    step + 1,
                    network.state_dict(),
                    average.state_dict(),
                    optimiser.state_dict(),
                    stale,
                    best,
                ),
            )
        if _done(config, stale):
            progress(
                f"stopped: no better in {stale} validations; the best was step {best['step']}"
            )
            break
    if best:
        average.load_state_dict(best["average"])
    return average.cpu()


def _done(config: Config, stale: int) -> bool:
    return bool(config.patience) and stale >= config.patience


def _held(figures: dict[str, float]) -> float:
    if HELD_LOSS not in figures:
        raise InputError("early stopping (patience) needs spectra in the `choose` folds")
    return figures[HELD_LOSS]


def _loader(config: Config, batches: Dataset[dict[str, Tensor]], start: int) -> DataLoader[Any]:
    return DataLoader(
        batches,
        batch_size=None,
        sampler=range(start, config.steps),
        num_workers=config.workers,
        prefetch_factor=6 if config.workers else None,
        worker_init_fn=_ignore_interrupts,
    )


def _ignore_interrupts(_: int) -> None:
    """Leave Ctrl-C to the training process, which ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _shared(network: nn.Module, config: Config, ranks: Ranks) -> nn.Module:
    """Wrap the network for training by several processes."""
    if ranks.world == 1:
        return network
    if config.batch % ranks.world:
        raise InputError(
            f"batch is {config.batch}, which {ranks.world} processes cannot share evenly: "
            "choose a multiple"
        )
    gpu = ranks.device.type == "cuda"
    return DistributedDataParallel(
        nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        if gpu
        else network,
        device_ids=[ranks.device] if gpu else None,
        find_unused_parameters=config.redshift_weight == 0.0,
    )


def _knows_bfloat16(device: torch.device) -> bool:
    return device.type == "cpu" or (
        device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    )


def _class_weights(config: Config, device: torch.device) -> Tensor | None:
    if not config.class_weights:
        return None
    values = [config.class_weights.get(name, 1.0) for name in ALL_CLASSES]
    return torch.tensor(values, device=device)


@torch.no_grad()
def _counts(mean: float, scores: Tensor, allowed: Tensor) -> np.ndarray:
    """Loss, number of correct classes, and number of spectra with a known class."""
    known = allowed[:, : scores.shape[1]]
    right = known.gather(1, scores.argmax(dim=1, keepdim=True)).sum()
    return np.array([mean, right.item(), known.any(dim=1).sum().item()])


def _copy(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def _groups(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Apply weight decay to matrices, not to biases and normalisations."""
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


def _restore(
    path: Path,
    config: Config,
    network: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
) -> State:
    state = checkpoint.load(path)
    if state.config != config:
        raise ModelError(f"{path}: the checkpoint is of another configuration")
    network.load_state_dict(state.network)
    average.load_state_dict(state.average)
    optimiser.load_state_dict(state.optimiser)
    return state
