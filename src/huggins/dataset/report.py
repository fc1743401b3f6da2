"""The list of what is not in the file, and why."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from huggins.runs.files import temporary_path

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


#: Columns of the list.
SKIPPED: Final = ("file", "index", "reason")


def write_skipped(path: Path, skipped: Iterable[tuple[str, int, str]]) -> dict[str, int]:
    """List what is not in the file and why, as CSV; return how many times each reason comes.

    The list is removed where nothing is skipped.
    """
    reasons: dict[str, int] = {}
    with temporary_path(path) as temporary:
        with temporary.open(
            "w", newline="", encoding="utf-8", errors="surrogateescape"
        ) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(SKIPPED)
            for name, index, reason in skipped:
                writer.writerow((name, index, reason))
                reasons[reason] = reasons.get(reason, 0) + 1
        if not reasons:
            temporary.unlink()
            path.unlink(missing_ok=True)
    return reasons
