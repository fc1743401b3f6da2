"""How spectra come to rest, which templates stand for all, and the command."""

import numpy as np
import pytest

from experiments.basis import (
    LINES,
    QUASAR,
    QUOTA,
    _line_vectors,
    _spread_out,
    main,
    real_quasars,
    to_rest,
)
from huggins.forest import in_forest
from huggins.redshift.basis import STEP, load_basis
from huggins.redshift.frames import SIZE, START
from huggins.spectrum import Spectrum
from huggins.taxonomy import CLASSES

LOGLAM = (START + np.arange(SIZE)) * STEP


def test_spectra_come_to_rest_with_a_line_where_it_belongs():
    log1z = np.array([np.log10(1.0 + 0.9), np.log10(1.0 + 2.7)])
    centre = (np.log10(2798.75) + log1z) / STEP - START
    flux = 2.0 + np.exp(-0.5 * ((np.arange(SIZE) - centre[:, None]) / 20.0) ** 2)
    ivar = np.full_like(flux, 4.0)
    ivar[:, :100] = 0.0
    rest, weight = to_rest(flux, ivar, log1z, QUASAR)
    for row in range(2):
        seen = weight[row] > 0
        peak = QUASAR[0] + np.flatnonzero(seen)[rest[row][seen].argmax()]
        assert peak * STEP == pytest.approx(np.log10(2798.75), abs=STEP)
        assert np.sqrt(np.mean(rest[row][seen] ** 2)) == pytest.approx(1.0, abs=0.01)
        assert np.count_nonzero(seen) <= SIZE - 100


def test_weights_grow_with_the_signal_to_noise_up_to_one():
    flux = np.ones((3, SIZE))
    ivar = np.full((3, SIZE), [[1.0], [225.0], [1e8]])
    _, weight = to_rest(flux, ivar, np.full(3, 0.2), QUASAR)
    level = weight.max(axis=1)
    assert level == pytest.approx([1 / 226, 0.5, 1.0], rel=1e-3)


def test_a_spectrum_without_data_has_no_weight():
    rest, weight = to_rest(np.ones((1, SIZE)), np.zeros((1, SIZE)), np.zeros(1), QUASAR)
    assert not rest.any()
    assert not weight.any()


def test_lines_lie_at_their_wavelengths_with_their_ratios():
    span = (31100, 40360)
    rows = _line_vectors(span)
    assert rows.max(axis=1) == pytest.approx(1.0)
    for row, group in zip(rows, LINES, strict=True):
        first, flux = group[0]
        for wavelength, other in group[1:]:
            if abs(wavelength - first) < 20.0:
                continue  # blended
            at = [round(np.log10(w) / STEP) - span[0] for w in (first, wavelength)]
            heights = [row[k - 2 : k + 3].max() for k in at]
            expected = other / flux * first / wavelength
            assert heights[1] / heights[0] == pytest.approx(expected, rel=0.1)


def test_templates_that_stand_for_all_are_of_different_kinds():
    rng = np.random.default_rng(2)
    x = np.arange(5400)
    kinds = [1.0 - 0.8 * np.exp(-0.5 * ((x - c) / 200.0) ** 2) for c in (1500, 2500, 3500)]
    # Nine of the first kind, two of the second, one of the third.
    flux = np.array([kinds[k] for k in (0,) * 9 + (1, 1, 2)])
    flux += 0.002 * rng.normal(size=flux.shape)
    chosen = _spread_out(flux, 3)
    assert chosen[0] < 9
    assert sorted(np.searchsorted([9, 11], chosen, side="right")) == [0, 1, 2]
    assert len(_spread_out(flux[:2], 5)) == 2


class Frame:
    """Stands for QuasarFrame: two pixels to the red, known with an error of half a pixel."""

    def of_spectrum(self, flux, ivar, first, log1z):
        known = log1z < 0.6
        return (2.0 * STEP if known else np.nan), 0.5 * STEP


def test_only_trusted_quasars_without_broad_absorption_count():
    spectrum = Spectrum(LOGLAM + 0.3 * STEP, np.ones(SIZE), np.ones(SIZE))
    rows = [
        {"class3": "QSO", "class13": "QSO", "trust": "2", "z": "1.0"},
        {"class3": "QSO", "class13": "BAL", "trust": "3", "z": "2.0"},
        {"class3": "QSO", "class13": "QSO", "trust": "1", "z": "3.0"},
        {"class3": "STAR", "class13": "F", "trust": "3", "z": "0.0"},
        {"class3": "QSO", "class13": "QSO", "trust": "3", "z": "3.5"},
    ]
    flux, ivar, log1z = real_quasars(rows, [spectrum] * 5, Frame())
    assert flux.shape == ivar.shape == (1, SIZE)
    # In the frame; the fraction of a pixel by which its grid is off is no part of the redshift.
    assert log1z == pytest.approx([np.log10(2.0) + 2.0 * STEP - 0.3 * STEP], abs=1e-9)


def test_the_mean_forest_is_divided_out_of_real_quasars():
    passed = in_forest(LOGLAM, np.array([np.log10(3.4) + 2.0 * STEP]))[0]
    spectrum = Spectrum(LOGLAM, passed, np.ones(SIZE))
    rows = [{"class3": "QSO", "class13": "QSO", "trust": "3", "z": "2.4"}]
    flux, ivar, _ = real_quasars(rows, [spectrum], Frame())
    assert flux[0] / flux[0, -1] == pytest.approx(1.0, abs=0.01)
    assert ivar[0] / ivar[0, -1] == pytest.approx(passed**2, abs=0.01)


@pytest.mark.slow
def test_the_command_learns_a_basis(few_real, tmp_path, capsys):
    path = tmp_path / "basis.npz"
    given = [str(few_real), "-o", str(path), "--mocks", "60", "--folds", "2", "3"]
    assert main([*given, "--quasar", "3", "--galaxy", "2"]) == 0
    assert "MB" in capsys.readouterr().out
    basis = load_basis(path)
    assert len(basis.quasar.vectors) == 3
    assert len(basis.galaxy.vectors) == 2 + len(LINES)
    assert basis.galaxy.lines == tuple(range(2, 2 + len(LINES)))
    stars = [CLASSES[k] for k in basis.star.classes]
    assert {name: stars.count(name) for name in QUOTA} == QUOTA
    assert basis.made["mocks"] == 60
    assert basis.made["folds"] == [2, 3]
    # The mean quasar has C IV and Mg II above their surroundings.
    mean = basis.quasar.vectors[0]
    for line in (1549.06, 2798.75):
        at = round(np.log10(line) / STEP) - basis.quasar.start
        assert mean[at - 20 : at + 20].mean() > 1.05 * mean[[at - 250, at + 250]].mean()


def test_the_command_says_what_is_missing(tmp_path, capsys):
    assert main([str(tmp_path), "-o", str(tmp_path / "b.npz")]) == 2
    assert str(tmp_path) in capsys.readouterr().err
    assert not (tmp_path / "b.npz").exists()
