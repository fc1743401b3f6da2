"""Sets of classes: their thresholds, and how often they hold the right class.

``python -m experiments.sets DATA -o docs/results/sets.json`` classifies the real spectra of
trust 2 and more of the fold that the network was not trained on (of 2 to 4), and mocks from
held-back templates with noise of folds 2 to 4, and writes the thresholds of
`huggins.inference.sets`. Then it counts on folds 0 and 1, and on mocks of their noise.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from experiments.native_mocks import native_mocks
from experiments.sptype import networks_without
from huggins.evaluate.intervals import wilson
from huggins.inference import load_model
from huggins.inference.fitting import fit, load_fitter
from huggins.inference.sets import sets_of, threshold
from huggins.inference.subtypes import predicted
from huggins.taxonomy import BROAD, CLASSES, INDEX
from huggins.train.data import read_real
from huggins.train.labelled import read_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.inference import Model
    from huggins.spectrum import Spectrum
    from huggins.sptype.network import Layers

    Array = NDArray[np.float64]

#: Confidences that thresholds are stored for.
CONFIDENCE: Final = (*(round(0.01 * n, 2) for n in range(50, 100)), 0.995)
#: Those that are reported.
REPORTED: Final = (0.8, 0.9, 0.95, 0.99)
#: Odds of the classes among mocks: equal.
ODDS: Final = dict.fromkeys(CLASSES, 1.0)


def probabilities_of(
    spectra: Sequence[Spectrum], model: Model, layers: Layers | None = None
) -> Array:
    """Return the probabilities (N, 13) of networks and fit together.

    `layers` are those of the networks of subtypes, where it is not those that ship.
    """
    parts = []
    for first in range(0, len(spectra), 128):
        some = spectra[first : first + 128]
        found = predicted(model, some, layers)
        known = (found.probabilities, found.density, model.metadata.redshift)
        parts.append(fit(load_fitter(), some, *known).probabilities)
    return np.concatenate(parts)


def real_of(
    data: Path, folds: Sequence[int], model: Model, layers: Layers | None = None
) -> tuple[Array, NDArray[np.bool_]]:
    """Return the probabilities of real spectra and which classes their labels leave open."""
    labels = [
        row
        for row in read_labels(data / "spectra", folds, trust=2)
        if row["class13"] in CLASSES
    ]
    real = read_real(data / "spectra", labels)
    allowed = real.allowed[:, [INDEX[name] for name in CLASSES]]
    return probabilities_of(real.spectra, model, layers), allowed


def mocks_of(
    data: Path, folds: Sequence[int], count: int, seed: int, model: Model
) -> tuple[Array, NDArray[np.bool_]]:
    """Return the probabilities of mocks and their class."""
    mocks = list(native_mocks(data, folds, count, seed, odds=ODDS))
    truth = np.array([[name == mock.kind for name in CLASSES] for mock in mocks])
    return probabilities_of([mock.spectrum for mock in mocks], model), truth


def quantiles(probabilities: Array, truth: NDArray[np.bool_]) -> Array:
    """Return q at each of `CONFIDENCE`, with the correction for a finite sample."""
    score = np.sort(1.0 - np.where(truth, probabilities, 0.0).max(axis=1))
    place = np.ceil((len(score) + 1) * np.array(CONFIDENCE)).astype(int) - 1
    padded = np.r_[score, 1.0]
    out: Array = padded[place.clip(0, len(score))]
    return out


def measure(probabilities: Array, truth: NDArray[np.bool_]) -> dict[str, Any]:
    """Return how often sets hold the right class, and how large they are."""
    found: dict[str, Any] = {}
    best = probabilities.argmax(axis=1)
    names = np.array([CLASSES[k] for k in truth.argmax(axis=1)])
    for confidence in REPORTED:
        sets = [set(s.split()) for s in sets_of(probabilities, best, confidence)]
        right = [{CLASSES[k] for k in np.flatnonzero(row)} for row in truth]
        inside = np.array([bool(s & r) for s, r in zip(sets, right, strict=True)])
        size = np.array([len(s) for s in sets])
        groups = {"all": np.ones(len(sets), bool)}
        groups |= {
            broad: np.array([BROAD[name] == broad for name in names])
            for broad in dict.fromkeys(BROAD.values())
        }
        groups |= {name: names == name for name in CLASSES}
        found[f"{confidence:g}"] = {
            name: {
                "inside": int(inside[here].sum()),
                "n": int(here.sum()),
                "interval": [
                    round(float(edge), 3) for edge in wilson(inside[here].sum(), here.sum())
                ],
                "classes": round(float(size[here].mean()), 2),
                "one_class": round(float((size[here] == 1).mean()), 3),
            }
            for name, here in groups.items()
            if here.any()
        }
    return found


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    from huggins.inference import sets

    parser = argparse.ArgumentParser(prog="python -m experiments.sets", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of spectra/ and templates/")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--model", default="huggins", help="name or path of the network")
    parser.add_argument("--mocks", type=int, default=2600)
    parser.add_argument("--seed", type=int, default=21)
    given = parser.parse_args(argv)
    model = load_model(given.model, threads=1)
    trained = set(model.metadata.data.get("folds", ()))
    unseen = [fold for fold in (2, 3, 4) if fold not in trained][-1:] or [4]
    known = {
        # Nor have the networks of subtypes seen these.
        "real": real_of(given.data, unseen, model, networks_without(given.data, unseen[-1])),
        "mocks": mocks_of(given.data, (2, 3, 4), given.mocks, given.seed, model),
    }
    made = f"python -m experiments.sets DATA --mocks {given.mocks} --model {model.name}"
    q = np.max([quantiles(*sample) for sample in known.values()], axis=0)
    stored = {
        "made": made,
        "network": model.hash,
        "folds": unseen,
        "spectra": {name: len(sample[0]) for name, sample in known.items()},
        "confidence": list(CONFIDENCE),
        "threshold": [round(float(1.0 - value), 6) for value in q],
    }
    path = Path(sets.__file__).with_name("sets.json")
    path.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    sets.calibration.cache_clear()
    report = {
        "made": made,
        "network": model.hash,
        "thresholds": {f"{level:g}": threshold(level) for level in REPORTED},
        "real, folds 0 and 1": measure(*real_of(given.data, (0, 1), model)),
        "mocks, folds 0 and 1": measure(
            *mocks_of(given.data, (0, 1), given.mocks // 2, given.seed + 1, model)
        ),
    }
    given.output.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
