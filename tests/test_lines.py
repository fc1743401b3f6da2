"""Line wavelengths are vacuum and in order."""

from huggins.lines import ABSORPTION, EMISSION


def test_emission_lines_are_sorted():
    assert list(EMISSION.values()) == sorted(EMISSION.values())


def test_lines_named_twice_agree():
    for name in EMISSION.keys() & ABSORPTION.keys():
        assert EMISSION[name] == ABSORPTION[name]


def test_wavelengths_are_vacuum():
    # The air values of [O III] and Hα are 5006.84 and 6562.80 A.
    assert abs(EMISSION["[O III] 5007"] - 5008.24) < 0.05
    assert abs(EMISSION["Hα"] - 6564.61) < 0.05
