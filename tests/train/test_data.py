"""Labels, targets and batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from huggins.errors import InputError
from huggins.prepare import SEED, STANDARD
from huggins.taxonomy import ALL_CLASSES
from huggins.train.config import Config, DataConfig
from huggins.train.data import (
    Batches,
    allowed_by,
    coarser,
    read_real,
    type_fractions,
)
from huggins.train.labelled import read_labels


def row(**changes):
    return {
        "path": "a.fits",
        "class3": "STAR",
        "class13": "F",
        "label_from": "pipeline",
        "z": "0.0001",
    } | changes


def names(label):
    return {kind for kind, yes in zip(ALL_CLASSES, allowed_by(label), strict=True) if yes}


def test_labels_allow_what_they_leave_open():
    assert names(row()) == {"F"}
    assert names(row(class13="")) == {"O", "B", "A", "F", "G", "K", "M", "L", "WD", "C"}
    assert names(row(class3="SKY", class13="SKY", z="")) == {"NONE"}
    far = row(class3="QSO", class13="QSO", z="2.3")
    assert names(far) == {"QSO", "BAL"}
    assert names(far | {"label_from": "visual"}) == {"QSO"}
    assert names(far | {"z": "0.4"}) == {"QSO"}


def test_a_label_outside_the_classes_is_named():
    with pytest.raises(InputError, match=r"a\.fits is of class 'T'"):
        allowed_by(row(class13="T"))


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(InputError, match=r"labels\.csv: there is no such file"):
        read_labels(tmp_path, (2,))


def test_the_seeds_grid_conserves_weight_and_means():
    rng = np.random.default_rng(0)
    flux, ivar = rng.random((2, 960)), rng.random((2, 960))
    found, weight = coarser(flux, ivar)
    assert found.shape == (2, SEED.grid.size)
    loglam = STANDARD.grid.loglam
    inside = (loglam > SEED.grid.edges[0]) & (loglam < SEED.grid.edges[-1])
    assert weight.sum() == pytest.approx(ivar[:, inside].sum(), rel=0.01)
    total = (flux * ivar)[:, inside].sum()
    assert (found * weight).sum() == pytest.approx(total, rel=0.01)
    assert not coarser(flux, np.zeros_like(ivar))[1].any()


@pytest.fixture(scope="module")
def batches(shared_data):
    config = Config(
        batch=64,
        data=DataConfig(
            templates=str(shared_data / "templates"),
            spectra=str(shared_data / "spectra"),
            real_share=0.3,
        ),
    )
    labels = read_labels(config.data.spectra, (2,), 2)
    return Batches(config, read_real(config.data.spectra, labels))


@pytest.mark.slow
def test_a_batch_is_the_same_whenever_it_is_asked_for(batches):
    one, other, again = batches[3], batches[4], batches[3]
    for key in ("input", "allowed", "redshift"):
        assert torch.equal(one[key], again[key])
    assert not torch.equal(one["input"], other["input"])
    assert one["input"].shape == (64, 4, 960)
    assert torch.isfinite(one["input"]).all()
    assert one["allowed"].any(dim=1).all()
    total = one["redshift"].sum(dim=1)
    assert ((total == 0) | ((total - 1).abs() < 1e-4)).all()


@pytest.mark.slow
def test_real_quasars_behind_troughs_are_bal_quasars(batches):
    kinds = np.stack([batches[i]["allowed"].numpy() for i in range(8)])
    # Without troughs none of fold 2's pipeline quasars would be a BAL and nothing else.
    assert kinds[..., ALL_CLASSES.index("BAL")].any()


def test_the_seed_gets_its_own_input(batches):
    seed = Batches.__new__(Batches)
    seed.__dict__ = batches.__dict__ | {"contract": SEED}
    seed.config = replace(batches.config, network="seed")
    assert seed[0]["input"].shape == (64, 1, 433)


def test_a_type_near_a_border_is_shared_with_the_next_letter():
    allowed = np.zeros((6, len(ALL_CLASSES)), bool)
    for at, name in enumerate(["F", "F", "G", "QSO", "O"]):
        allowed[at, ALL_CLASSES.index(name)] = True
    allowed[5] = True  # a star of unknown type
    place = np.array([3.55, 3.95, np.nan, 3.5, 0.02, 3.5])
    said = type_fractions(allowed, place, 0.15)
    f, g = ALL_CLASSES.index("F"), ALL_CLASSES.index("G")
    assert said.sum(axis=1) == pytest.approx([1.0, 1.0, 0.0, 0.0, 1.0, 0.0])
    assert said[0, f] > 0.99
    assert said[1, f] == pytest.approx(0.63, abs=0.01)
    assert said[1, g] == pytest.approx(0.37, abs=0.01)
    assert said[4, ALL_CLASSES.index("O")] == pytest.approx(1.0)  # there is nothing hotter
    assert not type_fractions(allowed, place, 0.0).any()
