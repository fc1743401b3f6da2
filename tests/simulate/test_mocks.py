"""Mocks of every kind."""

import time

import numpy as np
import pytest

from huggins.errors import InputError
from huggins.prepare import STANDARD, LogGrid
from huggins.simulate import draw, noiseless
from huggins.simulate.stars import _subdwarf
from huggins.simulate.template_set import load
from huggins.taxonomy import ALL_CLASSES, CLASSES

GRID = STANDARD.grid


@pytest.mark.parametrize("kind", ALL_CLASSES)
def test_every_kind_can_be_drawn(kind, library):
    rng = np.random.default_rng(5)
    flux, z, empty, _ = noiseless(np.full(64, ALL_CLASSES.index(kind)), library, GRID, rng)
    assert flux.shape == (64, GRID.size)
    assert np.isfinite(flux).all()
    if kind == "NONE":
        assert np.isnan(z).all()
        assert empty.any()
        return
    assert not empty.any()
    assert (np.median(flux, axis=1) > 0).mean() > 0.9
    low, high = {"QSO": (0.03, 6.2), "BAL": (1.4, 5.5), "GAL": (0.0, 1.65)}.get(
        kind, (-0.004, 0.004)
    )
    assert z.min() >= low
    assert z.max() <= high
    assert len(np.unique(flux[:, 300].round(6))) > 30  # no two alike


@pytest.mark.parametrize("kind", ["M", "L", "GAL", "QSO", "BAL", "NONE"])
def test_one_at_a_time_is_as_good(kind, library):
    rng = np.random.default_rng(13)
    for _ in range(40):
        flux, _, _, _ = noiseless(np.array([ALL_CLASSES.index(kind)]), library, GRID, rng)
        assert np.isfinite(flux).all()


def test_quasar_lines_lie_at_the_redshift(library):
    rng = np.random.default_rng(6)
    flux, z, _, _ = noiseless(np.full(400, ALL_CLASSES.index("QSO")), library, GRID, rng)
    chosen = (z > 2.3) & (z < 3.2)
    assert chosen.sum() > 30
    for line, side in ((1215.67, 1290.0), (1549.06, 1480.0)):
        on = [
            np.interp(np.log10(line * (1 + a)), GRID.loglam, f)
            for f, a in zip(flux, z, strict=True)
        ]
        off = [
            np.interp(np.log10(side * (1 + a)), GRID.loglam, f)
            for f, a in zip(flux, z, strict=True)
        ]
        higher = np.array(on)[chosen] > np.array(off)[chosen]
        assert higher.mean() > 0.85


def test_bal_quasars_are_absorbed_blueward_of_carbon_iv(library):
    rng = np.random.default_rng(7)

    def depth(kind):
        flux, z, _, _ = noiseless(np.full(300, ALL_CLASSES.index(kind)), library, GRID, rng)
        rest = GRID.loglam[None] - np.log10(1.0 + z)[:, None]
        blue = (rest > np.log10(1470.0)) & (rest < np.log10(1535.0))
        red = (rest > np.log10(1600.0)) & (rest < np.log10(1680.0))
        use = (z > 1.6) & (z < 4.5)
        blue = np.where(blue, flux, np.nan)[use]
        return np.nanmedian(blue, axis=1) / np.nanmedian(
            np.where(red, flux, np.nan)[use], axis=1
        )

    assert np.median(depth("BAL")) < 0.85 * np.median(depth("QSO"))


def test_the_same_seed_gives_the_same_mocks(library, bank):
    one = draw(50, library, bank, np.random.default_rng(8))
    two = draw(50, library, bank, np.random.default_rng(8))
    assert (one.flux == two.flux).all()
    assert (one.kind == two.kind).all()
    other = draw(50, library, bank, np.random.default_rng(9))
    assert not (one.flux == other.flux).all()


def test_asked_kinds_and_signal_to_noise(library, bank):
    mocks = draw(
        200, library, bank, np.random.default_rng(10), odds={"M": 1.0, "L": 1.0}, sn=(3.0, 6.0)
    )
    assert {ALL_CLASSES[k] for k in mocks.kind} == {"M", "L"}
    assert mocks.sn.min() >= 3.0
    assert mocks.sn.max() <= 6.0


def test_an_unknown_kind_is_refused(library, bank):
    with pytest.raises(InputError, match="unknown classes"):
        draw(5, library, bank, np.random.default_rng(0), odds={"T": 1.0})


@pytest.mark.slow
def test_held_back_templates_exist_for_every_class(shared_data, library):
    test = load(shared_data / "templates", test=True)
    for name in set(CLASSES) - {"QSO", "BAL", "GAL"}:
        assert test.stars[name].count >= 1
        assert library.stars[name].count > test.stars[name].count
    assert not np.isin(test.quasar_z, library.quasar_z).all()


def test_native_pixels_are_those_of_a_boss_file(library, bank):
    native = LogGrid(3.55 - 0.5e-4, 1e-4, 4650)
    flux, _, _, _ = noiseless(
        np.full(4, ALL_CLASSES.index("F")), library, native, np.random.default_rng(1)
    )
    coarse = LogGrid(3.55 - 0.5e-4, 5e-4, 930)
    binned, _, _, _ = noiseless(
        np.full(4, ALL_CLASSES.index("F")), library, coarse, np.random.default_rng(1)
    )
    means = flux.reshape(4, 930, 5).mean(axis=2)
    ratio = means / binned
    # Dust is applied a pixel at a time, after binning; nothing else differs but the scale.
    assert np.abs(ratio / np.median(ratio, axis=1, keepdims=True) - 1.0).max() < 0.01


@pytest.mark.slow
def test_mocks_come_fast_enough(library, bank):
    rng = np.random.default_rng(11)
    draw(256, library, bank, rng)
    began = time.process_time()
    draw(1024, library, bank, rng)
    assert 1024 / (time.process_time() - began) > 1000  # 2,000 a second on two cores


def test_stars_know_their_place_and_others_have_none(library, bank):
    mocks = draw(300, library, bank, np.random.default_rng(5))
    star = np.isfinite(mocks.place)
    assert star.any()
    names = np.array(ALL_CLASSES)[mocks.kind]
    assert all(
        "OBAFGKML"[int(p)] == n for p, n in zip(mocks.place[star], names[star], strict=True)
    )
    others = np.isin(names, ["QSO", "BAL", "GAL", "WD", "C", "NONE"])
    assert not star[others].any()


@pytest.mark.parametrize("cls", ["O", "B"])
def test_ionised_helium_makes_an_o_star(cls):
    flux = _subdwarf(cls, 200, np.zeros(200), GRID, np.random.default_rng(6))
    lam = 10.0**GRID.loglam
    line = abs(lam - 4542.9).argmin()
    depth = 1.0 - flux[:, line] / (0.5 * (flux[:, line - 6] + flux[:, line + 6]))
    assert (depth > 0.02).mean() == (1.0 if cls == "O" else 0.0)
    hydrogen = abs(lam - 4341.7).argmin()
    assert (flux[:, hydrogen] < flux[:, hydrogen - 30]).all()
