"""A whole experiment, far too short to learn anything: files, figures and the card."""

import json

import pytest

from experiments.card import main as card
from huggins.cli import main
from huggins.inference import load_model
from huggins.model.standard import StandardConfig
from huggins.train.config import Config, DataConfig
from huggins.train.experiment import run
from huggins.train.report import report


@pytest.fixture(scope="module")
def config(shared_data):
    return Config(
        name="tiny",
        steps=2,
        batch=16,
        every=2,
        workers=0,
        bfloat16=False,
        data=DataConfig(
            templates=str(shared_data / "templates"),
            spectra=str(shared_data / "spectra"),
            folds=(2,),
        ),
        standard=StandardConfig(widths=(4, 4, 4, 4), kernels=(5, 3, 3, 3), hidden=8),
    )


@pytest.mark.slow
def test_from_config_to_card(config, tmp_path, capsys):
    said = []
    path = run(config, tmp_path, mocks=130, progress=said.append)
    metadata = load_model(path).metadata
    assert metadata.name == "tiny"
    assert metadata.data["folds"] == [2]
    assert metadata.trained["config"]["steps"] == 2
    assert 0.2 < metadata.temperature < 5.0
    figures = report(config, path, mocks=260)
    file = tmp_path / "tiny.json"
    file.write_text(json.dumps(figures), encoding="utf-8")
    assert card([str(file)]) == 0
    text = capsys.readouterr().out
    assert "| CLASS, visual BOSS |" in text
    assert "| WD |" in text
    assert "expected calibration" in text
    before = (path.parent / "last.pt").read_bytes()
    run(config, tmp_path, mocks=130, progress=said.append)
    assert (tmp_path / "tiny.old" / "last.pt").read_bytes() == before
    assert any("tiny.old" in line for line in said)


def test_command_reports_a_slip_and_leaves(tmp_path, capsys):
    path = tmp_path / "a.toml"
    path.write_text("stepps = 1", encoding="utf-8")
    assert main(["train", str(path)]) == 2
    assert "unknown key 'stepps'" in capsys.readouterr().err
