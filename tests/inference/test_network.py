"""The network at work."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import huggins
from factories import make_truth, write_boss_spec
from huggins.errors import InputError, ModelError
from huggins.inference import load_model
from huggins.inference.network import predict_scores
from huggins.prepare import SEED
from huggins.taxonomy import CLASSES, INDEX
from huggins.weights import KEY, Metadata, RedshiftGrid
from tiny_model import GRID, write_model


def scores(cls: str = "QSO", z: float = 2.0, width: float = 0.001) -> dict[str, np.ndarray]:
    classes = np.zeros((1, 14), dtype=np.float32)
    classes[0, [*CLASSES, "NONE"].index(cls)] = 8.0
    log1z = -0.5 * ((GRID.centres - np.log1p(z)) / width) ** 2
    return {"class": classes, "redshift": log1z[None].astype(np.float32)}


def metadata(**changed) -> Metadata:
    return Metadata("m", "0", (*CLASSES, "NONE"), SEED, **{"redshift": GRID, **changed})


def test_probabilities_of_the_13_sum_to_one_whatever_none_is():
    found = predict_scores(scores("NONE"), metadata())
    assert found.none[0] > 0.99
    assert found.probabilities.sum() == pytest.approx(1.0)
    found = predict_scores(scores("WD"), metadata())
    assert found.none[0] < 0.01
    assert found.probabilities[0, INDEX["WD"]] > 0.99


def test_classes_may_come_in_any_order():
    classes = ("NONE", *reversed(CLASSES))
    found = predict_scores(scores("QSO"), metadata())
    turned = scores("QSO")
    turned["class"] = turned["class"][:, ::-1]
    same = predict_scores(turned, Metadata("m", "0", classes, SEED, redshift=GRID))
    np.testing.assert_allclose(same.probabilities, found.probabilities)


def test_temperature_softens():
    sure = predict_scores(scores(), metadata()).probabilities[0, 0]
    soft = predict_scores(scores(), metadata(temperature=4.0)).probabilities[0, 0]
    assert 1 / 13 < soft < sure


@given(st.floats(0.05, 5.5), st.floats(0.0015, 0.005))
def test_redshift_and_error_of_a_single_peak(z, width):
    found = predict_scores(scores(z=z, width=width), metadata())
    assert found.z[0] == pytest.approx(z, abs=0.002 * (1 + z))
    # The distribution's own width and that of a bin, in quadrature.
    expected = (1 + z) * np.hypot(width, GRID.step / np.sqrt(12))
    assert found.z_err[0] == pytest.approx(expected, rel=0.15)
    assert found.z_peak[0] > 0.98


def test_two_peaks_share_the_probability():
    one, two = scores(z=1.0), scores(z=3.0)
    both = {"class": one["class"]}
    both["redshift"] = np.maximum(one["redshift"], two["redshift"] - 0.5)
    found = predict_scores(both, metadata())
    assert found.z[0] == pytest.approx(1.0, abs=0.005)
    assert found.z_peak[0] == pytest.approx(1 / (1 + np.exp(-0.5)), abs=0.05)


def test_error_scale():
    plain = predict_scores(scores(), metadata()).z_err[0]
    assert predict_scores(scores(), metadata(redshift_error_scale=1.5)).z_err[
        0
    ] == pytest.approx(1.5 * plain)


def test_a_network_without_redshift():
    found = predict_scores({"class": scores()["class"]}, metadata(redshift=None))
    assert np.isnan(found.z[0])
    assert np.isnan(found.z_err[0])
    assert np.isnan(found.z_peak[0])


def test_predict_takes_arrays_on_the_grid(model):
    size = model.metadata.contract.grid.size
    flux = np.random.default_rng(0).normal(3, 1, (4, size))
    found = model.predict(flux, np.ones((4, size)))
    assert found.probabilities.shape == (4, 13)
    assert model.predict(flux[0]).z.shape == (1,)
    np.testing.assert_allclose(
        model.predict(flux).probabilities,
        model.predict(flux, np.ones_like(flux)).probabilities,
    )


@pytest.mark.parametrize("shape", [(4, 900), (3,), (2, 3, 4)])
def test_predict_refuses_other_shapes(model, shape):
    with pytest.raises(InputError, match=r"must both be of shape \(N, 960\) for model 'tiny'"):
        model.predict(np.ones(shape))


def test_files_that_are_no_model(tmp_path):
    with pytest.raises(ModelError, match=r"no model .*gone\.onnx.*shipped models are"):
        load_model(tmp_path / "gone.onnx")
    for name, content in (("empty.onnx", b""), ("text.onnx", b"hello" * 100)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ModelError, match="not a usable ONNX file"):
            load_model(tmp_path / name)
    path = write_model(tmp_path / "m.onnx")
    (tmp_path / "cut.onnx").write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ModelError):
        load_model(tmp_path / "cut.onnx")


def test_a_model_of_others(tmp_path):
    path = write_model(tmp_path / "m.onnx")
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(ModelError, match="carries no input contract"):
        load_model(path)


def test_a_model_of_another_format(tmp_path):
    path = write_model(tmp_path / "m.onnx")
    model = onnx.load(path)
    text = model.metadata_props[0].value.replace('"format": 1', '"format": 99')
    onnx.helper.set_model_props(model, {KEY: text})
    onnx.save(model, path)
    with pytest.raises(ModelError, match="format 99"):
        load_model(path)


def test_name_and_hash(tmp_path):
    a = load_model(write_model(tmp_path / "a.onnx"))
    b = load_model(write_model(tmp_path / "b.onnx", seed=1))
    assert a.name == "a"
    assert len(a.hash) == 16
    assert a.hash != b.hash


def test_grid():
    grid = RedshiftGrid(start=0.0, step=0.5, size=2)
    assert grid.centres.tolist() == [0.25, 0.75]


def test_a_model_says_what_it_is(model):
    assert len(model) == 13
    assert repr(model).startswith("<Model tiny ")
    assert repr(model).endswith("13 classes, z up to 6.2, 960 pixels, 3548 to 10715 A>")
    page = model._repr_html_()
    assert model.hash in page
    assert "QSO BAL" in page
    assert "<Model" not in page


def test_prepare_gives_what_predict_takes(model, tmp_path):
    path = tmp_path / "spec.fits"
    write_boss_spec(path, make_truth())
    spectrum = huggins.read(path)[0]
    flux, ivar = model.prepare([path, spectrum])
    assert flux.shape == ivar.shape == (2, model.metadata.contract.grid.size)
    np.testing.assert_array_equal(flux[0], flux[1])
    found = model.predict(flux, ivar)
    table = huggins.classify(spectrum, model=model, redshift=False)
    assert found.probabilities[0, 0] == pytest.approx(table["P_QSO"][0], rel=1e-5)
    assert model.prepare([])[0].shape == (0, 960)
