"""Network and fit, weighed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huggins.redshift.border import log_odds
from huggins.redshift.candidates import Candidates
from huggins.redshift.decide import border_case, choose, comparable, scores
from huggins.redshift.minimise import Solution
from huggins.redshift.parameters import DecisionParameters
from huggins.redshift.proposals import Proposal, proposals
from huggins.taxonomy import BROAD_CLASSES

GOOD = 4000
PARAMETERS = DecisionParameters(chi2_ceiling=30.0, misfit_scale=1.0, class_chi2_ceiling=4.0)
EVEN = np.full(3, 1 / 3)


def solution(kind: str, shift: float, chi2: float, masked: float | None = None) -> Solution:
    value = chi2 if masked is None else masked
    return Solution(kind, shift, chi2, value, 0.2, np.ones(1), 0 if kind == "STAR" else -1)


def candidates(*solutions: Solution) -> Candidates:
    return Candidates(solutions, 1e5, 1e6, GOOD, ())


def test_without_a_network_the_lowest_chi2_wins():
    found = candidates(
        solution("STAR", 0, 4400), solution("GALAXY", 900, 4200), solution("QSO", 5000, 4300)
    )
    choice = choose(found, EVEN, None, PARAMETERS)
    assert found.solutions[choice.best].kind == "GALAXY"
    assert choice.deltachi2 == pytest.approx(100.0)
    assert choice.rival == 2
    assert choice.margin > 0
    assert choice.probabilities.sum() == pytest.approx(1.0)


def test_a_good_fit_corrects_the_network_and_a_bad_one_does_not():
    network = np.array([0.98, 0.01, 0.01])

    def decided(chi2: float) -> str:
        found = candidates(
            solution("STAR", 0, 1.5 * chi2),
            solution("GALAXY", 900, 2 * chi2),
            solution("QSO", 5000, chi2),
        )
        return found.solutions[choose(found, network, None, PARAMETERS).best].kind

    assert decided(1.0 * GOOD) == "QSO"
    assert decided(12.0 * GOOD) == "STAR"


def test_at_one_redshift_the_network_decides_between_classes():
    found = candidates(
        solution("STAR", 0, 20000), solution("GALAXY", 900, 4000), solution("QSO", 905, 5000)
    )
    choice = choose(found, np.array([0.001, 0.05, 0.949]), None, PARAMETERS)
    assert found.solutions[choice.best].kind == "QSO"
    assert choice.deltachi2 > 10000
    assert choice.rival == 0  # at another redshift; the galaxy is at the same


def test_the_networks_redshift_decides_between_near_ties():
    density = np.full(992, 1e-6)
    density[300] = 1.0
    start, step = -0.005, 0.002
    offered = proposals(density[None], np.full((1, 13), 1 / 13), start, step)[0]
    there = (start + 300.5 * step) / np.log(10.0) * 1e4
    found = candidates(solution("QSO", there, 4010), solution("QSO", there + 2000, 4000))
    assert choose(found, EVEN, offered, PARAMETERS).best == 0
    assert choose(found, EVEN, None, PARAMETERS).best == 1
    assert choose(found, EVEN, offered, PARAMETERS).deltachi2 == pytest.approx(-10.0)


def test_a_proposal_forgives_the_networks_own_error():
    density = np.zeros((1, 992))
    density[0, 300] = 1.0
    offered = proposals(density, np.full((1, 13), 1 / 13), -0.005, 0.002)[0]
    centres = (-0.005 + 0.002 * (np.arange(992) + 0.5)) / np.log(10.0)
    logs = offered.at(centres)
    assert (logs[297:304] == logs[300]).all()
    assert logs[296] == logs[0] == pytest.approx(np.log(1e-5))
    assert offered.at(np.array([-1.0, 9.0])).tolist() == [logs[0], logs[-1]]


def test_a_proposal_knows_the_share_of_bal():
    probabilities = np.zeros((2, 13))
    probabilities[0, :2] = 0.3, 0.6
    probabilities[1, 12] = 1.0
    offered = proposals(np.ones((2, 5)) / 5, probabilities, 0.0, 0.1)
    assert offered[0].absorbed == pytest.approx(2 / 3)
    assert offered[1].absorbed == 0.0


def test_masked_absorption_counts_within_a_class_only():
    found = candidates(
        solution("QSO", 5000, 9000, masked=4100),
        solution("QSO", 7000, 8000, masked=5000),
        solution("STAR", 0, 6000),
    )
    np.testing.assert_allclose(comparable(found), [9000, 9900, 6000])


def test_choice_follows_the_climb():
    found = candidates(solution("QSO", 5000, 4100), solution("QSO", 7000, 4400))
    choice = choose(found, EVEN, None, PARAMETERS)
    minimised = choice.minimised(found.solutions[0], solution("QSO", 5001, 4050))
    assert minimised.deltachi2 == pytest.approx(350.0)


def test_a_bad_fit_is_certain_between_redshifts_of_one_class_far_apart_in_chi2():
    # Lines stronger than those of the basis: a bad fit, but the only redshift.
    found = candidates(
        solution("GALAXY", 900, 20.0 * GOOD),
        solution("GALAXY", 2000, 40.0 * GOOD),
        solution("QSO", 5000, 30.0 * GOOD),
    )
    sure = np.array([0.001, 0.998, 0.001])
    choice = choose(found, sure, None, PARAMETERS)
    assert (choice.best, choice.second, choice.rival) == (0, 2, 2)
    assert choice.margin > 3.0
    # Between classes a bad fit still tells little.
    choice = choose(found, EVEN, None, PARAMETERS)
    assert choice.margin < 0.2
    # And redshifts that fit nearly alike stay rivals.
    near = candidates(solution("GALAXY", 900, 20.0 * GOOD), solution("GALAXY", 2000, 80010.0))
    assert choose(near, sure, None, PARAMETERS).margin < 0.5


def test_a_good_fit_counts_chi2_once():
    found = candidates(solution("GALAXY", 900, GOOD), solution("GALAXY", 2000, GOOD + 10.0))
    choice = choose(found, EVEN, None, PARAMETERS)
    assert choice.margin == pytest.approx(0.5 * 30.0 * (1.0 - np.exp(-10.0 / 30.0)))


def test_a_lone_candidate_has_no_delta_chi2():
    choice = choose(candidates(solution("QSO", 5000, 4100)), EVEN, None, PARAMETERS)
    assert np.isnan(choice.deltachi2)
    assert choice.margin == np.inf
    assert choice.second == -1


def test_kinds_are_in_the_order_of_the_table():
    assert BROAD_CLASSES == ("STAR", "GALAXY", "QSO")
    assert Proposal(np.zeros(3), 0.0, 0.1).absorbed == 1.0


def test_broad_lines_move_the_border_of_galaxy_and_quasar_at_one_redshift_alone():
    found = candidates(
        solution("STAR", 0, 20000),
        solution("GALAXY", 900, 4000),
        solution("QSO", 905, 4000),
        solution("QSO", 5000, 4030),
    )
    network = np.array([0.001, 0.9, 0.099])
    asked = []

    def lines(shift):
        asked.append(shift)
        return np.full(3, 20.0)

    plain = choose(found, network, None, PARAMETERS)
    choice = choose(found, network, None, PARAMETERS, lines)
    assert asked == [900]
    assert (plain.best, choice.best) == (1, 2)
    assert np.logaddexp(*choice.score[1:3]) == pytest.approx(np.logaddexp(*plain.score[1:3]))
    assert choice.score[[0, 3]].tolist() == plain.score[[0, 3]].tolist()
    network, gap = np.array([0.001, 0.9, 0.099]), 0.0
    assert choice.score[2] - choice.score[1] == pytest.approx(
        log_odds(network, gap, np.full(3, 20.0))
    )
    assert border_case(found, network, None, PARAMETERS) == (900.0, 0.0)

    far = candidates(solution("GALAXY", 3000, 4000), solution("QSO", 3005, 4000))
    star = candidates(solution("STAR", 0, 4000), *found.solutions[1:3])
    alone = candidates(solution("GALAXY", 900, 4000), solution("QSO", 5000, 4010))
    for other, said in (
        (far, network),
        (star, np.array([0.99, 0.005, 0.005])),
        (alone, network),
    ):
        assert choose(other, said, None, PARAMETERS, lines).score.tolist() == pytest.approx(
            choose(other, said, None, PARAMETERS).score.tolist()
        )
        assert border_case(other, said, None, PARAMETERS) is None
    assert len(asked) == 1


def test_hopeless_redshifts_are_listed_by_chi2_below_the_answer():
    found = candidates(
        solution("QSO", 5000, 8 * GOOD),
        solution("QSO", 6000, 8 * GOOD + 8000),
        solution("QSO", 7000, 8 * GOOD + 16000),
        solution("GALAXY", 900, 7 * GOOD),
    )
    choice = choose(found, np.array([0.001, 0.001, 0.998]), None, PARAMETERS)
    assert choice.best == 0  # by the network, though the galaxy fits better
    assert np.diff(choice.score[:3]).max() < -0.3
    # Nor does anything share its place, or another would be listed first.
    assert choice.score[0] > choice.score[1:].max() + 0.01
    same = choose(replace(found, solutions=found.solutions[:1] * 2), EVEN, None, PARAMETERS)
    assert same.best == 0
    assert same.score[0] > same.score[1]


def test_of_two_redshifts_with_one_score_the_better_fit_is_chosen():
    found = candidates(
        solution("GALAXY", 16, GOOD + 1400),
        solution("GALAXY", 64, GOOD + 200),
        solution("QSO", 5000, GOOD),
    )
    # Nobody likes the redshift that fits best.
    rule = replace(PARAMETERS, chi2_ceiling=20.0)
    choice = choose(found, np.array([1e-9, 1.0, 1e-9]), None, rule)
    assert choice.best == 1
    assert np.exp(choice.score[0] - choice.score[1]) < 0.5
    plain = scores(found, np.array([1e-9, 1.0, 1e-9]), None, rule)
    assert plain[0] == pytest.approx(plain[1], abs=1e-3)
