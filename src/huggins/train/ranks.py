"""Devices and processes of training: one CPU or GPU, or several through torchrun."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import distributed

from huggins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Ranks:
    """Rank and device of one of the processes that train together.

    Attributes
    ----------
    device
        Device it computes on.
    rank, world
        Its number, and how many there are.
    """

    device: torch.device
    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes the outputs and messages."""
        return self.rank == 0

    def mean(self, values: list[float]) -> list[float]:
        """Mean of each value over all processes, which must all call this."""
        if self.world == 1:
            return values
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return [value / self.world for value in total.tolist()]

    def told(self, value: float) -> float:
        """Broadcast the value of the first process to all."""
        if self.world == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=self.device)
        distributed.broadcast(shared, 0)
        return float(shared.item())


ALONE = Ranks(torch.device("cpu"))


@contextmanager
def together(device: str = "auto") -> Iterator[Ranks]:
    """Join the other processes if torchrun started several, and leave them at the end.

    Parameters
    ----------
    device
        ``auto`` (a GPU where there is one), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Raises
    ------
    InputError
        If there is no such device.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    chosen = _device(device, int(os.environ.get("LOCAL_RANK", "0")) if world > 1 else None)
    if world == 1:
        yield Ranks(chosen)
        return
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Ranks(chosen, distributed.get_rank(), world)
        # The first process calibrates and writes when the others are done. torchrun ends all
        # as soon as one fails, so none leaves before the first has finished.
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def _device(name: str, local: int | None) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(
            f"--device: {name!r} is no device: write cpu, cuda, cuda:1 or mps"
        ) from error
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        number = local if local is not None else device.index or 0
        if number >= count:
            raise InputError(
                f"--device: PyTorch sees {count} GPUs here, and GPU {number} is asked for: "
                "take --device cpu, or fewer processes"
            )
        device = torch.device("cuda", number)
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
    elif device.type == "mps" and not torch.backends.mps.is_available():
        raise InputError("--device: there is no mps device here: take --device cpu")
    return device
