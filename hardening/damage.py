"""Damage to files: cuts, flipped bits, lies in headers, numbers that are none.

All of it comes from one `random.Random`, so that a seed repeats a run.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

# Sizes and places at which programs have failed before.
_NUMBERS: Final = (
    *(0, 1, -1, 2, 3, 7, 127, 128, 255, 256, 2880, 32767, 32768, 65535, 65536),
    *(2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**53, 2**63 - 1, -(2**31), -(2**63)),
)
_WORDS: Final = (
    *("", "nan", "inf", "-inf", "1e400", "-1e400", "1e-400", "--", "N/A", "T", "F", "null"),
    *(
        "0x10",
        "1_0",
        "1,5",
        "1D5",
        "9" * 25,
        "9" * 5000,
        "\x00",
        "\u00b5",
        "[]",
        "{}",
        "'",
        '"',
    ),
)
_FORMS: Final = (
    *("1PE(99)", "1PD(2147483647)", "1QE(9)", "0E", "999999999E", "1J", "1K", "8X", "3A", "1C"),
    *("1M", "E", "D", "1PA(3)", "1PB", "PX", "1L", "99999999999999999999D", "-1E"),
)
_KEYS: Final = (
    *(b"NAXIS", b"NAXIS1", b"NAXIS2", b"PCOUNT", b"GCOUNT", b"TFIELDS", b"BITPIX", b"THEAP"),
    *(b"TSCAL1", b"TZERO1", b"TNULL1", b"TDIM1", b"BSCALE", b"BZERO", b"BLANK", b"CRVAL1"),
    *(b"CDELT1", b"CD1_1", b"CRPIX1", b"COEFF0", b"COEFF1", b"DC-FLAG", b"CTYPE1", b"CUNIT1"),
    *(
        b"ZIMAGE",
        b"ZNAXIS",
        b"ZNAXIS1",
        b"ZTILE1",
        b"ZCMPTYPE",
        b"EXTNAME",
        b"TFORM1",
        b"TUNIT1",
    ),
    *(b"WAT2_001", b"WAT1_001", b"CTYPE2", b"PV1_0", b"SIMPLE", b"XTENSION"),
)
_TOKEN: Final = re.compile(rb"[-+]?[0-9][0-9.eE+-]*")
_CARD: Final = 80


def damaged(content: bytes, random: Random) -> bytes:
    """Return a copy with one to four damages."""
    ways = _FITS if content.startswith(b"SIMPLE") else _ANY
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        if content:
            content = random.choice(ways)(content, random)
    return content


def _place(content: bytes, random: Random) -> int:
    """Places in the first part are likelier: headers are there."""
    return random.randrange(len(content) if random.random() < 0.5 else min(len(content), 4096))


def _cut(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content))]


def _flip(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    return content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :]


def _set(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    value = random.choice(b"0123456789 ATEJKDPQ'/=-.+<>{}[],;\n\r\t\x00\xff")
    return content[:at] + bytes([value]) + content[at + 1 :]


def _remove(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    return content[:at] + content[at + random.choice((1, 2, 8, 80, 512, 2880)) :]


def _repeat(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    piece = content[at : at + random.choice((1, 4, 80, 512, 2880))]
    return content[:at] + piece * random.choice((2, 3, 50)) + content[at + len(piece) :]


def _noise(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    size = random.choice((1, 4, 16, 100))
    return content[:at] + random.randbytes(size) + content[at + size :]


def _integer(content: bytes, random: Random) -> bytes:
    """Write an extreme number in binary, as a size or an offset may stand there."""
    at = _place(content, random)
    size = random.choice((1, 2, 4, 8))
    number = random.choice(_NUMBERS) % 256**size
    piece = number.to_bytes(size, random.choice(("big", "little")))
    return content[:at] + piece + content[at + size :]


def _real(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    value = random.choice((float("nan"), float("inf"), -float("inf"), 1e38, -1e38, 1e-45, 0.0))
    piece = struct.pack(random.choice("<>") + random.choice("fd"), value)
    return content[:at] + piece + content[at + len(piece) :]


def _token(content: bytes, random: Random) -> bytes:
    """Replace a number in text by another, or by a word."""
    found = _TOKEN.search(content, _place(content, random))
    if found is None:
        return _set(content, random)
    if random.random() < 0.5:
        word = str(random.choice(_NUMBERS)).encode()
    else:
        word = random.choice(_WORDS).encode()
    return content[: found.start()] + word + content[found.end() :]


def _line(content: bytes, random: Random) -> bytes:
    """Remove, repeat or swap lines."""
    lines = content.split(b"\n")
    one, two = random.randrange(len(lines)), random.randrange(len(lines))
    way = random.randrange(3)
    if way == 0:
        del lines[one]
    elif way == 1:
        lines.insert(one, lines[two])
    else:
        lines[one], lines[two] = lines[two], lines[one]
    return b"\n".join(lines)


def _card(content: bytes, random: Random) -> bytes:
    """Let a card of a FITS header lie."""
    cards = [m.start() for m in re.finditer(rb"=", content[:40_000]) if m.start() % _CARD == 8]
    if not cards:
        return _set(content, random)
    at = random.choice(cards) - 8
    key = content[at : at + 8]
    way = random.randrange(5)
    if way == 0:
        key = random.choice(_KEYS).ljust(8)
    if way == 1:
        return content[:at] + b" " * _CARD + content[at + _CARD :]
    if key.startswith(b"TFORM") and random.random() < 0.7:
        value = f"'{random.choice(_FORMS):8}'"
    elif way == 2:
        value = random.choice(_WORDS)[:60]
    else:
        value = f"{random.choice(_NUMBERS):>20}"
    text = value.encode("latin-1", "replace")
    return content[:at] + (key + b"= " + text).ljust(_CARD)[:_CARD] + content[at + _CARD :]


_ANY: Final[tuple[Callable[[bytes, Random], bytes], ...]] = (
    _cut, _flip, _set, _remove, _repeat, _noise, _integer, _real, _token, _token, _line,
)  # fmt: skip
_FITS: Final = (*_ANY, _card, _card, _card, _card, _card)
