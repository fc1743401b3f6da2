"""Calibrate the network of subtypes, and measure subtypes and letters.

Part of `python -m experiments.sptype`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import huggins
from huggins import simulate, sptype
from huggins.evaluate import expected_calibration_error
from huggins.evaluate.intervals import wilson
from huggins.inference.network import load_model
from huggins.spectrum import Spectrum
from huggins.taxonomy import CLASSES, INDEX, SEQUENCE, spectral_place
from huggins.train.data import noise_bank, read_real
from huggins.train.labelled import read_labels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from experiments.sptype import Stars

    Array = NDArray[np.float64]
    Flux = NDArray[np.float32]

#: Bins of median S/N that are reported.
EDGES: Final = (1.0, 3.0, 5.0, 10.0, 20.0, 1000.0)
#: Bins of SPTYPE_ERR that are reported.
SAID: Final = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
#: Powers of the probabilities of letters that are tried.
POWERS: Final = np.arange(0.0, 1.55, 0.1).round(1)
#: Columns of the letters among the 13 classes.
LETTERS: Final = [INDEX[name] for name in SEQUENCE]
#: Share of mocks of a template within 2 below which it is far off.
FAR: Final = 0.2
#: Subtypes from a border within which both letters may be right: 8, 9, 0 and 1.
BORDER: Final = 1.5 + 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Unseen:
    """N stars that neither network was trained on, and what both say of them.

    Attributes
    ----------
    place, sn : ndarray, shape (N,)
    letter : ndarray of int, shape (N,)
        Index into `SEQUENCE`.
    classes : ndarray, shape (N, 13)
    subtypes : ndarray, shape (N, 80)
    """

    place: Array
    sn: Array
    letter: NDArray[np.int64]
    classes: Array
    subtypes: Array

    @classmethod
    def of(cls, stars: Stars, layers: list[tuple[Flux, Flux]]) -> Unseen:
        """Let both networks look at stars whose spectra are kept."""
        model = load_model()
        classes = np.concatenate(
            [
                model.predict(
                    *model.metadata.contract.rebin(stars.spectra[n : n + 256])
                ).probabilities
                for n in range(0, len(stars.spectra), 256)
            ]
        )
        letter = np.minimum(stars.place.astype(int), len(SEQUENCE) - 1)
        subtypes = sptype.run(layers, stars.features)
        return cls(stars.place, stars.sn, letter, classes, subtypes)


def calibrate(samples: Sequence[Unseen]) -> tuple[sptype.Calibration, dict[str, Any]]:
    """Return the calibration that is best for all samples, each counting the same.

    The powers of both networks have the least mean cross entropy of the letter. The error is
    the 68 % quantile of what is wrong, given the half-width: with the least mean pinball loss
    (Koenker and Bassett 1978, Econometrica 46, 33).
    """
    start = sptype.Calibration(0.0, 1.0, 1.0, 1.0)
    letters = [
        replace(start, own=own, other=other)
        for own in POWERS.tolist()
        for other in POWERS.tolist()
    ]
    both = min(letters, key=lambda c: np.mean([_entropy(some, c) for some in samples]))
    pairs = [_errors(some, both) for some in samples]
    found = min(
        (
            replace(both, scale=scale, power=power)
            for scale in np.geomspace(0.4, 2.5, 93).tolist()
            for power in np.arange(0.5, 2.55, 0.05).round(2).tolist()
        ),
        key=lambda c: np.mean([_pinball(*pair, c) for pair in pairs]),
    )
    report: dict[str, Any] = {}
    for name, each in (("both", found), ("classes alone", start)):
        report[name] = {
            "cross_entropy": [round(_entropy(some, each), 4) for some in samples],
            "letters": [_letters(some, each) for some in samples],
        }
    report["inside"] = [
        round(float(np.mean(wrong <= found.scale * half**found.power)), 3)
        for wrong, half in pairs
    ]
    return found, report


def _letters(some: Unseen, calibration: sptype.Calibration) -> dict[str, float]:
    """Return how many letters are right of how many, and the calibration error of PROB."""
    p = sptype.lettered(some.classes, some.subtypes, calibration)[:, LETTERS]
    right = p.argmax(axis=1) == some.letter
    error = expected_calibration_error(np.minimum(p.max(axis=1) / p.sum(axis=1), 1.0), right)
    return {
        "stars": len(right),
        "right": int(right.sum()),
        "calibration_error": round(float(error.error.value), 4),
    }


def _pinball(wrong: Array, half: Array, calibration: sptype.Calibration) -> float:
    """Return the mean pinball loss of the 68 % quantile; a label is spread over its bin."""
    said = calibration.scale * half**calibration.power
    losses = []
    for shift in (-0.4, -0.2, 0.0, 0.2, 0.4):
        over = np.abs(wrong + shift) - said
        losses.append(np.mean(np.maximum(0.68 * over, -0.32 * over)))
    return float(np.mean(losses))


def _entropy(some: Unseen, calibration: sptype.Calibration) -> float:
    p = sptype.lettered(some.classes, some.subtypes, calibration)[:, LETTERS]
    right = p[np.arange(len(p)), some.letter] / p.sum(axis=1)
    return float(-np.log(np.maximum(right, 1e-4)).mean())


def _errors(some: Unseen, calibration: sptype.Calibration) -> tuple[Array, Array]:
    """Return by how much the subtypes of stars are wrong, and the half-widths about them."""
    p = sptype.lettered(some.classes, some.subtypes, calibration)
    letters = p[:, LETTERS].argmax(axis=1)
    plain = replace(calibration, scale=1.0, power=1.0)
    tenths, half = sptype.types_of(p, some.subtypes, letters, plain)
    wrong = np.abs(10.0 * some.place - (10 * letters + tenths + 0.5))
    return wrong, half


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What `huggins.classify` says of N stars.

    Attributes
    ----------
    subtype, error : ndarray, shape (N,)
        On the sequence, in subtypes; NaN where masked.
    letter : ndarray of str, shape (N,)
        SUBCLASS.
    """

    subtype: Array
    error: Array
    letter: NDArray[np.str_]

    @classmethod
    def of(cls, stars: Stars, *, redshift: bool) -> Said:
        """Classify stars whose spectra are kept."""
        table = huggins.classify(stars.spectra, redshift=redshift, jobs=1)
        place = [spectral_place(str(word)) for word in np.ma.filled(table["SPTYPE"], "")]
        error = np.ma.filled(table["SPTYPE_ERR"].astype(float), np.nan)
        letter = np.array(np.ma.filled(table["SUBCLASS"], "").tolist(), "U4")
        return cls(10.0 * np.array(place), error, letter)

    def part(self, here: NDArray[np.bool_]) -> Said:
        """Return what is said of some of them."""
        return Said(self.subtype[here], self.error[here], self.letter[here])


