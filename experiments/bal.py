"""Fit how network and measured absorption make P_BAL, and measure how good that is.

``python -m experiments.bal DATA`` puts real quasars behind real troughs of C IV and behind
narrow absorption, at their S/N and with noise added, classifies them, fits the constants of
`huggins.redshift.absorbed` on folds 2 to 4 with every other trough, and writes them. It then
measures: the other troughs in front of quasars of folds 0 and 1, and redshifts with and without
absorption of the same quasar.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from experiments.bal_page import BEGIN, END, as_markdown
from experiments.pages import replace_constants, replace_generated
from experiments.rule import predict
from experiments.troughs import narrow, noisier, troughs
from huggins.constants import SPEED_OF_LIGHT
from huggins.evaluate import fraction
from huggins.evaluate.evaluation import plain
from huggins.redshift import absorbed
from huggins.redshift.absorbed import (
    PARAMETERS,
    ShareParameters,
    absorbed_share,
    evidence,
    prior_logit,
)
from huggins.redshift.balnicity import Absorption, measure
from huggins.spectrum import Spectrum
from huggins.taxonomy import INDEX
from huggins.train.data import read_real
from huggins.train.labelled import read_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from huggins.inference.network import Model
    from huggins.redshift import Fitter

    Array = NDArray[np.float64]

#: Least redshift of a quasar that gets a trough.
Z_MIN: Final = 1.55
#: Shares of quasars, from which the sample is weighted: broad absorption, narrower absorption
#: that is none, and neither.
SHARES: Final = {"bal": 0.13, "narrow": 0.10, "none": 0.77}
#: AI, km/s, from which on absorption with BI = 0 is called either way by people who look.
EITHER: Final = 1000.0
# AI, km/s, from which on a quasar that no person inspected may be a BAL itself.
_OWN: Final = 450.0
#: What is tried for n, the S/N below which the prior counts more than the data.
NOISES: Final = (0.5, 0.7, 1.0)
#: Difference of redshifts, over 1 + z, from which on label or fit of a quasar is wrong: it is
#: left out.
APART: Final = 0.03
#: Spectra of one quasar whose redshifts are compared.
EPOCHS: Final = 8
#: Weight of spectra with S/N above 2, where the answer can be known.
CLEAR: Final = 4.0


@dataclass(slots=True, eq=False)
class Case:
    """One spectrum of known absorption, and what was found.

    Attributes
    ----------
    name, trust, kind
        Of the quasar: its file, trust and class of the 13.
    group
        `bal`, `narrow`, `none`; empty where it is not known, or nobody would agree.
    trough
        Number of the trough; -1: none.
    bi
        That of the trough without noise, km/s.
    z_known
        Label.
    sn
        Median S/N.
    """

    name: str
    trust: int
    kind: str
    group: str
    trough: int
    bi: float
    z_known: float
    sn: float = np.nan
    as_is: bool = False
    share: float = np.nan
    absorption: Absorption | None = None
    z: float = np.nan
    z_err: float = np.nan
    p: float = np.nan


def cases(
    data: Path, folds: Sequence[int], fitter: Fitter, model: Model, copies: int, seed: int
) -> list[Case]:
    """Make and fit the cases of some folds; `copies` noise levels of each quasar."""
    rng = np.random.default_rng(seed)
    real = read_real(data / "spectra", read_labels(data / "spectra", folds, trust=2))
    library = troughs(data / "templates")
    made: list[tuple[Spectrum, Case]] = []
    for row, spectrum in zip(real.labels, real.spectra, strict=True):
        if row["class3"] != "QSO" or row["source"] == "sdssspectra":
            continue
        z = float(row["z"])
        group = "bal" if row["class13"] == "BAL" else "none" if z > Z_MIN else ""
        what = (row["path"], int(row["trust"]), row["class13"])
        made.append((spectrum, Case(*what, group, -1, np.nan, z, as_is=True)))
        if group != "none":
            continue
        sn = spectrum.median_sn()
        for copy in range(copies):
            now = sn if copy == 0 else float(np.exp(rng.uniform(np.log(0.3), np.log(sn + 0.1))))
            put = [-1] if copy else []
            put += [int(rng.integers(len(library))), int(rng.integers(len(library))), -2]
            for number in put:
                trough = narrow(rng) if number == -2 else library[max(number, 0)]
                light = trough.at(spectrum.wavelength, z, rng) if number != -1 else 1.0
                bi, ai = (0.0, 0.0) if number == -1 else _indices(spectrum.wavelength, light, z)
                group = "none" if number == -1 else "bal" if bi > 0.0 else "narrow"
                group = "" if bi == 0.0 and ai > EITHER and number >= 0 else group
                behind = Spectrum(spectrum.loglam, spectrum.flux * light, spectrum.ivar)
                case = Case(*what, group, number, bi, z, as_is=copy == 0)
                made.append((noisier(behind, now, rng), case))
    _find(made, fitter, model)
    known = [case for _, case in made if case.absorption is not None]
    strange = {
        case.name
        for case in known
        if case.as_is
        and case.trough == -1
        and abs(case.z - case.z_known) > APART * (1.0 + case.z_known)
    }
    known = [case for case in known if case.name not in strange]
    unsure = {
        case.name
        for case in known
        if case.as_is and case.trough == -1 and case.trust < 3 and _maybe(case.absorption)
    }
    for case in known:
        if case.name in unsure and case.group != "bal":
            case.group = ""
    return known


def _maybe(absorption: Absorption | None) -> bool:
    """Whether a quasar that nobody looked at may have broad absorption of its own."""
    assert absorption is not None
    return absorption.ai > max(_OWN, 3.0 * absorption.ai_err)


def _indices(wavelength: Array, light: Array | float, z: float) -> tuple[float, float]:
    one = np.ones(len(wavelength))
    exact = measure(wavelength, one * light, 1e8 * one, one, z)
    return exact.bi, exact.ai


def _find(made: Sequence[tuple[Spectrum, Case]], fitter: Fitter, model: Model) -> None:
    """Classify, fit and measure, and fill the cases."""
    grid = model.metadata.redshift
    assert grid is not None
    for first in range(0, len(made), 128):
        part = made[first : first + 128]
        spectra = [spectrum for spectrum, _ in part]
        network, density = predict(model, spectra)
        fit = fitter.fit(spectra, network, density, start=grid.start, step=grid.step)
        for n, (spectrum, case) in enumerate(part):
            best, _ = fit.solutions[n]
            if best is None or best.kind != "QSO":
                continue
            case.z, case.z_err, case.sn = fit.z[n], fit.z_err[n], spectrum.median_sn()
            case.share, case.p = _share(network[n]), _share(fit.probabilities[n])
            case.absorption = fit.measured[n]


def _share(probabilities: Array) -> float:
    absorbed = float(probabilities[INDEX["BAL"]])
    return absorbed / max(absorbed + float(probabilities[INDEX["QSO"]]), 1e-30)


def weights(known: Sequence[Case]) -> Array:
    """Return weights by which the groups have their shares, 0 for cases of no group."""
    group = np.array([case.group for case in known])
    out = np.zeros(len(known))
    for name, share in SHARES.items():
        mine = group == name
        out[mine] = share * len(known) / max(int(np.count_nonzero(mine)), 1)
    return out


def fit_share(known: Sequence[Case], noise: float) -> tuple[ShareParameters, float]:
    """Fit a, b and c for one n by logistic regression; return also the mean log loss."""
    start = PARAMETERS
    x, y, prior = [], [], []
    clear = np.array([CLEAR if case.sn > 2.0 else 1.0 for case in known])
    weight = weights(known) * clear
    for case in known:
        assert case.absorption is not None
        sn = case.absorption.sn
        signal = sn**2 / (sn**2 + noise**2)
        x.append([signal * part for part in evidence(case.share, case.absorption)])
        y.append(float(case.group == "bal"))
        prior.append(prior_logit(case.absorption.coverage, start))
    rows, truth, offset = np.array(x), np.array(y), np.array(prior)
    solution = np.zeros(rows.shape[1])
    for _ in range(40):
        p = 1.0 / (1.0 + np.exp(-(offset + rows @ solution)))
        slope = rows.T @ (weight * (truth - p))
        curvature = (rows * (weight * p * (1.0 - p))[:, None]).T @ rows
        solution = solution + np.linalg.solve(curvature + 1e-9 * np.eye(len(solution)), slope)
    p = 1.0 / (1.0 + np.exp(-(offset + rows @ solution)))
    loss = -(weight * np.log(np.where(truth > 0, p, 1.0 - p))).sum() / weight.sum()
    a, b, c = (float(value) for value in solution)
    return ShareParameters(constant=a, network=b, index=c, noise=noise), float(loss)


def calibration_error(p: Array, truth: Array, weight: Array, bins: int = 10) -> float:
    """Return the expected calibration error in ten equal bins, weighted."""
    at = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [abs((weight * (p - truth))[at == k].sum()) for k in range(bins)]
    return float(sum(gaps) / weight.sum())


def _rate(cases_: Sequence[Case], found: Callable[[Case], bool]) -> dict[str, Any]:
    result: dict[str, Any] = plain(fraction(np.array([found(case) for case in cases_], bool)))
    return result


def _near(case: Case) -> bool:
    found = case.absorption
    assert found is not None
    return bool(abs(found.bi - case.bi) < max(0.2 * case.bi, 2.0 * found.bi_err))


def report(known: Sequence[Case], share: Callable[[Case], float]) -> dict[str, Any]:
    """Return how good a probability of absorption is."""
    p = np.array([share(case) for case in known])
    by_case = dict(zip(map(id, known), p, strict=True))

    def called(case: Case) -> bool:
        return bool(by_case[id(case)] > 0.5)

    def those(test: Callable[[Case], bool]) -> list[Case]:
        return [case for case in known if test(case)]

    truth = np.array([case.group == "bal" for case in known], float)
    weight = weights(known)
    deep = those(lambda c: c.trough >= 0 and c.bi > 200.0 and c.sn > 3.0)
    plain_ = those(lambda c: c.as_is and c.trough == -1 and c.kind == "QSO")
    return {
        "behind troughs of BI > 200, S/N > 3, called BAL": _rate(deep, called),
        "BI of these within 20 % or 2 sigma": _rate(deep, _near),
        "the same, at the S/N of the quasar": _rate([c for c in deep if c.as_is], called),
        "real QSO of trust 3, not called BAL": _rate(
            [c for c in plain_ if c.trust == 3], lambda c: not called(c)
        ),
        "real QSO of trust 2, not called BAL": _rate(
            [c for c in plain_ if c.trust == 2], lambda c: not called(c)
        ),
        "QSO with noise added, not called BAL": _rate(
            those(lambda c: c.trough == -1 and not c.as_is and c.group == "none"),
            lambda c: not called(c),
        ),
        "narrow absorption, S/N > 2, not called BAL": _rate(
            those(lambda c: c.trough == -2 and c.group == "narrow" and c.sn > 2.0),
            lambda c: not called(c),
        ),
        "real BAL": _rate(those(lambda c: c.kind == "BAL"), called),
        "calibration error": round(calibration_error(p, truth, weight), 4),
    }


def redshifts(known: Sequence[Case]) -> dict[str, Any]:
    """Return redshifts behind troughs against those of the same quasars without, in km/s."""
    free = {c.name: c.z for c in known if c.as_is and c.trough == -1}
    found: dict[str, Any] = {}
    for low, high in ((1.0, 3.0), (3.0, 100.0)):
        velocity, pull = [], []
        for case in known:
            z = free.get(case.name, np.nan)
            if case.trough < 0 or not case.bi > 0.0 or not low < case.sn < high:
                continue
            if not abs(z - case.z_known) < 0.01 * (1.0 + z):  # the quasar is not understood
                continue
            velocity.append((case.z - z) / (1.0 + z) * SPEED_OF_LIGHT)
            pull.append((case.z - z) / case.z_err)
        dv = np.array(velocity)
        near = np.abs(dv) < 3000.0
        middle = float(np.median(dv[near]))
        width = 1.4826 * float(np.median(np.abs(dv[near] - middle)))
        found[f"S/N {low:g} to {high:g}"] = {
            "n": len(dv),
            "within 3000 km/s": plain(fraction(near)),
            "bias": round(middle, 1),
            "its error": round(1.2533 * width / np.sqrt(max(near.sum(), 1)), 1),
            "scatter": round(width, 1),
            "pull": round(1.4826 * float(np.median(np.abs(np.array(pull)[near]))), 2),
        }
    return found


def epochs(
    data: Path, folds: Sequence[int], fitter: Fitter, model: Model, seed: int
) -> dict[str, Any]:
    """Return how redshifts of one absorbed quasar scatter between eight epochs, in km/s.

    An epoch is the same quasar behind the same trough with noise added down to half its S/N
    (at least 2), as two spectrographs or nights would give.
    """
    rng = np.random.default_rng(seed)
    real = read_real(data / "spectra", read_labels(data / "spectra", folds, trust=2))
    library = troughs(data / "templates")
    made: list[tuple[Spectrum, Case]] = []
    for row, spectrum in zip(real.labels, real.spectra, strict=True):
        z, sn = float(row["z"] or "nan"), spectrum.median_sn()
        if row["class13"] != "QSO" or row["source"] == "sdssspectra":
            continue
        if not (Z_MIN < z < 4.0 and sn > 4.0):
            continue
        number = int(rng.integers(len(library)))
        light = library[number].at(spectrum.wavelength, z, rng)
        bi, _ = _indices(spectrum.wavelength, light, z)
        if bi == 0.0:
            continue
        behind = Spectrum(spectrum.loglam, spectrum.flux * light, spectrum.ivar)
        for _ in range(EPOCHS):
            case = Case(row["path"], 0, "QSO", "bal", number, bi, z)
            made.append((noisier(behind, max(0.5 * sn, 2.0), rng), case))
    _find(made, fitter, model)
    widths, pulls = [], []
    for first in range(0, len(made), EPOCHS):
        found = [
            case for _, case in made[first : first + EPOCHS] if case.absorption is not None
        ]
        if len(found) < EPOCHS:
            continue
        z_all = np.array([case.z for case in found])
        spread = float(np.std(z_all, ddof=1))
        widths.append(spread / (1.0 + z_all.mean()) * SPEED_OF_LIGHT)
        pulls.append(spread / float(np.median([case.z_err for case in found])))
    return {
        "quasars": len(widths),
        "rms of eight epochs, median": round(float(np.median(widths)), 1),
        "90 % below": round(float(np.percentile(widths, 90)), 1),
        "below 200 km/s": plain(fraction(np.array(widths) < 200.0)),
        "rms over Z_ERR, median": round(float(np.median(pulls)), 2),
    }


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.bal", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of spectra/ and templates/")
    parser.add_argument("--model", default="huggins", help="name or path of the network")
    parser.add_argument("--copies", type=int, default=10, help="noise levels of a quasar")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--page", type=Path, help="document whose tables are replaced")
    given = parser.parse_args(argv)

    from huggins.inference import load_model
    from huggins.inference.fitting import load_fitter

    model, fitter = load_model(given.model, threads=1), load_fitter()
    train = cases(given.data, (2, 3, 4), fitter, model, given.copies, given.seed)
    test = cases(given.data, (0, 1), fitter, model, given.copies, given.seed + 1)
    known = [case for case in train if case.trough < 0 or case.trough % 2 == 0]
    tries = [fit_share(known, noise) for noise in NOISES]
    best = min(tries, key=lambda tried: tried[1])[0]
    fitted = tuple(
        round(value, 3) for value in (best.constant, best.network, best.index, best.noise)
    )
    replace_constants(absorbed, {"FITTED": fitted})
    best = ShareParameters(*fitted)
    result: dict[str, Any] = {"parameters": {n: getattr(best, n) for n in best.__slots__}}
    result["eight epochs of one quasar"] = {
        name: epochs(given.data, folds, fitter, model, given.seed)
        for name, folds in (("folds 2 to 4", (2, 3, 4)), ("folds 0 and 1", (0, 1)))
    }
    held_back = {
        "folds 2 to 4, other troughs": [c for c in train if c.trough < 0 or c.trough % 2],
        "folds 0 and 1, other troughs": [c for c in test if c.trough < 0 or c.trough % 2],
        "folds 0 and 1, all troughs": test,
    }

    def combined(case: Case) -> float:
        assert case.absorption is not None
        return absorbed_share(case.share, case.absorption, case.sn, best)

    for name, some in held_back.items():
        result[name] = {
            "n": len(some),
            "network alone": report(some, lambda case: case.share),
            "network and measurement": report(some, combined),
            "redshifts": redshifts(some),
        }
    sys.stdout.write(json.dumps(result, indent=1) + "\n")
    if given.page is not None:
        replace_generated(given.page, as_markdown(result, list(held_back)), BEGIN, END)
    return 0


if __name__ == "__main__":
    sys.exit(main())
