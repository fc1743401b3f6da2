"""How many planted wrong labels `huggins labels` finds, and how many right ones it accuses.

``python -m benchmarks labels`` swaps 5 % of the labels, once to any other
class and once to a neighbouring one, of (a) mocks from templates that training did not see and
(b) the real spectra of folds 0 and 1, which it did not see either; the shipped network's
probabilities are then searched by confident learning.

Recall: planted errors that are suspected. Precision: suspects that are planted errors. Labels
of the real spectra are those of surveys and have errors of their own, which count against
precision although finding them is the purpose; mocks have none.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from huggins import simulate
from huggins.errors import ReadError
from huggins.evaluate.intervals import rate
from huggins.formats import read
from huggins.inference import load_model
from huggins.labels import confident_joint, doubted, fraction_wrong
from huggins.prepare import STANDARD
from huggins.taxonomy import ALL_CLASSES, CLASSES, INDEX

#: Classes that are taken for one another.
NEIGHBOURS = {
    "O": "B", "B": "OA", "A": "BF", "F": "AG", "G": "FK", "K": "GM", "M": "KL", "L": "M",
}  # fmt: skip
OTHERS = {
    "WD": ("B", "A"), "C": ("K", "M"), "QSO": ("BAL", "GAL"), "BAL": ("QSO",), "GAL": ("QSO",),
}  # fmt: skip
SHARE = 0.05
#: Scores from which suspects are counted apart; the second is where --apply begins.
SCORES = (0.9, 0.99)
TRIALS = 200


def neighbours(name: str) -> tuple[str, ...]:
    return tuple(NEIGHBOURS[name]) if name in NEIGHBOURS else OTHERS[name]


def swap(
    truth: np.ndarray, present: list[int], how: str, rng: np.random.Generator
) -> np.ndarray:
    """Return labels of which 5 % are wrong."""
    labels = truth.copy()
    for row in rng.choice(len(truth), round(SHARE * len(truth)), replace=False):
        if how == "random":
            others = [c for c in present if c != truth[row]]
        else:
            others = [INDEX[n] for n in neighbours(CLASSES[truth[row]]) if INDEX[n] in present]
        if others:
            labels[row] = rng.choice(others)
    return labels


def search(
    truth: np.ndarray, labels: np.ndarray, p: np.ndarray, either: np.ndarray
) -> dict[str, tuple[int, int]]:
    """Return counts, each out of how many."""
    p = without_bal(labels, p, either)
    found = confident_joint(labels, p)
    rows, suggested, score = doubted(labels, p, found)
    wrong = labels != truth
    budget = rows[: int(wrong.sum())]
    plain = p.argmax(axis=1) != labels
    hit = wrong[rows]
    counts = {
        "recall": (int(hit.sum()), int(wrong.sum())),
        "precision": (int(hit.sum()), len(rows)),
        "right labels accused": (int((~hit).sum()), int((~wrong).sum())),
        "suggestion right where the label is wrong": (
            int((suggested == truth[rows])[hit].sum()),
            int(hit.sum()),
        ),
        "precision of as many as were planted": (int(wrong[budget].sum()), len(budget)),
        "recall of plain disagreement": (int((plain & wrong).sum()), int(wrong.sum())),
        "precision of plain disagreement": (int((plain & wrong).sum()), int(plain.sum())),
        "estimated wrong, of 10000": (round(1e4 * fraction_wrong(labels, p).value), 10_000),
        "off the diagonal, of 10000": (round(1e4 * found.apart), 10_000),
    }
    for least in SCORES:
        sure = score >= least
        counts[f"recall at score {least}"] = (int(hit[sure].sum()), int(wrong.sum()))
        counts[f"precision at score {least}"] = (int(hit[sure].sum()), int(sure.sum()))
    return counts


def without_bal(labels: np.ndarray, p: np.ndarray, either: np.ndarray) -> np.ndarray:
    """Return probabilities as `huggins labels` has them: a pipeline's QSO may be a BAL."""
    p = p.copy()
    free = either & (labels == INDEX["QSO"])
    p[free, INDEX["QSO"]] += p[free, INDEX["BAL"]]
    p[free, INDEX["BAL"]] = 0.0
    return p


def unplanted(labels: np.ndarray, p: np.ndarray, either: np.ndarray) -> list[float]:
    """Return the estimated share of wrong labels, and its interval, with none planted."""
    share = fraction_wrong(labels, without_bal(labels, p, either))
    return [round(value, 4) for value in (share.value, share.low, share.high)]


