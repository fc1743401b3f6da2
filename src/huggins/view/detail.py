"""One spectrum as the page shows it: data, solutions of the fit, models, chi2 curves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.inference.details import FittedModel, predict, subclass_in
from huggins.inference.fitting import fit, load_fitter
from huggins.plot.data import smoothed
from huggins.prepare import clean
from huggins.quality import MEANING, REMEDY, ZWarning
from huggins.redshift.basis import STEP
from huggins.redshift.case import MEMBERSHIP
from huggins.redshift.curves import chi2_curves, fit_at
from huggins.redshift.decide import choose, is_different
from huggins.redshift.frames import to_native
from huggins.redshift.proposals import proposals
from huggins.spectrum import IDENTITY
from huggins.taxonomy import BROAD_CLASSES, CLASSES
from huggins.view.sky import sky_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from huggins.inference.network import Model, Prediction
    from huggins.redshift.minimise import Solution
    from huggins.redshift.proposals import Proposal
    from huggins.spectrum import Spectrum
    from huggins.weights import RedshiftGrid

    Array = NDArray[np.float64]

#: Solutions that are shown, at most.
SOLUTIONS: Final = 6
# Points of a chi2 curve that are sent: more than a screen has pixels help nobody.
_CURVE: Final = 700
# Surveys whose flux is calibrated.
_CALIBRATED: Final = ("SDSS", "BOSS", "EBOSS", "SDSS-V", "DESI")
# Redshifts so many km/s apart are the same answer.
_SAME: Final = 1000.0
_UNIT: Final = "10⁻¹⁷ erg/s/cm²/Å"


@dataclass(frozen=True, slots=True, eq=False)
class Details:
    """What the fit found of one spectrum; the chosen answer first.

    Attributes
    ----------
    answers : list of FittedModel
    curves : list of (class, z, chi2)
        chi2 on binned pixels against redshift, one curve a class.
    prediction : Prediction
        The network's, of this one spectrum.
    chances : list of float or None
        Of each answer the probability that it is right, as in the table of candidates.
    causes : dict of ZWarning to str
        What set the bits of the fit, in words; see `huggins.inference.FitDetails`.
    """

    answers: list[FittedModel]
    curves: list[tuple[str, Array, Array]]
    prediction: Prediction
    chances: list[float | None] = field(default_factory=list)
    causes: dict[ZWarning, str] = field(default_factory=dict)


def details(spectrum: Spectrum, network: Model) -> Details:
    """Fit one spectrum and keep everything that was considered."""
    fitter = load_fitter()
    grid = network.metadata.redshift
    prediction = predict(network, spectrum)
    probabilities = prediction.probabilities
    proposal: Proposal | None = None
    if grid is not None and prediction.density is not None:
        [proposal] = proposals(prediction.density, probabilities, grid.start, grid.step)
    frames = to_native([spectrum])
    candidates = fitter.search.run(frames, 0, proposal)
    if not candidates.solutions:
        return Details([], [], prediction)
    for index in range(len(candidates.solutions)):
        candidates = candidates.minimised(index)
    ranked = choose(
        candidates,
        probabilities[0] @ MEMBERSHIP,
        proposal,
        fitter.parameters,
        fitter.lines(frames, 0),
    ).score
    order = np.argsort(-ranked, kind="stable")
    chosen: list[Solution] = []
    for index in order.tolist():
        solution = candidates.solutions[index]
        if all(_apart(solution, other) for other in chosen):
            chosen.append(solution)
        if len(chosen) == SOLUTIONS:
            break
    good = candidates.good
    offset = float(frames.offset[0])

    def answer(s: Solution, z: float, chi2: float, p: Array) -> FittedModel:
        return FittedModel(
            s.kind,
            _subclass(s, fitter, p),
            z,
            chi2,
            chi2 / max(good - len(s.coefficients), 1),
            fitter.model_on(spectrum, s),
        )

    decided = fit(
        fitter, [spectrum], probabilities, prediction.density, grid, alternatives=SOLUTIONS
    )
    best, _ = decided.solutions[0]
    answers = []
    if best is not None:
        # The fit may have looked closer, as behind troughs of absorption. Its chi2 is then of
        # fewer pixels, and all are compared here.
        z = float(decided.z[0])
        same = next((s for s in chosen if not _apart(s, best)), None)
        name = _subclass(best, fitter, decided.probabilities[0])
        chi2 = (same or fit_at(fitter.search, frames, 0, name, z)).chi2
        answers.append(answer(best, z, chi2, decided.probabilities[0]))
        chosen = [s for s in chosen if _apart(s, best)][: SOLUTIONS - 1]
    answers += [answer(s, _redshift(s, offset), s.chi2, probabilities[0]) for s in chosen]
    curves = chi2_curves(fitter.search, frames, 0)
    chances = _chances(answers, decided.alternatives[0])
    return Details(answers, curves, prediction, chances, decided.causes[0])


def _chances(
    answers: Sequence[FittedModel], candidates: NDArray[np.void]
) -> list[float | None]:
    """Return the probability of the candidate at each answer's redshift, of each but once."""
    left = [each for each in candidates if each["prob"] > 0]
    chances: list[float | None] = []
    for answer in answers:
        limit = _SAME / SPEED_OF_LIGHT * (1.0 + answer.z)
        near = (
            number
            for number, each in enumerate(left)
            if BROAD_CLASSES[each["broad"]] == answer.cls and abs(each["z"] - answer.z) <= limit
        )
        found = next(near, None)
        chances.append(None if found is None else float(left.pop(found)["prob"]))
    return chances


