"""One TOML file is one experiment, and a slip in it is an error."""

from pathlib import Path

import pytest

from huggins.errors import InputError
from huggins.train.config import Config, read_config

CONFIGS = Path(__file__).parents[2] / "configs"


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_values_and_sections(tmp_path):
    config = read_config(
        write(
            tmp_path / "a.toml",
            'name = "mine"\nrate = 1\n[data]\nfolds = [3]\n[standard]\nwidths = [4, 8]\n',
        )
    )
    assert config.name == "mine"
    assert config.rate == 1.0
    assert config.data.folds == (3,)
    assert config.standard.widths == (4, 8)
    assert config.batch == Config().batch


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stepps = 5", "unknown key 'stepps'"),
        ("[data]\nfold = [1]", r"\[data\]: unknown key 'fold'"),
        ('steps = "many"', "steps must be of type int"),
        ("bfloat16 = 1", "bfloat16 must be of type bool"),
        ("data = 3", "data must be a section"),
        ('network = "resnet"', "known: standard, seed"),
        ("steps = ", "not TOML"),
    ],
)
def test_a_slip_is_named(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_config(write(tmp_path / "a.toml", text))


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "a.toml").write_bytes(b'name = "\xa5"')
    with pytest.raises(InputError, match="not TOML"):
        read_config(tmp_path / "a.toml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_config(tmp_path / "none.toml")


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda p: p.stem)
def test_recorded_experiments_can_be_read(path):
    config = read_config(path)
    assert config.name == path.stem
    used = {*config.data.folds, *config.data.choose}
    assert not used & set(config.data.test)
