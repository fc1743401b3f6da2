"""From one TOML file to calibrated weights: data, loop, calibration, export, figures."""

from huggins.errors import MissingExtraError

try:
    import torch  # noqa: F401
except ImportError as error:
    raise MissingExtraError("torch", "train") from error

from huggins.train.config import Config, read_config
from huggins.train.experiment import report, run
from huggins.train.folds import run_folds

__all__ = ["Config", "read_config", "report", "run", "run_folds"]
