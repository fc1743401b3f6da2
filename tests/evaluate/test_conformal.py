"""Sets hold the true class as often as promised, whatever the probabilities are worth."""

import numpy as np
import pytest

from huggins.errors import InputError
from huggins.evaluate import fit_sets

CLASSES = 5


def sample(rng, count, *, wrong=1.0):
    """Probabilities that are too sure of themselves by `wrong`, and classes of uneven odds."""
    truth = rng.choice(CLASSES, count, p=[0.5, 0.3, 0.1, 0.07, 0.03])
    scores = rng.normal(0.0, 1.0, (count, CLASSES))
    scores[np.arange(count), truth] += np.array([2.5, 2.0, 1.5, 1.0, 0.5])[truth]
    power = np.exp(wrong * scores)
    return power / power.sum(axis=1, keepdims=True), truth


@pytest.mark.parametrize("coverage", [0.8, 0.95])
@pytest.mark.parametrize("wrong", [1.0, 4.0])
def test_coverage_is_as_promised(coverage, wrong):
    rng = np.random.default_rng(0)
    held = []
    for _ in range(200):
        rule = fit_sets(*sample(rng, 200, wrong=wrong), coverage=coverage)
        probabilities, truth = sample(rng, 500, wrong=wrong)
        held.append(rule.sets(probabilities)[np.arange(500), truth].mean())
    # At least as promised, and at most 1 / (n + 1) more; the rest is chance.
    assert coverage - 0.005 < np.mean(held) < coverage + 1.0 / 201 + 0.005


def test_coverage_by_class_holds_for_rare_ones():
    rng = np.random.default_rng(1)
    both = {True: [], False: []}
    for _ in range(60):
        fitted, measured = sample(rng, 2000), sample(rng, 4000)
        rare = measured[1] == 4
        for by_class, held in both.items():
            sets = fit_sets(*fitted, coverage=0.9, by_class=by_class).sets(measured[0])
            held.append(sets[rare, 4].mean())
    assert np.mean(both[True]) > 0.885
    assert np.mean(both[False]) < 0.8


def test_a_class_with_too_few_spectra_is_in_every_set():
    rng = np.random.default_rng(2)
    probabilities, truth = sample(rng, 500)
    keep = (truth != 4) | (np.cumsum(truth == 4) <= 5)
    rule = fit_sets(probabilities[keep], truth[keep], coverage=0.95, by_class=True)
    assert rule.counts[4] == 5
    assert rule.bars[4] == 0.0
    assert rule.sets(probabilities)[:, 4].all()


def test_better_probabilities_give_smaller_sets():
    rng = np.random.default_rng(3)
    probabilities, truth = sample(rng, 3000)
    blurred = 0.3 * probabilities + 0.7 * rng.dirichlet(np.ones(CLASSES), 3000)
    sizes = [
        fit_sets(p, truth, coverage=0.9).sets(p).sum(axis=1).mean()
        for p in (probabilities, blurred)
    ]
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize(
    ("count", "coverage", "message"),
    [(3, 1.0, "between 0 and 1"), (0, 0.9, "at least one spectrum")],
)
def test_what_makes_no_sense_is_refused(count, coverage, message):
    with pytest.raises(InputError, match=message):
        fit_sets(np.full((count, 2), 0.5), np.zeros(count, int), coverage=coverage)
