"""A synthetic table of results with known mistakes, and its truth, for the evaluation."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from huggins.inference.table import Rows, write_rows
from huggins.taxonomy import BROAD, CLASSES

META = {
    "CREATOR": "huggins 9.9",
    "MODEL": "made-up",
    "MODELVER": "1.2",
    "MODELSHA": "00ff00ff00ff00ff",
    "COMMAND": "huggins classify",
    "DATE": "2026-01-02T03:04:05",
}


@dataclass
class Case:
    """A spectrum with its true and its predicted class and redshift."""

    true: str = "QSO"
    predicted: str = "QSO"
    prob: float = 0.9
    z: float | None = 1.0
    z_true: float | None = 1.0
    zwarning: int = 0
    sn: float = 5.0
    survey: str = "BOSS"
    error: str = ""
    path: str = ""
    index: int = 0


def rows_of(cases: list[Case], *, prefix: str = "data/") -> Rows:
    """Rows as `huggins classify` makes them; the remainder of PROB goes to a neighbour."""
    rows = Rows.empty(len(cases))
    for i, case in enumerate(cases):
        rows.texts["FILE"][i] = prefix + path_of(case, i)
        rows.texts["SURVEY"][i] = case.survey
        rows.texts["ERROR"][i] = case.error
        number = rows.numbers[i]
        number["INDEX"], number["ZWARNING"] = case.index, case.zwarning
        number["PLATE"], number["MJD"], number["FIBERID"] = 7000 + i // 10, 56000, i % 10 + 1
        rows.texts["TARGETID"][i] = str(39627652591521793 + i)
        number["RA"], number["DEC"] = 10.0 + 0.01 * i, -5.0
        number["SN_MEDIAN"] = case.sn
        if not case.predicted:
            continue
        rows.texts["CLASS"][i], rows.texts["SUBCLASS"][i] = (
            BROAD[case.predicted],
            case.predicted,
        )
        for name in CLASSES:
            number[f"P_{name}"] = 0.0
        at = CLASSES.index(case.predicted)
        number[f"P_{CLASSES[at]}"] = number["PROB"] = case.prob
        number[f"P_{CLASSES[at - 1]}"] = 1.0 - case.prob
        if case.z is not None:
            number["Z"], number["Z_ERR"] = case.z, 0.001
    return rows


def write_results(path: Path, cases: list[Case], *, desi: bool = False, prefix: str = "data/"):
    """Write a table of results in the format of the path's extension."""
    rows = rows_of(cases, prefix=prefix)
    widths = {name: max(1, *map(len, texts)) for name, texts in rows.texts.items()}
    write_rows(path, [rows], len(rows), widths, META, desi=desi)
    return path


def write_truth(path: Path, cases: list[Case]):
    """Write the truth as CSV with the columns of the project's own label table."""
    names = (
        "path index survey label_from trust class3 class13 z plate mjd fiberid targetid ra dec"
    )
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(names.split())
        for i, case in enumerate(cases):
            broad = BROAD.get(case.true, case.true)
            fine = case.true if case.true in BROAD else ""
            z = "" if case.z_true is None else case.z_true
            label_from = "visual" if i % 2 else "pipeline"
            label = [
                path_of(case, i),
                case.index,
                case.survey,
                label_from,
                2 + i % 2,
                broad,
                fine,
                z,
            ]
            identity = [7000 + i // 10, 56000, i % 10 + 1, 39627652591521793 + i]
            out.writerow([*label, *identity, 10.0 + 0.01 * i, -5.0])
    return path


def path_of(case: Case, i: int) -> str:
    """Path of the i-th spectrum below the root of the data."""
    return case.path or f"{case.survey.lower()}/spec-{i:04d}.fits"


def varied(seed: int = 0, count: int = 60, skill: float = 0.8) -> list[Case]:
    """Spectra of every class, a fraction `skill` of them correct, and special cases."""
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(1234)  # the same for every seed
    cases = []
    for i in range(count):
        true = CLASSES[i % len(CLASSES)]
        z = {"QSO": 2.0, "GALAXY": 0.3, "STAR": 0.0}[BROAD[true]] + 0.1 * truth.random()
        right = rng.random() < skill
        cases.append(
            Case(
                true=true,
                predicted=true if right else CLASSES[rng.integers(len(CLASSES))],
                prob=rng.uniform(0.6, 1.0) if right else rng.uniform(0.3, 0.8),
                z=z + 0.001 * rng.normal() * (1 + z),
                z_true=z,
                zwarning=int(rng.random() < 0.1) << 16,
                sn=float(10 ** truth.uniform(-0.2, 1.8)),
                survey=("BOSS", "SDSS")[i % 2],
            )
        )
    cases += [
        Case(true="SKY", predicted="QSO", zwarning=1, z_true=None, sn=0.1) for _ in range(9)
    ]
    cases += [Case(true="SKY", predicted="M", zwarning=0, z_true=None, sn=0.1)]
    cases += [Case(true="STAR", predicted="F", z=0.0, z_true=0.0)]  # a star of unknown type
    cases += [Case(true="UNKNOWN", predicted="F", z_true=None)]
    cases += [Case(true="QSO", predicted="", zwarning=1 << 9, error="no good pixel")]
    return cases
