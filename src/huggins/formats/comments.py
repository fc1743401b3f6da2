"""What a file says in its comments: air or vacuum, rest frame, the unit of the flux."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_AXIS: Final = re.compile(r"wave|lambda|angstrom|λ")
_REST: Final = re.compile(
    r"\brest[-_ ]*frame\b|\brest[-_ ]*(?:wave|lambda)|\bat rest\b|\bde-?redshifted\b"
)
# Frames of the observer, and what is at rest without the spectrum being so.
_NOT_REST: Final = re.compile(
    r"\bnot\b|\bno\b|observ|helio|bary|solar|geocentr|topocentr|telescope|\blsr|equivalent|"
    r"\blines?\b|selected|\bews?\b"
)
_JANSKY: Final = re.compile(r"\b(m|u|µ|μ|n|micro|milli|nano)?[- ]?(?:jy|janskys?)\b")
_HERTZ: Final = re.compile(
    r"\bf_?nu\b|fν|/ ?hz\b|\bper (?:hz|hertz|unit frequency)\b|\bhz ?\^?-1"
)
_PER_LENGTH: Final = re.compile(
    r"f_?lam|fλ|\bper (?:angstrom|unit wavelength)|/ ?(?:a|aa|å|angstrom|nm|um)\b|"
    r"\b(?:a|aa|å|angstrom) ?\^?-1"
)
_PREFIX: Final = {
    "": "", "m": "m", "u": "u", "µ": "u", "μ": "u", "n": "n", "micro": "u", "milli": "m",
    "nano": "n",
}  # fmt: skip


def said_air(lines: Iterable[str]) -> bool | None:
    """Return whether comments say that wavelengths are in air; None where they do not."""
    said = set()
    for line in lines:
        words = line.lower()
        if "wave" not in words and "lambda" not in words and "angstrom" not in words:
            continue
        if re.search(r"\bair\b", words) and not re.search(r"air\s*mass|air to vac", words):
            said.add(True)
        if re.search(r"\bvac(?:uum)?\b", words):
            said.add(False)
    return said.pop() if len(said) == 1 else None


def said_rest(lines: Iterable[str]) -> bool:
    """Whether comments say that wavelengths are at rest.

    A line says so that speaks of wavelengths, or of nothing else ("rest frame").
    """
    for line in lines:
        words = line.lower()
        if not _REST.search(words) or _NOT_REST.search(words):
            continue
        if _AXIS.search(words) or len(re.findall(r"\w+", words)) <= 5:
            return True
    return False


def said_flux_unit(lines: Iterable[str]) -> str:
    """Return the unit per frequency in which comments say that the flux is; else nothing.

    Jy with its prefix, or ``erg / (s cm2 Hz)`` for any other unit per frequency.
    """
    said = set()
    for line in lines:
        for clause in re.split(r"[,;]", line.lower()):
            match = re.search(r"\bflux|\bf_?nu\b|fν", clause)
            if match is None:
                continue
            words = clause[match.start() :]
            jansky = _JANSKY.search(words)
            if _PER_LENGTH.search(words):
                said.add("")
            elif jansky:
                said.add(f"{_PREFIX[jansky[1] or '']}Jy")
            elif _HERTZ.search(words):
                said.add("erg / (s cm2 Hz)")
    return said.pop() if len(said) == 1 else ""