def of_table(answers: Sequence[FittedModel], cells: dict[str, Any]) -> int | None:
    """Return which answer of the fit is the table's; None where it is none of them.

    The table may come from another network or fit, or from an earlier version: its answer is
    found by CLASS and, to 1000 km/s, the redshift. Where the table has none, it is the first.
    """
    name, z = cells.get("CLASS"), cells.get("Z")
    if not name or z is None:
        return 0 if answers else None
    limit = _SAME / SPEED_OF_LIGHT * (1.0 + z)
    near = (i for i, a in enumerate(answers) if a.cls == name and abs(a.z - z) <= limit)
    return next(near, None)


def _difference(
    answers: Sequence[FittedModel], cells: dict[str, Any], *, given: bool = False
) -> str:
    """Return a sentence where the table's answer is none of the fit's; else nothing.

    `given`: whether the redshifts of the table were given.
    """
    if not answers or of_table(answers, cells) is not None:
        return ""
    best = answers[0]
    table = f"{cells['CLASS']} at z = {cells['Z']:.4f}"
    if given:
        return (
            f"The table says {table}, the redshift that was given (--z). It is none that the "
            f"fit finds by itself: its first is {best.cls} at z = {best.z:.4f}."
        )
    return (
        f"The table says {table}, which is no answer of this "
        f"huggins' fit (its first: {best.cls} at z = {best.z:.4f}). The table comes from "
        "another network, fit or version."
    )


def model_at(spectrum: Spectrum, name: str, z: float) -> tuple[Array, float]:
    """Fit the templates of a class at one redshift.

    Returns
    -------
    model : ndarray, shape (L,)
    chi2 : float
    """
    fitter = load_fitter()
    solution = fit_at(fitter.search, to_native([spectrum]), 0, name, z)
    return fitter.model_on(spectrum, solution), solution.chi2


def _redshift(solution: Solution, offset: float) -> float:
    return float(10.0 ** ((solution.shift + offset) * STEP) - 1.0)


def _apart(one: Solution, other: Solution) -> bool:
    if one.kind == other.kind == "STAR":
        return one.archetype != other.archetype
    return is_different(one, other)


def _subclass(solution: Solution, fitter: Any, probabilities: Array) -> str:
    if solution.kind == "STAR":
        index = int(fitter.basis.star.classes[solution.archetype])
        if index >= 0:
            return CLASSES[index]
    return subclass_in(solution.kind, probabilities)


def as_json(
    spectrum: Spectrum,
    found: Details,
    cells: dict[str, Any],
    grid: RedshiftGrid | None,
    *,
    given: bool = False,
) -> dict[str, Any]:
    """Return a spectrum with everything about it as JSON holds it.

    Parameters
    ----------
    spectrum, found
    cells
        Its row of the table of results.
    grid
        Bins of the network's redshift distribution.
    given
        Whether the redshifts of the table were given.
    """
    flux, ivar = clean(spectrum)
    good = ivar > 0
    error = np.where(good, np.where(good, ivar, 1.0) ** -0.5, np.nan)
    bits = int(cells.get("ZWARNING") or 0)
    prediction = found.prediction
    probabilities = {name: cells.get(f"P_{name}") for name in CLASSES}
    if None in probabilities.values():
        probabilities = dict(zip(CLASSES, prediction.probabilities[0].tolist(), strict=True))
    density = None
    if grid is not None and prediction.density is not None:
        seen = prediction.density[0] > 1e-5
        density = {
            "z": rounded(np.expm1(grid.centres[seen])),
            "p": rounded(prediction.density[0][seen], 3),
        }
    pipeline = spectrum.pipeline
    sky = sky_of(spectrum)
    return {
        "file": spectrum.file,
        "index": spectrum.index,
        "unit": _UNIT if spectrum.survey in _CALIBRATED else "",
        "wavelength": rounded(spectrum.wavelength, 7),
        "flux": rounded(np.where(good, flux, np.nan)),
        "error": rounded(error, 4),
        "mask": runs_of(~good),
        "sky": None if sky is None else rounded(sky, 4),
        "meta": {name: getattr(spectrum, name) for name in ("format", *IDENTITY)}
        | ({"notes": "; ".join(spectrum.notes)} if spectrum.notes else {}),
        "results": cells,
        "probabilities": probabilities,
        "shown": of_table(found.answers, cells),
        "difference": _difference(found.answers, cells, given=given),
        "solutions": [
            {
                "rank": rank,
                "class": answer.cls,
                "subclass": answer.subclass,
                "z": finite(answer.z),
                "chi2": finite(answer.chi2),
                "rchi2": finite(answer.rchi2),
                "prob": chance,
                "model": rounded(answer.model),
            }
            for rank, (answer, chance) in enumerate(
                zip_longest(found.answers, found.chances), start=1
            )
        ],
        "chi2": [
            {"class": name, "z": rounded(z), "chi2": rounded(chi2, 7)}
            for name, z, chi2 in ((name, *thinned(z, chi2)) for name, z, chi2 in found.curves)
        ],
        "znet": density,
        "network": {"subclass": CLASSES[int(prediction.probabilities[0].argmax())]},
        "pipeline": {
            "class": pipeline.cls,
            "subclass": pipeline.subclass,
            "z": finite(pipeline.z),
            "zwarning": pipeline.zwarning,
        },
        "warnings": warnings_of(bits, found.causes),
        "links": links(spectrum),
    }


