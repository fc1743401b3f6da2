"""The table of redshifts of mocks, on answers made up and on few real ones."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.native_mocks import native_mocks
from experiments.pages import replace_generated
from experiments.redshift_table import (
    BEGIN,
    END,
    Answers,
    confusions,
    figures,
    main,
    to_markdown,
)
from huggins.errors import InputError
from huggins.evaluate.evaluation import plain

ABOUT = {
    "command": "python -m made.up", "huggins": "0", "model": "m", "model_hash": "00",
    "basis": "11", "mocks": 6,
}  # fmt: skip


@pytest.fixture
def answers():
    """A good quasar, Mg II for Lyman alpha, a BAL, a galaxy, one off, and a star called one."""
    true_z = np.array([2.0, 0.8, 2.4, 0.3, 0.5, 1e-4])
    z = np.array(
        [2.001, 1.8 * 2798.75 / 1215.67 - 1.0, 2.4, 0.30001, 0.502, 5894.57 / 4862.69 - 1.0]
    )
    return Answers(
        kind=np.array(["QSO", "QSO", "BAL", "GAL", "GAL", "F"]),
        true_z=true_z,
        sn=np.array([1.5, 3.0, 7.0, 20.0, 20.0, 20.0]),
        covered=np.tile([3600.0, 10000.0], (6, 1)),
        cls=np.array(["QSO", "QSO", "QSO", "GALAXY", "GALAXY", "GALAXY"]),
        z=z,
        z_err=np.full(6, 1e-3),
        zwarning=np.array([0, 0, 4, 0, 0, 0]),
    )


def counted(rate):
    return rate.count, rate.n


def test_each_group_is_counted_by_redshift_and_signal_to_noise(answers):
    found = figures(answers)
    assert counted(found["QSO"]["right"]["all"]) == (1, 2)
    assert counted(found["QSO"]["right"]["1-2"]) == (1, 1)
    cells = {tuple(cell["z"]): cell["right"] for cell in found["QSO"]["by_redshift"]}
    assert counted(cells[1.6, 2.2]["all"]) == (1, 1)
    assert counted(cells[0.8, 1.6]["2-5"]) == (0, 1)
    assert counted(found["BAL"]["without_warning"]["all"]) == (0, 1)
    # 400 km/s off is too much for a galaxy, and counts as a residual.
    assert counted(found["GAL"]["right"]["10-40"]) == (1, 2)
    assert found["GAL"]["residuals"]["all"]["pull_width"].n == 2
    assert counted(found["STAR"]["right"]["all"]) == (0, 1)
    assert found["STAR"]["residuals"]["all"]["pull_width"].n == 0


def test_confusions_are_counted_and_named(answers):
    found = confusions(answers, answers.of("QSO"))
    assert found["lines"] == {"Mg II taken for Ly α": 1}
    assert counted(found["wrong"]) == (1, 2)
    assert found["wrong_without_warning"] == 1
    assert 0.0 < found["by_chance"] < 0.5
    star = confusions(answers, answers.of("STAR"))
    assert (star["explained"], star["wrong"].count) == (1, 1)
    assert next(iter(star["lines"])) == "Na D taken for Hβ of a GALAXY"
    none = replace(answers, z=np.full(6, np.nan))
    assert confusions(none, none.of("QSO"))["wrong"].count == 0


def test_tables_go_between_the_markers_of_a_page(answers, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n{BEGIN}\nold\n{END}\nlast\n")
    text = to_markdown(plain({"about": ABOUT, "groups": figures(answers)}))
    for _ in range(2):
        replace_generated(page, text, BEGIN, END)
        content = page.read_text()
        assert content.startswith("# Title\n")
        assert content.endswith(f"{END}\nlast\n")
        assert content.count("| z 1.6 to 2.2 |") == 1
        assert "old" not in content
    assert "1 Mg II taken for Ly α" in content
    assert "v -100 to 100 km/s" in content
    widths = {
        line.count("|") for line in content.splitlines() if line.startswith(("| z ", "| v "))
    }
    assert widths == {7}


def test_a_page_without_markers_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n{BEGIN}\n")
    with pytest.raises(InputError, match="write both"):
        replace_generated(page, "text", BEGIN, END)
    assert page.read_text() == f"# Title\n{BEGIN}\n"
    with pytest.raises(InputError, match="cannot be read"):
        replace_generated(tmp_path / "none.md", "text", BEGIN, END)


def test_the_page_of_the_documents_shows_the_recorded_figures():
    docs = Path(__file__).resolve().parents[2] / "docs"
    found = json.loads((docs / "results" / "redshift.json").read_text(encoding="utf-8"))
    page = (docs / "results" / "redshift.md").read_text(encoding="utf-8")
    assert f"{BEGIN}\n\n{to_markdown(found)}\n{END}" in page


@pytest.mark.slow
def test_native_mocks_are_the_same_again_and_of_a_class(shared_data):
    first, second = (list(native_mocks(shared_data, [2], 12, 3)) for _ in range(2))
    assert 0 < len(first) <= 12
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.spectrum.flux, other.spectrum.flux)
        assert (one.kind, one.z) == (other.kind, other.z)
        assert np.diff(one.spectrum.loglam) == pytest.approx(1e-4)
        assert np.isfinite(one.z)


@pytest.mark.slow
def test_the_command_measures_and_writes(shared_data, tmp_path, capsys):
    out, page = tmp_path / "f.json", tmp_path / "page.md"
    page.write_text(f"{BEGIN}{END}")
    given = [str(shared_data), "--mocks", "40", "--jobs", "1", "--folds", "2"]
    assert main([*given, "-o", str(out), "--page", str(page)]) == 0
    found = json.loads(out.read_text())
    total = sum(group["right"]["all"]["n"] for group in found["groups"].values())
    assert total == found["about"]["mocks"] == 40
    right = sum(group["right"]["all"]["count"] for group in found["groups"].values())
    assert right > 28
    assert to_markdown(found) == capsys.readouterr().out
    assert "| all |" in page.read_text()


def test_the_command_says_what_is_wrong(shared_data, tmp_path, capsys):
    assert main([str(shared_data), "--model", str(tmp_path / "none.onnx")]) == 2
    assert "none.onnx" in capsys.readouterr().err
