"""Figures of a network on labelled spectra, real and mock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.evaluate import Rate, fraction
from huggins.inference.classification import decide
from huggins.redshift.warnings import warnings
from huggins.taxonomy import ALL_CLASSES, BROAD_CLASSES, CLASSES, neighbours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.inference import Prediction
    from huggins.weights import Metadata

    Array = NDArray[np.float64]
    Bools = NDArray[np.bool_]

#: Bins of signal-to-noise a native pixel.
SN_BINS: Final = ((1.0, 2.0), (2.0, 5.0), (5.0, 10.0), (10.0, 40.0))


@dataclass(frozen=True, slots=True)
class Classification:
    """The results of N spectra: CLASS, SUBCLASS, PROB, Z and ZWARNING."""

    broad: NDArray[np.str_]
    name: NDArray[np.str_]
    probability: Array
    z: Array
    zwarning: NDArray[np.int32]


def classify(
    prediction: Prediction,
    flux: NDArray[np.floating],
    ivar: NDArray[np.floating],
    metadata: Metadata,
) -> Classification:
    """Classify as `huggins classify` does; flux and ivar (N, G) are on the network's grid."""
    broad, sub = decide(prediction.probabilities)
    probability = prediction.probabilities[np.arange(len(sub)), sub]
    good = ivar > 0
    ratio = np.where(good, flux * np.sqrt(ivar), np.nan)
    ratio[~good.any(axis=1)] = 0.0
    pixels = metadata.contract.grid.step / 1e-4
    zwarning = warnings(
        prediction,
        broad,
        probability,
        sn=np.nanmedian(ratio, axis=1) / np.sqrt(pixels),
        loglam=metadata.contract.grid.loglam,
        seen=good,
        threshold=metadata.threshold,
        none_threshold=metadata.none_threshold,
        redshift=metadata.redshift,
    )
    return Classification(
        np.array(BROAD_CLASSES)[broad],
        np.array(CLASSES)[sub],
        probability,
        prediction.z,
        zwarning,
    )


def good_redshift(z: Array, truth: Array) -> Bools:
    """Whether z lies within 0.02 (1 + truth)."""
    with np.errstate(invalid="ignore"):
        good: Bools = np.abs(z - truth) < 0.02 * (1.0 + truth)
    return good


def real_figures(labels: list[dict[str, str]], results: Classification) -> dict[str, Rate]:
    """All figures on real spectra; `labels` are their rows of labels.csv (N)."""

    def column(name: str) -> NDArray[np.str_]:
        return np.array([row[name] for row in labels])

    truth, kind, survey = column("class3"), column("class13"), column("survey")
    visual = column("label_from") == "visual"
    trust = column("trust").astype(int)
    z = np.array([float(row["z"]) if row["z"] else np.nan for row in labels])
    kept = results.zwarning == 0
    right = results.broad == truth
    sky = truth == "SKY"
    real = ~sky & (trust >= 2)
    boss, sdss, lamost = (real & (survey == s) for s in ("BOSS", "SDSS", "LAMOST"))
    quasar = real & (truth == "QSO")
    galaxy = real & (truth == "GALAXY")
    called = results.broad == "QSO"
    typed = (truth == "STAR") & (kind != "")
    pairs = zip(results.name, kind, strict=True)
    near = np.array([a == b or neighbours(a, b) for a, b in pairs])
    close = good_redshift(results.z, z)
    given = np.isfinite(results.z)  # nowhere, for a network without redshifts
    return {
        "CLASS, visual BOSS": fraction(right[visual & boss]),
        "CLASS, trust 2 BOSS and SDSS-I": fraction(right[(boss | sdss) & (trust == 2)]),
        "CLASS, trust 2 BOSS": fraction(right[boss & (trust == 2)]),
        "CLASS, trust 2 SDSS-I": fraction(right[sdss & (trust == 2)]),
        "CLASS, LAMOST": fraction(right[lamost]),
        "quasars found, visual BOSS": fraction(called[visual & quasar]),
        "quasars pure, visual BOSS": fraction((truth == "QSO")[visual & boss & called]),
        "quasars found, BOSS and SDSS-I": fraction(called[quasar]),
        "quasars pure, BOSS and SDSS-I": fraction((truth == "QSO")[(boss | sdss) & called]),
        "galaxies found": fraction((results.broad == "GALAXY")[galaxy]),
        "quasar z within 0.02 (1 + z)": fraction(close[quasar & given]),
        "quasar z within 0.02 (1 + z), visual": fraction(close[quasar & visual & given]),
        "galaxy z within 0.02 (1 + z)": fraction(close[galaxy & given]),
        "star z within 0.02": fraction(close[real & (truth == "STAR") & given]),
        "LAMOST star letter": fraction((results.name == kind)[lamost & typed]),
        "LAMOST star letter or neighbour": fraction(near[lamost & typed]),
        "BOSS star letter": fraction((results.name == kind)[boss & typed]),
        "BOSS star letter or neighbour": fraction(near[boss & typed]),
        "BAL found": fraction((results.name == "BAL")[real & (kind == "BAL")]),
        "QSO not called BAL, visual": fraction(
            (results.name != "BAL")[visual & (kind == "QSO")]
        ),
        "sky fibres with no warning": fraction(kept[sky]),
        "real spectra with no warning": fraction(kept[real]),
        "real spectra with no warning and right": fraction((kept & right)[real]),
        "right where no warning": fraction(right[real & kept]),
    }


def redshift_figures(
    labels: list[dict[str, str]], z: Array, results: Classification, errors: Array
) -> dict[str, dict[str, Any]]:
    """Redshifts of real spectra by true class, those within 0.02 (1 + z) of the label.

    The median of their velocity differences, absolute and signed, in km/s, and the fraction
    within one error.
    """
    truth = np.array([row["class3"] for row in labels])
    close = good_redshift(results.z, z)
    result: dict[str, dict[str, Any]] = {}
    for name in BROAD_CLASSES:
        use = close & (truth == name)
        velocity = SPEED_OF_LIGHT * (results.z - z)[use] / (1.0 + z[use])
        result[name] = {
            "median |dv|": float(np.median(np.abs(velocity))) if use.any() else float("nan"),
            "median dv": float(np.median(velocity)) if use.any() else float("nan"),
            "within one error": fraction(np.abs(results.z - z)[use] < errors[use]),
        }
    return result


def mock_figures(
    kind: NDArray[np.int64], z: Array, sn: Array, results: Classification
) -> dict[str, dict[str, Any]]:
    """Recall by class, its mean, and redshifts of mocks, in bins of signal-to-noise."""
    truth = np.array(ALL_CLASSES)[kind]
    close, given = good_redshift(results.z, z), np.isfinite(results.z)
    result: dict[str, dict[str, Any]] = {}
    for low, high in (*SN_BINS, (5.0, 40.0)):
        inside = (sn >= low) & (sn < high)
        recall = {c: fraction((results.name == c)[inside & (truth == c)]) for c in CLASSES}
        values = [r.value for r in recall.values() if r.n]
        result[f"{low:g}-{high:g}"] = {
            "macro recall": float(np.mean(values)) if values else float("nan"),
            "recall": recall,
            "quasar z": fraction(close[inside & given & np.isin(truth, ("QSO", "BAL"))]),
            "galaxy z": fraction(close[inside & given & (truth == "GAL")]),
            "no warning": fraction((results.zwarning == 0)[inside & (truth != "NONE")]),
        }
    return result
