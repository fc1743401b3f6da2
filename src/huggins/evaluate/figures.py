"""All figures of merit of one set of spectra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.evaluate.calibration import (
    CalibrationError,
    ReliabilityBin,
    expected_calibration_error,
    reliability,
)
from huggins.evaluate.curves import (
    SN_EDGES,
    Z_EDGES,
    Bin,
    CoverageCurve,
    PurityCompleteness,
    accuracy_coverage,
    binned_accuracy,
    quasar_purity_completeness,
)
from huggins.evaluate.intervals import Estimate, Rate, fraction
from huggins.evaluate.metrics import (
    ClassScore,
    Confusion,
    LetterScore,
    accuracy,
    confusion_matrix,
    letter_score,
    macro_recall,
    precision_recall,
)
from huggins.evaluate.residuals import Residuals, redshift_residuals, velocity
from huggins.quality import ZWarning
from huggins.tables.labels import SKY
from huggins.taxonomy import BROAD_CLASSES, CLASSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.evaluate.sample import Sample

#: Largest |dv| in km/s of a redshift that counts as right, by true class.
GOOD_DV: Final = {"STAR": 100.0, "GALAXY": 300.0, "QSO": 3000.0}


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Figures of merit at one level of classes (the 3 broad ones, or the 13).

    Attributes
    ----------
    accuracy : Rate
    macro_recall : Estimate
        Over the classes that have spectra.
    confusion : Confusion
    scores : tuple of ClassScore
    by_sn : tuple of Bin
    coverage : CoverageCurve
        Accuracy against coverage, by the probability of the predicted class.
    reliability : tuple of ReliabilityBin
    calibration : CalibrationError
    """

    accuracy: Rate
    macro_recall: Estimate
    confusion: Confusion
    scores: tuple[ClassScore, ...]
    by_sn: tuple[Bin, ...]
    coverage: CoverageCurve
    reliability: tuple[ReliabilityBin, ...]
    calibration: CalibrationError


@dataclass(frozen=True, slots=True)
class QuasarFigures:
    """Quasar selection by P_QSO + P_BAL: of all spectra, and of those with ZWARNING = 0."""

    all: PurityCompleteness
    passed: PurityCompleteness


@dataclass(frozen=True, slots=True)
class RedshiftFigures:
    """Redshifts of the spectra of one true class.

    Attributes
    ----------
    limit : float
        Largest |dv| in km/s of a redshift that counts as right in the bins.
    residuals : Residuals
        Of all of them.
    passed : Residuals
        Of those with ZWARNING = 0.
    by_sn, by_z : tuple of Bin
        Fraction of right redshifts against signal-to-noise and true redshift.
    """

    limit: float
    residuals: Residuals
    passed: Residuals
    by_sn: tuple[Bin, ...]
    by_z: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class BitScore:
    """One bit of ZWARNING: how many spectra have it, and how often their CLASS is right."""

    name: str
    raised: Rate
    right: Rate


@dataclass(frozen=True, slots=True)
class WarningFigures:
    """ZWARNING and correctness of CLASS, among spectra whose true class is known.

    Attributes
    ----------
    passed : Rate
        ZWARNING = 0.
    right_if_passed : Rate
        CLASS right among those.
    passed_and_right : Rate
        Both, among all.
    bits : tuple of BitScore
        For every bit that occurs.
    """

    passed: Rate
    right_if_passed: Rate
    passed_and_right: Rate
    bits: tuple[BitScore, ...]


