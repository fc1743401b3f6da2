"""Mocks of what ships, and what the page says of them."""

from experiments.shipped_mocks import as_markdown, recognised
from huggins.taxonomy import CLASSES


def test_most_mocks_of_what_ships_are_recognised():
    found = recognised("huggins", 4, 1)
    assert list(found) == list(CLASSES)
    assert sum(found.values()) > 40


def test_the_sentence_names_the_worst_class():
    text = as_markdown(dict.fromkeys(CLASSES, 190) | {"G": 170}, 200)
    assert "85 (G) to 95 % the right" in text.replace("\n", " ")