def measure(stars: Stars, said: Said) -> dict[str, Any]:
    """Return how many subtypes are within 2 and letters right, by letter and by S/N."""
    error = said.subtype - 10.0 * stars.place
    letters = np.array([SEQUENCE[min(int(p), len(SEQUENCE) - 1)] for p in stars.place])
    groups = {"all": np.ones(len(error), bool), "sn above 5": stars.sn > 5.0}
    groups |= {name: letters == name for name in SEQUENCE}
    groups |= {
        f"sn {low:g} to {high:g}": (stars.sn >= low) & (stars.sn < high)
        for low, high in pairwise(EDGES)
    }
    groups |= {
        f"error {low:g} to {high:g}": (said.error >= low) & (said.error < high)
        for low, high in pairwise(SAID)
    }
    found = {}
    for name, here in groups.items():
        given = here & np.isfinite(error)
        n, good = int(given.sum()), int((np.abs(error[given]) <= 2.0).sum())
        if not n:
            continue
        low, high = wilson(good, n)
        found[name] = {
            "stars": int(here.sum()),
            "given": n,
            "within_2": good,
            "interval": [round(float(low), 3), round(float(high), 3)],
            "within_3": int((np.abs(error[given]) <= 3.0).sum()),
            "median_error": round(float(np.median(error[given])), 2),
            "inside_1_sigma": int((np.abs(error[given]) <= said.error[given]).sum()),
            "letters": int((said.letter == letters)[here].sum()),
        }
    return found


