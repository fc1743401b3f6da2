"""What a table of results comes to: classes, warnings, failures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.plurals import counted
from huggins.quality import names
from huggins.taxonomy import BROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from huggins.inference.folders import LeftOuts
    from huggins.inference.table import Rows

# Reasons and files that are listed.
_LISTED: Final = 10


@dataclass(slots=True)
class Counts:
    """What rows of results say, counted.

    Attributes
    ----------
    rows, failed : int
        Rows, and how many of them are failed inputs.
    classes : Counter of str
        Rows by CLASS, empty where nothing was said; without failed inputs.
    warnings : Counter of int
        Rows by ZWARNING; without failed inputs.
    reasons : Counter of str
        Failed inputs by ERROR.
    """

    rows: int = 0
    failed: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    warnings: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, rows: Rows) -> None:
        """Count rows."""
        errors = rows.texts["ERROR"]
        bad = np.array([bool(error) for error in errors], dtype=bool)
        self.rows += len(rows)
        self.failed += int(bad.sum())
        self.reasons.update(filter(None, errors))
        self.classes.update(
            cls for cls, error in zip(rows.texts["CLASS"], errors, strict=True) if not error
        )
        values, counts = np.unique(rows.numbers["ZWARNING"][~bad], return_counts=True)
        self.warnings.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))

    def counting(self, parts: Iterable[Rows]) -> Iterator[Rows]:
        """Yield the same rows, counted as they pass."""
        for rows in parts:
            self.add(rows)
            yield rows

    def lines(self) -> Iterator[str]:
        """Yield the summary, line by line: by class, by bit of ZWARNING, failures by reason."""
        if self.rows > self.failed:
            found = [f"{self.classes[c]} {c}" for c in BROAD_CLASSES if self.classes[c]]
            found += [f"{self.classes['']} without a class"] if self.classes[""] else []
            yield f"classes: {', '.join(found)}"
            bits: Counter[str] = Counter()
            for value, count in self.warnings.items():
                bits.update(dict.fromkeys(names(value), count))
            said = ", ".join(f"{count} {name}" for name, count in bits.most_common())
            yield f"ZWARNING: {self.warnings[0]} without a warning{said and f'; {said}'}"
        for reason, count in self.reasons.most_common(_LISTED):
            yield f"{count} failed: {reason}"
        if len(self.reasons) > _LISTED:
            yield f"and for {counted(len(self.reasons) - _LISTED, 'other reason')}"


def left_out_lines(left_out: LeftOuts) -> Iterator[str]:
    """Yield what to say of files in folders that were left out, the likely spectra first."""
    if not left_out.count:
        return
    hold = "holds" if left_out.count == 1 else "hold"
    was = "was" if left_out.count == 1 else "were"
    yield (
        f"{counted(left_out.count, 'file in folders')} {hold} no spectra that can be read and "
        f"{was} left out (--left-out gives each its row)"
    )
    files = sorted(left_out.files, key=lambda file: not file.spectral)
    for file in files[:_LISTED]:
        looks = " (looks like a spectrum)" if file.spectral else ""
        yield f"left out: {file.path}{looks}: {file.reason}"
    if left_out.count > _LISTED:
        yield f"and {left_out.count - _LISTED} more"
