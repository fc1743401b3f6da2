"""Comparison of two models on the same spectra."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from huggins.errors import InputError
from huggins.evaluate.figures import GOOD_DV, Figures, figures_of
from huggins.evaluate.intervals import Estimate, Paired, mcnemar
from huggins.evaluate.metrics import macro_recall_difference
from huggins.evaluate.residuals import velocity
from huggins.taxonomy import BROAD_CLASSES, CLASSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggins.evaluate.sample import Sample

#: Probability of chance below which a difference counts as one.
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Change:
    """A spectrum whose CLASS is right under one of the two models only."""

    file: str
    index: int
    truth: str
    old: str
    new: str
    gained: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """A new table against an old one.

    Attributes
    ----------
    n : int
        Spectra that both tables hold.
    only_new, only_old : int
        Spectra in one of them alone; they count in nothing here.
    old, new : Figures
        Of the common spectra.
    classes, subclasses : Paired
        CLASS (3 broad classes) and SUBCLASS (the 13) right.
    redshifts : dict of str to Paired
        Redshift right, by true class.
    macro_recall : Estimate
        Of the 13 classes, new minus old.
    verdict : str
        In words, from the paired tests of CLASS and SUBCLASS.
    changes : tuple of Change
        Every spectrum whose CLASS was gained or lost.
    """

    n: int
    only_new: int
    only_old: int
    old: Figures
    new: Figures
    classes: Paired
    subclasses: Paired
    redshifts: dict[str, Paired]
    macro_recall: Estimate
    verdict: str
    changes: tuple[Change, ...]


def compare(new: Sample, old: Sample) -> Comparison:
    """Compare two tables of results on the spectra that both hold.

    A spectrum is the same if it has the same truth, the same file name and the same index.

    Raises
    ------
    InputError
        If the two have no spectrum in common, or one holds a spectrum twice.
    """
    first, second = common(new, old)
    classed, typed = first.classed, first.typed
    right_new, right_old = first.cls == first.true_class, second.cls == second.true_class
    classes = mcnemar(right_new[classed], right_old[classed])
    fine_new = (first.subclass == first.true_subclass)[typed]
    fine_old = (second.subclass == second.true_subclass)[typed]
    subclasses = mcnemar(fine_new, fine_old)
    changed = np.flatnonzero(classed & (right_new != right_old))
    return Comparison(
        n=len(first),
        only_new=len(new) - len(first),
        only_old=len(old) - len(second),
        old=figures_of(second),
        new=figures_of(first),
        classes=classes,
        subclasses=subclasses,
        redshifts=_redshifts(first, second),
        macro_recall=macro_recall_difference(
            first.true_subclass, first.subclass, second.subclass, classes=CLASSES
        ),
        verdict=f"CLASS: {_in_words(classes)}. SUBCLASS: {_in_words(subclasses)}.",
        changes=tuple(
            Change(
                file=str(first.file[i]),
                index=int(first.index[i]),
                truth=str(first.true_class[i]),
                old=str(second.cls[i]),
                new=str(first.cls[i]),
                gained=bool(right_new[i]),
            )
            for i in changed
        ),
    )


def common(new: Sample, old: Sample) -> tuple[Sample, Sample]:
    """Return those rows of two samples that are the same spectra, in the same order.

    Raises
    ------
    InputError
        If the two have no spectrum in common, or one holds a spectrum twice.
    """
    keys_new, keys_old = _keys(new), _keys(old)
    where_old = {key: row for row, key in enumerate(keys_old)}
    for sample, keys in ((new, set(keys_new)), (old, set(where_old))):
        if len(keys) < len(sample):
            raise InputError(
                "a table holds a spectrum twice (same truth, file name and index): leave the "
                "copies out before comparing"
            )
    pairs = [(row, where_old[key]) for row, key in enumerate(keys_new) if key in where_old]
    if not pairs:
        raise InputError("the two tables have no spectrum with a truth in common")
    rows = np.array(pairs, dtype=np.intp)
    return new.take(rows[:, 0]), old.take(rows[:, 1])


def _keys(sample: Sample) -> list[tuple[int, str, int]]:
    names = [PurePosixPath(file).name for file in sample.file.tolist()]
    return list(zip(sample.truth_row.tolist(), names, sample.index.tolist(), strict=True))


def _redshifts(new: Sample, old: Sample) -> dict[str, Paired]:
    paired = {}
    for name in BROAD_CLASSES:
        of = (new.true_class == name) & np.isfinite(new.true_z)
        known: Sequence[Sample] = (new.take(of), old.take(of))
        # A model that gives no redshift is not worse at redshifts, it has none to compare.
        if all(np.isfinite(sample.z).any() for sample in known):
            with np.errstate(invalid="ignore"):
                good = [np.abs(velocity(s.z, s.true_z)) <= GOOD_DV[name] for s in known]
            paired[name] = mcnemar(*good)
    return paired


def _in_words(paired: Paired) -> str:
    if paired.n == 0 or math.isnan(paired.difference):
        return "no spectra to compare"
    apart = f"{paired.only_new} gained, {paired.only_old} lost, p = {paired.p_value:.2g}"
    if paired.p_value >= SIGNIFICANT:
        return f"no significant difference ({apart})"
    return f"the new is {'better' if paired.difference > 0 else 'worse'} ({apart})"
