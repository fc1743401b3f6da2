"""The constants of Z_ERR, found again where they were planted."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.errors import LEAST_FLOOR, UNSTATED, Row, exact, fit_errors, main, stated
from huggins.inference.verification import verify
from huggins.redshift.basis import load_basis
from huggins.redshift.parameters import DecisionParameters
from huggins.taxonomy import CLASSES, INDEX


def planted(cls, factor, floor, rng, *, z=1.0, known=0.0, real=False, count=900):
    """Redshifts that scatter by a factor of their error, a floor, and that of what is known."""
    sigma = 69.0 * 10.0 ** rng.uniform(-1.0, 0.3, count)
    scatter = np.sqrt((factor * sigma) ** 2 + floor**2 + known**2)
    return [
        Row(cls, z, float(v), float(s), known, real)
        for v, s in zip(rng.normal(size=count) * scatter, sigma, strict=True)
    ]


@pytest.mark.parametrize(("factor", "floor"), [(2.0, 0.0), (1.0, 60.0), (1.6, 40.0)])
def test_errors_get_unit_pulls_from_planted_scatter(factor, floor):
    known = planted("QSO", factor, floor, np.random.default_rng(3))
    rule = fit_errors(known, DecisionParameters())
    k = INDEX["QSO"]
    if floor == 0.0:
        assert rule.error_factor[k] == pytest.approx(factor, rel=0.2)
    sigma = np.array([row.sigma for row in known])
    size = np.hypot(rule.error_factor[k] * sigma, rule.error_floor[k])
    pulls = np.array([row.velocity for row in known]) / size
    for some in np.array_split(np.argsort(sigma), 3):
        assert 1.4826 * np.median(np.abs(pulls[some])) == pytest.approx(1.0, abs=0.2)
    assert rule.error_factor[INDEX["BAL"]] == rule.error_factor[k]


def test_what_labels_err_by_is_no_error_of_the_fit():
    rng = np.random.default_rng(5)
    known = planted("GAL", 1.5, 8.0, rng, known=50.0, real=True)
    rule = fit_errors(known, DecisionParameters())
    blamed = fit_errors([replace(row, known=0.0) for row in known], DecisionParameters())
    k = INDEX["GAL"]
    assert rule.error_floor[k] < 25.0
    assert blamed.error_floor[k] > 40.0


def test_distant_quasars_get_a_floor_of_their_own():
    rng = np.random.default_rng(4)
    near, far = (
        planted("QSO", 1.0, floor, rng, z=z, count=300)
        for z, floor in ((1.0, 40.0), (2.5, 250.0))
    )
    rule = fit_errors(near + far, DecisionParameters())
    assert rule.error_floor_far == pytest.approx(250.0, rel=0.2)
    assert rule.error_floor[INDEX["QSO"]] < 80.0
    assert fit_errors(near, DecisionParameters()).error_floor_far == 0.0


def test_classes_with_few_spectra_share_what_stars_have():
    rng = np.random.default_rng(6)
    known = planted("F", 1.5, 10.0, rng) + planted("B", 9.0, 90.0, rng, count=5)
    rule = fit_errors(known, DecisionParameters())
    assert rule.error_factor[INDEX["B"]] == pytest.approx(
        rule.error_factor[INDEX["F"]], rel=0.1
    )
    assert rule.error_floor[INDEX["L"]] == LEAST_FLOOR["L"]


def test_errors_of_labels_are_those_that_the_survey_states(few_real):
    from huggins.train.labelled import read_labels

    rows = [row for row in read_labels(few_real / "spectra", trust=2) if row["z"]]
    found = [stated(few_real, row) for row in rows if row["class3"] in ("STAR", "GALAXY")]
    assert found
    assert all(0.0 < error < 600.0 for error in found)
    assert stated(few_real, {**rows[0], "path": "none.fits"}) == UNSTATED


def test_visual_redshifts_of_stars_are_no_velocities():
    row = {"class3": "STAR", "source": "", "label_from": "visual"}
    assert not exact(row)
    assert exact({**row, "label_from": "pipeline"})
    assert exact({**row, "class3": "QSO"})
    assert not exact({**row, "class3": "QSO", "source": "sdssspectra"})


@pytest.mark.slow
def test_the_command_fits_and_writes_the_errors_alone(few_real, tmp_path, capsys):
    path = tmp_path / "basis.npz"
    basis = load_basis()
    # A basis says how many mocks made it; as many make those that have not seen a fold.
    replace(basis, made=basis.made | {"mocks": 60}).save(path)
    assert main([str(few_real), str(path), "--folds", "2", "3", "--mocks", "40"]) == 0
    assert "error_floor_far" in capsys.readouterr().out
    load_basis.cache_clear()
    fitted = load_basis(path)
    assert all(check.good for check in verify(path))
    rule = DecisionParameters.from_dict(fitted.parameters)
    assert len(rule.error_factor) == len(CLASSES)
    assert rule.min_margin == DecisionParameters.from_dict(basis.parameters).min_margin
    assert fitted.made["errors"].endswith("--mocks 40")


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path), "b.npz", "--folds", "2"])
    assert "two at least" in capsys.readouterr().err
    assert main([str(tmp_path), str(tmp_path / "b.npz")]) == 2
    assert "b.npz" in capsys.readouterr().err