def warnings_of(bits: int, causes: dict[ZWarning, str]) -> list[dict[str, str]]:
    """Return the bits of ZWARNING that are set, in words."""
    return [
        {
            "name": bit.name or "",
            "meaning": causes.get(bit) or MEANING[bit],
            "remedy": REMEDY[bit],
        }
        for bit in ZWarning
        if bits & bit
    ]


def finite(value: float | None) -> float | None:
    """Return a number that JSON can hold; None where it is missing or not finite."""
    return value if value is not None and math.isfinite(value) else None


def thumbnail(spectrum: Spectrum, points: int = 80) -> list[list[float]]:
    """Return a small picture of a spectrum: points from 0 to 1 in both directions."""
    flux, ivar = clean(spectrum)
    smooth = smoothed(flux, ivar, width=max(3.0, len(flux) / 400))
    if not np.isfinite(smooth).any():
        return []
    low, high = (
        min(0.0, float(np.nanpercentile(smooth, 0.5))),
        float(np.nanpercentile(smooth, 99.7)),
    )
    at = np.linspace(0, len(flux) - 1, points).round().astype(int)
    y = ((smooth[at] - low) / ((high - low) or 1.0)).clip(0.0, 1.0)
    x = np.linspace(0.0, 1.0, points)
    known = np.isfinite(y)
    pairs = np.stack([x[known], y[known]], axis=1).round(3)
    picture: list[list[float]] = pairs.tolist()
    return picture


def runs_of(mask: NDArray[np.bool_]) -> list[list[int]]:
    """Return first and last index of each run of true values."""
    edge = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    ends = np.stack([np.flatnonzero(edge == 1), np.flatnonzero(edge == -1) - 1], axis=1)
    runs: list[list[int]] = ends.tolist()
    return runs


def links(spectrum: Spectrum) -> list[dict[str, str]]:
    """Return pages of the archives about the object."""
    found = []
    if spectrum.ra is not None and spectrum.dec is not None:
        ra, dec = f"{spectrum.ra:.6f}", f"{spectrum.dec:.6f}"
        found += [
            ("Legacy Survey", f"https://www.legacysurvey.org/viewer?ra={ra}&dec={dec}&layer=ls-dr10&zoom=16"),
            ("SIMBAD", f"https://simbad.cds.unistra.fr/simbad/sim-coo?Coord={ra}%20{dec}&Radius=3&Radius.unit=arcsec"),
            ("NED", f"https://ned.ipac.caltech.edu/conesearch?search_type=Near%20Position%20Search&ra={ra}d&dec={dec}d&radius=0.05"),
        ]  # fmt: skip
    if spectrum.survey in ("SDSS", "BOSS", "EBOSS") and spectrum.plate and spectrum.fiberid:
        found.append(("SDSS", (
            "https://dr17.sdss.org/optical/spectrum/view?"
            f"plateid={spectrum.plate}&mjd={spectrum.mjd}&fiberid={spectrum.fiberid}"
        )))  # fmt: skip
    return [{"name": name, "url": url} for name, url in found]


def rounded(values: Iterable[float], digits: int = 5) -> list[float | None]:
    """Return numbers with so many significant digits for JSON; None where not finite."""
    array = np.asarray(values, np.float64)
    finite = np.isfinite(array)
    safe = np.where(finite & (array != 0.0), np.abs(array), 1.0)
    power = 10.0 ** (digits - 1 - np.floor(np.log10(safe)))
    shown = np.where(finite, np.round(array * power) / power, 0.0)
    return [v if f else None for v, f in zip(shown.tolist(), finite.tolist(), strict=True)]


def thinned(z: Array, chi2: Array, most: int = _CURVE) -> tuple[Array, Array]:
    """Reduce a curve to at most so many points, keeping every local minimum's depth."""
    if len(z) <= most:
        return z, chi2
    size = math.ceil(len(z) / most)
    ends = np.arange(0, len(z), size)
    at = np.array([start + int(np.argmin(chi2[start : start + size])) for start in ends])
    return z[at], chi2[at]
