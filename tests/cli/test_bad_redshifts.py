"""Spectra whose redshift cannot be known or lies at an edge: flagged, never silently wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from factories import Truth, write_boss_spec
from factories.rest import flux_of
from huggins import cli
from huggins.demo import mocks
from huggins.inference import load_model
from huggins.quality import ZWarning

LOGLAM = 3.557 + 1e-4 * np.arange(4400)  # 3606 to 9928 A
WAVELENGTH = 10.0**LOGLAM
LIGHT = 299792.458


@pytest.fixture
def classified(capsys, tmp_path, monkeypatch):
    """Write spectra as BOSS files and classify them with the shipped weights."""
    monkeypatch.chdir(tmp_path)

    def call(*spectra: tuple[np.ndarray, np.ndarray]) -> Table:
        for i, (flux, ivar) in enumerate(spectra):
            single = [values.astype(np.float32) for values in (LOGLAM, flux, ivar)]
            truth = Truth(*single, np.zeros(len(LOGLAM), np.int32), fiberid=i + 1)
            write_boss_spec(Path(f"{i:02d}.fits"), truth)
        assert cli.main(["classify", ".", "-o", "t.fits"]) == 0
        assert "Traceback" not in capsys.readouterr().err
        return Table.read("t.fits")

    return call


def noisy(flux: np.ndarray, sn: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Flux with noise, and its ivar."""
    sigma = np.median(flux) / sn
    rng = np.random.default_rng(seed)
    return flux + rng.normal(0.0, sigma, len(flux)), np.full(len(flux), sigma**-2.0)


def at_redshift(kind: str, z: float, sn: float = 12.0) -> tuple[np.ndarray, np.ndarray]:
    """The mean quasar, a galaxy with lines or a G star of the basis at a redshift."""
    return noisy(flux_of(kind, z, LOGLAM), sn)


def only(
    flux: np.ndarray, ivar: np.ndarray, low: float, high: float
) -> tuple[np.ndarray, np.ndarray]:
    """The same with data between two wavelengths alone."""
    first, last = np.searchsorted(LOGLAM, np.log10([low, high]))
    seen = np.zeros_like(ivar)
    seen[first:last] = ivar[first:last]
    return flux, seen


@pytest.mark.slow
def test_without_any_line_in_the_range_the_redshift_is_flagged(classified):
    # Between C III] and Mg II of a quasar at 2.4; a power law, whole and in part; between the
    # lines of a galaxy.
    continuum = (WAVELENGTH / 6000.0) ** -1.2
    table = classified(
        only(*at_redshift("QSO", 2.4), 7300.0, 8300.0),
        noisy(continuum, 30.0),
        only(*noisy(continuum, 30.0), 4000.0, 4300.0),
        only(*at_redshift("GALAXY", 0.2, sn=4.0), 6900.0, 7400.0),
    )
    doubt = ZWarning.SMALL_DELTA_CHI2 | ZWarning.LITTLE_COVERAGE
    assert (table["ZWARNING"] & doubt > 0).all()


@pytest.mark.parametrize("count", [1, 2, 10])
def test_a_few_good_pixels_are_flagged(classified, count):
    flux, ivar = at_redshift("QSO", 2.4)
    few = np.zeros_like(ivar)
    few[2000 : 2000 + count] = ivar[0]
    table = classified((flux, few))
    assert table["ZWARNING"][0] & ZWarning.LITTLE_COVERAGE
    assert table["ZWARNING"][0] & ZWarning.SMALL_DELTA_CHI2


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1e-6, 1e-3, 10.0, 1e6])
def test_an_ivar_wrong_by_a_constant_changes_no_answer(classified, factor):
    if load_model().metadata.contract.noise != "measured":
        pytest.skip("the shipped network was trained on ivar as given")
    pairs = []
    for example in mocks.load()[::5]:
        spectrum = example.spectrum
        index = np.rint((spectrum.loglam - LOGLAM[0]) * 1e4).astype(int)
        inside = (index >= 0) & (index < len(LOGLAM))
        pair = np.zeros((2, len(LOGLAM)))
        pair[:, index[inside]] = spectrum.flux[inside], spectrum.ivar[inside]
        pairs.append(pair)
    right = classified(*[(flux, ivar) for flux, ivar in pairs])
    wrong = classified(*[(flux, factor * ivar) for flux, ivar in pairs])
    for name in ("CLASS", "SUBCLASS", "ZWARNING"):
        assert wrong[name].tolist() == right[name].tolist(), name
    for name in ("Z", "Z_ERR", "PROB"):
        np.testing.assert_allclose(wrong[name], right[name], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "z"),
    [
        ("QSO", 6.3), ("QSO", 6.99), ("QSO", 7.3), ("GALAXY", 1.697), ("GALAXY", 1.9),
        ("STAR", 1495.0 / LIGHT), ("STAR", -1495.0 / LIGHT), ("STAR", 2500.0 / LIGHT),
    ],
)  # fmt: skip
def test_at_the_edge_of_the_range_no_redshift_is_silently_wrong(classified, kind, z):
    (row,) = classified(at_redshift(kind, z))
    off = abs(row["Z"] - z) / (1.0 + z) * LIGHT
    assert row["ZWARNING"] or off < (3000.0 if kind == "QSO" else 300.0)


def test_a_star_at_the_edge_of_the_velocities_is_told_so(classified):
    table = classified(at_redshift("STAR", 1450.0 / LIGHT), at_redshift("STAR", 1100.0 / LIGHT))
    at_limit = table["ZWARNING"] & ZWarning.Z_FITLIMIT > 0
    assert not at_limit[1]
    # Faster than stars are, it may be taken for a near galaxy, whose range goes on.
    assert at_limit[0] or table["CLASS"][0] == "GALAXY"
