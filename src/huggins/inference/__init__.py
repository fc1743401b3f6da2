"""From spectra to the table of results: the network at work, and many files at once."""

from huggins.inference.api import (
    Summary,
    classify,
    classify_rows,
    classify_to_file,
    journal_path,
)
from huggins.inference.details import FitDetails, FittedModel, fit_details
from huggins.inference.inputs import Inputs
from huggins.inference.network import Model, Prediction, load_model
from huggins.inference.runner import Settings

__all__ = [
    "FitDetails",
    "FittedModel",
    "Inputs",
    "Model",
    "Prediction",
    "Settings",
    "Summary",
    "classify",
    "classify_rows",
    "classify_to_file",
    "fit_details",
    "journal_path",
    "load_model",
]
