"""Number of targets by class and trust."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.plurals import counted
from huggins.taxonomy import BROAD, CLASSES

if TYPE_CHECKING:
    from huggins.catalog.targets import Targets

#: Values of TRUST, from certain to unknown.
TRUSTS: Final = (3, 2, 1, 0)


@dataclass(frozen=True, slots=True)
class Count:
    """Targets of one class.

    Attributes
    ----------
    broad
        CLASS; empty if unknown.
    name
        SUBCLASS; empty if unknown.
    total
        Number of targets.
    by_trust
        Number of targets at each of `TRUSTS`.
    """

    broad: str
    name: str
    total: int
    by_trust: tuple[int, ...]


def count_classes(targets: Targets) -> list[Count]:
    """Count the targets of each of the 13 classes, then those of unknown type."""
    words = targets.words
    broad, sub, trust = (targets.get(name) for name in ("CLASS", "SUBCLASS", "TRUST"))
    counts = []
    rows = [(BROAD[name], name) for name in CLASSES]
    rows += [(name, "") for name in ("QSO", "STAR", "GALAXY", "")]
    for class_name, name in rows:
        mine = (broad == words.code(class_name)) & (sub == words.code(name))
        by_trust = tuple(int(np.count_nonzero(mine & (trust == t))) for t in TRUSTS)
        total = int(np.count_nonzero(mine))
        if name or total:
            counts.append(Count(class_name, name, total, by_trust))
    return counts


def report(targets: Targets) -> str:
    """Return the counts as a table of text, with the number of objects and disagreements."""
    lines = [
        f"{'CLASS':8}{'SUBCLASS':10}{'all':>10}"
        + "".join(f"{f'trust {t}':>10}" for t in TRUSTS)
    ]
    for count in count_classes(targets):
        name = count.name or "-"
        lines.append(
            f"{count.broad or '-':8}{name:10}{count.total:10d}"
            + "".join(f"{n:10d}" for n in count.by_trust)
        )
    objects = len(np.unique(targets.get("OBJECT")))
    lines.append(f"{counted(len(targets), 'spectrum')} of {counted(objects, 'object')}")
    conflicts = targets.get("CONFLICT")
    for code in np.unique(conflicts[conflicts != 0]).tolist():
        number = int(np.count_nonzero(conflicts == code))
        lines.append(f"tables disagree in {targets.words.word(code)}: {number}")
    notes = targets.get("NOTE")
    for code in np.unique(notes[notes != 0]).tolist():
        number = int(np.count_nonzero(notes == code))
        lines.append(f"{targets.words.word(code)}: {number}")
    return "\n".join(lines)
