"""Quasars come to one rest frame."""

import h5py
import numpy as np
import pytest

from huggins.simulate.quasar_frame import STEP, TAKEN, QuasarFrame, settled
from huggins.simulate.shipped import quasars

START, LENGTH = 31000, 8000  # 1259 to 7943 A
LINES = (1549.06, 1908.73, 2798.75, 4862.69, 5008.24)


def made_up(moved=0.0, scale=1.0):
    """Vectors with broad lines, moved to the red by some pixels."""
    pixel = START + np.arange(LENGTH) - moved
    rows = [np.ones(LENGTH), 1.0 + 1e-4 * (pixel - START)]
    for k, line in enumerate(LINES):
        profile = np.exp(-0.5 * ((pixel - np.log10(line) / STEP) / 25.0) ** 2)
        rows[0] = rows[0] + (1.0 + 0.2 * k) * scale * profile
    return np.array(rows)


@pytest.fixture(scope="module")
def frame():
    return QuasarFrame(made_up(), START * STEP, made_up(), START * STEP)


def test_mixtures_of_two_surveys_are_told_apart(frame):
    vectors = made_up(moved=7.5)
    z = np.array([0.4, 1.2, 1.5, 2.2, 2.2])
    mixtures = np.array([[1.0, 0.0], [1.0, 0.1], [1.0, -0.1], [1.0, 0.0], [2.0, 0.2]])
    found = frame.of_mixtures(vectors, START * STEP, mixtures, z, (3600.0, 10000.0))
    assert found == pytest.approx(7.5 * STEP, abs=0.1 * STEP)


def test_where_two_templates_meet_there_is_no_step():
    frame = QuasarFrame(made_up(), START * STEP, made_up(moved=4.0), START * STEP)
    z = np.array([1.2, 1.3, 1.5, 1.7, 1.8])
    mixtures = np.repeat([[1.0, 0.0]], 5, axis=0)
    found = frame.of_mixtures(made_up(), START * STEP, mixtures, z, (3600.0, 10000.0))
    assert found == pytest.approx(np.array([0.0, 0.0, -2.0, -4.0, -4.0]) * STEP, abs=2e-6)


def test_a_spectrum_is_found_with_its_error_and_its_absorption_ignored(frame):
    rng = np.random.default_rng(3)
    first, length, log1z = 35500, 4500, np.log10(1.0 + 1.1)
    pulls = []
    for _ in range(12):
        moved = rng.uniform(-6.0, 6.0)
        rest = first + np.arange(length) - log1z / STEP
        flux = np.interp(rest - moved, START + np.arange(LENGTH), made_up()[0])
        trough = np.abs(rest - np.log10(2740.0) / STEP) < 12
        flux = np.where(trough, 0.3 * flux, flux)
        noisy = flux + 0.1 * rng.standard_normal(length)
        offset, error = frame.of_spectrum(noisy, np.full(length, 100.0), first, log1z)
        assert 0.0 < error < 2.0 * STEP
        pulls.append((offset - moved * STEP) / error)
    assert np.abs(np.mean(pulls)) < 1.0
    assert np.std(pulls) < 2.0


@pytest.mark.parametrize("z", [0.2, 1.5, 3.0])
def test_a_spectrum_without_data_or_lines_has_no_offset(frame, z):
    offset, error = frame.of_spectrum(np.ones(900), np.zeros(900), 35500, np.log10(1.0 + z))
    assert np.isnan(offset)
    assert np.isnan(error)


def test_without_the_templates_those_of_the_fit_are_taken(tmp_path):
    with h5py.File(tmp_path / "quasars.h5", "w") as file:
        file["other"] = 1
    with h5py.File(tmp_path / "quasars.h5") as file:
        assert QuasarFrame.read(file) is None
    vectors, _, _, start = quasars()
    moved = np.pad(vectors, ((0, 0), (5, 0)), mode="edge")[:, : vectors.shape[1]]
    z, mixture = np.array([0.5, 1.5, 2.5]), np.repeat(np.eye(6)[:1], 3, axis=0)
    found = QuasarFrame.shipped().of_mixtures(moved, start, mixture, z, (3600.0, 10000.0))
    assert found == pytest.approx(5.0 * STEP, abs=0.2 * STEP)


def test_quasars_of_the_first_survey_lay_too_low(library):
    """Those of SDSS-I at z = 2.2 to 2.5 most; BOSS, nine of ten there, by a hundred km/s."""
    speed = 299792.458 * np.log(10.0) * library.quasar_offsets
    near = library.quasar_z < 1.2
    assert np.abs(np.median(speed[near])) < 40.0
    middle = (library.quasar_z > 2.2) & (library.quasar_z < 2.5)
    assert 50.0 < np.median(speed[middle]) < 200.0
    assert (np.diff(library.quasar_z) >= 0).all()


def test_mocks_lie_in_the_frame(library, shared_data):
    """Refitted with its templates they are where their truth says."""
    from huggins.prepare import LogGrid
    from huggins.simulate.quasars import _from_coefficients

    with h5py.File(shared_data / "templates" / "quasars.h5") as file:
        frame = QuasarFrame.read(file)
    first, count = 35600, 60
    grid = LogGrid((first - 0.5) * STEP, STEP, 4200)
    z = np.repeat([0.6, 1.2, 1.9, 2.35], count)
    flux, log1z = _from_coefficients(z, library, grid, np.random.default_rng(2))
    found = [
        frame.of_spectrum(f, np.full(grid.size, 400.0), first, at)[0] * 299792.458 * np.log(10)
        for f, at in zip(flux[::4].astype(float), log1z[::4], strict=True)
    ]
    median = np.nanmedian(np.reshape(found, (4, -1)), axis=1)
    assert np.abs(median) == pytest.approx(0.0, abs=80.0)


def test_a_single_quasar_is_drawn_to_its_survey_where_hiz_is_used():
    speed = 299792.458 * np.log(10.0)
    z = np.array([1.0, 1.5, 2.45, 2.45])
    offset = np.array([500.0, 500.0, 500.0, 65.0]) / speed
    found = speed * settled("BOSS", z, offset)
    assert found[0] == pytest.approx(500.0)
    assert 300.0 < found[1] < 500.0
    assert found[2] == pytest.approx(65.0 + TAKEN * 435.0)
    assert found[3] == pytest.approx(65.0)
    first, other = (speed * settled(name, z, offset) for name in ("SDSS", "eBOSS"))
    assert first[2] > found[2] + 100.0
    assert other.tolist() == found.tolist()
