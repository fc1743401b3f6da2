"""One TOML file is one experiment."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from huggins.errors import InputError
from huggins.model.seed import SeedConfig
from huggins.model.standard import StandardConfig


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Where the data lie and how they are mixed.

    Attributes
    ----------
    templates
        Folder of the template files that mocks are made from.
    spectra
        Folder of labels.csv and of the real spectra that it names.
    folds
        Folds of labels.csv that training sees; their noise is the mocks' noise.
    choose
        Folds on which training is watched and the result calibrated.
    test
        Folds for reported figures; nothing is fitted to them.
    trust
        Least trust of a label that is used.
    real_share
        Share of real spectra in a batch; the rest are mocks.
    """

    templates: str = "../shared/data/templates"
    spectra: str = "../shared/data/spectra"
    folds: tuple[int, ...] = (2, 3)
    choose: tuple[int, ...] = (4,)
    test: tuple[int, ...] = (0, 1)
    trust: int = 2
    real_share: float = 0.12


@dataclass(frozen=True, slots=True)
class Config:
    """An experiment.

    Attributes
    ----------
    name
        Of the model, and of the folder under ``runs/`` that it is trained in.
    network
        ``standard`` or ``seed``.
    seed
        Of everything random: the same seed gives the same weights on the same machine.
    steps, batch
        Number of batches and spectra in each.
    rate, warmup, weight_decay
        Highest learning rate, reached after `warmup` steps and then falling to 0 with
        a cosine; decay of the weights (AdamW).
    average
        Decay of the running mean of the weights, which is what is exported.
    smoothing
        Share of the class target spread over all classes.
    redshift_weight
        Weight of the redshift loss beside the class loss.
    redshift_width
        Standard deviation of the redshift target, in bins.
    clip
        Largest norm of the gradient.
    bfloat16
        Compute in 16 bits where that is safe; twice as fast on processors that know how.
    threads, workers
        Threads of the network; processes that make batches.
    every
        Steps between checkpoints and looks at the `choose` folds.
    """

    name: str = "huggins"
    network: str = "standard"
    seed: int = 1
    steps: int = 6000
    batch: int = 256
    rate: float = 2e-3
    warmup: int = 300
    weight_decay: float = 0.02
    average: float = 0.998
    smoothing: float = 0.02
    redshift_weight: float = 0.3
    redshift_width: float = 1.2
    clip: float = 2.0
    bfloat16: bool = True
    threads: int = 2
    workers: int = 1
    every: int = 250
    data: DataConfig = field(default_factory=DataConfig)
    standard: StandardConfig = field(default_factory=StandardConfig)
    network_seed: SeedConfig = field(default_factory=SeedConfig)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, to be written into checkpoints and weights."""
        return asdict(self)


def read_config(path: str | Path) -> Config:
    """Read an experiment.

    Raises
    ------
    InputError
        If the file is missing, is not TOML, has an unknown key or a value of a wrong type.
    """
    path = Path(path)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}") from error
    config: Config = _build(Config, values, str(path))
    if config.network not in ("standard", "seed"):
        raise InputError(f"{path}: network is {config.network!r}; known: standard, seed")
    return config


_SECTIONS = {"data": DataConfig, "standard": StandardConfig, "network_seed": SeedConfig}


def _build(kind: Any, values: dict[str, Any], where: str) -> Any:
    known = {f.name: f for f in fields(kind)}
    arguments = {}
    for key, value in values.items():
        if key not in known:
            raise InputError(
                f"{where}: unknown key {key!r}; known are {', '.join(sorted(known))}"
            )
        if kind is Config and key in _SECTIONS:
            if not isinstance(value, dict):
                raise InputError(f"{where}: {key} must be a section, [{key}]")
            arguments[key] = _build(_SECTIONS[key], value, f"{where}: [{key}]")
            continue
        default = known[key].default
        wanted = float if isinstance(default, float) else type(default)
        if wanted is tuple and isinstance(value, list):
            value = tuple(value)
        if wanted is float and type(value) is int:
            value = float(value)
        if type(value) is not wanted:
            raise InputError(f"{where}: {key} must be of type {wanted.__name__}, not {value!r}")
        arguments[key] = value
    return kind(**arguments)
