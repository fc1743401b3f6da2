"""Numbers of things in messages: ``1 spectrum``, ``2 spectra``."""

from __future__ import annotations

from typing import Final

_IRREGULAR: Final = {"spectrum": "spectra", "class": "classes", "address": "addresses"}


def counted(number: int, noun: str) -> str:
    """Return a number and a noun, which is in the plural where it should be.

    >>> counted(1, "spectrum"), counted(2, "spectrum"), counted(1200, "file in folders")
    ('1 spectrum', '2 spectra', '1200 files in folders')
    >>> counted(3, "entry"), counted(1, "failure")
    ('3 entries', '1 failure')
    """
    word, blank, rest = noun.partition(" ")
    if word == "other":
        return f"{number} {word}{blank}{rest if number == 1 else plural(rest)}"
    return f"{number} {word if number == 1 else plural(word)}{blank}{rest}"


def plural(word: str) -> str:
    """Return the plural of a noun.

    >>> plural("spectrum"), plural("file"), plural("entry")
    ('spectra', 'files', 'entries')
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
