"""Mocks of what ships with huggins, in place of templates."""

import h5py
import numpy as np
import pytest

from huggins import simulate
from huggins.cli import main
from huggins.errors import InputError
from huggins.prepare import STANDARD
from huggins.simulate import SHIPPED, shipped
from huggins.taxonomy import ALL_CLASSES, BROAD

STARS = [name for name, broad in BROAD.items() if broad == "STAR"]


@pytest.fixture(scope="module", params=[False, True], ids=["training", "test"])
def library(request):
    return simulate.load(SHIPPED, test=request.param)


def test_every_class_of_stars_is_there(library):
    assert sorted(library.stars) == sorted(STARS)
    assert library.substitutes == ("stars", "quasars", "galaxies", "broad absorption")
    for name in STARS:
        assert library.stars[name].count == len(library.star_weights[name])
        assert library.star_weights[name].sum() == pytest.approx(1.0)


def test_stars_held_back_are_others():
    (training, places, start), (test, _, _) = shipped.stars(), shipped.stars(test=True)
    assert start == pytest.approx(3.5)
    for name in "AFGKM":
        assert not any(np.array_equal(a, b) for a in training[name] for b in test[name])
        known = places[name][np.isfinite(places[name])]
        assert (known.astype(int) == "OBAFGKM".index(name)).all()


def test_redshifts_rise_and_spectra_are_positive():
    vectors, coefficients, z, _ = shipped.quasars()
    assert (np.diff(z) >= 0).all()
    assert coefficients.shape == (len(z), len(vectors))
    np.testing.assert_allclose((coefficients**2).sum(axis=1), 1.0)
    whole, _ = shipped.whole_quasars()
    assert (whole >= 0).all()
    flux, young, old, start = shipped.galaxies()
    assert (flux >= 0).all()
    assert not set(young) & set(old)
    loglam = start + 1e-4 * np.arange(flux.shape[1])
    ratio = flux[:, loglam > 3.61][:, :80].mean(axis=1) / flux[
        :, (loglam > 3.585) & (loglam < 3.597)
    ].mean(axis=1)
    assert np.median(ratio[old]) > np.median(ratio[young])


def test_mocks_are_finite_and_of_all_classes(library):
    bank = simulate.shipped_noise(STANDARD.grid)
    rng = np.random.default_rng(3)
    mocks = simulate.draw(140, library, bank, rng, odds=dict.fromkeys(ALL_CLASSES, 1.0))
    assert np.isfinite(mocks.flux).all()
    assert len(set(mocks.kind.tolist())) == len(ALL_CLASSES)


def test_a_part_that_is_missing_is_replaced_and_named(tmp_path, capsys):
    with h5py.File(tmp_path / "bal.h5", "w") as file:
        file.attrs.update(wave0=944.6, dwave=0.3)
        file["transmission"] = np.full((6, 2474), 0.5)
        file["bi_civ"] = np.full(6, 500.0)
    assert simulate.load(tmp_path).substitutes == ("stars", "quasars", "galaxies")
    out = tmp_path / "m.npz"
    argv = ["simulate", "-n", "9", "-o", str(out), "--templates", str(tmp_path)]
    assert main(argv) == 0
    assert "of what ships with huggins: stars, quasars, galaxies" in capsys.readouterr().err


def test_a_file_that_is_no_template_is_named(tmp_path):
    (tmp_path / "stars.h5").write_bytes(b"no")
    with pytest.raises(InputError, match=r"stars\.h5: cannot be read as a file of templates"):
        simulate.load(tmp_path)
