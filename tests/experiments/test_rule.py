"""The rule's constants, found again where they were planted."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from experiments.rule import (
    LEAST,
    POWER,
    Case,
    fit_decision,
    fit_thresholds,
    main,
)
from huggins.inference.verification import verify
from huggins.redshift.basis import load_basis
from huggins.redshift.candidates import Candidates
from huggins.redshift.case import MEMBERSHIP
from huggins.redshift.decide import choose
from huggins.redshift.minimise import Solution
from huggins.redshift.parameters import DecisionParameters
from huggins.redshift.proposals import Proposal
from huggins.spectrum import Spectrum
from huggins.taxonomy import INDEX

GOOD = 4000
FLAT = Proposal(np.zeros(10), 0.0, 1.0, absorbed=0.0)
NOTHING = Spectrum(np.array([3.6, 3.7]), np.ones(2), np.ones(2))


@dataclass(frozen=True)
class Arrived:
    """The way of a candidate that is at its minimum already."""

    solution: Solution

    def minimise(self):
        return self.solution


def solution(kind, z, chi2, sigma=0.2):
    shift = 1e4 * np.log10(1.0 + z)
    archetype = 0 if kind == "STAR" else -1
    return Solution(kind, shift, chi2, chi2, sigma, np.ones(3), archetype)


def case(cls, z, network, *solutions, smooth=1e5, real=True, unseen=True):
    kind = {"QSO": "QSO", "BAL": "QSO", "GAL": "GALAXY", "": ""}.get(cls, "STAR")
    probabilities = np.full(13, 1e-4)
    for name, value in network.items():
        probabilities[INDEX[name]] = value
    tracks = tuple(Arrived(one) for one in solutions)
    found = Candidates(tuple(solutions), smooth, 1e6, GOOD, tracks)
    return Case(
        kind, cls, z, True, real, unseen, NOTHING, probabilities, FLAT, found, 0.0
    )  # fmt: skip


def chosen(one, rule):
    choice = choose(one.candidates, one.network @ MEMBERSHIP, one.proposal, rule)
    return choice.best, choice.probabilities


def test_right_is_class_and_redshift():
    one = case(
        "QSO", 2.0, {"QSO": 1.0},
        solution("QSO", 2.02, 1.0), solution("QSO", 2.05, 1.0),
        solution("GALAXY", 2.0, 1.0), solution("STAR", 0.0, 1.0),
    )  # fmt: skip
    assert one.right.tolist() == [True, False, False, False]
    star = case(
        "F", 1e-4, {"F": 1.0}, solution("STAR", 0.001, 1.0), solution("STAR", 0.01, 1.0)
    )
    assert star.right.tolist() == [True, False]


def overconfident(count=30):
    """The network is sure and wrong of every second quasar; the fit is right by 30 in chi2."""
    found = []
    for i in range(count):
        said = {"F": 0.99} if i % 2 else {"QSO": 0.99}
        found.append(
            case("QSO", 2.0, said, solution("QSO", 2.0, GOOD), solution("STAR", 0.0, GOOD + 30))
        )
    return found


def test_a_network_that_is_sure_and_wrong_is_trusted_less():
    known = overconfident()
    rule = fit_decision(known, np.random.default_rng(0), 120)
    assert rule.class_weight < 0.5 * DecisionParameters().class_weight
    assert all(chosen(one, rule)[0] == 0 for one in known)


@pytest.mark.slow
def test_what_a_basis_gains_for_nothing_is_taken_off():
    # Of stars and quasars alike, the quasar basis fits better by 12 than it should.
    known = []
    for i in range(30):
        scatter = 4.0 * np.sin(i)
        known.append(
            case("F", 0.0, {"F": 0.4, "QSO": 0.5},
                 solution("STAR", 0.0, GOOD + 8.0 + scatter), solution("QSO", 2.0, GOOD))
        )  # fmt: skip
        known.append(
            case("QSO", 2.0, {"F": 0.5, "QSO": 0.4},
                 solution("STAR", 0.0, GOOD + 16.0 + scatter), solution("QSO", 2.0, GOOD))
        )  # fmt: skip
    rule = fit_decision(known, np.random.default_rng(0), 200)
    assert rule.class_offset[2] < -2.0

    def right(rule):
        return np.mean([one.right[chosen(one, rule)[0]] for one in known])

    assert right(rule) > 0.9 > right(DecisionParameters())


def test_what_the_network_was_trained_on_and_sky_do_not_count():
    known = overconfident(4)
    learned = [
        case("QSO", 2.0, {"QSO": 1.0}, solution("QSO", 2.0, GOOD), unseen=False),
        case("", np.nan, {"QSO": 1.0}, solution("QSO", 2.0, GOOD)),
    ]
    fits = [
        fit_decision(some, np.random.default_rng(1), 40) for some in (known, known + learned)
    ]
    assert fits[0] == fits[1]


def test_a_perfect_fit_can_always_overrule_the_network():
    # The network is right of all, the fit of none: left alone, its weight would go to 0.
    known = [
        case(
            "QSO",
            2.0,
            {"QSO": 0.9, "A": 0.1},
            solution("STAR", 0.0, 0.9 * GOOD),
            solution("QSO", 2.0, 1.5 * GOOD),
        )
        for _ in range(30)
    ]
    rule = fit_decision(known, np.random.default_rng(0), 60)
    assert rule.chi2_ceiling / 2.0 - (max(rule.class_offset) - min(rule.class_offset)) >= POWER


def test_thresholds_keep_sky_out_and_objects_in():
    rng = np.random.default_rng(5)

    def one(cls, feature):
        network = {"QSO": 0.9}
        rivals = solution("QSO", 2.0, GOOD), solution("QSO", 3.0, GOOD + 500.0)
        return case(cls, 2.0 if cls else np.nan, network, *rivals, smooth=GOOD + feature)

    sky = [one("", feature) for feature in rng.uniform(0.0, 60.0, 100)]
    objects = [one("QSO", feature) for feature in rng.uniform(75.0, 500.0, 100)]
    rule = fit_thresholds(sky + objects, DecisionParameters())
    assert 56.0 < rule.min_feature < 80.0
    only = fit_thresholds(objects, DecisionParameters())  # no sky to keep out
    assert only.min_feature >= LEAST[2]
    assert (only.min_margin, only.min_deltachi2) >= LEAST[:2]


def test_a_wrong_answer_that_passes_costs_more_than_a_right_one_that_does_not():
    right = [
        case("QSO", 2.0, {"QSO": 0.9}, solution("QSO", 2.0, GOOD),
             solution("QSO", 3.0, GOOD + gap))
        for gap in (15.0,) * 10 + (100.0,) * 60
    ]  # fmt: skip
    wrong = [
        case("QSO", 3.0, {"QSO": 0.9}, solution("QSO", 2.0, GOOD),
             solution("QSO", 3.0, GOOD + 15.0))
    ] * 10  # fmt: skip
    gap = fit_thresholds(right + wrong, DecisionParameters()).min_deltachi2
    assert 15.0 < gap < 100.0


@pytest.mark.slow
def test_the_command_fits_and_writes_the_rule(few_real, tmp_path, capsys):
    path = tmp_path / "basis.npz"
    load_basis().save(path)
    # A basis says how many mocks made it; as many make those that have not seen a fold.
    basis = load_basis(path)
    basis = replace(basis, made=basis.made | {"mocks": 60})
    basis.save(path)
    load_basis.cache_clear()
    given = [str(few_real), str(path), "--folds", "2", "3", "--mocks", "40", "--draws", "6"]
    assert main(given) == 0
    assert '"margin"' in capsys.readouterr().out
    load_basis.cache_clear()
    fitted = load_basis(path)
    assert all(check.good for check in verify(path))
    rule = DecisionParameters.from_dict(fitted.parameters)
    before = DecisionParameters.from_dict(basis.parameters)
    assert rule.error_factor == before.error_factor
    assert rule.error_floor_far == before.error_floor_far
    assert rule.min_margin >= LEAST[0]
    assert fitted.made["rule"].endswith("--mocks 40")
    np.testing.assert_array_equal(fitted.quasar.vectors, basis.quasar.vectors)


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path), "b.npz", "--folds", "2"])
    assert "two at least" in capsys.readouterr().err
    assert main([str(tmp_path), str(tmp_path / "b.npz")]) == 2
    assert "b.npz" in capsys.readouterr().err
