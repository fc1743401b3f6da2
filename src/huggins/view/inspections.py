"""What people saw: inspections in an SQLite file beside the table, safe at every moment.

Each inspection is a row that is never changed: the newest of a scanner counts, an undo marks
their newest. Write-ahead logging keeps the file whole when the process is killed.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from huggins.errors import InputError, OutputError
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: Flags, as in DESI's visual inspections: redshift, class, spectrum.
ISSUES: Final = "RCS"
QUALITIES: Final = range(5)
_COMMENT_MAX: Final = 500
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS inspection (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,          -- FILE[INDEX] of the spectrum
    scanner TEXT NOT NULL,
    class TEXT NOT NULL,        -- one of the 13 or empty
    quality INTEGER NOT NULL,   -- 0 (no signal) to 4 (certain)
    z REAL,
    issues TEXT NOT NULL,       -- letters of RCS
    comment TEXT NOT NULL,
    date TEXT NOT NULL,         -- UTC
    undone INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS by_key ON inspection (key, scanner, id);
"""
_NEWEST: Final = """
SELECT key, scanner, class, quality, z, issues, comment, date FROM inspection
WHERE id IN (SELECT MAX(id) FROM inspection WHERE undone = 0 GROUP BY key, scanner)
ORDER BY id
"""
_OF_ONE: Final = """
SELECT key, scanner, class, quality, z, issues, comment, date FROM inspection
WHERE id IN (SELECT MAX(id) FROM inspection WHERE undone = 0 AND key = ? GROUP BY scanner)
ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What one person says of one spectrum.

    Attributes
    ----------
    key
        ``FILE[INDEX]`` of the spectrum.
    scanner
        Who looked.
    cls
        One of the 13 classes; empty: none of them.
    quality
        0 (no signal) to 4 (certain).
    z
        Redshift; None where none can be given.
    issues
        Letters of `ISSUES`.
    comment
    date
        UTC, ISO 8601.
    """

    key: str
    scanner: str
    cls: str
    quality: int
    z: float | None
    issues: str = ""
    comment: str = ""
    date: str = ""

    def __post_init__(self) -> None:
        if self.cls not in ("", *CLASSES):
            raise InputError(
                f"{self.cls!r} is none of the classes {', '.join(CLASSES)} (or empty)"
            )
        if self.quality not in QUALITIES:
            raise InputError(f"quality is a whole number from 0 to 4, not {self.quality!r}")
        if set(self.issues) - set(ISSUES):
            raise InputError(f"flags are letters of {ISSUES}, not {self.issues!r}")
        if self.z is not None and not -1.0 < self.z < 20.0:
            raise InputError(f"a redshift lies between -1 and 20, not at {self.z!r}")
        if len(self.comment) > _COMMENT_MAX:
            raise InputError(f"a comment has at most {_COMMENT_MAX} characters")

    def to_json(self) -> dict[str, Any]:
        """Return it as the page knows it."""
        values = asdict(self)
        values["class"] = values.pop("cls")
        return values


class Inspections:
    """All inspections of a set.

    Parameters
    ----------
    path
        The SQLite file; made, where it is missing, with the first inspection.
    scanner
        Who looks, where a page does not say another name.
    blind
        Whether what others say stays hidden from each of them.

    Raises
    ------
    OutputError
        If the file cannot be opened or is no such file, or cannot be made there.
    """

    def __init__(self, path: Path, scanner: str, *, blind: bool = False) -> None:
        self.path, self.scanner, self.blind = path, scanner, blind
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None
        home = path.absolute().parent
        if path.exists():
            self._made()
        elif not home.is_dir():
            raise self._refusal(f"{home} is no folder")
        elif not os.access(home, os.W_OK):
            raise self._refusal(f"{home} may not be written to")

    def _refusal(self, why: object) -> OutputError:
        return OutputError(
            f"{self.path}: inspections cannot be kept there ({why}): name another place with "
            "--inspections"
        )

    def _made(self) -> sqlite3.Connection:
        """Return the open file, made where it is missing."""
        if self._open is None:
            try:
                file = sqlite3.connect(self.path, check_same_thread=False, timeout=20.0)
                file.execute("PRAGMA journal_mode=WAL")
                file.execute("PRAGMA synchronous=FULL")
                file.executescript(_SCHEMA)
            except sqlite3.Error as error:
                raise self._refusal(error) from error
            self._open = file
        return self._open

    def _rows(self, query: str, *values: str) -> list[Any]:
        """Return rows; none before the file is made, here or by another process."""
        with self._lock:
            if self._open is None and not self.path.exists():
                return []
            return self._made().execute(query, values).fetchall()

    def add(self, inspection: Inspection) -> Inspection:
        """Store an inspection; it is on the disk when this returns."""
        stored = Inspection(
            **(asdict(inspection) | {"date": datetime.now(UTC).isoformat(timespec="seconds")})
        )
        self.extend([stored])
        return stored

    def extend(self, inspections: Iterable[Inspection]) -> int:
        """Store many at once, all or none; returns how many."""
        rows = [
            (i.key, i.scanner, i.cls, i.quality, i.z, i.issues, i.comment, i.date)
            for i in inspections
        ]
        with self._lock:
            file = self._made()
            try:
                with file:
                    file.executemany(
                        "INSERT INTO inspection (key, scanner, class, quality, z, issues, "
                        "comment, date) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                        rows,
                    )
            except sqlite3.Error as error:
                raise OutputError(f"{self.path}: not stored: {error}") from error
        return len(rows)

    def undo(self, scanner: str = "") -> str | None:
        """Take back a scanner's newest inspection; return its key, None without one."""
        if self._open is None and not self.path.exists():
            return None
        with self._lock, self._made() as file:
            row = file.execute(
                "SELECT id, key FROM inspection WHERE scanner = ? AND undone = 0 "
                "ORDER BY id DESC LIMIT 1",
                (scanner or self.scanner,),
            ).fetchone()
            if row is None:
                return None
            file.execute("UPDATE inspection SET undone = 1 WHERE id = ?", (row[0],))
            key: str = row[1]
            return key

    def newest(self) -> list[Inspection]:
        """Return the newest inspection of every spectrum by every scanner, oldest first."""
        return [Inspection(*row) for row in self._rows(_NEWEST)]

    def visible(self, scanner: str = "") -> dict[str, Inspection]:
        """Return what a scanner may see, by key: their own before that of others."""
        return self._seen_by(scanner or self.scanner, self.newest())

    def of(self, key: str, scanner: str = "") -> Inspection | None:
        """Return what a scanner may see of one spectrum; None where that is nothing."""
        found = [Inspection(*row) for row in self._rows(_OF_ONE, key)]
        return self._seen_by(scanner or self.scanner, found).get(key)

    def _seen_by(self, scanner: str, inspections: list[Inspection]) -> dict[str, Inspection]:
        found: dict[str, Inspection] = {}
        for inspection in inspections:
            mine = inspection.scanner == scanner
            if mine or (not self.blind and inspection.key not in found):
                found[inspection.key] = inspection
        return found

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._open is not None:
                self._open.close()
