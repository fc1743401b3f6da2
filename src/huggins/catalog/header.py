"""Headers of FITS files, as far as a table's layout needs them.

Cards are read one by one and what cannot be understood is left out, so that a damaged card is
an error just where its value is asked for. FITS Standard 4.0, section 4.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from huggins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Bytes of a block, which every header and every data unit fills up.
BLOCK: Final = 2880
_CARD: Final = 80
_MOST: Final = 16 * 1024**2
_TEXT: Final = re.compile(r"\s*'((?:[^']|'')*)'")
_WORD: Final = re.compile(r"\s*([^\s/]+)")


class Header:
    """Values of one header by keyword.

    Parameters
    ----------
    cards
        The header's bytes.
    path
        The file, for messages.
    """

    def __init__(self, cards: bytes, path: str) -> None:
        self._path = path
        self._values: dict[str, str] = {}
        for start in range(0, len(cards), _CARD):
            card = cards[start : start + _CARD].decode("ascii", "replace")
            if card[8:10] != "= ":
                continue
            found = _TEXT.match(card, 10) or _WORD.match(card, 10)
            if found:
                value = found.group(1).replace("''", "'").rstrip()
                self._values.setdefault(card[:8].rstrip(), value)

    def text(self, key: str) -> str:
        """Return a text without blanks behind it; empty if it is not there."""
        return self._values.get(key, "")

    def whole(self, key: str, least: int, most: int, *, default: int | None = None) -> int:
        """Return a whole number.

        Raises
        ------
        InputError
            If it is missing and has no default, is no whole number or beyond its bounds.
        """
        word = self._values.get(key)
        if word is None and default is not None:
            return default
        if word is None or not re.fullmatch(r"[+-]?\d{1,19}", word):
            raise self._damaged(key)
        number = int(word)
        if not least <= number <= most:
            raise self._damaged(key)
        return number

    def real(self, key: str, default: float) -> float:
        """Return a number.

        Raises
        ------
        InputError
            If it is there and no number.
        """
        word = self._values.get(key)
        if word is None:
            return default
        try:
            return float(word.upper().replace("D", "E"))
        except ValueError:
            raise self._damaged(key) from None

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def _damaged(self, key: str) -> InputError:
        said = f"{key} = {self._values[key]!r}" if key in self._values else f"no {key}"
        return InputError(f"{self._path}: a damaged FITS header ({said}); fetch it again")


def read_header(
    fill: Callable[[memoryview], int], path: str, *, first: bool
) -> tuple[Header, int]:
    """Return the next header and how many bytes it fills; 0 at the end of the file.

    Parameters
    ----------
    fill
        Reads into a buffer and returns how many bytes came.
    path
        The file, for messages.
    first
        Whether it is the first of the file.

    Raises
    ------
    InputError
        If there is no header where one must be, or it has no end.
    """
    cards = bytearray()
    block = bytearray(BLOCK)
    while True:
        if fill(memoryview(block)) < BLOCK:
            if cards or first:
                what = "a truncated FITS file" if cards else "no FITS file"
                raise InputError(f"{path}: is {what}: fetch it again")
            return Header(b"", path), 0
        if first and not cards and not block.startswith(b"SIMPLE  ="):
            raise InputError(f"{path}: is no FITS file")
        cards += block
        if any(block[i : i + _CARD].rstrip() == b"END" for i in range(0, BLOCK, _CARD)):
            return Header(bytes(cards), path), len(cards)
        if len(cards) > _MOST:
            raise InputError(f"{path}: a FITS header without end; fetch it again")
