"""ZWARNING bits keep the numbers that surveys know."""

import re
from pathlib import Path

from huggins.quality import MEANING, REMEDY, ZWarning, meanings, names


def test_survey_bits_have_the_surveys_numbers():
    order = [
        "SKY", "LITTLE_COVERAGE", "SMALL_DELTA_CHI2", "NEGATIVE_MODEL", "MANY_OUTLIERS",
        "Z_FITLIMIT", "NEGATIVE_EMISSION", "UNPLUGGED", "BAD_TARGET", "NODATA", "BAD_MINFIT",
        "POORDATA",
    ]  # fmt: skip
    assert [ZWarning[name].value for name in order] == [1 << i for i in range(12)]


def test_our_own_bits_stay_above_15():
    assert all(bit.value >= 1 << 16 for bit in list(ZWarning)[12:])


def test_names_lists_what_is_set():
    assert names(0) == []
    assert names(ZWarning.SKY | ZWarning.LOW_PROBABILITY) == ["SKY", "LOW_PROBABILITY"]


def test_every_bit_has_words_of_its_own():
    assert set(MEANING) == set(ZWarning)
    assert len(set(MEANING.values())) == len(ZWarning)
    assert meanings(ZWarning.SKY | ZWarning.UNPLUGGED) == [
        "looks like empty sky",
        "the fibre was unplugged",
    ]
    assert meanings(0) == []


def test_every_bit_has_its_meaning_and_a_sentence_of_what_to_do():
    assert set(MEANING) == set(REMEDY) == set(ZWarning)
    assert all(text[0].isupper() and text.endswith(".") for text in REMEDY.values())


def test_the_numbers_are_those_of_the_documentation():
    page = Path(__file__).parent.parent / "docs" / "reference" / "zwarning.md"
    rows = re.findall(
        r"^\| (\d+) \| (\d+) \| `(\w+)` \| ([^|]+) \|$", page.read_text(encoding="utf-8"), re.M
    )
    assert len(rows) == len(ZWarning)
    for bit, value, name, meaning in rows:
        assert ZWarning[name] == 1 << int(bit) == int(value)
        assert meanings(int(value)) == [meaning.strip()]
        assert names(int(value)) == [name]
