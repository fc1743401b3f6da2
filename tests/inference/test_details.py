"""Best-fit models and second-best solutions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import huggins
from huggins.demo import mocks
from huggins.errors import InputError
from huggins.inference import fit_details, load_model
from huggins.taxonomy import BROAD


@pytest.fixture(scope="module")
def shipped():
    return load_model(threads=1)


@pytest.mark.parametrize("number", [0, 11, 24])  # a quasar, a star, a galaxy
def test_model_is_that_of_the_table(number, shipped):
    example = mocks.load()[number]
    spectrum = example.spectrum
    found = fit_details(spectrum, model=shipped)
    row = huggins.classify(spectrum, model=shipped)[0]
    assert (found.best.cls, found.best.subclass) == (row["CLASS"], row["SUBCLASS"])
    assert found.best.cls == BROAD[example.cls]
    assert found.best.z == pytest.approx(float(row["Z"]), abs=1e-6)
    assert found.deltachi2 == pytest.approx(float(row["DELTACHI2"]), rel=1e-6)
    left = (spectrum.flux - found.best.model) * np.sqrt(spectrum.ivar)
    seen = (spectrum.ivar > 0) & np.isfinite(found.best.model)
    chi2 = float((left[seen] ** 2).mean()) / found.noise**2
    assert chi2 == pytest.approx(found.best.rchi2, rel=0.05)
    assert found.best.rchi2 < 2.5
    assert found.second is not None
    different = abs(found.second.z - found.best.z) / (1 + found.best.z) > 1000 / 299792.458
    assert different or found.second.cls != found.best.cls
    assert found.second.chi2 > found.best.chi2


def test_model_is_in_the_unit_of_the_flux(shipped):
    spectrum = mocks.load()[0].spectrum
    unit = 1e-17
    cgs = replace(
        spectrum,
        flux=spectrum.flux.astype(np.float64) * unit,
        ivar=spectrum.ivar.astype(np.float64) / unit**2,
    )
    found, usual = fit_details(cgs, model=shipped), fit_details(spectrum, model=shipped)
    np.testing.assert_allclose(found.best.model / unit, usual.best.model, rtol=1e-6)
    assert found.best.z == pytest.approx(usual.best.z, abs=1e-8)


def test_nothing_to_fit_is_said(shipped):
    wavelength = np.linspace(15000.0, 20000.0, 500)
    spectrum = huggins.Spectrum.from_arrays(
        wavelength, np.ones(500), np.ones(500), file="infrared.txt"
    )
    with pytest.raises(InputError, match=r"infrared.txt: nothing to fit: no good pixel"):
        fit_details(spectrum, model=shipped)


def test_a_path_and_a_row_are_as_good_as_the_spectrum(tmp_path, shipped):
    spectrum = mocks.load()[0].spectrum
    path = tmp_path / "spec.csv"
    lines = zip(spectrum.wavelength, spectrum.flux, spectrum.ivar, strict=True)
    rows = "\n".join(",".join(map(repr, map(float, line))) for line in lines)
    path.write_text("wavelength,flux,ivar\n" + rows + "\n")
    expected = fit_details(spectrum, model=shipped).best.z
    for source in (path, str(path), {"FILE": str(path), "INDEX": 0}):
        assert fit_details(source, model=shipped).best.z == pytest.approx(expected, abs=1e-6)
