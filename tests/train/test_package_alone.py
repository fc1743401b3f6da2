"""Training with what ships with huggins: without templates, without labelled spectra."""

from dataclasses import replace

import pytest

from huggins.cli import main
from huggins.inference import load_model
from huggins.model.standard import StandardConfig
from huggins.simulate import SHIPPED
from huggins.train.config import Config, DataConfig
from huggins.train.experiment import run

TOML = """
name = "alone"
steps = 2
batch = 16
warmup = 1
every = 2
workers = 0
threads = 1
bfloat16 = false
[data]
templates = "{templates}"
spectra = "{spectra}"
real_share = {share}
"""


@pytest.fixture
def tiny():
    return Config(
        name="alone",
        steps=2,
        batch=16,
        warmup=1,
        every=2,
        workers=0,
        threads=1,
        bfloat16=False,
        data=DataConfig(templates=SHIPPED, spectra="gone", real_share=0.0),
        standard=StandardConfig(widths=(4, 4, 4, 4), kernels=(5, 3, 3, 3), hidden=8),
    )


@pytest.mark.slow
def test_mocks_alone_need_no_labelled_spectra(tiny, tmp_path):
    said = []
    path = run(tiny, tmp_path, mocks=130, progress=said.append)
    assert "no labelled spectra (gone): mocks alone" in said[0]
    assert "mocks are made of the few templates that ship with huggins" in said[1]
    metadata = load_model(path).metadata
    assert metadata.data["real spectra"] == 0
    assert metadata.data["mocks"] == 32


@pytest.mark.slow
def test_labelled_spectra_give_the_noise_where_there_are_some(tiny, labels, tmp_path):
    some = replace(tiny, data=replace(tiny.data, spectra=str(labels)))
    said = []
    path = run(some, tmp_path, mocks=130, progress=said.append)
    assert not any("no labelled spectra" in line for line in said)
    assert load_model(path).metadata.data["real spectra"] > 0


@pytest.mark.slow
def test_fine_tuning_without_templates_takes_what_ships(tiny, labels, tmp_path, capsys):
    weights = run(tiny, tmp_path / "first", mocks=130, progress=str).with_suffix(".safetensors")
    config = tmp_path / "f.toml"
    config.write_text(TOML.format(templates=tmp_path / "gone", spectra=labels, share=0.5))
    argv = ["train", str(config), "--init", str(weights), "--runs", str(tmp_path)]
    assert main(argv) == 0
    said = capsys.readouterr().err
    assert "huggins templates fetch" in said
    assert "mocks are made of the few templates that ship with huggins" in said


def test_training_from_nothing_without_templates_is_refused(labels, tmp_path, capsys):
    config = tmp_path / "f.toml"
    config.write_text(TOML.format(templates=tmp_path / "gone", spectra=labels, share=0.5))
    assert main(["train", str(config), "--runs", str(tmp_path)]) == 2
    assert "huggins templates fetch" in capsys.readouterr().err
