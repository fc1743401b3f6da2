"""Systemic redshifts of made-up quasars whose lines lie where they were put."""

from __future__ import annotations

import numpy as np
import pytest

from huggins.constants import SPEED_OF_LIGHT
from huggins.lines import EMISSION
from huggins.redshift.frames import SIZE, START
from huggins.redshift.systemic import LINES, find_line, systemic

OFFSET = 0.3
WAVELENGTH = 10.0 ** ((START + np.arange(SIZE) + OFFSET) * 1e-4)
BY_NAME = {line.name: line for line in LINES}


def quasar(z, velocities, sn=30.0, seed=1):
    """Flux and ivar of lines, each of its own velocity, on a sloping continuum."""
    flux = (WAVELENGTH / 6000.0) ** -1.0
    for name, velocity in velocities.items():
        speed = SPEED_OF_LIGHT * np.log(WAVELENGTH / EMISSION[name] / (1.0 + z)) - velocity
        width = 200.0 if name.startswith("[") else 1500.0
        flux = flux * (1.0 + np.exp(-0.5 * (speed / width) ** 2))
    noise = np.random.default_rng(seed).standard_normal(SIZE) / sn
    return flux + noise, np.full(SIZE, sn**2)


def velocity(found, z):
    return SPEED_OF_LIGHT * np.log((1.0 + found) / (1.0 + z))


@pytest.mark.parametrize(
    ("name", "z"),
    [("[O III] 5008", 0.4), ("[O II]", 0.9), ("Mg II", 1.2), ("C III]", 2.0), ("C IV", 3.1)],
)
def test_a_line_is_found_where_it_is_with_its_error(name, z):
    pulls = []
    for seed in range(12):
        true = float(np.random.default_rng(seed).uniform(-400.0, 400.0))
        flux, ivar = quasar(z, {name: true}, seed=seed)
        place = find_line(flux, ivar, OFFSET, z, BY_NAME[name])
        assert place is not None
        assert place.significance > BY_NAME[name].sure
        assert place.error < 80.0
        pulls.append((place.velocity - true) / place.error)
    assert abs(np.mean(pulls)) < 1.0
    assert np.std(pulls) < 2.0


def test_published_shifts_are_taken_off():
    z = 1.9
    shifts = {line.name: line.shift for line in LINES}
    flux, ivar = quasar(z, {name: shifts[name] for name in ("Mg II", "C III]", "C IV")})
    z_sys, error = systemic(flux, ivar, OFFSET, z)
    assert velocity(z_sys, z) == pytest.approx(0.0, abs=40.0)
    # Never more certain than the best of the lines is for any quasar.
    assert 205.0 <= error / (1.0 + z) * SPEED_OF_LIGHT < 225.0


@pytest.mark.parametrize(
    ("z", "names", "floor"),
    [
        (0.5, ("[O II]", "[O III] 5008", "Mg II"), 46.0),
        (1.2, ("Mg II",), 205.0),
        (2.0, ("C III]", "C IV"), 243.0),
        (4.0, ("C IV",), 469.0),
    ],
)
def test_the_floor_of_the_error_follows_from_the_lines_in_range(z, names, floor):
    flux, ivar = quasar(z, dict.fromkeys(names, 0.0))
    _, error = systemic(flux, ivar, OFFSET, z)
    assert error / (1.0 + z) * SPEED_OF_LIGHT == pytest.approx(floor, rel=0.05)


def test_a_line_that_disagrees_with_the_best_is_left_out():
    z = 0.6
    flux, ivar = quasar(z, {"[O II]": 8.0, "Mg II": 1300.0})
    z_sys, _ = systemic(flux, ivar, OFFSET, z)
    assert velocity(z_sys, z) == pytest.approx(0.0, abs=20.0)


@pytest.mark.parametrize("case", ["no lines", "no data", "absorbed", "gap", "noise"])
def test_where_no_line_tells_there_is_none(case):
    z = 1.1
    flux, ivar = quasar(z, {} if case == "no lines" else {"Mg II": 0.0})
    near = np.abs(WAVELENGTH / 2798.75 / (1.0 + z) - 1.0) < 0.012
    if case == "no data":
        ivar = np.zeros(SIZE)
    elif case == "absorbed":
        flux = 2.0 * (WAVELENGTH / 6000.0) ** -1.0 - flux
    elif case == "gap":
        ivar[near] = 0.0
    elif case == "noise":
        flux = flux + 50.0 * np.random.default_rng(2).standard_normal(SIZE)
        ivar = np.full(SIZE, 50.0**-2)
    assert np.isnan(systemic(flux, ivar, OFFSET, z)).all()


@pytest.mark.parametrize("z", [-0.4, 0.0, 6.9])
def test_redshifts_at_the_ends_do_no_harm(z):
    flux, ivar = quasar(0.5, {})
    assert np.isnan(systemic(flux, ivar, OFFSET, z)).all()
