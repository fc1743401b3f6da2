"""What training leaves on disk: checkpoints to resume it exactly, and its log."""

from __future__ import annotations

import csv
import io
import pickle
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import torch

from huggins.errors import InputError, ModelError, OutputError
from huggins.runs.files import write_bytes
from huggins.train.config import Config, from_dict

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

#: Version of the checkpoint files; another is refused.
CHECKPOINT = 1


@dataclass(slots=True)
class State:
    """What a checkpoint holds.

    Attributes
    ----------
    config
        The experiment.
    step
        Batches that have been learned.
    network, average : dict of str to Tensor
        The weights, and their running mean.
    optimiser : dict
    stale
        Validations since the lowest validation loss.
    best : dict
        Empty, or ``step``, ``loss`` and ``average`` of that validation.
    """

    config: Config
    step: int
    network: dict[str, Tensor]
    average: dict[str, Tensor]
    optimiser: dict[str, Any]
    stale: int = 0
    best: dict[str, Any] = field(default_factory=dict)

    @property
    def weights(self) -> dict[str, Tensor]:
        """Weights that are exported: the best where early stopping was on, else the mean."""
        found: dict[str, Tensor] = self.best.get("average", self.average)
        return found


def save(path: Path, state: State) -> None:
    """Write a checkpoint; the previous one survives a full disk.

    Raises
    ------
    OutputError
        If it cannot be written; the previous one is kept.
    """
    buffer = io.BytesIO()
    # The version comes first: the file is recognised by it.
    values: dict[str, Any] = {"checkpoint": CHECKPOINT}
    values |= {f.name: getattr(state, f.name) for f in fields(state)}
    values["config"] = state.config.to_dict()
    torch.save(values, buffer)
    try:
        write_bytes(path, buffer.getvalue())
    except OutputError as error:
        kept = "nothing is kept"
        if path.exists():
            kept = "it holds an earlier state, from which --resume continues"
        raise OutputError(f"step {state.step}: {error}; {kept}") from error


def load(path: str | Path) -> State:
    """Read a checkpoint.

    Raises
    ------
    ModelError
        If it is damaged or of another version.
    """
    values = read_checkpoint(path)
    try:
        config = from_dict(values["config"], str(path))
        known = {f.name: values[f.name] for f in fields(State) if f.name in values}
        return State(**known | {"config": config})
    except (KeyError, TypeError, InputError) as error:
        raise ModelError(
            f"{path}: the checkpoint lacks what this huggins needs of it ({error}): use the "
            "huggins that wrote it, or train again"
        ) from error


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint as plain values, its version checked.

    Raises
    ------
    ModelError
        If it is damaged or of another version.
    """
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise ModelError(f"{path}: not a readable checkpoint: {error}") from error
    if not isinstance(state, dict) or "checkpoint" not in state:
        raise ModelError(f"{path}: not a readable checkpoint: it was not written by huggins")
    if state["checkpoint"] != CHECKPOINT:
        raise ModelError(
            f"{path}: a checkpoint of version {state['checkpoint']}, this huggins reads "
            f"version {CHECKPOINT}: train again"
        )
    return state


class Log:
    """Rows of figures in ``log.csv``.

    Parameters
    ----------
    path
    start
        Step at which training resumes; later rows, left by a killed run, are dropped. 0 starts
        a new log.

    Raises
    ------
    OutputError
        If it cannot be written.
    """

    def __init__(self, path: Path, start: int) -> None:
        self._path = path
        self._new = True
        if start and path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                header, *rows = csv.reader(file)
            kept = [row for row in rows if row and float(row[0]) <= start]
            self._write("w", [header, *kept])
            self._new = False

    def add(self, figures: dict[str, float]) -> None:
        """Append a row; the first also names the columns."""
        row = [f"{value:.6g}" for value in figures.values()]
        self._write("w" if self._new else "a", [list(figures), row] if self._new else [row])
        self._new = False

    def _write(self, mode: str, rows: list[list[str]]) -> None:
        try:
            with self._path.open(mode, newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(rows)
        except OSError as error:
            raise OutputError(
                f"{self._path}: the log cannot be written: {error.strerror}; make room, then "
                "--resume"
            ) from error
