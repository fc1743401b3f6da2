"""An experiment: train, calibrate on the validation spectra, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from huggins.errors import InputError, ModelError
from huggins.runs.resume import renamed
from huggins.simulate import SHIPPED
from huggins.train import checkpoint
from huggins.train.data import Batches
from huggins.train.labelled import labelled
from huggins.train.loop import train
from huggins.train.networks import build
from huggins.train.package import check, write_package
from huggins.train.ranks import ALONE
from huggins.train.starting import read_safetensors, recorded
from huggins.train.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from huggins.train.config import Config
    from huggins.train.ranks import Ranks


def run(
    config: Config,
    folder: str | Path = "runs",
    *,
    resume: bool = False,
    overwrite: bool = False,
    mocks: int = 4000,
    progress: Callable[[str], None] = print,
    ranks: Ranks = ALONE,
    initial: Mapping[str, Tensor] | None = None,
) -> Path:
    """Train, calibrate and export.

    Parameters
    ----------
    config
    folder
        Checkpoint, log, curves and weights go into a folder of the experiment's name inside.
    resume
        Continue an interrupted run.
    overwrite
        Replace files in that folder that huggins did not write.
    mocks
        Mocks from held-back templates for validation and calibration.
    progress
        Called with each line of progress.
    ranks
        Device, and the processes that train together; the first of them writes.
    initial
        Weights to start from.

    Returns
    -------
    Path
        The weights, ``NAME.onnx``.
    """
    home = Path(folder) / config.name
    if ranks.first:
        check(home, config.name, ("last.pt", "log.csv", "log.png"), overwrite=overwrite)
        if not (resume or overwrite) and (home / "last.pt").is_file():
            progress(f"the training that was in {home} is kept as {renamed(home)}")
    real = labelled(config.data, config.data.folds, progress)
    batches = Batches(config, real, ranks)
    if batches.templates is not None and batches.templates.substitutes:
        progress(
            f"mocks: {', '.join(batches.templates.substitutes)} are made of the few templates "
            f"that ship with huggins, not of those in {config.data.templates}"
            if config.data.templates != SHIPPED
            else "mocks are made of the few templates that ship with huggins"
        )
    validation = Validation(config, mocks)
    network = train(
        config,
        batches,
        home,
        resume=resume,
        watch=validation,
        progress=progress,
        ranks=ranks,
        initial=initial,
    )
    path = home / f"{config.name}.onnx"
    if ranks.first:
        from huggins.evaluate.training import draw_log

        draw_log(home / "log.csv", home / "log.png")
        write_package(network, validation.description(network, real), home)
        progress(f"wrote {path}")
    return path


def export_file(source: Path, folder: Path, mocks: int, *, overwrite: bool = False) -> Path:
    """Export a checkpoint or a safetensors file.

    A checkpoint is calibrated on the `choose` folds of its experiment, whose data must be
    present; a safetensors file contains its calibration. Files in the folder that huggins did
    not write are left, except with `overwrite`.

    Raises
    ------
    InputError
        If it is neither, or the experiment's data are not there.
    ModelError
        If it is damaged or of another version.
    """
    if source.suffix == ".pt":
        state = checkpoint.load(source)
        config = state.config
        check(folder, config.name, overwrite=overwrite)
        network = build(config)
        network.load_state_dict(state.weights)
        network.eval()
        real = labelled(config.data, config.data.folds)
        return write_package(
            network, Validation(config, mocks).description(network, real), folder
        )
    if source.suffix == ".safetensors":
        metadata, tensors = read_safetensors(source)
        check(folder, metadata.name, overwrite=overwrite)
        recipe = recorded(metadata, source)
        if recipe is None:
            raise ModelError(f"{source}: it does not name its network")
        network = build(recipe)
        try:
            network.load_state_dict(tensors)
        except RuntimeError as error:
            raise ModelError(f"{source}: weights and settings do not fit: {error}") from error
        return write_package(network.eval(), metadata, folder)
    raise InputError(f"{source}: export takes a .pt checkpoint or a .safetensors file")
