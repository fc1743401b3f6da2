"""From spectra to the table of results: the network at work, and many files at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    from huggins.inference.settings import Settings

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

_HOME = {
    "FitDetails": "details",
    "FittedModel": "details",
    "Inputs": "inputs",
    "Model": "network",
    "Prediction": "network",
    "Settings": "settings",
    "fit_details": "details",
    "load_model": "network",
}


def __getattr__(name: str) -> object:
    # Imported on first use: a process that only fits needs no readers of files.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOME.get(name, 'api')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
