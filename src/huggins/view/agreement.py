"""How far two inspectors agree."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from huggins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggins.view.inspections import Inspection

_C: Final = 299792.458  # km/s
#: Redshifts that differ by more than this are two different ones, km/s.
SAME_VELOCITY: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two inspectors on the spectra that both have seen.

    Attributes
    ----------
    scanners
        Their names.
    keys
        Spectra both have seen.
    kappa, low, high
        Cohen's kappa of the class, and its 95 % interval; NaN where it is not defined.
    differ
        Keys of spectra on which they differ in class or redshift.
    redshifts_differ
        How many of these differ in redshift.
    """

    scanners: tuple[str, str]
    keys: tuple[str, ...]
    kappa: float
    low: float
    high: float
    differ: tuple[str, ...]
    redshifts_differ: int


def agreement(inspections: Sequence[Inspection], first: str, second: str) -> Agreement:
    """Compare two inspectors.

    Raises
    ------
    InputError
        If one of them has inspected nothing.
    """
    by = {
        name: {i.key: i for i in inspections if i.scanner == name} for name in (first, second)
    }
    for name, seen in by.items():
        if not seen:
            raise InputError(f"{name!r} has inspected nothing in this set")
    keys = tuple(key for key in by[first] if key in by[second])
    pairs = [(by[first][key], by[second][key]) for key in keys]
    kappa, error = cohen([(a.cls, b.cls) for a, b in pairs])
    apart = [_apart(a.z, b.z) for a, b in pairs]
    differ = tuple(
        key for key, (a, b), z in zip(keys, pairs, apart, strict=True) if z or a.cls != b.cls
    )
    low, high = max(kappa - 1.96 * error, -1.0), min(kappa + 1.96 * error, 1.0)
    return Agreement((first, second), keys, kappa, low, high, differ, sum(apart))


def merge(inspections: Sequence[Inspection], *scanners: str) -> list[Inspection]:
    """Put the inspections of two people together, as DESI does (Lan et al. 2023, section 3).

    Where both give the same class and redshift, the mean redshift and the lower quality count,
    and flags and comments of both; where one has not looked, the other's answer; where they
    differ nothing does, because a third look has to decide.

    Raises
    ------
    InputError
        If there are not two people.
    """
    if len(scanners) != 2:
        raise InputError("two inspectors are needed to merge their answers")
    first, second = scanners
    result = agreement(inspections, first, second)
    differ = set(result.differ)
    by: dict[str, list[Inspection]] = {}
    for inspection in inspections:
        if inspection.scanner in scanners and inspection.key not in differ:
            by.setdefault(inspection.key, []).append(inspection)
    return [_joined(pair) for pair in by.values()]


def _joined(pair: list[Inspection]) -> Inspection:
    if len(pair) == 1:
        return pair[0]
    one, other = pair
    z = None if one.z is None or other.z is None else 0.5 * (one.z + other.z)
    comments = [c for c in (one.comment, other.comment) if c]
    return replace(
        one,
        scanner=f"{one.scanner}+{other.scanner}",
        quality=min(one.quality, other.quality),
        z=z,
        issues="".join(sorted(set(one.issues + other.issues))),
        comment="; ".join(comments)[:500],
    )


def cohen(pairs: Sequence[tuple[str, str]]) -> tuple[float, float]:
    """Return Cohen's kappa and its standard error.

    kappa = (p - e) / (1 - e), with p the fraction of equal answers and e what chance would give
    (Cohen 1960); error sqrt(p (1 - p) / n) / (1 - e) (Fleiss, Cohen and Everitt 1969, the
    simple form). NaN where there are no pairs or all answers are one and the same.
    """
    count = len(pairs)
    if not count:
        return math.nan, math.nan
    same = sum(a == b for a, b in pairs) / count
    names = {name for pair in pairs for name in pair}
    chance = (
        sum(
            sum(a == name for a, _ in pairs) * sum(b == name for _, b in pairs)
            for name in names
        )
        / count**2
    )
    if chance >= 1.0:
        return math.nan, math.nan
    return (same - chance) / (1.0 - chance), math.sqrt(same * (1.0 - same) / count) / (
        1.0 - chance
    )


def _apart(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is not other
    return abs(one - other) / (1.0 + 0.5 * (one + other)) * _C > SAME_VELOCITY
