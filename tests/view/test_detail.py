"""The page shows what `huggins classify` decided, and the numbers it shows are right."""

import json
from dataclasses import replace

import numpy as np
import pytest

import huggins
from huggins.quality import MEANING, ZWarning
from huggins.view import detail
from huggins.view.described import lines_of_classes
from huggins.view.detail import as_json, details, model_at, rounded, runs_of, thinned, thumbnail


@pytest.fixture(scope="module")
def network():
    return huggins.load_model()


@pytest.fixture(scope="module")
def decided(mocks):
    return huggins.classify([e.spectrum for e in mocks])


@pytest.mark.slow
def test_the_first_answer_is_that_of_classify(mocks, network, decided):
    for example, row in zip(mocks, decided, strict=True):
        found = details(example.spectrum, network)
        best = found.answers[0]
        assert best.cls == row["CLASS"], example.cls
        assert best.z == pytest.approx(row["Z"], abs=2e-4), example.cls
        assert best.z != found.answers[1].z or best.cls != found.answers[1].cls


def test_the_model_is_the_flux_where_the_fit_is_good(mocks, network):
    example = next(e for e in mocks if e.cls == "GAL")
    s = example.spectrum
    best = details(s, network).answers[0]
    known = np.isfinite(best.model) & (s.ivar > 0)
    pull = np.abs(s.flux - best.model)[known] * np.sqrt(s.ivar[known])
    assert 0.4 < np.median(pull) < 1.2  # 0.67 for noise alone
    assert 0.8 < best.rchi2 < 1.3
    curve = {name: (z, c) for name, z, c in details(s, network).curves}["GALAXY"]
    assert abs(curve[0][curve[1].argmin()] - example.z) < 0.002


def test_a_named_redshift_is_fitted_as_the_search_does(mocks, network):
    example = next(e for e in mocks if e.cls == "QSO")
    best = details(example.spectrum, network).answers[0]
    model, chi2 = model_at(example.spectrum, "QSO", best.z)
    known = np.isfinite(model) & np.isfinite(best.model)
    scale = np.nanstd(best.model)
    assert np.abs(model - best.model)[known].mean() < 0.1 * scale
    assert model_at(example.spectrum, "QSO", 0.5)[1] > chi2
    assert model_at(example.spectrum, "M", 0.0)[1] > chi2


def test_json_holds_it_even_where_nothing_is_known(mocks, network):
    s = mocks[0].spectrum
    empty = type(s)(s.loglam, s.flux, np.zeros_like(s.ivar))
    found = details(empty, network)
    text = json.dumps(as_json(empty, found, {}, network.metadata.redshift), allow_nan=False)
    back = json.loads(text)
    assert set(back["error"]) == {None}
    assert back["mask"] == [[0, len(s) - 1]]
    assert thumbnail(empty) == []


def test_warnings_have_their_remedy(mocks, network):
    s = mocks[0].spectrum
    back = as_json(s, details(s, network), {"ZWARNING": 5}, None)
    assert [w["name"] for w in back["warnings"]] == ["SKY", "SMALL_DELTA_CHI2"]
    assert all(w["remedy"].endswith(".") for w in back["warnings"])
    assert back["znet"] is None


def test_warnings_tell_what_set_them(mocks, network):
    s = mocks[0].spectrum
    found = details(s, network)
    assert found.causes == huggins.inference.fit_details(s, model=network).causes
    said = "QSO at z = 1.0000 fits better"
    known = replace(found, causes={ZWarning.SMALL_DELTA_CHI2: said})
    back = as_json(s, known, {"ZWARNING": 5}, network.metadata.redshift)
    assert [w["meaning"] for w in back["warnings"]] == [MEANING[ZWarning.SKY], said]


def test_runs():
    mask = np.array([1, 1, 0, 0, 1, 0, 1], bool)
    assert runs_of(mask) == [[0, 1], [4, 4], [6, 6]]
    assert runs_of(np.zeros(3, bool)) == []


def test_rounding_keeps_significant_digits():
    assert rounded([1234.5678, -0.00012345678, 0.0, np.nan, np.inf], 4) == [
        1235.0, -0.0001235, 0.0, None, None,
    ]  # fmt: skip


def test_a_thinned_curve_keeps_its_minimum():
    z = np.linspace(0, 7, 10_000)
    chi2 = 100 - 90 * np.exp(-(((z - 2.345) / 0.001) ** 2))
    at, low = thinned(z, chi2)
    assert len(at) <= detail._CURVE
    assert low.min() == chi2.min()
    assert at[low.argmin()] == z[chi2.argmin()]


def test_sky_of_a_file_that_has_it(spectra_set, results, tmp_path):
    from astropy.table import Table

    from huggins.view.sky import sky_of

    s = results.spectrum(0)
    path = tmp_path / "with-sky.fits"
    from astropy.io import fits

    with fits.open(s.file) as file:
        data = file[1].data
        names = [n.lower() for n in data.names]
        sky = np.arange(len(data), dtype=np.float32)
        columns = [c for c in file[1].columns if c.name.lower() != "sky"]
        columns.append(fits.Column("sky", "E", array=sky))
        file[1] = fits.BinTableHDU.from_columns(columns)
        file.writeto(path)
    assert "loglam" in names
    [again] = huggins.read(str(path))
    np.testing.assert_array_equal(sky_of(again), sky)
    Table({"wavelength": [1.0, 2.0], "flux": [1.0, 1.0]}).write(tmp_path / "t.csv")
    s.file = str(tmp_path / "t.csv")
    assert sky_of(s) is None
    s.file = ""
    assert sky_of(s) is None


def test_lines_are_those_of_the_class():
    def of(cls):
        return {line["name"] for line in lines_of_classes() if cls in line["classes"]}

    assert {"C IV", "Mg II"} <= of("QSO")
    assert any(name.startswith("TiO") for name in of("M"))
    assert any(name.startswith("C2") for name in of("C"))
    assert any(name.startswith("He") for name in of("O"))
    assert not any(name.startswith("TiO") for name in of("A"))
    assert {line["kind"] for line in lines_of_classes()} == {"emission", "absorption"}


def test_the_tables_answer_is_found_among_those_of_the_fit(mocks, network):
    s = mocks[0].spectrum
    found = details(s, network)
    first, z = found.answers[0], found.answers[0].z
    other = next(a for a in found.answers if a.cls != first.cls)

    def shown(**cells):
        back = as_json(s, found, cells, None)
        return back["shown"], back["difference"]

    assert shown() == (0, "")
    assert shown(CLASS=first.cls, Z=z * 1.001) == (0, "")
    assert shown(CLASS=other.cls, Z=other.z) == (found.answers.index(other), "")
    number, words = shown(CLASS=first.cls, Z=z + 0.5)
    assert number is None
    assert f"{first.cls} at z = {z + 0.5:.4f}, which is no answer" in words
    assert f"its first: {first.cls} at z = {z:.4f}" in words
    given = as_json(s, found, {"CLASS": first.cls, "Z": z + 0.5}, None, given=True)
    assert "the redshift that was given (--z)" in given["difference"]
    assert "another network" not in given["difference"]


def test_answers_have_the_probability_of_the_candidate(mocks, network):
    s = mocks[0].spectrum
    back = as_json(s, details(s, network), {}, None)["solutions"]
    assert back[0]["prob"] == pytest.approx(1.0, abs=0.01)
    known = [each["prob"] for each in back if each["prob"] is not None]
    assert len(known) > 1
    assert all(0.0 <= p <= 1.0 for p in known)
    assert sum(known) <= 1.001  # each candidate counts once
