"""What visual inspection gains: one round of inspecting, exporting labels and fine-tuning.

    huggins classify ../shared/data/spectra -o real.fits
    python -m experiments.inspections real.fits ../shared/data/spectra/labels.csv FOLDER

The spectra of folds 2 to 4 that are worth a look first are inspected: the label that is known
stands for what a person says. Their labels go through `huggins labels` and `huggins train`, as
docs/how-to/view.md says; the network is compared with the shipped one on folds 0 and 1, and on
the spectra of folds 2 to 4 that were not inspected. Writes ``docs/results/inspections.json``.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
RESULT: Final = ROOT / "docs" / "results" / "inspections.json"
INSPECTED: Final = 200


def main() -> None:
    """Run the round, and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=INSPECTED)
    parser.add_argument("-o", "--output", type=Path, default=RESULT)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    truth = _truth(given.labels)
    mine, looked = _inspect(given.results, truth, given.folder, given.count)
    suspects = given.folder / "suspects.csv"
    table = str(given.results)
    _huggins("labels", str(mine), "--predictions", table, "-o", str(suspects), "--overwrite")
    begun = time.perf_counter()
    _huggins(
        *("train", "configs/finetune.toml", "--init", "huggins", "--labels", str(mine)),
        *("--runs", str(given.folder / "runs"), "--overwrite"),
    )
    took = time.perf_counter() - begun
    model = given.folder / "runs" / "finetune" / "finetune.onnx"
    new = given.folder / "new.fits"
    files = given.folder / "files.txt"
    files.write_text("\n".join(truth))
    _huggins(
        "classify", f"@{files}", "--model", str(model), "-o", str(new), "-q", "--overwrite"
    )
    figures = {
        "command": " ".join(["python -m experiments.inspections", *sys.argv[1:]]),
        "inspected": len(looked),
        "of": sum(label["fold"] in "234" for label in truth.values()),
        "wrong_before": _wrong(given.results, truth, looked),
        "suspects": _rows(suspects),
        "minutes_of_training": round(took / 60.0, 1),
        "compared": _compare(given, truth, looked, new),
    }
    given.output.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


def _truth(labels: Path) -> dict[str, dict[str, str]]:
    """Labels of trust 2 or more, by the path of the file."""
    with labels.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if int(row["trust"]) >= 2]
    return {str((labels.parent / row["path"]).resolve()): row for row in rows}


def _inspect(
    table: Path, truth: dict[str, dict[str, str]], folder: Path, count: int
) -> tuple[Path, set[str]]:
    """Inspect the rows that are worth a look first; return the labels, and which files."""
    from huggins.view.kept import NotReadyError
    from huggins.view.open import open_session
    from huggins.view.results import Results

    results = Results.read(table)
    kept = folder / "inspections.sqlite"
    kept.unlink(missing_ok=True)
    looked: set[str] = set()
    with closing(open_session(results, inspections=kept, scanner="labels")) as session:
        while True:
            try:
                session.features()
                break
            except NotReadyError:
                time.sleep(1.0)
        for row in session.worth()["rows"]:
            path = str(Path(results.location(row)[0]).resolve())
            label = truth.get(path)
            # SKY and what has no type among the 13 give no label of a class.
            if label is None or label["fold"] not in "234" or not label["class13"]:
                continue
            body = {
                "row": row,
                "class": label["class13"],
                "quality": 4 if label["trust"] == "3" else 3,
                "z": float(label["z"]) if label["z"] else None,
            }
            session.inspect(body)
            looked.add(path)
            if len(looked) == count:
                break
        _, content = session.export("labels", None)
    mine = folder / "mine.csv"
    mine.write_bytes(content)
    return mine, looked


def _wrong(table: Path, truth: dict[str, dict[str, str]], looked: set[str]) -> dict[str, int]:
    from huggins.tables.read import read_columns

    columns = read_columns(table, ("FILE", "CLASS", "SUBCLASS"))
    found = {"CLASS": 0, "SUBCLASS": 0}
    rows = zip(*(columns.text(n).tolist() for n in ("FILE", "CLASS", "SUBCLASS")), strict=True)
    for file, cls, sub in rows:
        path = str(Path(file).resolve())
        if path in looked:
            found["CLASS"] += cls != truth[path]["class3"]
            found["SUBCLASS"] += sub != truth[path]["class13"]
    return found


def _compare(
    given: Any, truth: dict[str, dict[str, str]], looked: set[str], new: Path
) -> dict[str, Any]:
    """Figures of the new network beside the shipped one, on spectra that nobody inspected."""
    from huggins.evaluate import evaluate

    marked = given.folder / "truth.csv"
    names = next(iter(truth.values())).keys()
    with marked.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*names, "inspected"])
        writer.writeheader()
        for path, label in truth.items():
            writer.writerow(label | {"path": path, "inspected": int(path in looked)})
    compared = {}
    for name, where in (
        ("folds 0 and 1", "fold in (0, 1)"),
        ("folds 2 to 4, not inspected", "fold in (2, 3, 4) and inspected == 0"),
        ("inspected", "inspected == 1"),
    ):
        found = evaluate(new, marked, where=where, old=given.results).comparison
        assert found is not None
        compared[name] = {"n": found.n, "verdict": found.verdict} | {
            level: {
                "old": old.accuracy.value,
                "new": after.accuracy.value,
                "n": after.accuracy.n,
                "gained": paired.only_new,
                "lost": paired.only_old,
                "difference": [paired.difference, paired.low, paired.high],
                "p": paired.p_value,
            }
            for level, old, after, paired in (
                ("CLASS", found.old.classes, found.new.classes, found.classes),
                ("SUBCLASS", found.old.subclasses, found.new.subclasses, found.subclasses),
            )
        }
    return compared


def _rows(path: Path) -> int:
    with path.open(encoding="utf-8") as file:
        return sum(1 for _ in csv.DictReader(file))


def _huggins(*arguments: str) -> None:
    command = [sys.executable, "-m", "huggins", *arguments]
    subprocess.run(command, check=True, cwd=ROOT)  # noqa: S603 (our own commands)


if __name__ == "__main__":
    main()
