"""One TOML file is one experiment."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from huggins.errors import InputError
from huggins.model.dilated import DilatedConfig
from huggins.model.linefinder import LineFinderConfig
from huggins.model.seed import SeedConfig
from huggins.model.standard import StandardConfig
from huggins.taxonomy import ALL_CLASSES

#: Networks that an experiment can train.
NETWORKS: Final = ("standard", "seed", "linefinder", "dilated")


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Location of the data, and how they are mixed.

    Attributes
    ----------
    templates
        Folder of the template files that mocks are made from (`huggins templates fetch` makes
        one), or ``shipped``: the few templates that ship with huggins.
    spectra
        Folder of labels.csv and of the real spectra that it names, or the HDF5 file of
        a data set (docs/reference/dataset.md). Not needed where `real_share` is 0.
    folds
        Folds of labels.csv that training sees; their noise is the mocks' noise. Empty (in
        TOML ``folds = "all"``): as many experiments as there are folds outside `test`, each
        with one fold left out, for predictions of spectra that training did not see.
    choose
        Folds on which training is watched and the result calibrated.
    test
        Folds for reported figures; nothing is fitted to them.
    trust
        Least trust of a label that is used.
    real_share
        Share of real spectra in a batch; the rest are mocks. At 1 no templates are needed, at
        0 no labelled spectra: noise then is that of the mocks that ship with huggins.
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
        ``standard``, ``seed``, ``linefinder`` or ``dilated``; each has its section.
    seed
        Seed of all random numbers: it reproduces the weights on the same machine.
    steps, batch
        Number of batches and spectra in each.
    rate, warmup, weight_decay
        Highest learning rate, reached after `warmup` steps and then falling to 0 with
        a cosine; decay of the weights (AdamW).
    average
        Decay of the running mean of the weights, which is what is exported.
    smoothing
        Fraction of the class target spread over all classes.
    type_error
        Standard deviation, in letters, of a star's type between libraries and surveys: a label
        near the border of two letters counts in part for the next one. 0: letters are sharp.
    redshift_weight
        Weight of the redshift loss beside the class loss.
    redshift_width
        Standard deviation of the redshift target, in bins.
    clip
        Largest norm of the gradient.
    bfloat16
        Compute in bfloat16 where it is supported, about twice as fast. Weights, loss and the
        exported network stay in float32.
    threads, workers
        Threads of the network; processes that make batches.
    every
        Steps between checkpoints, each with a validation on the `choose` folds.
    patience
        Validations without a lower loss after which training stops and the best weights are
        taken; 0: no early stopping, the last weights are taken.
    odds
        Relative frequency of each class among the mocks; `huggins.simulate.ODDS` if empty, 0
        for classes not named.
    class_weights
        Weight of a class in the loss; 1 for classes not named.
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
    type_error: float = 0.15
    redshift_weight: float = 0.3
    redshift_width: float = 1.2
    clip: float = 2.0
    bfloat16: bool = True
    threads: int = 2
    workers: int = 1
    every: int = 250
    patience: int = 0
    odds: dict[str, float] = field(default_factory=dict)
    class_weights: dict[str, float] = field(default_factory=dict)
    data: DataConfig = field(default_factory=DataConfig)
    standard: StandardConfig = field(default_factory=StandardConfig)
    network_seed: SeedConfig = field(default_factory=SeedConfig)
    linefinder: LineFinderConfig = field(default_factory=LineFinderConfig)
    dilated: DilatedConfig = field(default_factory=DilatedConfig)

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
    except ValueError as error:  # no TOML, or no UTF-8
        raise InputError(f"{path}: not TOML: {error}") from error
    return from_dict(values, str(path))


def from_dict(values: dict[str, Any], where: str) -> Config:
    """Make an experiment of plain values, as `Config.to_dict` gives them.

    `where` they are from goes into messages. Keys that are not there have their defaults.

    Raises
    ------
    InputError
        If a key is unknown, or a value of a wrong type or impossible.
    """
    config: Config = _build(Config, values, where)
    if config.network not in NETWORKS:
        raise InputError(
            f"{where}: network is {config.network!r}; known: {', '.join(NETWORKS)}"
        )
    for key in ("steps", "batch", "every", "threads"):
        if getattr(config, key) < 1:
            raise InputError(f"{where}: {key} must be at least 1")
    if not 0.0 <= config.data.real_share <= 1.0:
        raise InputError(f"{where}: [data]: real_share must lie between 0 and 1")
    used = {*config.data.folds, *config.data.choose}
    if used & set(config.data.test):
        raise InputError(
            f"{where}: [data]: folds {sorted(used & set(config.data.test))} are both for test "
            "and for fitting: a figure on them would mean nothing"
        )
    return config


_SECTIONS = {
    "data": DataConfig,
    "standard": StandardConfig,
    "network_seed": SeedConfig,
    "linefinder": LineFinderConfig,
    "dilated": DilatedConfig,
}
_BY_CLASS = ("odds", "class_weights")


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
        if kind is Config and key in _BY_CLASS:
            arguments[key] = _by_class(value, f"{where}: [{key}]")
            continue
        if kind is DataConfig and key == "folds" and value == "all":
            value = ()
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


def _by_class(value: Any, where: str) -> dict[str, float]:
    if not isinstance(value, dict):
        raise InputError(f"{where} must be a section with one number per class")
    unknown = sorted(set(value) - set(ALL_CLASSES))
    if unknown:
        raise InputError(
            f"{where}: {', '.join(unknown)}: no such class; known are {', '.join(ALL_CLASSES)}"
        )
    for name, number in value.items():
        if type(number) not in (int, float) or not 0.0 <= number < float("inf"):
            raise InputError(f"{where}: {name} must be a number of at least 0, not {number!r}")
    return {name: float(number) for name, number in value.items()}