@dataclass(frozen=True, slots=True)
class SkyFigures:
    """Fibres that saw empty sky.

    Attributes
    ----------
    passed : Rate
        Those with ZWARNING = 0: the fewer the better.
    taken_for : dict of str to int
        CLASS of those that passed, with their number.
    """

    passed: Rate
    taken_for: dict[str, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of one set of spectra.

    Attributes
    ----------
    n : int
        Spectra in the set.
    failed : int
        Those of them that could not be classified; they count as wrong.
    unknown : int
        Those whose true class is not known; they count nowhere.
    classes, subclasses : ClassFigures
        CLASS (3 broad classes) and SUBCLASS (the 13).
    by_z : dict of str to tuple of Bin
        Accuracy of CLASS against true redshift, for galaxies and for quasars.
    letters : LetterScore
        Spectral letter of stars.
    quasars : QuasarFigures
    redshifts : dict of str to RedshiftFigures
        By true class; empty where the table has no redshifts or the truth none.
    doubts : WarningFigures
    sky : SkyFigures
    """

    n: int
    failed: int
    unknown: int
    classes: ClassFigures
    subclasses: ClassFigures
    by_z: dict[str, tuple[Bin, ...]]
    letters: LetterScore
    quasars: QuasarFigures
    redshifts: dict[str, RedshiftFigures]
    doubts: WarningFigures
    sky: SkyFigures


def figures_of(sample: Sample) -> Figures:
    """Compute every figure of merit of a sample.

    Sky fibres count in `Figures.sky` only: their CLASS is no error as long as ZWARNING is
    set.
    """
    classed, typed = sample.take(sample.classed), sample.take(sample.typed)
    right = classed.cls == classed.true_class
    sky = sample.take(sample.true_class == SKY)
    passing = sky.cls[sky.zwarning == 0]
    return Figures(
        n=len(sample),
        failed=int((sample.error != "").sum()),
        unknown=int((sample.true_class == "").sum()),
        classes=_class_figures(
            classed.true_class,
            classed.cls,
            classed.class_probability,
            classed.sn,
            BROAD_CLASSES,
        ),
        subclasses=_class_figures(
            typed.true_subclass, typed.subclass, typed.probability, typed.sn, CLASSES
        ),
        by_z={
            name: binned_accuracy(classed.true_z[of], right[of], edges=Z_EDGES)
            for name in ("GALAXY", "QSO")
            if np.isfinite(classed.true_z[of := classed.true_class == name]).any()
        },
        letters=letter_score(typed.true_subclass, typed.subclass),
        quasars=_quasars(classed),
        redshifts=_redshifts(classed),
        doubts=_warnings(classed, right),
        sky=SkyFigures(
            fraction(sky.zwarning == 0),
            {name: int((passing == name).sum()) for name in np.unique(passing).tolist()},
        ),
    )


def _class_figures(
    truth: NDArray[np.str_],
    predicted: NDArray[np.str_],
    probability: NDArray[np.float64],
    sn: NDArray[np.float64],
    classes: Sequence[str],
) -> ClassFigures:
    right = truth == predicted
    known = np.isfinite(probability)
    return ClassFigures(
        accuracy=accuracy(truth, predicted),
        macro_recall=macro_recall(truth, predicted, classes=classes),
        confusion=confusion_matrix(truth, predicted, columns=classes),
        scores=precision_recall(truth, predicted, classes=classes),
        by_sn=binned_accuracy(sn, right, edges=SN_EDGES),
        coverage=accuracy_coverage(probability, right),
        reliability=reliability(probability[known], right[known]),
        calibration=expected_calibration_error(probability[known], right[known]),
    )


def _quasars(classed: Sample) -> QuasarFigures:
    is_quasar = classed.true_class == "QSO"
    chance = classed.quasar_probability
    return QuasarFigures(
        quasar_purity_completeness(is_quasar, chance),
        quasar_purity_completeness(is_quasar, np.where(classed.zwarning == 0, chance, np.nan)),
    )


def _redshifts(classed: Sample) -> dict[str, RedshiftFigures]:
    if not np.isfinite(classed.z).any():
        return {}
    figures = {}
    for name in BROAD_CLASSES:
        of = classed.take((classed.true_class == name) & np.isfinite(classed.true_z))
        if not len(of):
            continue
        passed = of.take(of.zwarning == 0)
        limit = GOOD_DV[name]
        with np.errstate(invalid="ignore"):  # a missing redshift is a wrong one
            good = np.abs(velocity(of.z, of.true_z)) <= limit
        figures[name] = RedshiftFigures(
            limit=limit,
            residuals=redshift_residuals(of.z, of.true_z, of.z_err),
            passed=redshift_residuals(passed.z, passed.true_z, passed.z_err),
            by_sn=binned_accuracy(of.sn, good, edges=SN_EDGES),
            by_z=() if name == "STAR" else binned_accuracy(of.true_z, good, edges=Z_EDGES),
        )
    return figures


def _warnings(classed: Sample, right: NDArray[np.bool_]) -> WarningFigures:
    passed = classed.zwarning == 0
    bits = []
    for bit in ZWarning:
        raised = (classed.zwarning & bit.value) != 0
        if raised.any() and bit.name:
            bits.append(BitScore(bit.name, fraction(raised), fraction(right[raised])))
    return WarningFigures(
        fraction(passed), fraction(right[passed]), fraction(passed & right), tuple(bits)
    )
