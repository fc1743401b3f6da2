"""`huggins train`: run the experiment of one configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huggins.cli import options
from huggins.cli.options import LOGGER

if TYPE_CHECKING:
    from huggins.train.config import Config


@options.with_messages
def train(
    config: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG",
            help="Configuration of the experiment (TOML).",
            show_default=False,
        ),
    ],
    runs: Annotated[
        Path,
        typer.Option("--runs", metavar="FOLDER", help="Folder of the results."),
    ] = Path("runs"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted run.")
    ] = False,
    overwrite: options.Overwrite = False,
    device: Annotated[
        str,
        typer.Option(
            "--device", metavar="NAME", help="cpu, cuda, cuda:1 or mps; auto: a GPU if present."
        ),
    ] = "auto",
    init: Annotated[
        str,
        typer.Option(
            "--init",
            metavar="WEIGHTS",
            help="Start from a shipped model, or from a .pt, .safetensors or .onnx file.",
        ),
    ] = "",
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            metavar="CSV|HDF5",
            help="Your own labelled spectra instead of those in CONFIG: a table "
            "with columns path and class (index, z, object, fold), or a data set.",
        ),
    ] = None,
    report: Annotated[
        str,
        typer.Option(
            "--report",
            metavar="WEIGHTS",
            help="Do not train: measure a shipped model or an .onnx file on the test folds and "
            "print the figures as JSON.",
        ),
    ] = "",
) -> int:
    """Train a network, calibrate it and write its weights."""
    import json
    from dataclasses import replace

    from huggins.errors import InputError
    from huggins.train import read_config, run, run_folds
    from huggins.train import report as figures_of
    from huggins.train.ranks import together
    from huggins.train.starting import starting_weights

    experiment = read_config(config)
    if labels is not None:
        if not labels.exists():
            raise InputError(f"--labels: {labels}: there is no such file")
        experiment = replace(experiment, data=replace(experiment.data, spectra=str(labels)))
    if report:
        print(json.dumps(figures_of(experiment, report), indent=1))
        return 0
    initial = None
    if init:
        experiment, initial = starting_weights(experiment, init)
        experiment = _with_templates(experiment)
    with (
        options.resumable("--resume continues from the last checkpoint"),
        together(device) as ranks,
    ):

        def progress(line: str) -> None:
            if ranks.first:
                LOGGER.info("%s", line)

        go = run if experiment.data.folds else run_folds
        path = go(
            experiment,
            runs,
            resume=resume,
            overwrite=overwrite,
            progress=progress,
            ranks=ranks,
            initial=initial,
        )
        if ranks.first:
            print(path)
    return 0


def _with_templates(experiment: Config) -> Config:
    """Take what ships with huggins where an experiment that goes on has no templates."""
    from dataclasses import replace

    from huggins.errors import InputError
    from huggins.simulate import SHIPPED, template_files

    if experiment.data.real_share >= 1.0:
        return experiment
    try:
        template_files(experiment.data.templates)
    except InputError as error:
        LOGGER.warning("%s; mocks are made of these now", error)
        return replace(experiment, data=replace(experiment.data, templates=SHIPPED))
    return experiment