def shown(counts: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """Return shares with their Wilson intervals."""
    result = {}
    for name, (count, n) in counts.items():
        share = rate(count, n)
        result[name] = {
            "value": round(share.value, 4),
            "interval": [round(share.low, 4), round(share.high, 4)],
            "of": n,
        }
    for name in ("estimated wrong, of 10000", "off the diagonal, of 10000"):
        result[name] = {"value": result[name]["value"]}  # no count, and so no interval
    return result


def spread(trials: list[dict[str, tuple[int, int]]]) -> dict[str, Any]:
    """Return means over trials, with the middle 95 % of them."""
    result = {}
    for name in trials[0]:
        values = np.array([t[name][0] / t[name][1] for t in trials if t[name][1]])
        low, high = np.quantile(values, [0.025, 0.975])
        result[name] = {
            "value": round(float(values.mean()), 4),
            "middle 95 % of trials": [round(float(low), 4), round(float(high), 4)],
            "of": round(float(np.mean([t[name][1] for t in trials])), 1),
        }
    return result


def real_spectra(
    shared: Path, folds: tuple[int, ...]
) -> tuple[list[dict[str, str]], list[Any]]:
    with (shared / "spectra/labels.csv").open(newline="", encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if int(r["fold"]) in folds]
    kept, spectra = [], []
    for row in rows:
        try:
            spectra.append(read(shared / "spectra" / row["path"])[0])
        except ReadError:
            continue
        kept.append(row)
    return kept, spectra


def mocks(shared: Path, count: int, sn: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return true classes and probabilities of mocks; noise from folds 2 to 4."""
    rows, spectra = real_spectra(shared, (2, 3, 4))
    bank = simulate.NoiseBank.from_spectra(
        spectra,
        [r["survey"] for r in rows],
        [r["class3"] == "SKY" for r in rows],
        STANDARD.grid,
    )
    library = simulate.load(shared / "templates", test=True)
    odds = dict.fromkeys(CLASSES, 1.0)
    drawn = simulate.draw(count, library, bank, np.random.default_rng(7), odds=odds, sn=sn)
    model = load_model(threads=1)
    parts = [slice(i, i + 512) for i in range(0, count, 512)]
    p = np.concatenate(
        [model.predict(drawn.flux[part], drawn.ivar[part]).probabilities for part in parts]
    )
    truth = np.array([INDEX[ALL_CLASSES[kind]] for kind in drawn.kind])
    return truth, p


def run(count: int = 6000) -> dict[str, Any]:
    shared = Path(__file__).resolve().parents[2] / "shared/data"
    model = load_model(threads=1)
    result: dict[str, Any] = {
        "model": f"{model.name} {model.hash}",
        "share swapped": SHARE,
    }
    for sn in ((2.0, 5.0), (5.0, 40.0)):
        truth, p = mocks(shared, count, sn)
        none = np.zeros(len(truth), bool)
        part: dict[str, Any] = {
            "mocks": len(truth),
            "network agrees with the true class": round(
                float((p.argmax(1) == truth).mean()), 4
            ),
            "estimated wrong, none planted": unplanted(truth, p, none),
        }
        for how in ("random", "neighbour"):
            labels = swap(truth, list(range(len(CLASSES))), how, np.random.default_rng(11))
            part[how] = shown(search(truth, labels, p, none))
        result[f"mocks from held-back templates, S/N {sn[0]:g} to {sn[1]:g}"] = part
    rows, spectra = real_spectra(shared, (0, 1))
    flux, ivar = STANDARD.rebin(spectra)
    p = model.predict(flux, ivar).probabilities
    good = np.array([r["class13"] in INDEX and int(r["trust"]) >= 2 for r in rows])
    truth = np.array([INDEX.get(r["class13"], -1) for r in rows])
    either = np.array([r["label_from"] != "visual" for r in rows])
    survey = np.array([r["survey"] for r in rows])
    groups = {
        "real spectra of folds 0 and 1, all surveys": good,
        "real spectra of folds 0 and 1, BOSS and SDSS-I": good & (survey != "LAMOST"),
    }
    for name, mask in groups.items():
        t, q, e = truth[mask], p[mask], either[mask]
        agree = q.argmax(1) == t
        part = {
            "spectra": len(t),
            "network agrees with the label": round(float(agree.mean()), 4),
            "estimated wrong, none planted": unplanted(t, q, e),
        }
        for how in ("random", "neighbour"):
            trials = []
            for trial in range(TRIALS):
                rng = np.random.default_rng([13, trial])
                labels = swap(t, sorted(set(t.tolist())), how, rng)
                trials.append(search(t, labels, q, e))
            part[how] = spread(trials)
        result[name] = part
    return result


if __name__ == "__main__":
    print(json.dumps(run(*map(int, sys.argv[1:2])), indent=2))
