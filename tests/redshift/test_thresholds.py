"""Each threshold of ZWARNING, just below and just above, from the definitions of the bits."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest

from huggins.lines import EMISSION
from huggins.quality import ZWarning
from huggins.redshift.basis import Archetypes, Basis, Components
from huggins.redshift.candidates import Candidates
from huggins.redshift.decide import Choice
from huggins.redshift.frames import SIZE, START
from huggins.redshift.minimise import Solution
from huggins.redshift.parameters import DecisionParameters
from huggins.redshift.warnings import fit_warnings, negative_line, warnings
from huggins.taxonomy import BROAD_CLASSES, CLASSES, INDEX
from huggins.weights import RedshiftGrid

PIXELS = 1000
PARAMETERS = DecisionParameters(
    min_margin=2.0, min_deltachi2=9.0, min_feature=40.0, max_outliers=0.1, min_pixels=400,
    max_absorption=5.0,
)  # fmt: skip
LOW, HIGH = -0.005, 1.7


def basis():
    part = Components(31100, np.ones((1, 9260), "f4"), np.ones(1), (), LOW, HIGH)
    star = Archetypes(35000, np.ones((1, 5400), "f4"), np.array([5]), ("F",), 1500.0)
    return Basis(part, part, star, {}, {})


def bits(
    *,
    kind="GALAXY",
    shift=800.0,
    sigma=0.1,
    reduced=1.0,
    gain=1e4,
    deltachi2=500.0,
    margin=4.9,
    total=3.0,
    flux=None,
    model=1.0,
    good=PIXELS,
    absorbed=None,
    ivar=None,
):
    """Bits of a spectrum of flux 1 and ivar 25, fitted exactly; reduced chi2 is as told."""
    flux = np.ones(PIXELS) if flux is None else flux
    chi2 = reduced * good
    solution = Solution(kind, shift, chi2, chi2, sigma, np.ones(1), absorbed=absorbed)
    found = Candidates((solution,), chi2 + gain, total * good, good, ())
    choice = Choice(0, -1, margin, deltachi2, np.array([0.0, 1.0, 0.0]), 0, 0)
    ivar = np.full(PIXELS, 25.0) if ivar is None else ivar
    model = np.full(PIXELS, model)
    # Whether the gain rests on a few pixels is another question (tests/redshift/test_nulls.py).
    with patch("huggins.redshift.warnings.doubt", return_value=""):
        return ZWarning(
            sum(fit_warnings(flux, ivar, model, found, choice, basis(), PARAMETERS))
        )


def test_a_good_fit_has_none():
    assert bits() == 0


@pytest.mark.parametrize("reduced", [0.25, 1.0, 4.0])
@pytest.mark.parametrize(("name", "least"), [("deltachi2", 9.0), ("gain", 40.0)])
def test_chi2_counts_in_units_of_its_reduced_value_which_is_at_least_one(reduced, name, least):
    limit = least * max(reduced, 1.0)
    assert bits(reduced=reduced, **{name: 0.99 * limit}) & ZWarning.SMALL_DELTA_CHI2
    assert bits(reduced=reduced, **{name: 1.01 * limit}) == 0


def test_the_margin_of_the_score():
    assert bits(margin=1.99) == ZWarning.SMALL_DELTA_CHI2
    assert bits(margin=2.01) == 0
    assert bits(margin=4.99, deltachi2=-9.0) == ZWarning.SMALL_DELTA_CHI2
    assert bits(margin=5.01, deltachi2=-9.0) == 0


@pytest.mark.parametrize(("sigmas", "set_"), [(-2.9, False), (-3.1, True)])
def test_a_flux_is_negative_from_three_sigma(sigmas, set_):
    # The error of the mean of 1000 pixels of sigma 0.2.
    flux = np.full(PIXELS, sigmas * 0.2 / PIXELS**0.5)
    found = bits(flux=flux, model=1e-6)
    assert bool(found & ZWarning.NEGATIVE_MODEL) is set_


@pytest.mark.parametrize(("model", "set_"), [(1e-6, False), (0.0, True), (-1e-6, True)])
def test_a_model_is_negative_from_zero(model, set_):
    assert bool(bits(model=model, flux=np.zeros(PIXELS)) & ZWarning.NEGATIVE_MODEL) is set_


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(
    ("sigmas", "count", "set_"), [(5.1, 101, True), (5.1, 100, False), (4.9, 500, False)]
)
def test_outliers_are_five_sigma_away_and_more_than_the_share(sign, sigmas, count, set_):
    flux = np.ones(PIXELS)
    flux[:count] += sign * sigmas * 0.2
    assert bits(flux=flux) == (ZWarning.MANY_OUTLIERS if set_ else 0)


@pytest.mark.parametrize(("apart", "set_"), [(0.101, False), (0.105, True)])
def test_templates_have_an_error_of_two_per_cent_beside_the_noise(apart, set_):
    # At S/N 200 five sigma of both are 5 (0.005^2 + 0.02^2)^(1/2) = 0.1031.
    flux = np.full(PIXELS, 1.0 + apart)
    found = bits(flux=flux, ivar=np.full(PIXELS, 4e4))
    assert bool(found & ZWarning.MANY_OUTLIERS) is set_


@pytest.mark.parametrize(("count", "set_"), [(90, False), (91, True)])
def test_the_share_is_of_pixels_outside_broad_absorption(count, set_):
    flux = np.ones(PIXELS)
    absorbed = np.zeros(PIXELS, bool)
    absorbed[900:] = True
    flux[900:] = 0.0
    flux[:count] += 1.1
    assert bits(flux=flux, absorbed=absorbed) == (ZWarning.MANY_OUTLIERS if set_ else 0)


def test_the_share_is_not_of_absorbed_pixels_that_hold_no_data_either():
    """100 absorbed pixels, half of them bad, of 950 good ones: 900 count, and 90 may be far."""
    ivar = np.full(PIXELS, 25.0)
    ivar[950:] = 0.0
    absorbed = np.zeros(PIXELS, bool)
    absorbed[900:] = True
    for count, set_ in ((90, False), (91, True)):
        flux = np.ones(PIXELS)
        flux[:count] += 1.1
        found = bits(flux=flux, absorbed=absorbed, ivar=ivar, good=950)
        assert found == (ZWarning.MANY_OUTLIERS if set_ else 0)


@pytest.mark.parametrize(("excess", "set_"), [(4.9, True), (5.1, False)])
def test_data_are_poor_below_five_sigma_of_a_sum_of_squares(excess, set_):
    # Of N squares of Gaussians the sum has mean N and variance 2 N.
    total = 1.0 + excess * (2.0 / PIXELS) ** 0.5
    assert bits(total=total) == (ZWarning.POORDATA if set_ else 0)


@pytest.mark.parametrize(("sn", "set_"), [(0.49, True), (0.51, False)])
def test_what_is_featureless_and_faint_is_sky(sn, set_):
    # Mean (S/N)^2 of a half, above the noise's own 1.
    found = bits(total=1.0 + sn**2, gain=39.0)
    assert bool(found & ZWarning.SKY) is set_
    assert not bits(total=1.0 + sn**2, gain=41.0) & ZWarning.SKY


@pytest.mark.parametrize(("good", "set_"), [(399, True), (400, False)])
def test_coverage_in_pixels(good, set_):
    assert bool(bits(good=good) & ZWarning.LITTLE_COVERAGE) is set_


@pytest.mark.parametrize("sigma", [np.inf, np.nan])
def test_a_minimum_without_curvature_is_none(sigma):
    assert bits(sigma=sigma) == ZWarning.BAD_MINFIT


@pytest.mark.parametrize(
    ("kind", "low", "high", "edge"),
    [("GALAXY", LOW, HIGH, 10.0), ("STAR", -1500 / 299792.458, 1500 / 299792.458, 1.0)],
)
def test_the_limit_is_the_last_pixels_of_the_range(kind, low, high, edge):
    first, last = 1e4 * np.log10(1.0 + low), 1e4 * np.log10(1.0 + high)
    for off, expected in ((0.1, ZWarning.Z_FITLIMIT), (-0.1, 0)):
        assert bits(kind=kind, shift=first + edge - off) == expected
        assert bits(kind=kind, shift=last - edge + off) == expected


# From the network ------------------------------------

GRID = RedshiftGrid()
FIRST = np.arange(960)
LOGLAM = 3.55 + 5e-4 * (FIRST + 0.5)


def network_bits(
    cls="QSO", *, z=1.5, peak=0.9, none=0.0, prob=0.9, sn=5.0, seen=None, fit=None
):
    seen = np.ones(960, bool) if seen is None else seen
    prediction = SimpleNamespace(
        none=np.array([none]), z=np.array([z]), z_peak=np.array([peak])
    )
    found = warnings(
        prediction, np.array([BROAD_CLASSES.index(cls)]), np.array([prob]), sn=np.array([sn]),
        loglam=LOGLAM, seen=seen[None], threshold=0.5, none_threshold=0.3, redshift=GRID,
        fit=fit,
    )  # fmt: skip
    return ZWarning(int(found[0]))


@pytest.mark.parametrize(
    ("below", "above", "bit"),
    [
        ({"none": 0.31, "sn": 0.99}, {"none": 0.29, "sn": 0.99}, ZWarning.SKY),
        ({"none": 0.31, "sn": 1.0}, {"none": 0.29, "sn": 1.0}, ZWarning.NOT_A_CLASS),
        ({"prob": 0.499}, {"prob": 0.5}, ZWarning.LOW_PROBABILITY),
        ({"peak": 0.499}, {"peak": 0.5}, ZWarning.UNCERTAIN_Z),
        ({"seen": FIRST < 191}, {"seen": FIRST < 192}, ZWarning.LITTLE_COVERAGE),
        ({"cls": "STAR", "z": 0.0051}, {"cls": "STAR", "z": 0.0049}, ZWarning.UNCERTAIN_Z),
        (
            {"z": np.expm1(GRID.start + 0.99 * GRID.step), "cls": "GALAXY"},
            {"z": np.expm1(GRID.start + 1.01 * GRID.step), "cls": "GALAXY"},
            ZWarning.Z_FITLIMIT,
        ),
        (
            {"z": np.expm1(GRID.start + (GRID.size - 0.99) * GRID.step)},
            {"z": np.expm1(GRID.start + (GRID.size - 1.01) * GRID.step)},
            ZWarning.Z_FITLIMIT,
        ),
    ],
)  # fmt: skip
def test_thresholds_of_the_network(below, above, bit):
    assert network_bits(**below) == bit
    assert network_bits(**above) == 0


def part_bits(cls, z, z_net, sure, low, high):
    """Bits where only wavelengths from `low` to `high` A are there."""
    row = np.zeros((1, len(CLASSES)))
    row[0, INDEX[{"QSO": "QSO", "GALAXY": "GAL", "STAR": "F"}[cls]]] = sure
    fit = SimpleNamespace(zwarning=np.zeros(1, np.int32), z=np.array([z]), probabilities=row)
    seen = (low < 10.0**LOGLAM) & (high > 10.0**LOGLAM)
    return network_bits(cls, z=z_net, fit=fit, seen=seen)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("velocity", "set_"), [(2990.0, False), (3010.0, True)])
@pytest.mark.parametrize("cls", ["GALAXY", "STAR"])
def test_network_and_fit_are_apart_from_3000_km_s(cls, velocity, set_, sign):
    z = 0.5
    z_net = z + sign * (1.0 + z) * velocity / 299792.458
    found = part_bits(cls, z, z_net, 1.0, 4000.0, 6000.0)
    assert found == (ZWarning.PART_COVERAGE if set_ and cls != "STAR" else 0)


@pytest.mark.parametrize(
    ("velocity", "sure", "set_"),
    [(690, 0.991, False), (710, 0.991, True), (690, 0.989, True), (np.nan, 0.991, False)],
)
def test_a_quasar_with_one_line(velocity, sure, set_):
    z = 1.0  # Mg II at 5598 A; C III] at 3817, H beta at 9725
    z_net = z + (1.0 + z) * velocity / 299792.458
    found = part_bits("QSO", z, z_net, sure, 5000.0, 6500.0)
    assert found == (ZWarning.PART_COVERAGE if set_ else 0)
    # With C III] besides it is two lines, and nothing is said.
    assert part_bits("QSO", z, z_net, sure, 3700.0, 6500.0) == 0


@pytest.mark.parametrize(("z", "set_"), [(1.343, False), (1.348, True)])
def test_mg_ii_alone_may_be_h_alpha_from_a_redshift_of_0_on(z, set_):
    # (1 + z) 2798.75 = 6564.63 A at z = 1.3456; C III] and H beta are out of range.
    found = part_bits("QSO", z, z, 1.0, 5760.0, 7620.0)
    assert found == (ZWarning.PART_COVERAGE if set_ else 0)
    # With C III] besides it is Mg II; without H beta it is not H alpha.
    assert part_bits("QSO", z, z, 1.0, 4000.0, 7620.0) == 0
    assert part_bits("QSO", z, z, 1.0, 4600.0, 7620.0) == 0


@pytest.mark.parametrize(("seen", "set_"), [(12, True), (13, False)])
def test_a_line_is_there_if_most_of_its_surroundings_are(seen, set_):
    z = 1.0
    around = np.flatnonzero(np.abs(LOGLAM - np.log10(EMISSION["C III]"] * (1.0 + z))) < 0.0043)
    assert len(around) == 17  # within 1 %: three quarters are 12.75
    low = 10.0 ** (LOGLAM[around[-seen]] - 1e-5)
    found = part_bits("QSO", z, z + 0.006, 1.0, low, 6500.0)
    assert found == (ZWarning.PART_COVERAGE if set_ else 0)


@pytest.mark.parametrize(("pixels", "bit"), [(719, ZWarning.PART_COVERAGE), (720, 0)])
def test_three_quarters_of_the_range_are_no_part(pixels, bit):
    row = np.zeros((1, len(CLASSES)))
    row[0, INDEX["GAL"]] = 1.0
    fit = SimpleNamespace(zwarning=np.zeros(1, np.int32), z=np.array([0.3]), probabilities=row)
    seen = np.arange(960) < pixels
    assert network_bits("GALAXY", z=0.6, fit=fit, seen=seen) == bit


# Quasar lines in absorption --------------------------

SHIFT = 1e4 * np.log10(1.4)


def place(name):
    return round(1e4 * np.log10(EMISSION[name]) + SHIFT) - START


@pytest.mark.parametrize("name", ["C III]", "Mg II", "Hβ", "Hα"])
@pytest.mark.parametrize(("depth", "seen"), [(0.055, False), (0.065, True)])
@pytest.mark.parametrize("level", [1.0, 30.0])
def test_a_negative_line_is_six_hundredths_of_the_continuum_deep(name, depth, seen, level):
    shift = 1e4 * np.log10(2.2) if name == "C III]" else SHIFT if name != "Hα" else 0.0
    centre = round(1e4 * np.log10(EMISSION[name]) + shift) - START
    flux = np.full(SIZE, level)
    flux[centre - 43 : centre + 44] *= 1.0 - depth
    found, sigmas = negative_line(flux, np.full(SIZE, 1e6), shift)
    assert found == (name if seen else "")
    assert (sigmas > 0.0) is seen


def test_a_sloping_continuum_is_taken_away():
    centre = place("Mg II")
    x = (np.arange(SIZE) - centre) / 100.0
    flux = 5.0 + 2.0 * x
    assert negative_line(flux, np.full(SIZE, 1e4), SHIFT) == ("", 0.0)
    flux[centre - 43 : centre + 44] -= 1.0
    line, sigmas = negative_line(flux, np.full(SIZE, 4.0), SHIFT)
    assert line == "Mg II"
    assert sigmas == pytest.approx(1.0 / (0.5 * np.sqrt(1 / 116 + 1 / 87)), rel=1e-6)


@pytest.mark.parametrize(("good", "seen"), [(42, False), (43, True)])
def test_half_of_the_line_must_be_there(good, seen):
    centre = place("Mg II")
    flux, ivar = np.ones(SIZE), np.full(SIZE, 400.0)
    flux[centre - 43 : centre + 44] = 0.5
    ivar[centre - 43 + good : centre + 44] = 0.0
    assert (negative_line(flux, ivar, SHIFT)[0] == "Mg II") is seen


@pytest.mark.parametrize(("count", "seen"), [(9, False), (10, True)])
@pytest.mark.parametrize("side", [-1, 1])
def test_ten_pixels_of_continuum_on_either_side(count, seen, side):
    centre = place("Mg II")
    flux, ivar = np.ones(SIZE), np.full(SIZE, 400.0)
    flux[centre - 43 : centre + 44] = 0.5
    outside = centre + side * np.arange(44 + count, 102)
    ivar[outside] = 0.0
    assert (negative_line(flux, ivar, SHIFT)[0] == "Mg II") is seen


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize(("off", "shown"), [(14, True), (23, False)])
def test_emission_within_1000_km_s_redeems_a_line(side, off, shown):
    """15 pixels of it, as far above the continuum as the rest is below."""
    centre = place("Mg II")
    flux = np.ones(SIZE)
    flux[centre - 43 : centre + 44] = 0.3
    middle = centre + side * off
    flux[middle - 7 : middle + 8] = 1.2
    assert (negative_line(flux, np.full(SIZE, 400.0), SHIFT)[0] == "") is shown
