"""A weights file is what it was when it was exported, or is found out."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest

from huggins.errors import ModelError
from huggins.inference.description import describe, one_line
from huggins.inference.verification import golden_spectra, record, verify
from huggins.prepare import SEED, STANDARD
from huggins.redshift import load_basis
from huggins.weights import BASIS, available, find
from tiny_model import write_model


@pytest.fixture
def model(tmp_path):
    path = write_model(tmp_path / "tiny.onnx")
    record(path)
    return path


def bad(path):
    return {check.name for check in verify(path) if not check.good}


def test_a_sound_file_passes(model):
    checks = verify(model)
    assert all(check.good for check in checks)
    assert [c.name for c in checks] == [
        "record", "sha256", "description", "classes", "runs", "golden",
    ]  # fmt: skip


def test_a_model_without_redshift_passes(tmp_path):
    path = write_model(tmp_path / "seed.onnx", contract=SEED, redshift=None)
    record(path)
    assert not bad(path)


def test_weights_that_changed_are_found_out(model):
    graph = onnx.load(model)
    values = onnx.numpy_helper.to_array(graph.graph.initializer[0]).copy()
    values += 0.5 * np.arange(values.size).reshape(values.shape)
    graph.graph.initializer[0].CopyFrom(
        onnx.numpy_helper.from_array(values, graph.graph.initializer[0].name)
    )
    onnx.save(graph, model)
    assert bad(model) == {"sha256", "golden"}


def test_damage_is_found_out(model):
    model.write_bytes(model.read_bytes()[:500])
    assert bad(model) == {"sha256", "description"}


def test_a_missing_record_is_found_out(model):
    model.with_suffix(".json").unlink()
    assert bad(model) == {"record"}


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 99}'])
def test_a_damaged_record_is_found_out(model, text):
    model.with_suffix(".json").write_text(text)
    assert bad(model) == {"record"}


def test_answers_of_another_shape_are_found_out(model):
    path = model.with_suffix(".json")
    content = json.loads(path.read_text())
    content["golden"]["none"] = [0.0]
    path.write_text(json.dumps(content))
    assert bad(model) == {"golden"}


def test_a_file_that_is_no_model_has_no_record(tmp_path):
    path = tmp_path / "no.onnx"
    path.write_bytes(b"no")
    with pytest.raises(ModelError, match="not a usable ONNX file"):
        record(path)


@pytest.mark.parametrize("contract", [STANDARD, SEED])
def test_made_up_spectra_are_spectra(contract):
    flux, ivar = golden_spectra(contract)
    assert flux.shape == ivar.shape == (6, contract.grid.size)
    assert np.isfinite(flux).all()
    assert (ivar >= 0).all()
    assert (ivar == 0).any()


@pytest.mark.parametrize("name", available())
def test_every_shipped_model_is_sound(name):
    assert not bad(find(name)), "after replacing weights: huggins export --into-package"


def test_a_model_says_what_it_is(model):
    rows = dict(describe(model))
    assert rows["hash"] in one_line(model)
    assert rows["classes"].split()[-1] == "NONE"
    assert "3548 to 10715 A" in rows["grid"]


@pytest.fixture
def basis(tmp_path):
    path = tmp_path / "basis.npz"
    path.write_bytes(BASIS.read_bytes())
    path.with_suffix(".json").write_bytes(BASIS.with_suffix(".json").read_bytes())
    return path


def test_the_shipped_basis_passes():
    assert [check.name for check in verify(BASIS)] == [
        "record", "sha256", "description", "templates", "golden",
    ]  # fmt: skip
    assert not bad(BASIS)


def test_a_basis_is_recorded(basis):
    recorded = basis.with_suffix(".json").read_text()
    basis.with_suffix(".json").unlink()
    assert record(basis).read_text() == recorded


def test_a_basis_that_is_damaged_or_changed_is_found_out(basis):
    stored = load_basis(basis)
    moved = replace(stored.galaxy, start=stored.galaxy.start + 40)
    replace(stored, galaxy=moved).save(basis)
    assert bad(basis) == {"sha256", "golden"}
    basis.write_bytes(basis.read_bytes()[:500])
    assert bad(basis) == {"sha256", "description"}


def test_a_basis_with_useless_templates_is_found_out(basis):
    stored = load_basis(basis)
    for part, word in (
        ({"galaxy": replace(stored.galaxy, vectors=stored.galaxy.vectors[[0] * 10])}, "galaxy"),
        ({"quasar": replace(stored.quasar, spread=stored.quasar.spread[:2])}, "quasar"),
        ({"star": replace(stored.star, vectors=stored.star.vectors * np.nan)}, "finite"),
        ({"star": replace(stored.star, classes=np.full(73, 3))}, "archetypes of O"),
    ):
        replace(stored, **part).save(basis)
        (check,) = [c for c in verify(basis) if c.name == "templates"]
        assert not check.good
        assert word in check.detail
