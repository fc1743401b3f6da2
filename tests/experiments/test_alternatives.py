"""How good the probabilities of redshifts are, and what fits them."""

import numpy as np
import pytest

from experiments.alternatives import (
    Listed,
    as_markdown,
    covered_markdown,
    fit,
    measure,
    shares,
)
from huggins.redshift import alternatives


def drawn(count, constants, seed):
    """Redshifts of which those are right that the given constants say."""
    rng = np.random.default_rng(seed)
    known = []
    for _ in range(count):
        score = np.r_[0.0, -np.sort(rng.exponential(3.0, 3))]
        prob = shares(score, constants)
        right = int(np.searchsorted(prob.cumsum(), rng.random()))
        known.append(Listed(score, right if right < 4 else -1, True, True))
    return known


def test_the_constants_that_made_the_data_are_found_again():
    heat, listed, lead = fit(drawn(700, (2.0, 1.0, 0.6), 1))
    assert heat == pytest.approx(2.0, rel=0.2)
    assert listed == pytest.approx(1.0, abs=0.3)
    assert lead == pytest.approx(0.6, abs=0.3)
    assert shares(np.zeros(1), (1.0, 0.0, 0.0))[0] == pytest.approx(0.5)
    assert alternatives.HEAT != 1.0  # what was tried is not left behind


def test_what_is_said_is_measured():
    own = alternatives.HEAT, alternatives.LISTED, alternatives.LISTED_LEAD
    honest = measure(drawn(2000, own, 2))
    assert honest["calibration_error"] < 0.02
    assert honest["spectra"] == 2000
    ranks = ("first_right", "second_right", "later_right", "none_right")
    assert sum(honest[name] for name in ranks) == 2000
    assert sum(part["n"] for part in honest["bins"]) == honest["redshifts"] == 8000
    wrong = [Listed(one.score, 3, True, True) for one in drawn(100, own, 3)]
    assert measure(wrong)["calibration_error"] > 0.3


def test_the_tables_say_what_was_measured():
    own = alternatives.HEAT, alternatives.LISTED, alternatives.LISTED_LEAD
    found = measure(drawn(300, own, 4))
    rows = as_markdown({"reported real": found, "reported mocks": found}).splitlines()
    last = found["bins"][-1]
    assert any(f"| {last['right']} of {last['n']} |" in row for row in rows)
    assert [row.split(" |")[0] for row in rows[2:4]] == ["| 0.99 to 1", "| 0.95 to 0.99"]
    assert f"rank 1 for {found['first_right']} of 300" in " ".join(rows)
    one = {"all": {"inside": 17, "n": 25, "interval": [0.48, 0.83]}}
    table = covered_markdown({"percentiles reported": {"real": one, "mocks": {}}})
    assert "| all | 68.0 % (48 % to 83 %), 17 of 25 |  |" in table
