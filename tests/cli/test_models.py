"""`huggins models`."""

import pytest

from huggins.cli import main
from huggins.inference.verification import record
from huggins.weights import available
from tiny_model import write_model


@pytest.fixture
def model(tmp_path):
    path = write_model(tmp_path / "tiny.onnx")
    record(path)
    return path


def test_list_is_what_ships(capsys):
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [*available(), "basis"]


def test_show_says_all(model, capsys):
    assert main(["models", "show", str(model)]) == 0
    out = capsys.readouterr().out
    assert "QSO BAL O B A F G K M L WD C GAL NONE" in out
    assert "960 pixels" in out


def test_the_basis_is_shown_and_verified(capsys):
    assert main(["models", "show", "basis"]) == 0
    assert "73 archetypes" in capsys.readouterr().out
    assert main(["models", "verify", "basis"]) == 0
    assert capsys.readouterr().out.count("ok ") == 5


def test_verify_has_an_exit_status(model, capsys):
    assert main(["models", "verify", str(model)]) == 0
    assert capsys.readouterr().out.count("ok ") == 6
    model.write_bytes(model.read_bytes() + b"x")
    assert main(["models", "verify", str(model)]) == 2
    assert "BAD  sha256" in capsys.readouterr().out


def test_an_unknown_model_is_named(capsys):
    assert main(["models", "show", "nobody"]) == 2
    assert "no model 'nobody'" in capsys.readouterr().err
