"""Survey labels become one of the 13 classes, or none."""

import csv

import numpy as np
import pytest

from huggins.taxonomy import BROAD, CLASSES, INDEX, from_label, neighbours, spectral_place


@pytest.mark.parametrize(
    ("label", "subclass", "expected"),
    [
        ("QSO", "BROADLINE", "QSO"),
        ("qso   ", "", "QSO"),
        ("GALAXY", "AGN BROADLINE", "GAL"),
        ("STAR", "F3/F5V (30743)", "F"),
        ("STAR", "A0IVn (25642)", "A"),
        ("STAR", "sd:F0 (G_84-29)", "F"),
        ("STAR", "WDhotter", "WD"),
        ("STAR", "WDcooler", "WD"),
        ("STAR", "WDmagnetic", "WD"),
        ("STAR", "CalciumWD", "WD"),
        ("STAR", "CarbonWD", "WD"),
        ("STAR", "Carbon", "C"),
        ("STAR", "Carbon_lines", "C"),
        ("STAR", "CV", None),
        ("STAR", "T2", None),
        ("STAR", "L5", "L"),
        ("STAR", "Ldwarf", "L"),
        ("STAR", "M0V", "M"),
        ("STAR", "M4.5:III (123657)", "M"),
        ("STAR", "OB", "O"),
        ("STAR", "O8e", "O"),
        ("STAR", "B9.5V+... (37269)", "B"),
        ("STAR", "gM0", "M"),
        ("STAR", "dM1", "M"),
        ("STAR", "G5", "G"),
        ("STAR", "Non", None),
        ("STAR", "", None),
        ("STAR", None, None),
        ("UNKNOWN", "", None),
        (None, None, None),
    ],
)
def test_labels(label, subclass, expected):
    assert from_label(label, subclass) == expected


def test_the_classes_are_the_thirteen():
    assert len(CLASSES) == len(set(CLASSES)) == 13
    assert set(BROAD.values()) == {"STAR", "GALAXY", "QSO"}
    assert [CLASSES[i] for i in INDEX.values()] == list(CLASSES)


def test_every_shared_label_agrees(shared_data):
    with (shared_data / "spectra" / "labels.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["class3"] == "STAR" and r["subclass"]]
    assert len(rows) > 250
    for row in rows:
        assert from_label("STAR", row["subclass"]) == (row["class13"] or None), row


@pytest.mark.parametrize(
    ("subclass", "place"),
    [
        ("O0", 0.05),
        ("F5", 3.55),
        ("F3/F5V (30743)", 3.35),
        ("sdM1", 6.15),
        ("B9.5V+... (37269)", 1.95),
        ("A7_+0.5_Dwarf", 2.75),
        ("L9", 7.95),
    ],
)
def test_a_subtype_has_its_place_on_the_sequence(subclass, place):
    assert spectral_place(subclass) == pytest.approx(place, abs=1e-9)


@pytest.mark.parametrize(
    "subclass", ["", "Ldwarf", "Carbon", "WDhotter", "BROADLINE", "Am", "DA3"]
)
def test_what_names_no_tenth_of_a_letter_has_no_place(subclass):
    assert np.isnan(spectral_place(subclass))


def test_neighbours_are_next_to_each_other_in_temperature():
    assert neighbours("F", "G")
    assert neighbours("M", "L")
    assert not neighbours("F", "K")
    assert not neighbours("F", "F")
    assert not neighbours("WD", "A")
