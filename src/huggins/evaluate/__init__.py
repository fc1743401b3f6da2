"""Figures of merit of classes, probabilities and redshifts.

The functions here take arrays, so that a training run, a notebook or a test can ask for one
figure. `evaluate` computes all of them for a table, `write_report` writes the report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggins.evaluate.calibration import (
    expected_calibration_error,
    reliability,
)
from huggins.evaluate.curves import (
    accuracy_coverage,
    binned_accuracy,
    quasar_purity_completeness,
)
from huggins.evaluate.intervals import (
    Estimate,
    Paired,
    Rate,
    bootstrap,
    fraction,
    mcnemar,
    median,
    rate,
    wilson,
)
from huggins.evaluate.metrics import (
    accuracy,
    broad,
    confusion_matrix,
    letter_score,
    macro_recall,
    macro_recall_difference,
    precision_recall,
)
from huggins.evaluate.residuals import nmad, redshift_residuals, velocity

if TYPE_CHECKING:
    from huggins.evaluate.evaluation import Evaluation, evaluate
    from huggins.evaluate.report import write_report

__all__ = [
    "Estimate",
    "Evaluation",
    "Paired",
    "Rate",
    "accuracy",
    "accuracy_coverage",
    "binned_accuracy",
    "bootstrap",
    "broad",
    "confusion_matrix",
    "evaluate",
    "expected_calibration_error",
    "fraction",
    "letter_score",
    "macro_recall",
    "macro_recall_difference",
    "mcnemar",
    "median",
    "nmad",
    "precision_recall",
    "quasar_purity_completeness",
    "rate",
    "redshift_residuals",
    "reliability",
    "velocity",
    "wilson",
    "write_report",
]

_HOME = {
    "Evaluation": "huggins.evaluate.evaluation",
    "evaluate": "huggins.evaluate.evaluation",
    "write_report": "huggins.evaluate.report",
}


def __getattr__(name: str) -> object:
    # Imported on first use: a single figure of merit needs no reader of tables.
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'huggins.evaluate' has no attribute {name!r}")
