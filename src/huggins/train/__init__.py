"""From one TOML file to calibrated weights: data, loop, validation, export, report."""

from huggins.errors import MissingExtraError

try:
    import torch  # noqa: F401
except ImportError as error:
    raise MissingExtraError("torch", "train") from error

from huggins.train.config import Config, read_config
from huggins.train.experiment import export_file, run
from huggins.train.folds import run_folds
from huggins.train.report import report

__all__ = ["Config", "export_file", "read_config", "report", "run", "run_folds"]
