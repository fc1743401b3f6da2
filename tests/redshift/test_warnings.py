"""Each bit: something that sets it, and the same without that."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest

from huggins.inference.classification import decide
from huggins.inference.network import Prediction
from huggins.lines import EMISSION
from huggins.quality import ZWarning
from huggins.redshift.basis import Archetypes, Basis, Components
from huggins.redshift.candidates import Candidates
from huggins.redshift.decide import Choice
from huggins.redshift.frames import SIZE, START
from huggins.redshift.minimise import Solution
from huggins.redshift.parameters import DecisionParameters
from huggins.redshift.warnings import fit_warnings, negative_line, warnings
from huggins.taxonomy import CLASSES, INDEX
from huggins.weights import RedshiftGrid

GRID = RedshiftGrid()
PARAMETERS = DecisionParameters(
    min_margin=2.0,
    min_deltachi2=9.0,
    min_feature=40.0,
    max_outliers=0.1,
    min_pixels=400,
    max_absorption=5.0,
)


class Case:
    """A spectrum of flux 1 at S/N 5, well fitted by a galaxy; tests change one thing."""

    def __init__(self) -> None:
        part = Components(31100, np.ones((1, 9260), "f4"), np.ones(1), (), -0.005, 1.7)
        star = Archetypes(35000, np.ones((1, 5400), "f4"), np.array([5]), ("F",), 1500.0)
        quasar = replace(part, z_min=-0.002, z_max=7.0)
        self.basis = Basis(quasar, part, star, {}, {})
        rng = np.random.default_rng(2)
        self.model = np.ones(SIZE)
        self.ivar = np.full(SIZE, 25.0)
        self.flux = self.model + rng.normal(0.0, 0.2, SIZE)
        self.solution = Solution("GALAXY", 800.0, 4878.0, 4878.0, 0.1, np.ones(1))
        self.smooth = 6000.0
        self.choice = Choice(0, -1, 10.0, 500.0, np.array([0.0, 1.0, 0.0]))
        self.good = SIZE
        self.others = ()
        self.free = True

    def bits(self) -> ZWarning:
        return ZWarning(sum(self.causes()))

    def causes(self) -> dict[ZWarning, str]:
        total = float(self.ivar @ self.flux**2)
        found = Candidates((self.solution, *self.others), self.smooth, total, self.good, ())
        # The flux is flat, the gain is told: what it rests on is the matter of test_nulls.py.
        with patch("huggins.redshift.warnings.doubt", return_value=""):
            return fit_warnings(
                self.flux,
                self.ivar,
                self.model,
                found,
                self.choice,
                self.basis,
                PARAMETERS,
                free=self.free,
            )


@pytest.fixture
def case() -> Case:
    return Case()


def test_a_good_fit_has_no_warning(case):
    assert case.bits() == 0


def test_little_coverage(case):
    case.good = 399
    case.solution = replace(case.solution, chi2=399.0)
    assert case.bits() & ZWarning.LITTLE_COVERAGE
    case.good = 400
    assert not case.bits() & ZWarning.LITTLE_COVERAGE


@pytest.mark.parametrize(
    "change",
    [{"margin": 1.9}, {"margin": 4.9, "deltachi2": 8.0}, {"margin": 4.9, "deltachi2": -50.0}],
    ids=str,
)
def test_small_delta_chi2(case, change):
    case.choice = replace(case.choice, second=0, rival=0, **change)
    assert case.bits() == ZWarning.SMALL_DELTA_CHI2


def test_a_rival_in_chi2_is_no_doubt_where_the_score_has_none(case):
    case.choice = replace(case.choice, second=0, rival=0, margin=5.1, deltachi2=-50.0)
    assert case.bits() == 0
    # Of a given redshift the score speaks of classes alone.
    case.free = False
    assert case.bits() == ZWarning.SMALL_DELTA_CHI2


def test_no_other_redshift_is_no_small_delta_chi2(case):
    case.choice = replace(case.choice, deltachi2=np.nan)
    assert case.bits() == 0


def test_featureless_is_small_delta_chi2(case):
    case.smooth = 4878.0 + 39.0
    assert case.bits() == ZWarning.SMALL_DELTA_CHI2
    case.smooth = 4878.0 + 41.0
    assert case.bits() == 0


def test_gaps_count_in_units_of_a_bad_reduced_chi2(case):
    case.choice = replace(case.choice, deltachi2=12.0, margin=4.0, rival=0)
    assert case.bits() == 0
    case.solution = replace(case.solution, chi2=2.0 * 4878)
    case.smooth = 20000.0
    assert case.bits() == ZWarning.SMALL_DELTA_CHI2


def test_negative_model(case):
    case.model = -case.model
    assert case.bits() & ZWarning.NEGATIVE_MODEL


def test_negative_flux_is_negative_model(case):
    rng = np.random.default_rng(3)
    case.flux = -0.05 + rng.normal(0.0, 0.2, SIZE)
    case.model = np.full(SIZE, 1e-3)
    assert case.bits() & ZWarning.NEGATIVE_MODEL
    case.flux += 0.05
    assert not case.bits() & ZWarning.NEGATIVE_MODEL


def test_many_outliers(case):
    case.flux[::9] += 1.5
    assert case.bits() == ZWarning.MANY_OUTLIERS
    case.flux[::9] -= 1.5
    case.flux[::20] += 1.5
    assert case.bits() == 0


def test_broad_absorption_is_no_outlier(case):
    case.flux[1000:2000] -= 1.5
    assert case.bits() == ZWarning.MANY_OUTLIERS
    absorbed = np.zeros(SIZE, bool)
    absorbed[990:2010] = True
    case.solution = replace(case.solution, absorbed=absorbed)
    assert case.bits() == 0
    case.flux[::8] += 1.5  # the share is of what is left
    assert case.bits() == ZWarning.MANY_OUTLIERS


@pytest.mark.parametrize(
    ("kind", "z", "at_edge"),
    [
        ("GALAXY", -0.0049, True), ("GALAXY", -0.001, False), ("GALAXY", 1.699, True),
        ("GALAXY", 1.6, False), ("QSO", 6.99, True), ("QSO", 6.5, False),
        ("STAR", -0.005, True), ("STAR", 0.00495, True), ("STAR", -0.003, False),
    ],
)  # fmt: skip
def test_z_fitlimit(case, kind, z, at_edge):
    case.solution = replace(case.solution, kind=kind, shift=1e4 * np.log10(1 + z))
    assert bool(case.bits() & ZWarning.Z_FITLIMIT) is at_edge


def test_negative_emission_of_a_quasar(case):
    shift = 1e4 * np.log10(1 + 1.2)
    case.solution = replace(case.solution, kind="QSO", shift=shift)
    assert case.bits() == 0
    centre = round(1e4 * np.log10(EMISSION["Mg II"]) + shift) - START
    case.flux[centre - 30 : centre + 30] -= 0.5
    case.model[centre - 30 : centre + 30] -= 0.5
    assert case.bits() == ZWarning.NEGATIVE_EMISSION
    case.solution = replace(case.solution, kind="GALAXY")
    assert not case.bits() & ZWarning.NEGATIVE_EMISSION


def test_a_line_that_is_not_observed_is_not_negative(case):
    shift = 1e4 * np.log10(1 + 1.2)
    centre = round(1e4 * np.log10(EMISSION["Mg II"]) + shift) - START
    case.flux[centre - 30 : centre + 30] -= 0.5
    case.ivar[centre - 40 : centre + 10] = 0.0
    assert negative_line(case.flux, case.ivar, shift) == ("", 0.0)


SHIFT = 1e4 * np.log10(1 + 0.4)


def place(wavelength):
    """Pixel of a line at z = 0.4."""
    return round(1e4 * np.log10(wavelength) + SHIFT) - START


def bump(centre, sigma):
    return np.exp(-0.5 * ((np.arange(SIZE) - centre) / sigma) ** 2)


def test_significance_of_a_negative_line_is_that_of_a_weighted_straight_line():
    """Depth 0.3 over 87 pixels; the error follows from least squares, written out here."""
    flux, ivar = np.ones(SIZE), np.full(SIZE, 16.0)
    centre = place(2798.75)
    flux[centre - 43 : centre + 44] = 0.7
    line, found = negative_line(flux, ivar, SHIFT)
    # 58 pixels on either side, symmetrical: the continuum's error at the centre is that of a
    # mean of 116, that of the depth adds that of a mean of 87; each pixel has sigma = 1/4.
    expected = 0.3 / (0.25 * np.sqrt(1 / 116 + 1 / 87))
    assert line == "Mg II"
    assert found == pytest.approx(expected, rel=1e-6)


def test_strong_lines_beside_h_beta_are_no_continuum():
    """A quasar with [O III] a hundred times its narrow H beta."""
    ivar = np.full(SIZE, 400.0)
    flux = 1.0 + 0.3 * bump(place(4862.69), 3.0)
    flux += 10.0 * bump(place(5008.24), 7.0) + 3.3 * bump(place(4960.30), 7.0)
    assert negative_line(flux, ivar, SHIFT) == ("", 0.0)
    flux -= 0.5 * bump(place(4862.69), 20.0)  # and still a line that is negative is seen
    line, sigmas = negative_line(flux, ivar, SHIFT)
    assert line == "Hβ"
    assert sigmas > 15.0


def test_absorption_beside_emission_is_no_negative_line():
    """Mg II with a deep associated absorber, 1200 km/s to the blue of its peak."""
    ivar = np.full(SIZE, 400.0)
    centre = place(2798.75)
    absorbed = 1.0 - 0.9 * bump(centre - 17, 8.0)
    assert negative_line(absorbed, ivar, SHIFT)[0] == "Mg II"
    assert negative_line(absorbed + 0.8 * bump(centre, 5.0), ivar, SHIFT) == ("", 0.0)


def test_a_line_without_continuum_on_one_side_does_not_count():
    ivar = np.full(SIZE, 400.0)
    centre = place(2798.75)
    flux = 1.0 - 0.5 * bump(centre, 20.0)
    assert negative_line(flux, ivar, SHIFT)[0] == "Mg II"
    ivar[centre + 52 :] = 0.0
    assert negative_line(flux, ivar, SHIFT) == ("", 0.0)


def test_the_cause_names_the_line(case):
    case.solution = replace(case.solution, kind="QSO", shift=SHIFT)
    case.flux -= 0.5 * bump(place(2798.75), 20.0)
    said = case.causes()[ZWarning.NEGATIVE_EMISSION]
    assert said == "Mg II came out in absorption"


@pytest.mark.parametrize(
    ("change", "smooth", "said"),
    [
        (
            {"deltachi2": 8.0, "rival": 1, "margin": 3.0},
            6000.0,
            "QSO at z = 0.5000 fits nearly as well",
        ),
        (
            {"deltachi2": -45.0, "rival": 1, "margin": 3.0},
            6000.0,
            "QSO at z = 0.5000 fits better",
        ),
        (
            {"margin": 1.0, "second": 2},
            6000.0,
            "network and fit together hardly prefer the chosen one to STAR at z = 0.0000",
        ),
        ({}, 4900.0, "a smooth curve fits nearly as well"),
        (
            {"deltachi2": 8.0, "rival": 1, "margin": 1.0, "second": 1},
            4900.0,
            "QSO at z = 0.5000 fits nearly as well, a smooth curve fits nearly as well",
        ),
    ],
)
def test_the_cause_of_small_delta_chi2_is_named(case, change, smooth, said):
    others = (
        Solution("QSO", 1e4 * np.log10(1.5), 5000.0, 5000.0, 0.1, np.ones(1)),
        Solution("STAR", 0.0, 5000.0, 5000.0, 0.1, np.ones(1), 0),
    )
    case.others = others
    case.smooth = smooth
    case.choice = replace(case.choice, **change)
    assert case.causes() == {ZWarning.SMALL_DELTA_CHI2: said}


def test_bad_minfit(case):
    case.solution = replace(case.solution, sigma=np.inf)
    assert case.bits() == ZWarning.BAD_MINFIT


def test_poor_data_and_sky(case):
    rng = np.random.default_rng(4)
    case.flux = 0.01 + rng.normal(0.0, 0.2, SIZE)
    case.model = np.full(SIZE, 0.01)
    case.smooth = case.solution.chi2 + 5.0
    bits = case.bits()
    assert bits & ZWarning.POORDATA
    assert bits & ZWarning.SKY
    case.flux += 1.0
    case.model += 1.0
    bits = case.bits()
    assert not bits & ZWarning.POORDATA
    assert not bits & ZWarning.SKY


def test_a_faint_spectrum_with_features_is_not_sky(case):
    rng = np.random.default_rng(4)
    case.flux = 0.05 + rng.normal(0.0, 0.2, SIZE)
    case.model = np.full(SIZE, 0.05)
    case.smooth = case.solution.chi2 + 300.0
    assert not case.bits() & ZWarning.SKY


#: Of the network's pixels, 3548 to 10715 A.
LOGLAM = 3.55 + 5e-4 * (np.arange(960) + 0.5)


def bits(
    cls: str = "QSO",
    *,
    z: float = 1.5,
    peak: float = 0.9,
    none: float = 0.0,
    probability: float = 0.9,
    sn: float = 5.0,
    coverage: float = 1.0,
    start: float = 0.0,
    redshift: RedshiftGrid | None = GRID,
    fit: SimpleNamespace | None = None,
) -> int:
    row = np.zeros((1, len(CLASSES)))
    row[0, INDEX[cls]] = probability
    prediction = Prediction(
        row,
        np.array([none]),
        np.array([z]),
        np.array([0.001]),
        np.array([peak]),
        np.zeros((1, 0)),
    )
    broad, _ = decide(prediction.probabilities)
    seen = np.zeros((1, LOGLAM.size), bool)
    first, last = (round(edge * LOGLAM.size) for edge in (start, start + coverage))
    seen[0, first:last] = True
    value = warnings(
        prediction,
        broad,
        np.array([probability]),
        sn=np.array([sn]),
        loglam=LOGLAM,
        seen=seen,
        threshold=0.5,
        none_threshold=0.3,
        redshift=redshift,
        fit=fit,
    )
    assert value.dtype == np.int32
    return int(value[0])


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"cls": "F", "z": -0.001, "peak": 0.1},
        {"cls": "GAL", "z": 0.3, "none": 0.3, "coverage": 0.2, "probability": 0.5},
        {"sn": 0.1},
    ],
)
def test_no_warning(kwargs):
    assert bits(**kwargs) == 0


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({"none": 0.31, "sn": 0.5}, ZWarning.SKY),
        ({"none": 0.31, "sn": np.nan}, ZWarning.SKY),
        ({"none": 0.31, "sn": 1.5}, ZWarning.NOT_A_CLASS),
        ({"probability": 0.49}, ZWarning.LOW_PROBABILITY),
        ({"coverage": 0.19}, ZWarning.LITTLE_COVERAGE),
        ({"peak": 0.49}, ZWarning.UNCERTAIN_Z),
        ({"cls": "F", "z": 1.5}, ZWarning.UNCERTAIN_Z),
        ({"cls": "F", "z": -0.0045}, ZWarning.Z_FITLIMIT),
        ({"z": np.expm1(GRID.start + GRID.size * GRID.step) - 0.005}, ZWarning.Z_FITLIMIT),
        (
            {"probability": 0.2, "coverage": 0.0},
            ZWarning.LOW_PROBABILITY | ZWarning.LITTLE_COVERAGE,
        ),
    ],
)
def test_what_sets_each_bit(kwargs, expected):
    assert bits(**kwargs) == expected


def test_nothing_is_said_of_redshifts_where_there_are_none():
    assert bits(z=np.nan, peak=np.nan, redshift=None) == 0


def test_a_fit_answers_for_the_redshift():
    fit = SimpleNamespace(zwarning=np.array([ZWarning.SMALL_DELTA_CHI2], np.int32))
    # The network's uncertain redshift no longer counts; those of the class do.
    assert bits(peak=0.1, fit=fit) == ZWarning.SMALL_DELTA_CHI2
    assert bits("F", z=-0.0045, fit=fit) == ZWarning.SMALL_DELTA_CHI2
    both = ZWarning.SMALL_DELTA_CHI2 | ZWarning.LOW_PROBABILITY | ZWarning.NOT_A_CLASS
    assert bits(probability=0.4, none=0.9, fit=fit) == both


def part(cls: str = "QSO", *, z: float, z_net: float, sure: float = 1.0, **kwargs) -> bool:
    """Whether PART_COVERAGE is set; by default 5000 to 6310 A are there."""
    row = np.full((1, len(CLASSES)), (1.0 - sure) / (len(CLASSES) - 1))
    row[0, INDEX[cls]] = sure
    fit = SimpleNamespace(zwarning=np.zeros(1, np.int32), z=np.array([z]), probabilities=row)
    options = {"start": 0.31, "coverage": 0.21} | kwargs
    value = bits(cls, z=z_net, probability=sure, fit=fit, **options)
    assert value & ~ZWarning.PART_COVERAGE == 0
    return value != 0


@pytest.mark.parametrize(
    ("expected", "kwargs"),
    [
        # Mg II alone in range: network and fit agree, or not, or the class is not certain.
        (False, {"z": 1.0, "z_net": 1.004}),
        (True, {"z": 1.0, "z_net": 1.006}),
        (True, {"z": 1.0, "z_net": 1.004, "sure": 0.98}),
        # C IV and C III] are both in range.
        (False, {"z": 2.29, "z_net": 2.30, "sure": 0.9, "coverage": 0.3}),
        (True, {"z": 2.29, "z_net": 2.34, "coverage": 0.3}),
        # Galaxies: only where network and fit disagree. Stars: never.
        (False, {"cls": "GAL", "z": 0.3, "z_net": 0.31, "sure": 0.9}),
        (True, {"cls": "GAL", "z": 0.3, "z_net": 0.32}),
        (False, {"cls": "F", "z": 0.0, "z_net": 0.1, "sure": 0.9}),
        # The whole range is there, or the network gives no redshift.
        (False, {"z": 1.0, "z_net": 3.0, "start": 0.0, "coverage": 0.76}),
        (False, {"z": 1.0, "z_net": np.nan}),
        (True, {"z": 1.0, "z_net": np.nan, "sure": 0.98}),
        (False, {"z": np.nan, "z_net": 1.0}),
    ],
)
def test_part_coverage(expected, kwargs):
    assert part(**kwargs) is expected
