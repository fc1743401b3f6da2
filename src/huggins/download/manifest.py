"""The manifest of a download: the status of every file, on disk as it changes.

A user may read it with any SQLite during a run, so it keeps SQLite's own locks, unlike
`huggins.runs.database.Database`.
"""

from __future__ import annotations

import csv
import os
import sqlite3
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Final, Literal

from huggins.errors import OutputError
from huggins.runs.closing import Closing
from huggins.runs.files import replacing
from huggins.runs.locks import claim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Name of the manifest in the folder of the download.
NAME: Final = "manifest.sqlite"
#: Version of the table below.
SCHEMA: Final = 1

#: Columns of the list of what is missing.
MISSING_COLUMNS: Final = ("path", "url", "status", "reason")

Status = Literal["done", "absent", "failed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """The status of a file.

    Attributes
    ----------
    path : str
        Below the folder of the download.
    url : str
        Address that was requested.
    source : str
        Address after all redirections.
    status : str
        ``done``, ``absent`` (no server has it) or ``failed``.
    reason : str
        Why it is not done.
    size, sha256 : int, str
        Of what the archive sent.
    kept_size, kept_sha256 : int, str
        Of the file on disk, which is smaller if it was shrunk on arrival.
    when : str
        UTC.
    """

    path: str
    url: str
    source: str
    status: Status
    reason: str
    size: int
    sha256: str
    kept_size: int
    kept_sha256: str
    when: str


_COLUMNS: Final = tuple(column.name for column in fields(Entry))
_PUT: Final = f"REPLACE INTO files VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608


class Manifest(Closing):
    """The manifest, open for one process.

    Parameters
    ----------
    folder
        Of the download; it exists.

    Raises
    ------
    OutputError
        If another process downloads into this folder, or the manifest is damaged, of another
        version, or cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._pending = 0
        self._claim = claim(folder / ".manifest.lock", folder)
        try:
            self._base = self._opened()
        except BaseException:
            self._claim.close()
            raise

    def _opened(self) -> sqlite3.Connection:
        with self._checked():
            base = sqlite3.connect(self.path)
            base.execute("PRAGMA journal_mode=TRUNCATE")
            base.execute("PRAGMA synchronous=NORMAL")
            version = base.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, SCHEMA):
                base.close()
                raise OutputError(
                    f"{self.path}: of version {version}, this huggins writes {SCHEMA}: use the "
                    "huggins that wrote it, or name another folder"
                )
            kinds = ", ".join(
                f'"{name}" {"INTEGER" if "size" in name else "TEXT"} NOT NULL'
                for name in _COLUMNS
            )
            base.execute(
                f"CREATE TABLE IF NOT EXISTS files ({kinds}, PRIMARY KEY (path)) WITHOUT ROWID"
            )
            base.execute(f"PRAGMA user_version={SCHEMA}")
            base.commit()
        return base

    def get(self, path: str) -> Entry | None:
        """Return the status of a file; None if it is unknown."""
        with self._checked():
            row = self._base.execute("SELECT * FROM files WHERE path = ?", (path,)).fetchone()
        return None if row is None else Entry(*row)

    def put(self, entry: Entry) -> None:
        """Store the status of a file."""
        with self._checked():
            self._base.execute(_PUT, astuple(entry))
        self._pending += 1
        if self._pending >= 64:
            self.commit()

    def commit(self) -> None:
        """Write all changes to disk."""
        self._pending = 0
        with self._checked():
            self._base.commit()

    def kept(self) -> int:
        """Return the bytes of all files that are done."""
        row = self._base.execute("SELECT SUM(kept_size) FROM files WHERE status = 'done'")
        return int(row.fetchone()[0] or 0)

    def write_missing(self, path: Path, since: str) -> None:
        """List the files that were requested since a time and are not done, as CSV.

        The list is removed if nothing is missing.
        """
        rows = self._base.execute(
            "SELECT path, url, status, reason FROM files "
            "WHERE status != 'done' AND \"when\" >= ? ORDER BY path",
            (since,),
        )
        first = rows.fetchone()
        if first is None:
            path.unlink(missing_ok=True)
            return
        with replacing(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(MISSING_COLUMNS)
            writer.writerow(first)
            writer.writerows(rows)

    def close(self) -> None:
        """Write all changes and release the folder."""
        try:
            self.commit()
        finally:
            self._base.close()
            self._claim.close()

    @contextmanager
    def _checked(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise OutputError(
                f"{self.path}: the manifest cannot be used ({error}): free space, or move it "
                "away to start a new one (the files in it are fetched again)"
            ) from error


def size_on_disk(path: Path) -> int:
    """Return the size of a file, -1 where there is none."""
    try:
        return os.stat(path).st_size  # noqa: PTH116 (five million times)
    except OSError:
        return -1