def figures(mocks: Stars, real: Stars) -> dict[str, Any]:
    """Return what `measure` says of mocks and of labelled stars, by library and by survey."""
    said = Said.of(mocks, redshift=False)
    found = {"mocks of held-back templates": measure(mocks, said)}
    for name in ("miles", "pyhammer", "idlspec2d"):
        here = mocks.source == name
        found[f"mocks, {name}"] = measure(mocks.of(here), said.part(here))
    found["far off"] = far_off(mocks, said)
    said = Said.of(real, redshift=True)
    for name in np.unique(real.source).tolist():
        here = real.source == name
        found[f"{name}, folds 0 and 1"] = measure(real.of(here), said.part(here))
    return found


def far_off(mocks: Stars, said: Said) -> dict[str, Any]:
    """Return the templates of which few mocks are within 2, and how many of all others are."""
    good = np.abs(said.subtype - 10.0 * mocks.place) <= 2.0
    given = np.isfinite(said.subtype)
    found: dict[str, Any] = {}
    others = given.copy()
    for name in np.unique(mocks.name).tolist():
        here = given & (mocks.name == name)
        if here.any() and good[here].mean() < FAR:
            found[name] = {"within_2": int(good[here].sum()), "given": int(here.sum())}
            others &= ~here
    found["all others"] = {"within_2": int(good[others].sum()), "given": int(others.sum())}
    return found


def repeats(data: Path) -> dict[str, Any]:
    """Return how well the labels of stars that LAMOST observed more than once agree.

    Of all folds, since nothing is fitted: what a pipeline says of one star on different nights
    limits how often anything can agree with it.
    """
    places: dict[str, list[float]] = {}
    for row in read_labels(data / "spectra", range(5), trust=2):
        place = 10.0 * spectral_place(row["subclass"])
        if row["survey"] == "LAMOST" and row["class13"] in SEQUENCE and np.isfinite(place):
            places.setdefault(row["object"], []).append(place)
    pairs = [list(combinations(some, 2)) for some in places.values() if len(some) > 1]
    # Each star counts once, however often it was observed.
    near = [np.mean([abs(a - b) <= 2.0 for a, b in some]) for some in pairs]
    same = [np.mean([a // 10.0 == b // 10.0 for a, b in some]) for some in pairs]
    return {
        "stars": len(pairs),
        "within_2": round(float(np.sum(near)), 1),
        "letter": round(float(np.sum(same)), 1),
    }


def recall(data: Path, seed: int, *, count: int = 5200) -> dict[str, Any]:
    """Return the recall of each of the 13 classes on mocks of S/N 5 to 60, and its mean.

    Mocks as class networks are trained on, but of held-back templates, with the noise of
    folds 0 and 1, through `huggins.classify(..., redshift=False)`. ``strict`` counts the class
    of the template; ``border`` counts the next letter as right too where the subtype is known
    and within `BORDER` of it.
    """
    real = read_real(data / "spectra", read_labels(data / "spectra", (0, 1), trust=2))
    bank = noise_bank(real)
    library = simulate.load(data / "templates", test=True)
    odds = dict.fromkeys(CLASSES, 1.0)
    rng = np.random.default_rng(seed)
    mocks = simulate.draw(count, library, bank, rng, odds=odds, sn=(5.0, 60.0))
    loglam = bank.grid.loglam
    spectra = [Spectrum(loglam, *row) for row in zip(mocks.flux, mocks.ivar, strict=True)]
    said = huggins.classify(spectra, redshift=False, jobs=1)["SUBCLASS"]
    said = np.array([INDEX.get(name, -1) for name in np.ma.filled(said, "").tolist()])
    strict = said == mocks.kind
    place = 10.0 * mocks.place
    border = strict.copy()
    for step in (-BORDER, BORDER):
        # NaN is no letter.
        near = np.floor(np.nan_to_num(place + step, nan=-1.0) / sptype.TENTHS).astype(int)
        known = (near >= 0) & (near < len(SEQUENCE))
        border[known] |= np.array(LETTERS)[near[known]] == said[known]
    by_class = {
        name: {
            "mocks": int((mocks.kind == k).sum()),
            "strict": int(strict[mocks.kind == k].sum()),
            "border": int(border[mocks.kind == k].sum()),
        }
        for k, name in enumerate(CLASSES)
    }
    mean = {
        kind: round(float(np.mean([row[kind] / row["mocks"] for row in by_class.values()])), 4)
        for kind in ("strict", "border")
    }
    return {"mean": mean, "by class": by_class}
