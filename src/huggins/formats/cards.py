"""Header cards of FITS: searched, not parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from huggins.errors import ReadError

if TYPE_CHECKING:
    from huggins.formats.source import Source

CARD: Final = 80

Value = str | int | float | bool


def keyword(header: bytes, name: str) -> Value | None:
    """Return the value of the first card of this name, None where there is none."""
    wanted = name.encode("latin-1").ljust(8) + b"="
    at = header.find(wanted)
    while at >= 0:
        if at % CARD == 0:
            return value(header[at : at + CARD])
        at = header.find(wanted, at + 1)
    return None


def value(card: bytes) -> Value | None:
    """Return what a card holds: text, number, truth value, or None where it cannot be read."""
    if card[10:11] == b"'":  # the usual place of a string, and no quotes in it
        end = card.find(b"'", 11)
        if end > 0 and card[end + 1 : end + 2] != b"'":
            return card[11:end].decode("latin-1").rstrip()
    rest = card[9:].lstrip()
    if rest.startswith(b"'"):
        end = 1
        while (end := rest.find(b"'", end)) >= 0 and rest[end + 1 : end + 2] == b"'":
            end += 2
        if end < 0:
            return None
        return rest[1:end].decode("latin-1").replace("''", "'").rstrip()
    text = rest.partition(b"/")[0].strip().decode("latin-1")
    if text in ("T", "F"):
        return text == "T"
    if "_" in text:  # Python's numbers may hold it, those of FITS may not
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text.upper().replace("D", "E"))
    except ValueError:
        return None


def required(
    source: Source,
    index: int,
    header: bytes,
    name: str,
    low: int,
    high: int,
    *,
    default: int | None = None,
) -> int:
    """Return a whole number that a header must hold, between `low` and `high`.

    Raises
    ------
    ReadError
        If it is missing (and there is no `default`) or is anything else.
    """
    value = keyword(header, name)
    if value is None and default is not None and header.find(name.encode()) < 0:
        return default
    if type(value) is not int or not low <= value <= high:
        raise ReadError(
            f"the header of HDU {index} is damaged: {name} is {value!r}; fetch it again",
            source.path,
        )
    return value


def natural(card: bytes, name: bytes) -> int | None:
    """Return the whole number of a card that must be `name`, None where it is no such."""
    if not card.startswith(name):
        return None
    value = card[len(name) :].partition(b"/")[0].strip()
    return int(value) if value.isdigit() else None
