"""Figures of a network on labelled spectra: shares with their intervals."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.simulate import KINDS
from huggins.taxonomy import BROAD, CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.inference.network import Prediction

    Array = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_Z95: Final = 1.959964
_BROAD: Final = ("STAR", "GALAXY", "QSO")
#: Order of the stellar letters: a neighbour is one step away.
LETTERS: Final = "OBAFGKML"


@dataclass(frozen=True, slots=True)
class Share:
    """`k` of `n`, with the 95 % interval of Wilson (1927, JASA 22, 209)."""

    k: int
    n: int

    @property
    def value(self) -> float:
        """k / n; NaN where n is 0."""
        return self.k / self.n if self.n else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound; 0 and 1 where n is 0."""
        if self.n == 0:
            return 0.0, 1.0
        p, z2 = self.k / self.n, _Z95**2
        middle = (p + z2 / (2 * self.n)) / (1 + z2 / self.n)
        half = p * (1 - p) / self.n + z2 / (4 * self.n**2)
        half = _Z95 * half**0.5 / (1 + z2 / self.n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def to_dict(self) -> dict[str, Any]:
        """Return k, n, share and interval as plain values."""
        low, high = self.interval
        value = None if self.n == 0 else round(self.value, 4)
        return asdict(self) | {"share": value, "interval": [round(low, 4), round(high, 4)]}

    def __str__(self) -> str:
        low, high = self.interval
        return f"{100 * self.value:.1f} % ({100 * low:.0f}-{100 * high:.0f}) of {self.n}"


def share(which: Bools, of: Bools | None = None) -> Share:
    """Share of `which` among `of`."""
    if of is None:
        return Share(int(np.sum(which)), len(which))
    return Share(int(np.sum(which & of)), int(np.sum(of)))


def decide(probabilities: Array) -> tuple[NDArray[np.str_], NDArray[np.str_], Array]:
    """CLASS by the summed probabilities, then the best SUBCLASS within it, and its PROB."""
    member = np.array([[BROAD[c] == b for b in _BROAD] for c in CLASSES], dtype=np.float64)
    broad = (probabilities @ member).argmax(axis=1)
    inside = np.where(member.T[broad] > 0, probabilities, -1.0)
    best = inside.argmax(axis=1)
    probability = probabilities[np.arange(len(best)), best]
    return np.array(_BROAD)[broad], np.array(CLASSES)[best], probability


def good_redshift(z: Array, truth: Array) -> Bools:
    """Whether z lies within 0.02 (1 + truth)."""
    with np.errstate(invalid="ignore"):
        good: Bools = np.abs(z - truth) < 0.02 * (1.0 + truth)
    return good


def neighbour(name: str, truth: str) -> bool:
    """Whether a stellar letter is the true one or next to it."""
    if name not in LETTERS or truth not in LETTERS:
        return name == truth
    return abs(LETTERS.index(name) - LETTERS.index(truth)) <= 1


def relied_on(prediction: Prediction, threshold: float, none_threshold: float) -> Bools:
    """Whether nothing of the network's own warnings is set."""
    probability = decide(prediction.probabilities)[2]
    good: Bools = (probability >= threshold) & (prediction.none <= none_threshold)
    return good


def real_figures(
    labels: list[dict[str, str]],
    prediction: Prediction,
    threshold: float,
    none_threshold: float,
) -> dict[str, Share]:
    """All figures on real spectra; `labels` are their rows of labels.csv."""

    def column(name: str) -> NDArray[np.str_]:
        return np.array([row[name] for row in labels])

    truth, kind, survey = column("class3"), column("class13"), column("survey")
    visual = column("label_from") == "visual"
    trust = column("trust").astype(int)
    z = np.array([float(row["z"]) if row["z"] else np.nan for row in labels])
    broad, name, _ = decide(prediction.probabilities)
    kept = relied_on(prediction, threshold, none_threshold)
    right = broad == truth
    sky = truth == "SKY"
    object_ = ~sky & (trust >= 2)
    optical = object_ & np.isin(survey, ("BOSS", "SDSS"))
    quasar = object_ & (truth == "QSO")
    lamost = (survey == "LAMOST") & object_ & (truth == "STAR") & (kind != "")
    near = np.array([neighbour(a, b) for a, b in zip(name, kind, strict=True)])
    close = good_redshift(prediction.z, z)
    boss = (survey == "BOSS") & object_
    plain = visual & (kind == "QSO")
    return {
        "CLASS, visual BOSS": share(right, visual & object_),
        "CLASS, trust 2 BOSS and SDSS-I": share(right, optical & (trust == 2)),
        "CLASS, trust 2 BOSS": share(right, boss & (trust == 2)),
        "CLASS, trust 2 SDSS-I": share(right, optical & (trust == 2) & (survey == "SDSS")),
        "CLASS, LAMOST": share(right, object_ & (survey == "LAMOST")),
        "quasars found, visual BOSS": share(broad == "QSO", visual & quasar),
        "quasars pure, visual BOSS": share(truth == "QSO", visual & object_ & (broad == "QSO")),
        "quasars found, BOSS and SDSS-I": share(broad == "QSO", optical & quasar),
        "quasars pure, BOSS and SDSS-I": share(truth == "QSO", optical & (broad == "QSO")),
        "galaxies found": share(broad == "GALAXY", object_ & (truth == "GALAXY")),
        "quasar z within 0.02 (1 + z)": share(close, quasar),
        "quasar z, visual": share(close, quasar & visual),
        "galaxy z within 0.02 (1 + z)": share(close, object_ & (truth == "GALAXY")),
        "star z within 0.02 (1 + z)": share(close, object_ & (truth == "STAR")),
        "LAMOST star letter": share(name == kind, lamost),
        "LAMOST star letter or neighbour": share(near, lamost),
        "BOSS star letter": share(name == kind, boss & (truth == "STAR") & (kind != "")),
        "BOSS star letter or neighbour": share(near, boss & (truth == "STAR") & (kind != "")),
        "BAL found": share(name == "BAL", object_ & (kind == "BAL")),
        "QSO kept, visual": share(name == "QSO", plain),
        "sky with no warning": share(kept, sky),
        "real with no warning": share(kept, object_),
        "real with no warning and right": share(kept & right, object_),
        "right where no warning": share(right, object_ & kept),
    }


def mock_figures(
    kind: NDArray[np.int64], z: Array, sn: Array, prediction: Prediction
) -> dict[str, Any]:
    """Recall a class, macro recall, and redshifts, by bins of signal-to-noise."""
    _, name, _ = decide(prediction.probabilities)
    truth = np.array(KINDS)[kind]
    close = good_redshift(prediction.z, z)
    result: dict[str, Any] = {}
    for low, high in ((1.0, 2.0), (2.0, 5.0), (5.0, 10.0), (10.0, 100.0), (5.0, 100.0)):
        inside = (sn >= low) & (sn < high)
        recall = {c: share(name == c, inside & (truth == c)) for c in CLASSES}
        quasar = inside & np.isin(truth, ("QSO", "BAL"))
        result[f"S/N {low:g}-{high:g}"] = {
            "macro recall": float(np.nanmean([s.value for s in recall.values()])),
            "recall": recall,
            "quasar z": share(close, quasar),
            "galaxy z": share(close, inside & (truth == "GAL")),
        }
    return result


def calibration_error(probability: Array, right: Bools, bins: int = 10) -> float:
    """Expected calibration error over bins of equal count."""
    order = np.argsort(probability)
    parts = np.array_split(order, bins)
    gaps = [
        abs(probability[part].mean() - right[part].mean()) * len(part)
        for part in parts
        if len(part)
    ]
    return float(sum(gaps) / max(1, len(probability)))
