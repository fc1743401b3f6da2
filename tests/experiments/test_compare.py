"""Networks side by side: as many spectra for each, and a table."""

import json

import pytest

from experiments.compare import main, shortened
from huggins.train.config import Config

CONFIG = """
name = "{name}"
network = "{name}"
batch = 16
workers = 0
threads = 1
bfloat16 = false
[data]
templates = "{shared}/templates"
spectra = "{shared}/spectra"
folds = [2]
[standard]
widths = [4, 4, 4, 4]
kernels = [5, 3, 3, 3]
hidden = 8
[network_seed]
filters = 4
"""


@pytest.mark.parametrize(("batch", "spectra", "steps"), [(256, 100_000, 390), (100, 50, 1)])
def test_all_see_as_many_spectra(batch, spectra, steps):
    config = shortened(Config(batch=batch), spectra)
    assert config.steps == steps
    assert config.warmup <= max(1, steps // 10)
    assert 1 <= config.every <= steps


@pytest.mark.slow
def test_the_table_has_a_row_a_network(shared_data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("experiments.compare.measured.__defaults__", (300,))
    paths = []
    for name in ("standard", "seed"):
        path = tmp_path / f"{name}.toml"
        path.write_text(CONFIG.format(name=name, shared=shared_data))
        paths.append(str(path))
    assert main([str(tmp_path / "out"), "32", *paths]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| standard", "| seed"]
    results = json.loads((tmp_path / "out/comparison.json").read_text())
    assert [r["spectra"] for r in results] == [32, 32]
    assert all(r["inference speed"] > 100 for r in results)
