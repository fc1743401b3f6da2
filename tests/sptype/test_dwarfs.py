"""Subtypes of white dwarfs by their lines."""

from __future__ import annotations

import numpy as np
import pytest

from huggins.prepare import STANDARD
from huggins.sptype.dwarfs import subtypes

WAVELENGTH = 10.0**STANDARD.grid.loglam
BALMER = ((6564.6, 20.0), (4862.7, 25.0), (4341.7, 22.0), (4102.9, 18.0))
HELIUM = ((4472.7, 12.0), (5877.2, 10.0), (6680.0, 8.0), (4027.3, 8.0))
CALCIUM = ((3934.8, 10.0), (3969.6, 9.0))


def dwarf(lines=(), depth=0.4, swan=0.0, noise=0.02, seed=0):
    """A blue continuum with Lorentzian lines (centre, half-width in A), and its noise."""
    flux = (WAVELENGTH / 5000.0) ** -2.0
    for centre, half in lines:
        flux = flux * (1.0 - depth / (1.0 + ((WAVELENGTH - centre) / half) ** 2))
    for head, length in ((5166.7, 150.0), (4738.4, 120.0)):
        band = (head > WAVELENGTH) * np.exp(-np.clip(head - WAVELENGTH, 0, None) / length)
        flux = flux * (1.0 - swan * band)
    error = noise * np.ones_like(flux)
    flux = flux + np.random.default_rng(seed).normal(0.0, 1.0, len(flux)) * error
    return flux, 1.0 / error**2


def named(flux, ivar, z=0.0):
    return subtypes(WAVELENGTH, flux[None], ivar[None], np.array([z]))[0]


@pytest.mark.parametrize(
    ("lines", "swan", "name"),
    [
        (BALMER, 0.0, "DA"),
        (HELIUM, 0.0, "DB"),
        (CALCIUM, 0.0, "DZ"),
        ((), 0.3, "DQ"),
        ((*BALMER, *CALCIUM), 0.0, "DA"),
    ],
)
def test_lines_name_the_subtype(lines, swan, name):
    for seed in range(5):
        assert named(*dwarf(lines, swan=swan, seed=seed)) == name


def test_a_continuum_is_one_only_where_lines_would_show():
    said = [named(*dwarf(noise=0.01, seed=seed)) for seed in range(20)]
    assert said.count("DC") >= 18
    assert set(said) <= {"DC", ""}


def test_noise_says_nothing():
    for seed in range(20):
        assert named(*dwarf(noise=0.5, seed=seed)) == ""
        assert named(*dwarf(BALMER, depth=0.05, noise=0.3, seed=seed)) == ""


def test_lines_that_are_not_observed_do_not_count():
    flux, ivar = dwarf(BALMER)
    red = np.where(WAVELENGTH > 7000.0, ivar, 0.0)
    assert named(flux, red) == ""
    one = np.where(WAVELENGTH > 6000.0, ivar, 0.0)
    assert named(flux, one) == "DA"  # H alpha alone
    assert named(flux, np.zeros_like(ivar)) == ""


def test_emission_is_no_absorption():
    flux, ivar = dwarf(BALMER, depth=-0.5)
    assert named(flux, ivar) == ""


def test_lines_move_with_the_star():
    flux, ivar = dwarf([(centre * 1.004, half) for centre, half in CALCIUM], depth=0.6)
    assert named(flux, ivar, 0.004) == "DZ"
    assert named(flux, ivar, np.nan) in ("DZ", "")
