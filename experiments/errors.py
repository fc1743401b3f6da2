"""Fit the scale of Z_ERR: factor and floor of the redshift error, class by class.

``python -m experiments.errors DATA BASIS --model huggins`` fits the trusted real spectra of the
training folds and mocks from held-back templates as `huggins classify` does, compares their
redshifts with what is known of them, and writes the constants into BASIS; all else in it stays.

What is known errs too, and that is no error of Z:

- mocks: nothing, their redshifts are exact;
- real quasars: the narrow lines, [O III] and else [O II], each measured on its own and moved by
  its published shift, with the error of the measurement. The surveys' redshifts scatter about
  the lines of the same quasars by 80 km/s, Z by 20 to 50 (``python -m experiments.pulls``);
- real galaxies and stars: the survey's redshift, with the error that it states.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from experiments.native_mocks import native_mocks
from experiments.rule import RIGHT, parser_of, predict, without
from huggins import simulate
from huggins.constants import LN10, SPEED_OF_LIGHT
from huggins.errors import HugginsError
from huggins.redshift.basis import STEP, Basis, load_basis
from huggins.redshift.fit import Fitter
from huggins.redshift.frames import to_native
from huggins.redshift.parameters import DecisionParameters
from huggins.redshift.systemic import LINES, find_line
from huggins.redshift.uncertainty import FAR, NEAR
from huggins.taxonomy import BROAD, CLASSES, INDEX
from huggins.train.data import read_real
from huggins.train.labelled import read_labels

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.inference.network import Model
    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]

#: Zero-point errors in km/s of the few templates of these classes, from the disagreement among
#: them.
LEAST_FLOOR: Final = {"L": 70.0, "C": 100.0}
#: Least number of spectra that a class has constants of its own from.
LEAST: Final = 25
#: Error in km/s of a survey's redshift that comes without one: the median of those stated.
UNSTATED: Final = 5.0
#: Narrow lines, the surer first.
NARROW: Final = tuple(line for line in LINES if line.name in ("[O III] 5008", "[O II]"))
_PIXEL: Final = LN10 * STEP * SPEED_OF_LIGHT


@dataclass(frozen=True, slots=True)
class Row:
    """One redshift against what is known of it.

    Attributes
    ----------
    cls
        Of the 13: true, or, of a star of unknown type, the one found.
    z
        As known.
    velocity
        c (Z - z) / (1 + z), km/s.
    sigma
        Formal error of Z, times the square root of a reduced chi2 above 1, km/s.
    known
        1-sigma error of `z`, km/s.
    real
        Whether it is no mock.
    """

    cls: str
    z: float
    velocity: float
    sigma: float
    known: float
    real: bool


def rows(
    spectra: Sequence[Spectrum],
    truth: Sequence[tuple[str, str, float, float]],
    fitter: Fitter,
    model: Model,
    *,
    real: bool,
) -> list[Row]:
    """Fit spectra; `truth` is (broad class, class or "", z, error of z in km/s).

    Left out is what got a warning, another class or another redshift, or cannot be judged: a
    real quasar without narrow lines.
    """
    network, density = predict(model, spectra)
    grid = model.metadata.redshift
    assert grid is not None
    fit = fitter.fit(spectra, network, density, start=grid.start, step=grid.step)
    frames = to_native(spectra)
    found = []
    for n, (kind, cls, z, known) in enumerate(truth):
        best = fit.solutions[n][0]
        if best is None or best.kind != kind or fit.zwarning[n] != 0:
            continue
        velocity = (fit.z[n] - z) / (1.0 + z) * SPEED_OF_LIGHT
        if abs(velocity) > RIGHT[kind]:
            continue
        if real and kind == "QSO":
            place = narrow(
                frames.flux[n], frames.ivar[n], float(frames.offset[n]), float(fit.z[n])
            )
            if place is None:
                continue
            velocity, known = -place[0], place[1]
        reduced = max(best.chi2 / float(frames.good[n]), 1.0)
        sigma = best.sigma * _PIXEL * np.sqrt(reduced)
        name = cls or CLASSES[fitter.subclass(best)]
        found.append(Row(name, z, float(velocity), float(sigma), known, real))
    return found


def narrow(flux: Array, ivar: Array, offset: float, z: float) -> tuple[float, float] | None:
    """Velocity of the narrow lines of a quasar from Z, and its error, km/s; None without any.

    Arguments as in `huggins.redshift.systemic.find_line`. The scatter of these lines among
    quasars is not in the error: it is one of Z too.
    """
    for line in NARROW:
        place = find_line(flux, ivar, offset, z, line)
        if place is not None:
            return place.velocity - line.shift, place.error
    return None


def real_rows(
    data: Path, folds: Sequence[int], basis: Basis, model: Model, seed: int
) -> list[Row]:
    """Return real spectra of some folds, each fitted with quasars learned from the others."""
    library = simulate.load(data / "templates")
    found: list[Row] = []
    for fold in folds:
        others = [other for other in folds if other != fold]
        fitter = Fitter(without(basis, library, data, others, seed))
        labels = read_labels(data / "spectra", [fold], trust=2)
        real = read_real(data / "spectra", labels)
        some = [i for i, row in enumerate(real.labels) if exact(row)]
        truth = [
            (row["class3"], row["class13"], float(row["z"]), stated(data, row))
            for row in (real.labels[i] for i in some)
        ]
        found += rows([real.spectra[i] for i in some], truth, fitter, model, real=True)
    return found


def exact(row: dict[str, str]) -> bool:
    """Whether errors of tens of km/s can be judged by this label.

    Of stars visual redshifts are 0; smoothed spectra have no noise of their own. Quasars are
    judged by their lines.
    """
    return (
        row["class3"] in RIGHT
        and row["source"] != "sdssspectra"
        and (row["label_from"] == "pipeline" or row["class3"] == "QSO")
    )


def stated(data: Path, row: dict[str, str]) -> float:
    """Return the error (km/s) of a label that its survey states, else `UNSTATED`."""
    from astropy.io import fits

    value = np.nan
    try:
        with fits.open(data / "spectra" / row["path"]) as file:
            if "Z_ERR" in file[0].header:
                value = float(file[0].header["Z_ERR"])
            elif len(file) > 2 and isinstance(file[2], fits.BinTableHDU):
                value = float(file[2].data["Z_ERR"][0])
    except (OSError, ValueError, TypeError, KeyError, IndexError):
        return UNSTATED
    error = value / (1.0 + float(row["z"])) * SPEED_OF_LIGHT
    # A failed fit has a negative error, a lost one 0.
    return error if 0.0 < error < RIGHT[row["class3"]] else UNSTATED


def mock_rows(
    data: Path, folds: Sequence[int], count: int, basis: Basis, model: Model, seed: int
) -> list[Row]:
    """Return mocks from held-back templates with noise of the training folds."""
    mocks = list(native_mocks(data, folds, count, seed))
    truth = [(BROAD[mock.kind], mock.kind, mock.z, 0.0) for mock in mocks]
    return rows([mock.spectrum for mock in mocks], truth, Fitter(basis), model, real=False)


def fit_errors(known: Sequence[Row], rule: DecisionParameters) -> DecisionParameters:
    """Fit factor and floor of the redshift errors, class by class.

    Real spectra and mocks are split by error into groups; the robust width (1.4826 times the
    median of the absolute value) of (Z - z) over both errors is brought as near to 1 as can be
    in all of them. Classes with few spectra share the figures of all stars. Quasars beyond z =
    `FAR` (from `NEAR` on in part) have a floor of their own, from mocks: no narrow lines tell
    there.
    """
    far = [row for row in known if row.cls in ("QSO", "BAL") and row.z > FAR]
    near = [row for row in known if not (row.cls in ("QSO", "BAL") and row.z > NEAR)]
    factor, floor = [1.0] * len(CLASSES), [0.0] * len(CLASSES)
    for k, name in enumerate(CLASSES):
        # Real spectra with broad absorption are few, and behind it a quasar is a quasar.
        some = ("QSO", "BAL") if name in ("QSO", "BAL") else (name,)
        mine = [row for row in near if row.cls in some]
        if len(mine) < LEAST:
            mine = [row for row in near if BROAD[row.cls] == "STAR"]
        factor[k], floor[k] = scale(mine)
        floor[k] = max(floor[k], LEAST_FLOOR.get(name, 0.0))
    rule = replace(rule, error_factor=tuple(factor), error_floor=tuple(floor))
    return replace(rule, error_floor_far=_far_floor(far, factor[INDEX["QSO"]]))


def _far_floor(far: Sequence[Row], factor: float) -> float:
    """Return the floor with which pulls of distant quasars have a width of 1."""
    mocks = [row for row in far if not row.real]
    if len(mocks) < LEAST:
        return 0.0
    velocity = np.array([row.velocity for row in mocks])
    sigma = factor * np.array([row.sigma for row in mocks])
    floors = np.geomspace(10.0, 600.0, 100)
    widths = [1.4826 * np.median(np.abs(velocity) / np.hypot(sigma, f)) for f in floors]
    return float(floors[int(np.abs(np.log(widths)).argmin())])


def scale(mine: Sequence[Row]) -> tuple[float, float]:
    """Return the factor and floor whose pulls are nearest to width 1 in every group."""
    if not mine:
        return 1.0, 0.0
    velocity, sigma, known = (
        np.array([getattr(row, name) for row in mine])
        for name in ("velocity", "sigma", "known")
    )
    real = np.array([row.real for row in mine], bool)
    groups, weights = [], []
    # Real spectra have what mocks lack, and count for more, the more there are of them; but
    # the errors of what is known of them are themselves known in part only.
    for part, weight in (
        (np.flatnonzero(real), min(1.0, real.sum() / 100.0)),
        (np.flatnonzero(~real), 1.0),
    ):
        if len(part) >= 8:
            split = np.array_split(part[np.argsort(sigma[part])], min(4, len(part) // 8))
            # All together count as much as the groups, or few extreme ones would lead.
            groups += [*split, part]
            weights += [weight / len(split)] * len(split) + [weight]
    if not groups:
        groups, weights = [np.arange(len(mine))], [1.0]
    best = (np.inf, 1.0, 0.0)
    for factor in np.geomspace(0.7, 5.0, 40):
        for floor in np.r_[0.0, np.geomspace(1.0, 250.0, 56)]:
            error = np.sqrt((factor * sigma) ** 2 + floor**2 + known**2)
            pull = np.abs(velocity) / error
            widths = [1.4826 * np.median(pull[group]) for group in groups]
            value = float(weights @ np.log(np.maximum(widths, 1e-3)) ** 2)
            value += 1e-3 * float(np.log(factor) ** 2)  # where a floor leaves it open
            best = min(best, (value, float(factor), float(floor)))
    return best[1], best[2]


def refit(
    data: Path, basis: Basis, model: Model, folds: Sequence[int], mocks: int, seed: int
) -> DecisionParameters:
    """Return the parameters of the basis with the errors fitted anew."""
    known = real_rows(data, folds, basis, model, seed)
    known += mock_rows(data, folds, mocks, basis, model, seed)
    return fit_errors(known, DecisionParameters.from_dict(basis.parameters))


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = parser_of("errors", __doc__, mocks=4000)
    given = parser.parse_args(argv)
    if len(given.folds) < 2:
        parser.error("--folds: give two at least: each is fitted with what the others taught")
    try:
        return _run(given)
    except HugginsError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _run(given: argparse.Namespace) -> int:
    from huggins.inference import load_model
    from huggins.inference.verification import record

    basis = load_basis(given.basis)
    model = load_model(given.model, threads=1)
    rule = refit(given.data, basis, model, given.folds, given.mocks, given.seed)
    made = {**basis.made, "errors": f"python -m experiments.errors --mocks {given.mocks}"}
    replace(basis, parameters=rule.to_dict(), made=made).save(given.basis)
    record(given.basis)
    names = ("error_factor", "error_floor", "error_floor_far")
    shown = {name: getattr(rule, name) for name in names}
    sys.stdout.write(json.dumps(shown, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
