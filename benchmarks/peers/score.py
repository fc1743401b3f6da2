"""Figures of each peer, with intervals, on the spectra that it was asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.evaluate.intervals import Rate, fraction, median
from huggins.evaluate.residuals import velocity
from huggins.taxonomy import BROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.peers.answers import Answers
    from benchmarks.peers.inputs import Truth

#: Samples: which spectra.
SAMPLES: dict[str, Callable[[Truth], bool]] = {
    "real": lambda t: t.sample == "real",
    "visual": lambda t: t.sample == "real" and t.label_from == "visual",
    "mock": lambda t: t.sample == "mock",
}
#: Figures: key, and what it is.
FIGURES = {
    "class": "CLASS right",
    "found": "quasars found (completeness)",
    "pure": "called quasar and is one (purity)",
    "subclass": "SUBCLASS right, one of 13",
    "bal": "BAL quasars called BAL",
    "bal_pure": "called BAL and is one",
    "not_bal": "other quasars not called BAL",
    "z_qso": "z of a quasar within 3000 km/s",
    "z_qso_6000": "z of a quasar within 6000 km/s",
    "z_gal": "z of a galaxy within 300 km/s",
    "z_star": "z of a star within 100 km/s",
    "reliable": "no warning",
    "class_reliable": "CLASS right, where no warning",
    "right_reliable": "CLASS right and z within 3000 km/s, where no warning",
    "sky": "empty sky without a warning",
}
_NEEDS = {
    "subclass": "subclass", "bal": "bal", "bal_pure": "bal", "not_bal": "bal", "z_qso": "z",
    "z_qso_6000": "z", "z_gal": "z", "z_star": "z", "reliable": "warning",
    "class_reliable": "warning", "right_reliable": "z", "sky": "warning",
}  # fmt: skip


def figures(truths: list[Truth], answers: Answers, sample: str) -> dict[str, Any]:
    """Return counts and intervals by key of `FIGURES`, where there are spectra."""
    chosen = np.array([SAMPLES[sample](t) for t in truths]) & answers.asked
    out: dict[str, Any] = {"n": int(chosen.sum())}
    for key, rate in _rates(truths, answers, chosen):
        if rate.n and (key not in _NEEDS or _NEEDS[key] in answers.says):
            out[key] = {
                "count": rate.count, "n": rate.n, "value": round(rate.value, 4),
                "low": round(rate.low, 4), "high": round(rate.high, 4),
            }  # fmt: skip
    if "z" in answers.says:
        out["median_abs_dv"] = _medians(truths, answers, chosen)
    return out


def _columns(truths: list[Truth]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        np.array([t.cls for t in truths]),
        np.array([t.subclass for t in truths]),
        np.array([t.z for t in truths]),
    )


def _known_z(truths: list[Truth]) -> np.ndarray:
    """Return true redshifts; NaN where a star's is exactly 0, which stands for none."""
    cls, _, z = _columns(truths)
    return np.where((cls == "STAR") & (z == 0.0), np.nan, z)


def _rates(
    truths: list[Truth], answers: Answers, chosen: np.ndarray
) -> Iterator[tuple[str, Rate]]:
    cls, sub, _ = _columns(truths)
    z = _known_z(truths)
    classed = chosen & np.isin(cls, BROAD_CLASSES)
    right, quasar = answers.cls == cls, classed & (cls == "QSO")
    called = classed & (answers.cls == "QSO")
    yield "class", fraction(right[classed])
    yield "found", fraction(right[quasar])
    yield "pure", fraction((cls == "QSO")[called])
    typed = classed & (sub != "")
    unsure = np.array([t.label_from == "pipeline" and t.z > 1.5 for t in truths])
    typed &= ~(unsure & (sub == "QSO"))  # it may be a BAL quasar
    if "bal" not in answers.says:  # its QSO may be BAL or not
        typed &= sub != "BAL"
    yield "subclass", fraction((answers.subclass == sub)[typed])
    bal = answers.subclass == "BAL"
    # No pipeline tells whether a quasar is a BAL quasar.
    told = np.array([t.label_from in ("visual", "mock") or t.cls != "QSO" for t in truths])
    told &= chosen & (sub != "")
    yield "bal", fraction(bal[told & (sub == "BAL")])
    yield "bal_pure", fraction((sub == "BAL")[told & bal])
    yield "not_bal", fraction(~bal[told & (sub == "QSO")])
    with np.errstate(invalid="ignore"):
        dv = np.abs(velocity(answers.z, z))
    dv = np.where(np.isfinite(dv), dv, np.inf)
    known = classed & np.isfinite(z)
    yield "z_qso", fraction((dv <= 3000.0)[known & (cls == "QSO")])
    yield "z_qso_6000", fraction((dv <= 6000.0)[known & (cls == "QSO")])
    yield "z_gal", fraction((dv <= 300.0)[known & (cls == "GALAXY")])
    yield "z_star", fraction((dv <= 100.0)[known & (cls == "STAR")])
    quiet = classed & ~answers.warned
    yield "reliable", fraction(~answers.warned[classed])
    yield "class_reliable", fraction(right[quiet])
    good = right & ((dv <= 3000.0) | ~np.isfinite(z))
    yield "right_reliable", fraction(good[quiet])
    yield "sky", fraction(~answers.warned[chosen & (cls == "SKY")])


def _medians(truths: list[Truth], answers: Answers, chosen: np.ndarray) -> dict[str, Any]:
    cls, z = _columns(truths)[0], _known_z(truths)
    out = {}
    for name in BROAD_CLASSES:
        use = chosen & (cls == name) & np.isfinite(z) & np.isfinite(answers.z)
        if use.sum() >= 5:
            found = median(np.abs(velocity(answers.z[use], z[use])))
            out[name] = {
                k: round(float(getattr(found, k)), 1) for k in ("value", "low", "high")
            }
            out[name]["n"] = int(use.sum())
    return out
