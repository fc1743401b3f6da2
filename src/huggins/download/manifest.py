"""The manifest of a download: what became of every file, on disk as it happens."""

from __future__ import annotations

import csv
import os
import sqlite3
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Final, Literal

from huggins.errors import OutputError
from huggins.runs.locks import lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path
    from types import TracebackType

#: Name of the manifest in the folder of the download.
NAME: Final = "manifest.sqlite"
#: Version of the table below.
SCHEMA: Final = 1

Status = Literal["done", "absent", "failed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a file.

    Attributes
    ----------
    path : str
        Below the folder of the download.
    url : str
        Where it was asked for.
    source : str
        Where it came from in the end: another address where it has moved.
    status : str
        ``done``, ``absent`` (no server has it) or ``failed``.
    reason : str
        Why it is not done.
    size, sha256 : int, str
        Of what the archive sent.
    kept_size, kept_sha256 : int, str
        Of what is on disk: less where the file was shrunk on arrival.
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


class Manifest:
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
        try:
            self._lock: FileIO = (folder / ".manifest.lock").open("wb", buffering=0)
        except OSError as error:
            raise OutputError(f"{folder}: cannot be written: {error.strerror}") from error
        try:
            if not lock(self._lock):
                raise OutputError(
                    f"{folder}: another huggins is downloading into this folder: wait for it, "
                    "or name another one"
                )
            self._base = self._opened()
        except BaseException:
            self._lock.close()
            raise

    def _opened(self) -> sqlite3.Connection:
        try:
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
        except sqlite3.Error as error:
            raise self._trouble(error) from error
        return base

    def get(self, path: str) -> Entry | None:
        """Return what became of a file; None where nothing is known of it."""
        try:
            row = self._base.execute("SELECT * FROM files WHERE path = ?", (path,)).fetchone()
        except sqlite3.Error as error:
            raise self._trouble(error) from error
        return None if row is None else Entry(*row)

    def put(self, entry: Entry) -> None:
        """Write what became of a file, in place of what is known of it."""
        try:
            self._base.execute(_PUT, astuple(entry))
            self._pending += 1
            if self._pending >= 64:
                self.commit()
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def commit(self) -> None:
        """Make sure that what was written is on disk."""
        self._pending = 0
        try:
            self._base.commit()
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def kept(self) -> int:
        """Return the bytes of all files that are done."""
        row = self._base.execute("SELECT SUM(kept_size) FROM files WHERE status = 'done'")
        return int(row.fetchone()[0] or 0)

    def missing(self, since: str) -> Iterator[Entry]:
        """Yield the files that are not done and were asked for at this time or after."""
        yield from (
            Entry(*row)
            for row in self._base.execute(
                "SELECT * FROM files WHERE status != 'done' AND \"when\" >= ? ORDER BY path",
                (since,),
            )
        )

    def write_missing(self, path: Path, since: str) -> int:
        """List what is not done and why, as CSV, and return how many that are.

        The file is removed where nothing is missing.
        """
        temporary = path.with_name(f".{path.name}.tmp")
        count = 0
        try:
            with temporary.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(("path", "url", "status", "reason"))
                for entry in self.missing(since):
                    writer.writerow((entry.path, entry.url, entry.status, entry.reason))
                    count += 1
            if count:
                temporary.replace(path)
            else:
                temporary.unlink()
                path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
        return count

    def close(self) -> None:
        """Write what is to be written and let others at the folder."""
        try:
            self.commit()
        finally:
            self._base.close()
            self._lock.close()

    def __enter__(self) -> Manifest:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _trouble(self, error: sqlite3.Error) -> OutputError:
        return OutputError(
            f"{self.path}: the manifest cannot be used ({error}): free space, or move it away "
            "to begin a new one (files that it knew of are fetched again)"
        )


def size_on_disk(path: Path) -> int:
    """Return the size of a file, -1 where there is none."""
    try:
        return os.stat(path).st_size  # noqa: PTH116 (five million times)
    except OSError:
        return -1
