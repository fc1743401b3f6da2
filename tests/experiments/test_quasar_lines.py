"""Medians of the lines of quasars, their table, and the command."""

from __future__ import annotations

import json

import numpy as np
import pytest

from experiments.quasar_lines import BEGIN, BINS, END, main, page, study, table
from huggins.redshift.systemic import LINES


def found(count=40, z=0.45):
    names = [*(line.name for line in LINES), "FRAME", "SYS"]
    out = {name: np.full(count, np.nan) for name in names}
    return out | {"Z": np.full(count, z)}


def test_medians_are_against_the_published_shift():
    velocities = found()
    rng = np.random.default_rng(1)
    velocities["[O III] 5008"][:30] = -48.0 + 25.0 + 40.0 * rng.standard_normal(30)
    velocities["FRAME"][:3] = 5.0  # too few
    rows = table(velocities, np.ones(40, bool))
    [row] = [row for row in rows if row["quasars"]]
    assert row["z"] == [0.3, 0.6]
    assert row["[O III] 5008"]["n"] == 30
    assert row["[O III] 5008"]["median"] == pytest.approx(25.0, abs=20.0)
    assert 4.0 < row["[O III] 5008"]["error"] < 16.0
    assert "FRAME" not in row
    assert len(rows) == len(BINS) - 1


def test_only_the_chosen_quasars_count():
    velocities = found()
    velocities["SYS"][:] = 10.0
    [row] = [row for row in table(velocities, np.arange(40) < 7) if row["quasars"]]
    assert row["quasars"] == row["SYS"]["n"] == 7


def test_the_page_shows_what_there_is():
    velocities = found()
    velocities["SYS"][:9] = -12.0
    rows = table(velocities, np.ones(40, bool))
    text = page({"shifts": {line.name: line.shift for line in LINES}, "all": rows})
    assert "| 0.3 to 0.6 |  |  |  |  |  |  | -12 ± 0 (9) |" in text


@pytest.mark.slow
def test_the_command_writes_figures_and_table(few_real, tmp_path):
    figures, document = tmp_path / "lines.json", tmp_path / "page.md"
    document.write_text(f"before\n{BEGIN}\n{END}\nafter\n")
    assert main([str(few_real), "-o", str(figures), "--page", str(document)]) == 0
    written = json.loads(figures.read_text())
    assert {"test", "all", "SDSS", "BOSS", "basis", "network"} <= set(written)
    text = document.read_text()
    assert text.startswith("before")
    assert text.endswith("after\n")
    assert "| z |" in text


@pytest.mark.slow
def test_real_quasars_are_in_one_frame(shared_data):
    """Where the sample tells: lines and redrock's templates within 60 km/s of Z."""
    figures = study(shared_data, "huggins", None, [0, 1])
    told = [
        (row["z"], name, row[name])
        for row in figures["all"]
        for name in ("SYS", "FRAME")
        if name in row and row[name]["error"] < 30.0
    ]
    assert len(told) >= 6
    for z, name, found in told:
        assert abs(found["median"]) < 60.0 + 2.0 * found["error"], (z, name)
