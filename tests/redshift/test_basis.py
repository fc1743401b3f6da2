"""The basis file."""

from __future__ import annotations

import numpy as np
import pytest

from huggins.errors import ModelError
from huggins.redshift.basis import STEP, Archetypes, Basis, Components, load_basis
from huggins.redshift.frames import SIZE, START
from huggins.redshift.parameters import DecisionParameters
from huggins.taxonomy import CLASSES


def small() -> Basis:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3, 50)).astype(np.float16).astype(np.float32)
    part = Components(30000, vectors, np.array([1.0, 0.5, 0.1]), (2,), -0.01, 2.0)
    star = Archetypes(35000, vectors, np.array([2, 3, -1]), ("a", "b", "c"), 1500.0)
    return Basis(part, part, star, {"margin": 3.0}, {"seed": 1})


def test_saved_and_loaded_is_the_same(tmp_path):
    path = tmp_path / "basis.npz"
    small().save(path)
    loaded, expected = load_basis(path), small()
    for name in ("quasar", "galaxy"):
        got, wanted = getattr(loaded, name), getattr(expected, name)
        np.testing.assert_array_equal(got.vectors, wanted.vectors)
        np.testing.assert_array_equal(got.spread, wanted.spread)
        assert (got.start, got.lines, got.z_min, got.z_max) == (30000, (2,), -0.01, 2.0)
    np.testing.assert_array_equal(loaded.star.classes, [2, 3, -1])
    assert loaded.star.names == ("a", "b", "c")
    assert loaded.parameters == {"margin": 3.0}
    assert loaded.made == {"seed": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["basis.npz"]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_a_damaged_basis_is_refused(tmp_path, content):
    path = tmp_path / "basis.npz"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"basis\.npz"):
        load_basis(path)


def test_a_missing_basis_is_refused(tmp_path):
    with pytest.raises(ModelError, match="not a readable basis"):
        load_basis(tmp_path / "none.npz")


def test_a_basis_of_another_version_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "basis.npz"
    monkeypatch.setattr("huggins.redshift.basis.FORMAT", 7)
    small().save(path)
    monkeypatch.undo()
    with pytest.raises(ModelError, match="format 7"):
        load_basis(path)


def test_the_shipped_basis_covers_what_is_searched():
    basis = load_basis()
    for part in (basis.quasar, basis.galaxy):
        first = START - np.log10(1.0 + part.z_max) / STEP
        last = START + SIZE - np.log10(1.0 + part.z_min) / STEP
        assert part.start <= first + 1
        assert part.start + part.vectors.shape[1] >= last - 1
        assert np.isfinite(part.vectors).all()
        assert (part.spread > 0).all()
    stars = {CLASSES[k] for k in basis.star.classes}
    assert stars == {"O", "B", "A", "F", "G", "K", "M", "L", "WD", "C"}
    DecisionParameters.from_dict(basis.parameters)
    assert basis.made["folds"] == [2, 3, 4]
