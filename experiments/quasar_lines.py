"""Are quasar redshifts in one frame? Single lines of real quasars against Z.

``python -m experiments.quasar_lines DATA -o FIGURES.json --page PAGE.md`` fits the trusted real
quasars as `huggins classify` does, measures single lines on their own, and writes the median
difference in bins of redshift; and how far Z is from what redrock's templates give, fitted to
the same pixels (`huggins.simulate.quasar_frame`). The page gets a table.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from experiments.rule import predict
from huggins.constants import LN10, SPEED_OF_LIGHT
from huggins.errors import HugginsError
from huggins.inference import load_model
from huggins.inference.fitting import basis_hash
from huggins.redshift import Fitter, load_basis
from huggins.redshift.frames import START, to_native
from huggins.redshift.systemic import LINES, find_line, systemic
from huggins.runs.files import write_text
from huggins.train.data import read_real
from huggins.train.labelled import read_labels
from huggins.train.quasar_labels import CERTAIN, read_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]

BEGIN: Final = "<!-- LINES-BEGIN -->"
END: Final = "<!-- LINES-END -->"
#: Bins of redshift.
BINS: Final = (0.0, 0.3, 0.6, 1.0, 1.4, 1.8, 2.2, 2.6, 3.2, 6.0)
#: Largest difference (km/s) between Z and label of a quasar that counts.
RIGHT: Final = 3000.0
#: Fewest quasars of a bin that a median is given of.
FEWEST: Final = 4


def measure(
    spectra: Sequence[Spectrum], fitter: Fitter, network: tuple[Array, Array], frame: Any
) -> dict[str, Array]:
    """Z of N quasars, and velocities of single lines and of redrock's templates from it, km/s.

    NaN where a line is not in range or not significant. ``SYS`` is Z_SYS against Z.
    """
    fit = fitter.fit(spectra, *network)
    frames = to_native(spectra)
    out = {"Z": fit.z, "Z_ERR": fit.z_err}
    for name in (*(line.name for line in LINES), "FRAME", "SYS", "SYS_ERR"):
        out[name] = np.full(len(spectra), np.nan)
    for row, z in enumerate(fit.z):
        if not np.isfinite(z) or z < -0.5:
            continue
        flux, ivar, offset = frames.flux[row], frames.ivar[row], float(frames.offset[row])
        for line in LINES:
            place = find_line(flux, ivar, offset, float(z), line)
            if place is not None:
                out[line.name][row] = place.velocity
        log1z = np.log10(1.0 + z) - offset * 1e-4
        moved, error = frame.of_spectrum(flux, ivar, START, log1z)
        if error * LN10 * SPEED_OF_LIGHT < CERTAIN:
            out["FRAME"][row] = moved * LN10 * SPEED_OF_LIGHT
        z_sys, z_sys_err = systemic(flux, ivar, offset, float(z))
        out["SYS"][row] = (z_sys - z) / (1.0 + z) * SPEED_OF_LIGHT
        out["SYS_ERR"][row] = z_sys_err / (1.0 + z) * SPEED_OF_LIGHT
    return out


def table(found: dict[str, Array], some: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Medians in bins of redshift: how far the lines, moved by their published shifts, lie."""
    shifts = {line.name: line.shift for line in LINES} | {"FRAME": 0.0, "SYS": 0.0}
    rows = []
    for low, high in pairwise(BINS):
        inside = some & (found["Z"] >= low) & (found["Z"] < high)
        row: dict[str, Any] = {"z": [low, high], "quasars": int(inside.sum())}
        for name, shift in shifts.items():
            values = found[name][inside] - shift
            values = values[np.isfinite(values)]
            if len(values) >= FEWEST:
                spread = 1.4826 * float(np.median(np.abs(values - np.median(values))))
                row[name] = {
                    "n": len(values),
                    "median": round(float(np.median(values)), 1),
                    "error": round(1.2533 * spread / len(values) ** 0.5, 1),
                    "spread": round(spread, 1),
                }
        rows.append(row)
    return rows


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.quasar_lines", description=__doc__
    )
    parser.add_argument("data", type=Path, help="folder of spectra/ and templates/")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--page", type=Path, help="document whose table is replaced")
    parser.add_argument("--model", default="huggins", help="name or path of the network")
    parser.add_argument("--basis", type=Path, help="the shipped one by default")
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 1])
    given = parser.parse_args(argv)
    try:
        figures = study(given.data, given.model, given.basis, given.folds)
    except HugginsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    write_text(given.output, json.dumps(figures, indent=1) + "\n")
    if given.page:
        text = given.page.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        after = rest.split(END)[1]
        write_text(given.page, f"{before}{BEGIN}\n{page(figures)}{END}{after}")
    return 0


def page(figures: dict[str, Any]) -> str:
    """Return the table of all quasars, and what it is."""
    names = [*figures["shifts"], "FRAME", "SYS"]
    heads = [*figures["shifts"], "redrock's templates", "`Z_SYS`"]
    lines = [
        "Real quasars of trust 2 or more without broad absorption, all folds (the fit learned",
        "from those of folds 2 to 4; folds 0 and 1 apart in `docs/results/quasar-lines.json`).",
        "Median difference from `Z` in km/s, its error, and the number of quasars; lines moved",
        "by their published shifts.",
        "",
        "| z | " + " | ".join(heads) + " |",
        "|---" * (len(heads) + 1) + "|",
    ]
    for row in figures["all"]:
        cells = [
            f"{row[name]['median']:+.0f} ± {row[name]['error']:.0f} ({row[name]['n']})"
            if name in row
            else ""
            for name in names
        ]
        low, high = row["z"]
        lines.append(f"| {low:g} to {high:g} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def study(data: Path, name: str, path: Path | None, folds: Sequence[int]) -> dict[str, Any]:
    """Figures of the test folds, of all, and of each survey."""
    model = load_model(name, threads=1)
    basis = load_basis(path)
    labels = [
        row
        for row in read_labels(data / "spectra", trust=2)
        if row["class3"] == "QSO" and row["class13"] != "BAL"
    ]
    real = read_real(data / "spectra", labels)
    found = measure(
        real.spectra,
        Fitter(basis),
        predict(model, real.spectra),
        read_frame(data / "templates"),
    )
    right = np.abs(found["Z"] - real.z) / (1.0 + real.z) * SPEED_OF_LIGHT < RIGHT
    test = np.isin(real.column("fold").astype(int), folds)
    survey = real.column("survey")
    return {
        "command": "python -m experiments.quasar_lines DATA",
        "network": model.hash,
        "basis": basis_hash() if path is None else str(path),
        "folds": list(folds),
        "shifts": {line.name: line.shift for line in LINES},
        "test": table(found, right & test),
        "all": table(found, right),
        "SDSS": table(found, right & (survey == "SDSS")),
        "BOSS": table(found, right & (survey == "BOSS")),
    }


if __name__ == "__main__":
    sys.exit(main())
