"""Widths of pulls: how far redshifts are off, in units of Z_ERR.

``python -m experiments.pulls DATA`` classifies the labelled real spectra and mocks of galaxies,
quasars and BAL quasars, and prints the robust width (1.4826 times the median of the absolute
value; 1 is right) of

- repeats: the difference of two spectra of one object over both errors; what they share (line
  shifts of a quasar, templates) is in Z_ERR and not in the difference;
- mocks: against the true redshift;
- labels: against the redshift of the survey or of a person, which errs too.

Run it again after every change of the basis or of the decision parameters.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import huggins
from experiments.native_mocks import native_mocks
from huggins.constants import SPEED_OF_LIGHT
from huggins.errors import HugginsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: How far two redshifts of one object may be apart before one of them is wrong, km/s.
WRONG: Final = {"STAR": 600.0, "GALAXY": 1000.0, "QSO": 3000.0}
#: Least number of pulls that have a width.
LEAST: Final = 8
_CLASS: Final = {"GAL": "GALAXY", "QSO": "QSO", "BAL": "QSO"}


def width(pulls: Iterable[float]) -> dict[str, Any]:
    """Return n, the robust width, and its standard error; empty for too few."""
    value = np.array(list(pulls))
    if len(value) < LEAST:
        return {}
    robust = 1.4826 * float(np.median(np.abs(value)))
    # Of a Gaussian the median of |x| has 1.17 / sqrt(n) of itself as its error.
    return {"n": len(value), "width": round(robust, 2),
            "error": round(1.17 * robust / np.sqrt(len(value)), 2)}  # fmt: skip


def pull(z: float, truth: float, error: float, kind: str) -> float | None:
    """Return (z - truth) / error; None for another redshift altogether."""
    if abs(z - truth) / (1.0 + truth) * SPEED_OF_LIGHT > WRONG[kind]:
        return None
    return (z - truth) / error


def repeats(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return widths of differences between spectra of one object, by class and surveys."""
    groups: dict[str, list[float]] = {}
    by_object: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_object.setdefault(row["object"], []).append(row)
    for mine in by_object.values():
        for one, two in combinations(mine, 2):
            if one["class3"] != two["class3"]:
                continue
            both = float(np.hypot(one["Z_ERR"], two["Z_ERR"]))
            found = pull(one["Z"], two["Z"], both, one["class3"])
            if found is not None:
                surveys = " and ".join(sorted({one["survey"], two["survey"]}))
                groups.setdefault(f"{one['class3']}, {surveys}", []).append(found)
    return {name: got for name, some in sorted(groups.items()) if (got := width(some))}


def labels(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return widths against labels, by class, survey and folds."""
    groups: dict[str, list[float]] = {}
    for row in rows:
        found = pull(row["Z"], row["z"], row["Z_ERR"], row["class3"])
        if found is not None:
            folds = "folds 0 and 1" if int(row["fold"]) < 2 else "folds 2 to 4"
            groups.setdefault(f"{row['class3']}, {row['survey']}, {folds}", []).append(found)
    return {name: got for name, some in sorted(groups.items()) if (got := width(some))}


def mocks(data: Path, count: int, seed: int) -> dict[str, Any]:
    """Return widths of mocks from held-back templates, by class and S/N."""
    drawn = list(native_mocks(data, (2, 3, 4), count, seed, odds=dict.fromkeys(_CLASS, 1.0)))
    table = huggins.classify([mock.spectrum for mock in drawn])
    groups: dict[str, list[float]] = {}
    for mock, row in zip(drawn, table, strict=True):
        kind = _CLASS[mock.kind]
        if row["ZWARNING"] != 0 or row["CLASS"] != kind:
            continue
        found = pull(float(row["Z"]), mock.z, float(row["Z_ERR"]), kind)
        if found is not None:
            noise = next(sn for sn in (3, 10, 40) if mock.sn <= sn)
            groups.setdefault(mock.kind, []).append(found)
            groups.setdefault(f"{mock.kind}, S/N to {noise}", []).append(found)
    return {name: got for name, some in sorted(groups.items()) if (got := width(some))}


def classified(data: Path) -> list[dict[str, Any]]:
    """Return labelled spectra of trust 2 and 3 without a warning, with label and answer."""
    with (data / "spectra" / "labels.csv").open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines)
                if row["trust"] in "23" and row["class3"] in WRONG and row["z"]
                and row["source"] != "sdssspectra"]  # fmt: skip
    spectra, kept = [], []
    for row in rows:
        try:
            spectra.append(huggins.read(data / "spectra" / row["path"])[0])
        except HugginsError as error:
            sys.stderr.write(f"{error}\n")
            continue
        kept.append(row)
    found = []
    for row, answer in zip(kept, huggins.classify(spectra), strict=True):
        if answer["ZWARNING"] == 0 and answer["CLASS"] == row["class3"]:
            numbers = {name: float(answer[name]) for name in ("Z", "Z_ERR")}
            found.append({**row, **numbers, "z": float(row["z"])})
    return found


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.pulls", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of spectra/ and templates/")
    parser.add_argument("--mocks", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args(argv)
    rows = classified(given.data)
    result = {
        "repeats": repeats(rows),
        "mocks": mocks(given.data, given.mocks, given.seed),
        "labels": labels(rows),
    }
    sys.stdout.write(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
