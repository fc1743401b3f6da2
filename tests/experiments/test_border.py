"""The border of galaxies and quasars, found again where it was planted."""

import numpy as np
import pytest

from experiments.border import Near, as_markdown, fit, measure, near_mocks
from huggins.inference import load_model
from huggins.redshift import border
from huggins.redshift.basis import load_basis
from huggins.redshift.parameters import DecisionParameters
from huggins.redshift.search import Search


def drawn(count, constants, seed):
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        x = np.r_[1.0, 2.0 * rng.standard_normal(5)]
        p = 1.0 / (1.0 + np.exp(-np.dot(constants, x)))
        found.append(Near(x, bool(rng.random() < p), 0.5, real=False, unseen=True))
    return found


def test_the_constants_that_made_the_data_are_found_again():
    planted = [0.5, 1.0, 0.8, 0.4, 0.2, 0.3]
    assert fit(drawn(4000, planted, 1)) == pytest.approx(planted, abs=0.15)


def test_what_is_said_is_measured():
    found = measure(drawn(3000, border.CONSTANTS, 2))
    assert found["n"] == 3000
    assert sum(part["n"] for part in found["with"]["bins"]) == 3000
    for part in found["with"]["bins"]:
        assert part["right"] / part["n"] == pytest.approx(part["said"], abs=0.08)
    assert found["with"]["log_loss"] < found["without"]["log_loss"] == pytest.approx(0.6931)


def test_the_table_has_a_row_with_and_one_without_lines():
    found = measure(drawn(200, border.CONSTANTS, 3))
    rows = as_markdown({"reported mocks": found}).splitlines()
    assert len(rows) == 4
    assert rows[2].startswith("| mocks, noise of folds 0 and 1 | without | ")
    assert f"| {found['with']['wrong']} of 200 | {found['with']['log_loss']:.4f} |" in rows[3]


@pytest.mark.slow
def test_searched_spectra_at_the_border_of_both_classes(few_real):
    model, basis = load_model("huggins", threads=1), load_basis()
    rule = DecisionParameters.from_dict(basis.parameters)
    found = near_mocks(few_real, (2, 3), 60, model, Search(basis), rule, 1)
    assert len(found) >= 10
    assert all(one.unseen and not one.real for one in found)
    assert 0 < sum(one.quasar for one in found) < len(found)
    assert measure(found)["with"]["wrong"] <= len(found) // 4
