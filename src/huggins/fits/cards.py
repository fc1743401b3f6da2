"""Header cards: searched and edited as bytes, not parsed into a dictionary."""

from __future__ import annotations

from typing import Final

from huggins.errors import ReadError

CARD: Final = 80
#: Every header and every data unit fills whole blocks.
BLOCK: Final = 2880
END: Final = b"END".ljust(CARD)
# Cards that hold for the data as they were.
_CHECKSUMS: Final = (b"CHECKSUM=", b"DATASUM =")

# Characters of a text that goes on in another card.
_TEXT: Final = 67

Value = str | int | float | bool


def keyword(header: bytes, name: str) -> Value | None:
    """Return the value of the first card of this name, None where there is none."""
    bare = name.encode("latin-1")
    key = bare.ljust(8) + b"="
    # Without the blanks, of which headers are full, the search is several times faster.
    sought = bare if len(bare) > 4 else key
    at = header.find(sought)
    while at >= 0:
        if at % CARD == 0 and header.startswith(key, at):
            return value(header[at : at + CARD])
        at = header.find(sought, at + 1)
    return None


def value(card: bytes) -> Value | None:
    """Return the value of a card: text, number or logical; None where it cannot be read."""
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
    if "_" in text:  # valid in Python's numbers, not in those of FITS
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
    header: bytes,
    name: str,
    low: int,
    high: int,
    *,
    index: int,
    path: str,
    default: int | None = None,
) -> int:
    """Return an integer that a header must hold, between `low` and `high`.

    Raises
    ------
    ReadError
        If it is missing (and there is no `default`) or is anything else.
    """
    value = keyword(header, name)
    if value is None and default is not None and header.find(name.encode()) < 0:
        return default
    if type(value) is not int or not low <= value <= high:
        raise damaged(index, f"{name} is {value!r}", path)
    return value


def damaged(index: int, what: str, path: str) -> ReadError:
    """Return the error of a header that contradicts the standard, or itself."""
    return ReadError(f"the header of HDU {index} is damaged: {what}; fetch it again", path)


def natural(card: bytes, name: bytes) -> int | None:
    """Return the non-negative integer of a card that must be `name`, None for any other."""
    if not card.startswith(name):
        return None
    value = card[len(name) :].partition(b"/")[0].strip()
    return int(value) if value.isdigit() else None


def header_end(text: bytes | bytearray, start: int = 0) -> int:
    """Return where the header that begins at `start` ends, behind END; -1 without END."""
    at = start
    while (at := text.find(END, at)) >= 0 and (at - start) % CARD:
        at += 1
    return at + CARD if at >= 0 else -1


def split(cards: bytes) -> list[bytes]:
    """Return the single cards."""
    return [cards[at : at + CARD] for at in range(0, len(cards), CARD)]


def without_end(header: bytes) -> bytes:
    """Return the cards before END."""
    end = header_end(header)
    return header if end < 0 else header[: end - CARD]


def without_checksums(cards: bytes) -> bytes:
    """Return cards without the checksums, for data that have been changed."""
    return b"".join(card for card in split(cards) if not card.startswith(_CHECKSUMS))


def card(key: str, value: Value, comment: str = "") -> bytes:
    """Return a card in fixed format; a text that is too long for one goes on in further ones.

    A comment is cut where it does not fit.
    """
    if isinstance(value, str):
        text = value.replace("'", "''")
        if len(text) > _TEXT + 1:
            return _continued(key, text)
        text = f"'{text:8}'" if text else "''"
    else:
        text = f"{'FT'[value] if isinstance(value, bool) else value:>20}"
    text = f"{key:8}= {text}"
    if comment:
        text = f"{text:30} / {comment}"
    return text[:CARD].ljust(CARD).encode("ascii")


def _continued(key: str, text: str) -> bytes:
    """Return a text, its quotes doubled, by the convention for long strings."""
    lines = []
    head = f"{key:8}= "
    while len(text) > _TEXT:
        end = text.rfind(" ", 0, _TEXT) + 1 or _TEXT
        if (end - len(text[:end].rstrip("'"))) % 2:  # not between the two quotes of one
            end -= 1
        lines.append(f"{head}'{text[:end]}&'".ljust(CARD))
        head, text = "CONTINUE  ", text[end:]
    lines.append(f"{head}'{text}'".ljust(CARD))
    return "".join(lines).encode("ascii")


def padded_header(cards: bytes) -> bytes:
    """Return a header with END, in whole blocks."""
    return _blocks(cards + END, b" ")


def padded(data: bytes) -> bytes:
    """Return data in whole blocks."""
    return _blocks(data, b"\0")


def _blocks(content: bytes, fill: bytes) -> bytes:
    return content.ljust(-(-len(content) // BLOCK) * BLOCK, fill)
