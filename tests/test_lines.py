"""Line wavelengths are vacuum, in names too, and each class has its own."""

import re

import numpy as np
import pytest

from huggins.lines import ABSORPTION, EMISSION, of_class
from huggins.spectrum import air_to_vacuum
from huggins.taxonomy import CLASSES

EVERY = {
    (name, wavelength)
    for cls in CLASSES
    for known in of_class(cls).values()
    for name, wavelength in known.items()
}
#: In air, from the tables that the module names.
AIR = {
    "[O III] 5008": 5006.84, "Hα": 6562.80, "He I 4473": 4471.48, "He I 5877": 5875.62,
    "He II 4687": 4685.70, "He II 5413": 5411.52, "TiO 7056": 7054.5, "TiO 5168": 5166.8,
    "C2 5167": 5165.2, "C2 4738": 4737.1, "C2 5637": 5635.5, "CN 4217": 4216.0,
    "K I 7667": 7664.90, "[S III] 9071": 9068.6, "[Ne V] 3427": 3425.86, "FeH 8694": 8692.0,
}  # fmt: skip


def test_emission_lines_are_sorted():
    assert list(EMISSION.values()) == sorted(EMISSION.values())


def test_lines_named_twice_agree():
    assert len({name for name, _ in EVERY}) == len(EVERY)
    for name in EMISSION.keys() & ABSORPTION.keys():
        assert EMISSION[name] == ABSORPTION[name]


@pytest.mark.parametrize("name", AIR)
def test_wavelengths_are_vacuum(name):
    expected = float(air_to_vacuum(np.array([AIR[name]]))[0])
    assert dict(EVERY)[name] == pytest.approx(expected, abs=0.06)


def test_numbers_in_names_are_vacuum():
    numbered = [(name, w) for name, w in EVERY if re.search(r" \d{4}$", name)]
    assert len(numbered) > 25
    for name, wavelength in numbered:
        assert int(name[-4:]) == round(wavelength), name


@pytest.mark.parametrize(
    ("cls", "kind", "present", "absent"),
    [
        ("O", "absorption", {"He II 4687", "He I 4473", "Hε"}, {"TiO 7056", "Na D"}),
        ("B", "absorption", {"He I 4473"}, {"He II 4687"}),
        ("A", "absorption", {"Hζ", "Ca K"}, {"He I 4473", "G band"}),
        ("G", "absorption", {"G band", "Mg b"}, {"TiO 7056"}),
        ("M", "absorption", {"TiO 7056", "CaH 6387"}, {"Hδ", "C2 5167"}),
        ("L", "absorption", {"FeH 8694", "K I 7701"}, {"Ca K"}),
        ("C", "absorption", {"C2 5167", "CN 4217"}, {"TiO 7056"}),
        ("GAL", "emission", {"[S III] 9533", "[Ne V] 3427", "He II 4687"}, {"C IV"}),
        ("GAL", "absorption", {"Ca K", "Mg b"}, {"Hα"}),
        ("QSO", "emission", {"C IV", "[S III] 9071"}, set()),
        ("STAR", "absorption", {"Mg b", "Ca K"}, {"TiO 7056"}),
    ],
)
def test_each_class_has_its_lines(cls, kind, present, absent):
    known = of_class(cls)[kind]
    assert present <= set(known)
    assert not absent & set(known)
    assert list(known.values()) == sorted(known.values())
