"""``python -m experiments.card FIGURES...``: the tables of a model card, as Markdown."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from huggins.taxonomy import CLASSES


def rate_text(rate: dict[str, Any]) -> str:
    """Return a fraction with its 95 % interval and counts, as a cell."""
    if not rate["n"]:
        return "-"
    value, low, high = (100 * rate[key] for key in ("value", "low", "high"))
    return f"{value:.1f} ({low:.0f} to {high:.0f}), {rate['count']} of {rate['n']}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def real_table(models: dict[str, dict[str, Any]]) -> str:
    """Figures on real spectra, one column per model."""
    keys = list(next(iter(models.values()))["real"])
    rows = [[key, *(rate_text(m["real"][key]) for m in models.values())] for key in keys]
    return table(["real spectra, test folds: percent (95 % interval), counts", *models], rows)


def mock_table(figures: dict[str, Any]) -> str:
    """Recall of each class on mocks, one column per bin of signal-to-noise."""
    bins = figures["mocks"]
    rows = [[name, *(_recall(b["recall"][name]) for b in bins.values())] for name in CLASSES]
    rows.append(["mean", *(_percent(b["macro recall"]) for b in bins.values())])
    rows += [
        [key, *(_recall(b[key]) for b in bins.values())] for key in ("quasar z", "galaxy z")
    ]
    return table(["mocks: recall in percent (95 % interval) of n, by S/N", *bins], rows)


def _recall(rate: dict[str, Any]) -> str:
    if not rate["n"]:
        return "-"
    low, high = (100 * rate[key] for key in ("low", "high"))
    return f"{_percent(rate['value'])} ({low:.0f} to {high:.0f}) of {rate['n']}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def main(argv: list[str] | None = None) -> int:
    """Print the tables of one or more JSON files of figures."""
    models = {}
    for name in argv or sys.argv[1:]:
        figures = json.loads(Path(name).read_text(encoding="utf-8"))
        models[figures["weights"]["name"]] = figures
    sys.stdout.write(real_table(models) + "\n")
    for figures in models.values():
        error, weights = figures["calibration"], figures["weights"]
        lines = [
            f"{weights['name']} ({weights['hash']}): expected calibration error "
            f"{error['error']['value']:.3f} ({error['error']['low']:.3f} to "
            f"{error['error']['high']:.3f}) over {error['error']['n']} real spectra; "
            f"chance alone gives {error['by_chance']:.3f}"
        ]
        troughs = figures["real quasars"]
        lines += [f"real quasars, {key}: {rate_text(rate)}" for key, rate in troughs.items()]
        lines += [
            f"{name} redshifts: median |dv| {r['median |dv|']:.0f} km/s, within one error "
            f"{rate_text(r['within one error'])}"
            for name, r in figures["redshifts"].items()
            if r["median |dv|"] is not None
        ]
        sys.stdout.write("- " + "\n- ".join(lines) + "\n")
        sys.stdout.write("\n" + mock_table(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
