"""Class and redshift of spectra without errors or with a limited wavelength range.

``python -m experiments.limited_input DATA -o FIGURES.json`` takes the real spectra with a
certain label (trust 2 and 3), removes the inverse variances, smooths, or cuts to one camera of
DESI, and classifies them. The tables of docs/explanation/limited-input.md are for folds 0 and
1, on which nothing was fitted, and for folds 2 to 4, from which the rules were chosen.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import huggins
from experiments.card import rate_text, table
from experiments.pages import replace_generated
from huggins.constants import SPEED_OF_LIGHT
from huggins.evaluate import fraction
from huggins.evaluate.evaluation import plain
from huggins.quality import ZWarning
from huggins.runs.files import write_text
from huggins.spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astropy.table import Table

#: Cuts in Angstrom: the cameras of DESI, and pieces that other instruments see.
CUTS: Final = {
    "B camera, 3600 to 5800 A": (3600.0, 5800.0),
    "R camera, 5760 to 7620 A": (5760.0, 7620.0),
    "Z camera, 7520 to 9824 A": (7520.0, 9824.0),
    "4000 to 5000 A": (4000.0, 5000.0),
    "B and R, 3600 to 7620 A": (3600.0, 7620.0),
    "R and Z, 5760 to 9824 A": (5760.0, 9824.0),
    "4000 to 7500 A": (4000.0, 7500.0),
    "3750 to 8850 A": (3750.0, 8850.0),
}
#: Running means, in pixels; 1 leaves the flux as it is.
WIDTHS: Final = (1, 3, 9)
#: How near a right redshift is, km/s.
LIMIT: Final = 3000.0
PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "limited-input.md"
FOLDS: Final = {"folds 0 and 1": (0, 1), "folds 2 to 4": (2, 3, 4)}


@dataclass(frozen=True, slots=True)
class Sample:
    """Spectra and their labels.

    Attributes
    ----------
    spectra : list of Spectrum, N
    rows : list of dict, N
        Of the file of labels.
    """

    spectra: list[Spectrum]
    rows: list[dict[str, str]]

    @classmethod
    def read(cls, folder: Path, *, source: str | None = None) -> Sample:
        """Read the spectra whose class is certain; of one `source` alone, or of all others."""
        spectra, kept = [], []
        with (folder / "spectra" / "labels.csv").open(encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        for row in rows:
            if (row["source"] == source) == (source is None):
                continue
            if row["trust"] not in ("2", "3") or row["class3"] in ("SKY", "UNKNOWN", ""):
                continue
            if source is None and row["source"] == "sdssspectra":  # without errors as they are
                continue
            try:
                spectra.append(huggins.read(folder / "spectra" / row["path"])[0])
                kept.append(row)
            except huggins.errors.HugginsError as error:
                print(error, file=sys.stderr)
        return cls(spectra, kept)


def without_errors(spectrum: Spectrum, width: int = 1) -> Spectrum:
    """Return the flux alone, smoothed by a running mean over `width` pixels."""
    good = spectrum.good
    flux = np.where(good, spectrum.flux.astype(np.float64), 0.0)
    kernel = np.ones(width)
    total, count = (np.convolve(part, kernel, "same") for part in (flux, good))
    smooth = np.divide(total, count, out=np.full(len(flux), np.nan), where=count > 0.5)
    smooth[~good] = np.nan
    return Spectrum.from_arrays(spectrum.wavelength, smooth, file=spectrum.file)


def cut(spectrum: Spectrum, low: float, high: float) -> Spectrum:
    """Return the pixels from `low` to `high`, in Angstrom."""
    part = (spectrum.wavelength >= low) & (spectrum.wavelength <= high)
    arrays = (spectrum.loglam[part], spectrum.flux[part], spectrum.ivar[part])
    return Spectrum(*arrays, file=spectrum.file)


def classified(sample: Sample, change: Callable[[Spectrum], Spectrum]) -> Table:
    """Classify the changed spectra; a row for each, empty where nothing was left."""
    return huggins.classify([change(spectrum) for spectrum in sample.spectra])


def right(results: Table, rows: Sequence[dict[str, str]]) -> tuple[Any, Any]:
    """Return whether CLASS is right, and Z within `LIMIT` (or not known), both (N,)."""
    cls = np.array(
        [str(a) == row["class3"] for a, row in zip(results["CLASS"], rows, strict=True)]
    )
    truth = np.array([float(row["z"] or "nan") for row in rows])
    z = np.ma.filled(results["Z"].astype(float), np.nan)
    near = np.abs(z - truth) / (1.0 + truth) * SPEED_OF_LIGHT < LIMIT
    return cls, near | np.isnan(truth)


def measure(results: Table, sample: Sample, folds: Sequence[int]) -> dict[str, Any]:
    """Return how often class, redshift and warnings are right in some folds."""
    in_folds = np.array([int(row["fold"]) in folds for row in sample.rows])
    in_folds &= np.array([not str(e) for e in np.ma.filled(results["ERROR"], "")])
    cls, near = (part[in_folds] for part in right(results, sample.rows))
    bits = np.asarray(results["ZWARNING"])[in_folds]
    known = np.array([bool(row["z"]) for row in sample.rows])[in_folds]
    # The bit for missing errors is no warning about the result.
    trusted = (bits & ~int(ZWarning.NO_UNCERTAINTY)) == 0
    part = (bits & int(ZWarning.PART_COVERAGE)) != 0
    others = (bits & ~int(ZWarning.PART_COVERAGE | ZWarning.NO_UNCERTAINTY)) == 0
    both = cls & near
    found: dict[str, Any] = {
        "n": int(in_folds.sum()),
        "class": fraction(cls),
        "z": fraction(near[known]) if known.any() else None,
        "without_warning": int(trusted.sum()),
        "wrong_without_warning": fraction(~both[trusted]),
        "flagged_in_vain": fraction(part[both & others]),
        "flagged_rightly": int((part & others & ~both).sum()),
    }
    figures: dict[str, Any] = plain(found)
    return figures


HEADINGS: Final = [
    "input", "n", "CLASS right, %", "Z right, %", "without warning", "wrong among them, %",
    "right, flagged `PART_COVERAGE` alone, %",
]  # fmt: skip


def cells(name: str, figures: dict[str, Any]) -> list[str]:
    """Return one row of the printed table."""
    shown = [figures[key] for key in ("class", "z", "wrong_without_warning", "flagged_in_vain")]
    texts = ["" if rate is None else rate_text(rate) for rate in shown]
    return [name, str(figures["n"]), *texts[:2], str(figures["without_warning"]), *texts[2:]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure everything, and write figures and tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    real, texts = Sample.read(options.data), Sample.read(options.data, source="sdssspectra")
    kinds: dict[str, tuple[Sample, Callable[[Spectrum], Spectrum]]] = {
        "as observed": (real, lambda s: s),
        **{
            "flux alone" + (f", mean of {w} pixels" if w > 1 else ""): (
                real,
                partial(without_errors, width=w),
            )
            for w in WIDTHS
        },
        "smoothed texts": (texts, lambda s: s),
        **{
            name: (real, partial(cut, low=low, high=high)) for name, (low, high) in CUTS.items()
        },
    }
    figures: dict[str, dict[str, Any]] = {name: {} for name in FOLDS}
    for kind, (sample, change) in kinds.items():
        results = classified(sample, change)
        for name, folds in FOLDS.items():
            figures[name][kind] = measure(results, sample, folds)
            print(name, kind, figures[name][kind], file=sys.stderr)
    write_text(options.output, json.dumps(figures, indent=1) + "\n")
    alone = [kind for kind in kinds if kind not in CUTS]
    write_page(figures, alone)
    return 0


def write_page(figures: dict[str, dict[str, Any]], alone: Sequence[str]) -> None:
    """Put the tables into the page; `alone`: kinds of input that are not cut."""
    cameras = as_markdown(figures, ["as observed", *CUTS], 7) + "\n" + left_over(figures)
    for name, text in (("FLUX", as_markdown(figures, alone, 6)), ("CAMERAS", cameras)):
        replace_generated(PAGE, text, f"<!-- {name} BEGIN -->", f"<!-- {name} END -->")


def left_over(figures: dict[str, dict[str, Any]]) -> str:
    """Return in words how many answers on one camera are wrong without a warning."""
    pairs = []
    for name in list(CUTS)[:4]:
        found = [kinds[name] for kinds in figures.values()]
        wrong = sum(one["wrong_without_warning"]["count"] for one in found)
        pairs.append(f"{wrong} of {sum(one['without_warning'] for one in found)}")
    return (
        "Without warning and wrong, all folds together (B, R, Z, 4000 to 5000 A): "
        f"{', '.join(pairs[:-1])} and {pairs[-1]}.\n"
    )


def as_markdown(figures: dict[str, dict[str, Any]], kinds: Sequence[str], count: int) -> str:
    """Return the tables of some kinds of input, with `count` columns."""
    parts = []
    for name, found in figures.items():
        rows = [cells(kind, found[kind])[:count] for kind in kinds]
        parts.append(f"{name.capitalize()}:\n\n{table(HEADINGS[:count], rows)}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
